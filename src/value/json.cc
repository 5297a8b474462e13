#include "value/json.h"

#include <cmath>

#include "base/text.h"
#include "value/date.h"
#include "value/decimal.h"
#include "value/number_text.h"

namespace tidemill::value {
namespace {

tl::unexpected<Error> mismatch(const Json& json, const Type& type) {
  return fail(Code::kInvalid, fmt::format("found {} {}, expected a value of type {}", json.kind(),
                                          printable(json.dump(), 60), type.name()));
}

Json integer_to_json(int128 n, bool is_unsigned) {
  if (!is_unsigned && n >= INT64_MIN && n <= INT64_MAX) return Json(static_cast<int64_t>(n));
  if (uint128(n) <= UINT64_MAX) return Json(static_cast<uint64_t>(uint128(n)));
  return Json(is_unsigned ? format_uint128(uint128(n)) : format_int128(n));
}

Json map_to_json(const Value& map) {
  Json object = Json::object();
  const auto& items = map.items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    object.set(items[i].to_text(), value_to_json(items[i + 1]));
  }
  return object;
}

template <Integer T>
Result<Value> integer_from_json(const Json& json, const Type& type) {
  if (json.is_int()) {
    TIDEMILL_TRY_LET(n, integer_cast<T>(json.as_int()));
    return Value::of_int(type, int128(n));
  }
  if (json.is_uint()) {
    TIDEMILL_TRY_LET(n, integer_cast<T>(json.as_uint()));
    return Value::of_int(type, int128(n));
  }
  if (!json.is_string()) return mismatch(json, type);
  TIDEMILL_TRY_LET(n, parse_integer<T>(json.as_string()));
  return Value::of_int(type, int128(n));
}

Result<Value> floating_from_json(const Json& json, const Type& type) {
  double d = 0;
  if (json.is_number()) {
    d = json.as_double();
  } else if (json.is_string()) {
    TIDEMILL_TRY_LET(parsed, parse_double(json.as_string()));
    d = parsed;
  } else {
    return mismatch(json, type);
  }
  return type.kind() == Kind::kFloat ? Value::single(static_cast<float>(d)) : Value::real(d);
}

Result<std::string> blob_bytes(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const bool whole = i + 3 < text.size() && text[i + 1] == 'x' && digit(text[i + 2]) >= 0 &&
                       digit(text[i + 3]) >= 0;
    if (!whole) {
      return fail(Code::kInvalid, fmt::format("BLOB text '{}': expected \\xNN at byte {}",
                                              printable(text, 60), i + 1));
    }
    out += static_cast<char>(digit(text[i + 2]) * 16 + digit(text[i + 3]));
    i += 3;
  }
  return out;
}

template <class T>
Result<Value> counted(const Type& type, Result<T> parsed) {
  if (!parsed) return fail(std::move(parsed).error());
  if constexpr (requires { parsed->days; }) {
    return Value::of_int(type, parsed->days);
  } else {
    return Value::of_int(type, parsed->us);
  }
}

Result<Value> text_form_from_json(const std::string& text, const Type& type) {
  switch (type.kind()) {
    case Kind::kVarchar:
      return Value::text(text);
    case Kind::kBlob: {
      TIDEMILL_TRY_LET(bytes, blob_bytes(text));
      return Value::bytes(type, std::move(bytes));
    }
    case Kind::kDecimal: {
      TIDEMILL_TRY_LET(n, parse_decimal(text, {uint8_t(type.precision()), uint8_t(type.scale())}));
      return Value::of_int(type, n);
    }
    case Kind::kDate:
      return counted(type, parse_date(text));
    case Kind::kTime:
      return counted(type, parse_time(text));
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return counted(type, parse_timestamp(text));
    default: {
      TIDEMILL_TRY_LET(interval, parse_interval(text));
      return Value::interval(interval);
    }
  }
}

Result<Value> list_from_json(const Json& json, const Type& type) {
  if (!json.is_array()) return mismatch(json, type);
  std::vector<Value> items;
  for (const Json& item : json.as_array()) {
    TIDEMILL_TRY_LET(value, value_from_json(item, type.element()));
    items.push_back(std::move(value));
  }
  return Value::nested(type, std::move(items));
}

Result<Value> struct_from_json(const Json& json, const Type& type) {
  if (!json.is_object() || json.as_object().size() != type.fields().size()) {
    return mismatch(json, type);
  }
  std::vector<Value> items;
  for (const auto& [name, field] : type.fields()) {
    const Json* member = json.find(name);
    if (member == nullptr) return mismatch(json, type);
    TIDEMILL_TRY_LET(value, value_from_json(*member, field));
    items.push_back(std::move(value));
  }
  return Value::nested(type, std::move(items));
}

