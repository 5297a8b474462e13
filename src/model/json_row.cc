#include "model/json_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace tidemill::model {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

Result<double> json_feature(const FeatureNames& names, uint32_t feature, const Json& value) {
  if (value.is_null()) return kMissing;
  if (value.is_number()) {
    if (names.is_text(feature)) return names.code_of_number(feature, value.as_double());
    return value.as_double();
  }
  if (value.is_bool()) return value.as_bool() ? 1.0 : 0.0;
  if (!value.is_string()) {
    return fail(Code::kInvalid,
                fmt::format("a feature is a number, null or the text of a category, "
                            "found {}",
                            value.kind()));
  }
  if (!names.has_texts(feature)) {
    if (value.as_string() == "inf") return kInfinity;
    if (value.as_string() == "-inf") return -kInfinity;
  }
  return names.code(feature, value.as_string());
}

Status json_row_by_name(const FeatureNames& names, const Json& object, std::span<double> row) {
  if (!object.is_object()) {
    return fail(Code::kInvalid,
                fmt::format("expected an object of features, found {}", object.kind()));
  }
  std::fill(row.begin(), row.end(), kMissing);
  for (const auto& [name, value] : object.as_object()) {
    TIDEMILL_TRY_LET(feature, names.feature(name));
    TIDEMILL_TRY_LET(number, json_feature(names, feature, value));
    row[feature] = number;
  }
  return {};
}

Status json_row_by_order(const FeatureNames& names, const Json& array, std::span<double> row) {
  if (!array.is_array()) {
    return fail(Code::kInvalid,
                fmt::format("expected an array of features, found {}", array.kind()));
  }
  const auto& values = array.as_array();
  if (values.size() != row.size()) {
    return fail(Code::kInvalid, fmt::format("the row has {} values; the model has {} features",
                                            values.size(), row.size()));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    TIDEMILL_TRY_LET(number, json_feature(names, static_cast<uint32_t>(i), values[i]));
    row[i] = number;
  }
  return {};
}

}  // namespace tidemill::model
