// SQL types. Their names print as DuckDB prints them: INTEGER, DECIMAL(2,1), VARCHAR[], ...
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tidemill::value {

enum class Kind : uint8_t {
  kNull,  // the type of a bare NULL, before anything gives it another
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kInt128,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kUint128,
  kFloat,
  kDouble,
  kDecimal,  // up to 38 digits, held as a scaled int128
  kVarchar,
  kBlob,
  kDate,         // int32 days since 1970-01-01
  kTime,         // int64 microseconds since midnight
  kTimestamp,    // int64 microseconds since 1970-01-01 00:00:00, no zone
  kTimestampTz,  // int64 microseconds since 1970-01-01T00:00:00Z
  kInterval,     // months, days, microseconds
  kJson,         // JSON text
  kList,
  kStruct,
  kMap,
};
inline constexpr int kKindCount = static_cast<int>(Kind::kMap) + 1;

// A value type: cheap to copy, compared by content.
class Type {
 public:
  using Fields = std::vector<std::pair<std::string, Type>>;

  Type() = default;  // the untyped NULL
  Type(Kind kind) : kind_(kind) {}
  static Type decimal(int precision, int scale);
  static Type list(Type element);
  static Type structure(Fields fields);
  static Type map(Type key, Type element);

  Kind kind() const { return kind_; }
  int precision() const { return precision_; }  // of a decimal: 1..38
  int scale() const { return scale_; }          // of a decimal: 0..precision
  const Type& element() const;                  // of a list, or the value type of a map
  const Type& key() const;                      // of a map
  const Fields& fields() const;                 // of a struct

  bool is_integer() const { return kind_ >= Kind::kInt8 && kind_ <= Kind::kUint128; }
  bool is_unsigned() const { return kind_ >= Kind::kUint8 && kind_ <= Kind::kUint128; }
  bool is_numeric() const { return kind_ >= Kind::kInt8 && kind_ <= Kind::kDecimal; }
  bool is_floating() const { return kind_ == Kind::kFloat || kind_ == Kind::kDouble; }
  bool is_text() const { return kind_ == Kind::kVarchar || kind_ == Kind::kJson; }
  bool is_nested() const { return kind_ >= Kind::kList; }
  bool is_bytes() const { return is_text() || kind_ == Kind::kBlob; }

  // "INTEGER", "DECIMAL(18,3)", "STRUCT(a INTEGER)", "MAP(VARCHAR, BIGINT)"; "\"NULL\"" untyped.
  std::string name() const;

  bool operator==(const Type& other) const;

 private:
  Kind kind_ = Kind::kNull;
  uint8_t precision_ = 0;
  uint8_t scale_ = 0;
  std::shared_ptr<const Fields> children_;
};

// The type that a name of DuckDB or one of its aliases means ("int4", "TEXT", "decimal(9,2)",
// "integer[]", "STRUCT(a INTEGER)"). An unknown name is an error with the nearest valid one.
Result<Type> parse_type(std::string_view text);

// The kind of a simple name ("int4", "text"), or kNull and false.
bool kind_of_name(std::string_view name, Kind* kind);
// Every simple name that kind_of_name accepts, lower case.
const std::vector<std::string_view>& simple_type_names();

// Bytes that one element takes in flat storage: 1, 2, 4, 8 or 16; text and nested types 16 and 8
// (a string_view, a pointer) in registers.
int storage_width(Kind kind);

}  // namespace tidemill::value