Result<Value> map_from_json(const Json& json, const Type& type) {
  if (!json.is_object()) return mismatch(json, type);
  std::vector<Value> items;
  for (const auto& [name, member] : json.as_object()) {
    TIDEMILL_TRY_LET(key, value_from_json(Json(name), type.key()));
    TIDEMILL_TRY_LET(value, value_from_json(member, type.element()));
    items.push_back(std::move(key));
    items.push_back(std::move(value));
  }
  return Value::nested(type, std::move(items));
}

Result<Value> number_from_json(const Json& json, const Type& type) {
  switch (type.kind()) {
    case Kind::kInt8:
      return integer_from_json<int8_t>(json, type);
    case Kind::kInt16:
      return integer_from_json<int16_t>(json, type);
    case Kind::kInt32:
      return integer_from_json<int32_t>(json, type);
    case Kind::kInt64:
      return integer_from_json<int64_t>(json, type);
    case Kind::kInt128:
      return integer_from_json<int128>(json, type);
    case Kind::kUint8:
      return integer_from_json<uint8_t>(json, type);
    case Kind::kUint16:
      return integer_from_json<uint16_t>(json, type);
    case Kind::kUint32:
      return integer_from_json<uint32_t>(json, type);
    case Kind::kUint64:
      return integer_from_json<uint64_t>(json, type);
    case Kind::kUint128:
      return integer_from_json<uint128>(json, type);
    default:
      return floating_from_json(json, type);
  }
}

// What infer_table makes of one JSON value.
Value inferred(const Json& json) {
  if (json.is_null()) return Value();
  if (json.is_bool()) return Value::boolean(json.as_bool());
  if (json.is_int()) return Value::bigint(json.as_int());
  if (json.is_uint()) return Value::of_int(Kind::kUint64, json.as_uint());
  if (json.is_double()) return Value::real(json.as_double());
  if (json.is_string()) return Value::text(json.as_string());
  return Value::bytes(Kind::kJson, json.dump());
}

Type unified(const Type& a, const Type& b) {
  if (a == b || b.kind() == Kind::kNull) return a;
  if (a.kind() == Kind::kNull) return b;
  if (a.is_numeric() && b.is_numeric()) return Kind::kDouble;
  return Kind::kJson;
}

Value brought_to(const Value& value, const Json& json, const Type& type) {
  if (value.is_null()) return Value::null(type);
  if (value.type() == type) return value;
  if (type.kind() == Kind::kDouble) return Value::real(json.as_double());
  return Value::bytes(Kind::kJson, json.dump());
}

// A table of objects, one a row; columns in order of first appearance.
class ObjectTable {
 public:
  void add_row(const Json& object) {
    for (const auto& [name, member] : object.as_object()) {
      auto [at, is_new] = index_.emplace(name, names_.size());
      if (is_new) {
        names_.push_back(name);
        types_.emplace_back();
      }
      types_[at->second] = unified(types_[at->second], inferred(member).type());
    }
    rows_.push_back(&object);
  }

  Batch finish() {
    std::vector<Column> columns(types_.begin(), types_.end());
    for (const Json* row : rows_) {
      for (size_t i = 0; i < names_.size(); ++i) {
        const Json* member = row->find(names_[i]);
        if (member == nullptr) {
          columns[i].append_null();
        } else {
          columns[i].append(brought_to(inferred(*member), *member, types_[i]));
        }
      }
    }
    return Batch(std::make_shared<Batch::Names>(std::move(names_)), std::move(columns),
                 rows_.size());
  }

 private:
  std::vector<std::string> names_;
  std::vector<Type> types_;
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<const Json*> rows_;
};

Batch table_of_values(const Json::Array& values) {
  Type type;
  for (const Json& value : values) type = unified(type, inferred(value).type());
  Column column(type);
  for (const Json& value : values) column.append(brought_to(inferred(value), value, type));
  std::vector<Column> columns;
  columns.push_back(std::move(column));
  return Batch(std::make_shared<Batch::Names>(Batch::Names{"value"}), std::move(columns),
               values.size());
}

}  // namespace

Json value_to_json(const Value& value) {
  if (value.is_null()) return Json();
  const Type& type = value.type();
  switch (type.kind()) {
    case Kind::kBool:
      return Json(value.as_bool());
    case Kind::kFloat:
    case Kind::kDouble:
      if (!std::isfinite(value.as_double())) return Json(value.to_text());
      return Json(value.as_double());
    case Kind::kList: {
      Json array = Json::array();
      for (const Value& item : value.items()) array.push(value_to_json(item));
      return array;
    }
    case Kind::kStruct: {
      Json object = Json::object();
      for (size_t i = 0; i < type.fields().size(); ++i) {
        object.set(type.fields()[i].first, value_to_json(value.items()[i]));
      }
      return object;
    }
    case Kind::kMap:
      return map_to_json(value);
    case Kind::kJson: {
      auto parsed = parse_json(value.as_text());
      return parsed ? *std::move(parsed) : Json(value.as_text());
    }
    default:
      break;
  }
  if (type.is_integer()) return integer_to_json(value.as_int(), type.is_unsigned());
  return Json(value.to_text());
}

