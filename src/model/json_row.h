// Rows of a model given as JSON.
#pragma once

#include <span>

#include "base/json.h"
#include "base/result.h"
#include "model/feature_map.h"

namespace tidemill::model {

// One value for one feature: null = missing, a number, true or false as 1 or 0, the text of a
// category, or the words "inf" and "-inf" (which scoring then refuses, unlike the reader).
Result<double> json_feature(const FeatureNames& names, uint32_t feature, const Json& value);

// {"name": value, ...}; absent names are missing values, unknown names are refused. `row` has one
// entry per feature.
Status json_row_by_name(const FeatureNames& names, const Json& object, std::span<double> row);

// [value, ...] in the order of the model's features.
Status json_row_by_order(const FeatureNames& names, const Json& array, std::span<double> row);

}  // namespace tidemill::model
