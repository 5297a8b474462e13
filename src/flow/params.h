// The params of a run against what the flow declares.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "flow/flow.h"
#include "value/batch.h"

namespace tidemill::flow {

inline constexpr size_t kMaxParamBytes = 1u << 20;  // of all params of a run as JSON

// `given` with every value checked against its type and brought to one form (numbers of a `number`
// param as doubles, timestamps as RFC 3339 in UTC), defaults filled in, in declared order. Refused:
// unknown names, missing ones, other types. NULL is a value of json, and of a param whose default
// is NULL.
Result<Json> check_params(const Flow& flow, const Json& given);
// One value.
Result<Json> check_param(const Param& param, const Json& given);
// A value from the text of a command line: "5" is a number for a number and text for a string.
Result<Json> param_from_text(const Param& param, std::string_view text);

// The SQL type that a param's column has.
value::Type sql_type(ParamType type);
// Checked params as the one-row table `params`.
value::Batch params_table(const std::vector<Param>& declared, const Json& params);

}  // namespace tidemill::flow