Result<Value> value_from_json(const Json& json, const Type& type) {
  if (json.is_null()) return Value::null(type);
  switch (type.kind()) {
    case Kind::kNull:
      return mismatch(json, type);
    case Kind::kBool:
      if (!json.is_bool()) return mismatch(json, type);
      return Value::boolean(json.as_bool());
    case Kind::kJson:
      return Value::bytes(type, json.dump());
    case Kind::kList:
      return list_from_json(json, type);
    case Kind::kStruct:
      return struct_from_json(json, type);
    case Kind::kMap:
      return map_from_json(json, type);
    default:
      break;
  }
  if (type.is_integer() || type.is_floating()) return number_from_json(json, type);
  if (!json.is_string()) return mismatch(json, type);
  return text_form_from_json(json.as_string(), type);
}

Json batch_to_json(const Batch& batch) {
  Json columns = Json::array();
  for (size_t i = 0; i < batch.width(); ++i) {
    Json column = Json::object();
    column.set("name", batch.name(i));
    column.set("type", batch.column(i).type().name());
    columns.push(std::move(column));
  }
  Json rows = Json::array();
  for (size_t row = 0; row < batch.rows(); ++row) {
    Json cells = Json::array();
    for (size_t i = 0; i < batch.width(); ++i) cells.push(value_to_json(batch.at(row, i)));
    rows.push(std::move(cells));
  }
  Json out = Json::object();
  out.set("columns", std::move(columns));
  out.set("rows", std::move(rows));
  return out;
}

Result<Batch> batch_from_json(const Json& json) {
  const Json* columns = json.find("columns");
  const Json* rows = json.find("rows");
  if (columns == nullptr || !columns->is_array() || rows == nullptr || !rows->is_array()) {
    return fail(Code::kInvalid,
                "a typed batch needs \"columns\" and \"rows\", each an array; found " +
                    printable(json.dump(), 80));
  }
  std::vector<std::pair<std::string, Type>> header;
  for (const Json& column : columns->as_array()) {
    const Json* name = column.find("name");
    if (name == nullptr || !name->is_string()) {
      return fail(Code::kInvalid, fmt::format("column {} has no \"name\"", header.size() + 1));
    }
    auto type = parse_type(column.text_or("type", ""));
    if (!type) return fail(type.error().in("column " + name->as_string()));
    header.emplace_back(name->as_string(), *type);
  }
  Batch batch = Batch::empty(header);
  for (const Json& row : rows->as_array()) {
    if (!row.is_array() || row.as_array().size() != header.size()) {
      return fail(Code::kInvalid, fmt::format("row {}: expected an array of {} values",
                                              batch.rows() + 1, header.size()));
    }
    std::vector<Value> values;
    for (size_t i = 0; i < header.size(); ++i) {
      auto value = value_from_json(row.as_array()[i], header[i].second);
      if (!value) {
        return fail(
            value.error().in(fmt::format("row {}, column {}", batch.rows() + 1, header[i].first)));
      }
      values.push_back(*std::move(value));
    }
    batch.append_row(values);
  }
  return batch;
}

Json row_to_json(const Batch& batch, size_t row) {
  Json::Object object;
  object.reserve(batch.width());
  for (size_t i = 0; i < batch.width(); ++i) {
    object.emplace_back(batch.name(i), value_to_json(batch.at(row, i)));
  }
  return Json(std::move(object));
}

Json rows_to_json(const Batch& batch) {
  Json rows = Json::array();
  for (size_t row = 0; row < batch.rows(); ++row) rows.push(row_to_json(batch, row));
  return rows;
}

Result<Batch> infer_table(const Json& json) {
  if (!json.is_array() && !json.is_object()) return table_of_values({json});
  ObjectTable table;
  if (json.is_object()) {
    table.add_row(json);
    return table.finish();
  }
  const Json::Array& items = json.as_array();
  const auto objects =
      std::count_if(items.begin(), items.end(), [](const Json& item) { return item.is_object(); });
  if (items.empty() || static_cast<size_t>(objects) != items.size()) return table_of_values(items);
  for (const Json& item : items) table.add_row(item);
  return table.finish();
}

}  // namespace tidemill::value
