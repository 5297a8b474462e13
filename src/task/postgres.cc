#include "task/postgres.h"

#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "value/json.h"

namespace tidemill::task {
namespace {

using io::PostgresType;

struct Pair {
  PostgresType type;
  value::Kind kind;
};
constexpr Pair kTypes[] = {
    {PostgresType::kBool, value::Kind::kBool},
    {PostgresType::kInt2, value::Kind::kInt16},
    {PostgresType::kInt4, value::Kind::kInt32},
    {PostgresType::kInt8, value::Kind::kInt64},
    {PostgresType::kFloat4, value::Kind::kFloat},
    {PostgresType::kFloat8, value::Kind::kDouble},
    {PostgresType::kBytea, value::Kind::kBlob},
    {PostgresType::kDate, value::Kind::kDate},
    {PostgresType::kTime, value::Kind::kTime},
    {PostgresType::kTimestamp, value::Kind::kTimestamp},
    {PostgresType::kTimestampTz, value::Kind::kTimestampTz},
    {PostgresType::kJson, value::Kind::kJson},
    {PostgresType::kJsonb, value::Kind::kJson},
};

Result<std::string> bytes_of(const std::string& hex) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  if (!hex.starts_with("\\x") || hex.size() % 2 != 0) {
    return fail(Code::kInternal, "a bytea that is not in hexadecimal form");
  }
  std::string bytes;
  for (size_t i = 2; i < hex.size(); i += 2) {
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return bytes;
}

Result<value::Value> value_of(const std::string& text, const value::Type& type) {
  switch (type.kind()) {
    case value::Kind::kVarchar:
      return value::Value::text(text);
    case value::Kind::kJson:
      return value::Value::bytes(type, text);
    case value::Kind::kBool:
      return value::Value::boolean(text == "t");
    case value::Kind::kBlob: {
      TIDEMILL_TRY_LET(bytes, bytes_of(text));
      return value::Value::bytes(type, std::move(bytes));
    }
    case value::Kind::kFloat:
    case value::Kind::kDouble: {
      std::string const word = to_lower_ascii(text);
      if (word == "nan" || word == "infinity" || word == "-infinity") {
        std::string const name = word == "nan" ? "nan" : word == "infinity" ? "inf" : "-inf";
        return value::value_from_json(Json(name), type);
      }
      TIDEMILL_TRY_LET(number, parse_json(text));
      return value::value_from_json(number, type);
    }
    case value::Kind::kInt16:
    case value::Kind::kInt32:
    case value::Kind::kInt64: {
      TIDEMILL_TRY_LET(number, parse_json(text));
      return value::value_from_json(number, type);
    }
    default:
      return value::value_from_json(Json(text), type);
  }
}

}  // namespace

io::PostgresParam postgres_param(const value::Value& value) {
  if (value.is_null()) return {};
  switch (value.type().kind()) {
    case value::Kind::kBool:
      return {PostgresType::kBool, value.as_bool() ? "t" : "f"};
    case value::Kind::kFloat:
    case value::Kind::kDouble:
      return {PostgresType::kFloat8, value.to_text()};
    case value::Kind::kDecimal:
      return {PostgresType::kNumeric, value.to_text()};
    case value::Kind::kDate:
      return {PostgresType::kDate, value.to_text()};
    case value::Kind::kTimestamp:
      return {PostgresType::kTimestamp, value.to_text()};
    case value::Kind::kTimestampTz:
      return {PostgresType::kTimestampTz, value.to_text()};
    case value::Kind::kBlob:
      return {PostgresType::kBytea, "\\x" + [&] {
                std::string hex;
                for (char c : value.as_text()) {
                  hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
                }
                return hex;
              }()};
    default:
      break;
  }
  if (value.type().is_integer()) {
    auto const number = value.as_int();
    bool const is_small = number >= INT32_MIN && number <= INT32_MAX;
    bool const is_big = number >= INT64_MIN && number <= INT64_MAX;
    return {is_small ? PostgresType::kInt4
            : is_big ? PostgresType::kInt8
                     : PostgresType::kNumeric,
            value.to_text()};
  }
  return {PostgresType::kUnknown, value.type().is_text() ? value.as_text() : value.to_text()};
}

value::Type postgres_type(const io::PostgresColumn& column) {
  for (const Pair& pair : kTypes) {
    if (pair.type == column.type) return pair.kind;
  }
  if (column.type != PostgresType::kNumeric) return value::Kind::kVarchar;
  // The modifier of numeric(p, s) is ((p << 16) | (s & 0x7FF)) + 4.
  int const packed = column.modifier - 4;
  int const precision = packed >> 16;
  int const scale = packed & 0x7FF;
  bool const fits = column.modifier >= 4 && precision >= 1 && precision <= 38 && scale <= precision;
  return fits ? value::Type::decimal(precision, scale) : value::Type(value::Kind::kDouble);
}

Result<value::Batch> postgres_table(const io::PostgresAnswer& answer) {
  std::set<std::string> names;
  value::Batch table;
  for (size_t c = 0; c < answer.columns.size(); ++c) {
    const io::PostgresColumn& column = answer.columns[c];
    if (!names.insert(to_lower_ascii(column.name)).second) {
      return fail(Code::kInvalid,
                  fmt::format("two columns are named '{}'; give one another name with AS",
                              printable(column.name, 60)));
    }
    value::Type const type = postgres_type(column);
    value::Column values(type);
    values.reserve(answer.rows.size());
    for (const auto& row : answer.rows) {
      if (!row[c]) {
        values.append_null();
        continue;
      }
      auto const value = value_of(*row[c], type);
      if (!value) {
        return fail(Code::kInvalid,
                    fmt::format("column '{}': '{}' is no value of {}; cast it to text in the query",
                                printable(column.name, 60), printable(*row[c], 60), type.name()));
      }
      values.append(*value);
    }
    table.add_column(column.name, std::move(values));
  }
  return table;
}

}  // namespace tidemill::task
