#include "flow/params.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"
#include "base/time.h"
#include "flow/reader.h"
#include "value/json.h"

namespace tidemill::flow {
namespace {

std::string shown_json(const Json& json) { return printable(json.dump(), 60); }

tl::unexpected<Error> wrong(const Param& param, const Json& given, std::string_view expected) {
  return fail(Code::kInvalid, fmt::format("param '{}': found {}, expected {}", param.name,
                                          shown_json(given), expected));
}

// YYYY-MM-DD
bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  return parse_rfc3339(fmt::format("{}T00:00:00Z", text)).has_value();
}

Result<Json> check_timestamp(const Param& param, const Json& given) {
  constexpr std::string_view kForm = "a time such as \"2026-03-01T02:00:00Z\"";
  if (!given.is_string()) return wrong(param, given, kForm);
  auto time = parse_rfc3339(given.as_string());
  // SQL's text of a TIMESTAMP has no zone; it is UTC.
  if (!time) time = parse_rfc3339(given.as_string() + "Z");
  if (!time) return wrong(param, given, kForm);
  return Json(format_rfc3339(*time));
}

// A timestamp's text as SQL reads it: "2026-03-01 02:00:00".
value::Value timestamp_value(const Json& json) {
  auto const time =
      json.is_string() ? parse_rfc3339(json.as_string()) : Result<Time>(fail(Code::kInvalid, ""));
  if (!time) return value::Value::null(value::Type(value::Kind::kTimestamp));
  return value::Value::of_int(value::Type(value::Kind::kTimestamp), time->us);
}

value::Value date_value(const Json& json) {
  value::Type const type(value::Kind::kDate);
  if (!json.is_string() || !is_date(json.as_string())) return value::Value::null(type);
  auto const midnight = parse_rfc3339(json.as_string() + "T00:00:00Z");
  return value::Value::of_int(type, midnight->us / (86'400LL * 1'000'000));
}

value::Value param_value(ParamType type, const Json& json) {
  value::Type const sql = sql_type(type);
  if (type == ParamType::kJson) return value::Value::bytes(sql, json.dump());
  if (json.is_null()) return value::Value::null(sql);
  switch (type) {
    case ParamType::kString:
      return value::Value::text(json.is_string() ? json.as_string() : json.dump());
    case ParamType::kInteger:
      return json.is_int() ? value::Value::bigint(json.as_int()) : value::Value::null(sql);
    case ParamType::kNumber:
      return json.is_number() ? value::Value::real(json.as_double()) : value::Value::null(sql);
    case ParamType::kBoolean:
      return json.is_bool() ? value::Value::boolean(json.as_bool()) : value::Value::null(sql);
    case ParamType::kDate:
      return date_value(json);
    case ParamType::kTimestamp:
      return timestamp_value(json);
    case ParamType::kJson:
      break;
  }
  return value::Value::null(sql);
}

std::vector<std::string> names_of(const std::vector<Param>& params) {
  std::vector<std::string> names;
  for (const Param& param : params) names.push_back(param.name);
  return names;
}

}  // namespace

value::Type sql_type(ParamType type) {
  switch (type) {
    case ParamType::kString:
      return value::Type(value::Kind::kVarchar);
    case ParamType::kInteger:
      return value::Type(value::Kind::kInt64);
    case ParamType::kNumber:
      return value::Type(value::Kind::kDouble);
    case ParamType::kBoolean:
      return value::Type(value::Kind::kBool);
    case ParamType::kDate:
      return value::Type(value::Kind::kDate);
    case ParamType::kTimestamp:
      return value::Type(value::Kind::kTimestamp);
    case ParamType::kJson:
      return value::Type(value::Kind::kJson);
  }
  return {};
}

Result<Json> check_param(const Param& param, const Json& given) {
  if (param.type == ParamType::kJson) return given;
  if (given.is_null()) {
    if (param.otherwise && param.otherwise->is_null()) return given;
    return wrong(param, given, word(param.type));
  }
  switch (param.type) {
    case ParamType::kString:
      if (!given.is_string()) return wrong(param, given, "text in quotes");
      return given;
    case ParamType::kInteger:
      if (!given.is_int()) return wrong(param, given, "a whole number of at most 64 bits");
      return given;
    case ParamType::kNumber:
      if (!given.is_number()) return wrong(param, given, "a number");
      return Json(given.as_double());
    case ParamType::kBoolean:
      if (!given.is_bool()) return wrong(param, given, "true or false");
      return given;
    case ParamType::kDate:
      if (!given.is_string() || !is_date(given.as_string())) {
        return wrong(param, given, "a date such as \"2026-03-01\"");
      }
      return given;
    case ParamType::kTimestamp:
      return check_timestamp(param, given);
    case ParamType::kJson:
      break;
  }
  return given;
}

Result<Json> check_params(const Flow& flow, const Json& given) {
  if (!given.is_object() && !given.is_null()) {
    return fail(
        Code::kInvalid,
        fmt::format("params: found {}, expected an object of names and values", given.kind()));
  }
  if (given.is_object()) {
    std::vector<std::string> const names = names_of(flow.params);
    for (const auto& [name, value] : given.as_object()) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      std::string const near = did_you_mean(name, names);
      return fail(
          Code::kInvalid,
          fmt::format("flow '{}' has no param '{}'{} {}", flow.name.value, printable(name, 60),
                      near.empty() ? ";" : near,
                      names.empty() ? "it has none" : fmt::format("it has: {}", some_of(names))));
    }
  }
  Json::Object checked;
  for (const Param& param : flow.params) {
    const Json* found = given.find(param.name);
    if (found == nullptr && !param.otherwise) {
      return fail(Code::kInvalid, fmt::format("flow '{}' needs the param '{}' ({}), which was not "
                                              "given and has no default",
                                              flow.name.value, param.name, word(param.type)));
    }
    TIDEMILL_TRY_LET(value, check_param(param, found == nullptr ? *param.otherwise : *found));
    checked.emplace_back(param.name, std::move(value));
  }
  Json all(std::move(checked));
  if (size_t const bytes = all.dump().size(); bytes > kMaxParamBytes) {
    return fail(Code::kExhausted,
                fmt::format("params of {} bytes; at most {} are accepted", bytes, kMaxParamBytes));
  }
  return all;
}

Result<Json> param_from_text(const Param& param, std::string_view text) {
  switch (param.type) {
    case ParamType::kString:
    case ParamType::kDate:
    case ParamType::kTimestamp:
      return check_param(param, Json(text));
    default:
      break;
  }
  auto const parsed = parse_json(text);
  if (!parsed) return wrong(param, Json(text), word(param.type));
  return check_param(param, *parsed);
}

value::Batch params_table(const std::vector<Param>& declared, const Json& params) {
  std::vector<std::pair<std::string, value::Type>> columns;
  std::vector<value::Value> row;
  static const Json kNull;
  for (const Param& param : declared) {
    columns.emplace_back(param.name, sql_type(param.type));
    const Json* found = params.find(param.name);
    row.push_back(param_value(param.type, found == nullptr ? kNull : *found));
  }
  value::Batch table = value::Batch::empty(std::move(columns));
  table.append_row(row);
  return table;
}

}  // namespace tidemill::flow
