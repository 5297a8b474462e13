#include "value/value.h"

#include <cmath>

#include "base/check.h"
#include "value/date.h"
#include "value/decimal.h"
#include "value/number_text.h"

namespace tidemill::value {
namespace {

// Text inside a list, struct or map is quoted only where it would be misread.
std::string nested_text(const Value& item) {
  if (item.is_null()) return "NULL";
  std::string text = item.to_text();
  if (!item.type().is_text()) return text;
  const bool plain = !text.empty() && text.find_first_of("{}[](),:=\"'\\") == std::string::npos &&
                     text.front() != ' ' && text.back() != ' ' && text != "NULL" && text != "null";
  if (plain) return text;
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string list_text(const Value& list) {
  std::string out = "[";
  for (const Value& item : list.items()) {
    if (out.size() > 1) out += ", ";
    out += nested_text(item);
  }
  return out + "]";
}

std::string struct_text(const Value& row) {
  std::string out = "{";
  const Type::Fields& fields = row.type().fields();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ", ";
    out += "'" + fields[i].first + "': " + nested_text(row.items()[i]);
  }
  return out + "}";
}

std::string map_text(const Value& map) {
  std::string out = "{";
  for (size_t i = 0; i + 1 < map.items().size(); i += 2) {
    if (i > 0) out += ", ";
    out += nested_text(map.items()[i]) + "=" + nested_text(map.items()[i + 1]);
  }
  return out + "}";
}

// Bytes outside printable ASCII as \xNN, as DuckDB shows a BLOB.
std::string blob_text(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    if (b < 0x20 || b >= 0x7f || b == '\\' || b == '\'' || b == '"') {
      out += fmt::format("\\x{:02X}", b);
    } else {
      out += c;
    }
  }
  return out;
}

template <class T>
int three_way(T a, T b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int compare_doubles(double a, double b) {
  const bool a_nan = std::isnan(a);
  const bool b_nan = std::isnan(b);
  if (a_nan || b_nan) return three_way(a_nan ? 1 : 0, b_nan ? 1 : 0);
  return three_way(a, b);
}

}  // namespace

Value Value::null(Type type) {
  Value v;
  v.type_ = std::move(type);
  return v;
}

Value Value::of_int(Type type, int128 n) {
  Value v;
  v.type_ = std::move(type);
  v.null_ = false;
  v.int_ = n;
  return v;
}

Value Value::boolean(bool b) { return of_int(Kind::kBool, b ? 1 : 0); }
Value Value::integer(int32_t n) { return of_int(Kind::kInt32, n); }
Value Value::bigint(int64_t n) { return of_int(Kind::kInt64, n); }

Value Value::real(double d) {
  Value v;
  v.type_ = Kind::kDouble;
  v.null_ = false;
  v.real_ = d;
  return v;
}

Value Value::single(float f) {
  Value v;
  v.type_ = Kind::kFloat;
  v.null_ = false;
  v.real_ = f;
  return v;
}

Value Value::text(std::string s) { return bytes(Kind::kVarchar, std::move(s)); }

Value Value::bytes(Type type, std::string s) {
  Value v;
  v.type_ = std::move(type);
  v.null_ = false;
  v.text_ = std::move(s);
  return v;
}

Value Value::interval(Interval i) {
  Value v;
  v.type_ = Kind::kInterval;
  v.null_ = false;
  const uint64_t high = (uint64_t(uint32_t(i.months)) << 32) | uint32_t(i.days);
  v.int_ = int128((uint128(high) << 64) | uint64_t(i.us));
  return v;
}

Value Value::nested(Type type, std::vector<Value> items) {
  Value v;
  v.type_ = std::move(type);
  v.null_ = false;
  v.items_ = std::make_shared<const std::vector<Value>>(std::move(items));
  return v;
}

const std::string& Value::as_text() const {
  TIDEMILL_CHECK(type_.is_bytes() && !null_);
  return text_;
}

Interval Value::as_interval() const {
  TIDEMILL_CHECK(type_.kind() == Kind::kInterval && !null_);
  const uint64_t high = uint64_t(uint128(int_) >> 64);
  return {int32_t(high >> 32), int32_t(uint32_t(high)), int64_t(uint64_t(uint128(int_)))};
}

const std::vector<Value>& Value::items() const {
  TIDEMILL_CHECK(type_.is_nested() && !null_);
  return *items_;
}

std::string Value::to_text() const {
  if (null_) return "NULL";
  switch (type_.kind()) {
    case Kind::kNull:
      return "NULL";
    case Kind::kBool:
      return std::string(format_bool(as_bool()));
    case Kind::kFloat:
      return format_float(static_cast<float>(real_));
    case Kind::kDouble:
      return format_double(real_);
    case Kind::kDecimal:
      return format_decimal(int_, {uint8_t(type_.precision()), uint8_t(type_.scale())});
    case Kind::kVarchar:
    case Kind::kJson:
      return text_;
    case Kind::kBlob:
      return blob_text(text_);
    case Kind::kDate:
      return format_date({int32_t(int_)});
    case Kind::kTime:
      return format_time({int64_t(int_)});
    case Kind::kTimestamp:
      return format_timestamp({int64_t(int_)});
    case Kind::kTimestampTz:
      return format_timestamptz({int64_t(int_)});
    case Kind::kInterval:
      return format_interval(as_interval());
    case Kind::kUint128:
      return format_uint128(uint128(int_));
    case Kind::kList:
      return list_text(*this);
    case Kind::kStruct:
      return struct_text(*this);
    case Kind::kMap:
      return map_text(*this);
    default:
      return format_int128(int_);
  }
}

bool Value::operator==(const Value& other) const {
  if (!(type_ == other.type_) || null_ != other.null_) return false;
  if (null_) return true;
  if (type_.is_nested()) return *items_ == *other.items_;
  if (type_.is_floating()) {
    return real_ == other.real_ || (std::isnan(real_) && std::isnan(other.real_));
  }
  return int_ == other.int_ && text_ == other.text_;
}

int compare(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return three_way(a.is_null() ? 1 : 0, b.is_null() ? 1 : 0);
  const Type& type = a.type();
  if (type.is_floating()) return compare_doubles(a.as_double(), b.as_double());
  if (type.is_bytes()) return a.as_text().compare(b.as_text());
  if (type.kind() == Kind::kInterval) {
    const auto order = a.as_interval() <=> b.as_interval();
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
  }
  if (type.kind() == Kind::kUint128) {
    return three_way(uint128(a.as_int()), uint128(b.as_int()));
  }
  if (!type.is_nested()) return three_way(a.as_int(), b.as_int());
  const auto& left = a.items();
  const auto& right = b.items();
  for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
    if (const int order = compare(left[i], right[i]); order != 0) return order;
  }
  return three_way(left.size(), right.size());
}

}  // namespace tidemill::value
