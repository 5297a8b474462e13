#include "sql/result_json.h"

#include <cmath>

#include "base/json.h"
#include "value/date.h"

namespace tidemill::sql {

using value::Interval;
using value::Kind;
using value::Type;
using value::Value;

namespace {

// "1 day, 0:30:00", "-1 day, 23:59:59", "0:00:05.250000".
std::string span_text(const Interval& interval) {
  constexpr int64_t kDay = 86'400'000'000;
  int64_t days = int64_t{interval.months} * 30 + interval.days + interval.us / kDay;
  int64_t us = interval.us % kDay;
  if (us < 0) {
    us += kDay;
    --days;
  }
  std::string out;
  if (days != 0) out = fmt::format("{} day{}, ", days, days == 1 || days == -1 ? "" : "s");
  const int64_t seconds = us / 1'000'000;
  out += fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (us % 1'000'000 != 0) out += fmt::format(".{:06}", us % 1'000'000);
  return out;
}

// A fraction of a second, if there is one, has six digits.
std::string with_six_digits(std::string text) {
  const size_t dot = text.rfind('.');
  if (dot == std::string::npos) return text;
  const size_t end = std::min(text.find_first_not_of("0123456789", dot + 1), text.size());
  return text.insert(end, 6 - std::min<size_t>(6, end - dot - 1), '0');
}

std::string time_text(const Value& value) {
  const auto n = static_cast<int64_t>(value.as_int());
  switch (value.type().kind()) {
    case Kind::kDate:
      if (n == INT32_MAX) return "9999-12-31";
      if (n == -INT32_MAX) return "0001-01-01";
      return value.to_text();
    case Kind::kTimestamp:
      if (n == INT64_MAX) return "9999-12-31 23:59:59.999999";
      if (n == -INT64_MAX) return "0001-01-01 00:00:00";
      return with_six_digits(value.to_text());
    case Kind::kTimestampTz:
      return with_six_digits(value.to_text()) + ":00";
    default:
      return with_six_digits(value.to_text());
  }
}

void append_items(std::string& out, const Value& value) {
  const Type& type = value.type();
  const auto& items = value.items();
  const bool is_list = type.kind() == Kind::kList;
  out += is_list ? '[' : '{';
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    if (type.kind() == Kind::kMap) {
      append_json_string(out, items[i].to_text());
      out += ':';
      ++i;
    } else if (type.kind() == Kind::kStruct) {
      append_json_string(out, type.fields()[i].first);
      out += ':';
    }
    append_value_json(out, items[i]);
  }
  out += is_list ? ']' : '}';
}

}  // namespace

void append_value_json(std::string& out, const Value& value) {
  if (value.is_null()) {
    out += "null";
    return;
  }
  const Type& type = value.type();
  if (type.is_nested()) return append_items(out, value);
  switch (type.kind()) {
    case Kind::kBool:
      out += value.as_bool() ? "true" : "false";
      return;
    case Kind::kFloat:
    case Kind::kDouble:
      if (std::isfinite(value.as_double())) {
        Json(value.as_double()).dump_to(out);
      } else {
        const double d = value.as_double();
        out += std::isnan(d) ? "\"nan\"" : (d > 0 ? "\"inf\"" : "\"-inf\"");
      }
      return;
    case Kind::kInterval:
      return append_json_string(out, span_text(value.as_interval()));
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return append_json_string(out, time_text(value));
    default:
      break;
  }
  if (type.is_integer()) {
    out += value.to_text();
  } else {
    append_json_string(out, value.to_text());
  }
}

std::string result_json(const value::Batch& batch) {
  std::string out = "{\"columns\":[";
  for (size_t i = 0; i < batch.width(); ++i) {
    if (i > 0) out += ',';
    out += "{\"name\":";
    append_json_string(out, batch.name(i));
    out += ",\"type\":";
    append_json_string(out, batch.column(i).type().name());
    out += '}';
  }
  out += "],\"rows\":[";
  for (size_t row = 0; row < batch.rows(); ++row) {
    out += row > 0 ? ",[" : "[";
    for (size_t i = 0; i < batch.width(); ++i) {
      if (i > 0) out += ',';
      append_value_json(out, batch.at(row, i));
    }
    out += ']';
  }
  return out + "]}";
}

}  // namespace tidemill::sql
