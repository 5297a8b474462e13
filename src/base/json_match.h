// Whether a document holds what somebody expects of it.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace tidemill {

// In what `found` differs from `expected`, one line each, empty if it does not: "decide.amount:
// found 5, expected 6". Of an object only the members that `expected` names count; lists are
// compared item by item; 1 equals 1.0.
std::vector<std::string> json_differences(const Json& found, const Json& expected,
                                          const std::string& path = "");

}  // namespace tidemill
