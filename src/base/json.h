// A JSON document. Objects keep the order of their members; integers stay integers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace tidemill {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool b) : data_(b) {}
  Json(int n) : data_(static_cast<int64_t>(n)) {}
  Json(unsigned n) : data_(static_cast<int64_t>(n)) {}
  Json(int64_t n) : data_(n) {}
  Json(uint64_t n) : data_(n) {
    if (n <= INT64_MAX) data_ = static_cast<int64_t>(n);
  }
  Json(double d) : data_(d) {}
  Json(const char* s) : data_(std::string(s)) {}
  Json(std::string s) : data_(std::move(s)) {}
  Json(std::string_view s) : data_(std::string(s)) {}
  Json(Array a) : data_(std::move(a)) {}
  Json(Object o) : data_(std::move(o)) {}

  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_int() const { return std::holds_alternative<int64_t>(data_); }
  bool is_uint() const { return std::holds_alternative<uint64_t>(data_); }  // above INT64_MAX only
  bool is_double() const { return std::holds_alternative<double>(data_); }
  bool is_number() const { return is_int() || is_uint() || is_double(); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  bool is_array() const { return std::holds_alternative<Array>(data_); }
  bool is_object() const { return std::holds_alternative<Object>(data_); }
  // "null", "boolean", "number", "string", "array", "object"
  std::string_view kind() const;

  // The value of that kind; the kind must be right.
  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_int() const { return std::get<int64_t>(data_); }
  uint64_t as_uint() const;
  double as_double() const;  // of any number
  const std::string& as_string() const { return std::get<std::string>(data_); }
  const Array& as_array() const { return std::get<Array>(data_); }
  Array& as_array() { return std::get<Array>(data_); }
  const Object& as_object() const { return std::get<Object>(data_); }
  Object& as_object() { return std::get<Object>(data_); }

  // The member of that name, or null if this is not an object or has none.
  const Json* find(std::string_view name) const;
  // Text, number or boolean of a member, or the default.
  std::string text_or(std::string_view name, std::string_view otherwise) const;
  int64_t int_or(std::string_view name, int64_t otherwise) const;

  // Adds or replaces a member; makes an object of a null.
  Json& set(std::string_view name, Json value);
  // Appends; makes an array of a null.
  Json& push(Json value);

  bool operator==(const Json&) const = default;

  // Compact, ASCII control characters escaped, doubles shortest that read back. NaN and infinities,
  // which JSON lacks, are written as the strings "nan", "inf", "-inf".
  std::string dump() const;
  void dump_to(std::string& out) const;
  // Two blanks an indent, for people.
  std::string pretty() const;

 private:
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> data_;
};

struct JsonLimits {
  size_t bytes = 64u << 20;
  size_t depth = 100;
};

// Strict RFC 8259: one document, UTF-8, no comments, no duplicate names within an object. The error
// names line and column.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

// Text as a JSON string, with quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace tidemill
