// Sentences about a call that did not succeed: what, where, why, what next. Pure.
#pragma once

#include <string>
#include <string_view>

#include "vendor/classify.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

// "vendor bureau.report: no answer within 3s after the request was sent. It may have been billed
// ..." `detail` is what classify() found; `tries` counts those made.
std::string explain(const Spec& spec, const Product& product, Class id, std::string_view detail,
                    int64_t tries);

}  // namespace tidemill::vendor
