#include "sql/cast.h"

#include "base/json.h"
#include "base/text.h"
#include "sql/lexer.h"
#include "sql/wrap.h"
#include "value/date.h"
#include "value/decimal.h"
#include "value/json.h"
#include "value/number_text.h"

namespace tidemill::sql {

using value::DecimalType;
using value::int128;
using value::Kind;
using value::Type;
using value::uint128;
using value::Value;

namespace {

struct CastKernel {
  Kernel kernel = nullptr;
  std::shared_ptr<const void> extra;
};

struct DecimalExtra {
  DecimalType from;
  DecimalType to;
};

DecimalType decimal_of(const Type& type) {
  return {uint8_t(type.precision()), uint8_t(type.scale())};
}

const DecimalExtra& decimal_extra(const Call& call) {
  return *static_cast<const DecimalExtra*>(call.extra);
}

// Numbers and booleans among themselves.
template <class From, class To>
Result<To> cast_number(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_same_v<From, bool>) {
    return x ? To(1) : To(0);
  } else if constexpr (value::Integer<From> && value::Integer<To>) {
    return value::integer_cast<To>(x);
  } else if constexpr (std::is_same_v<From, int128> && std::is_same_v<To, double>) {
    return value::double_from_int128(x);
  } else if constexpr (value::Integer<From>) {
    return static_cast<To>(x);
  } else if constexpr (std::is_same_v<From, double> && value::Integer<To>) {
    return value::integer_from_double<To>(x);
  } else if constexpr (std::is_same_v<From, float> && value::Integer<To>) {
    return value::integer_from_double<To>(static_cast<double>(x));
  } else if constexpr (std::is_same_v<From, double> && std::is_same_v<To, float>) {
    return value::float_from_double(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class From>
std::string number_text(From x) {
  if constexpr (std::is_same_v<From, bool>) {
    return std::string(value::format_bool(x));
  } else if constexpr (value::Integer<From>) {
    return value::format_integer(x);
  } else if constexpr (std::is_same_v<From, float>) {
    return value::format_float(x);
  } else {
    return value::format_double(x);
  }
}

template <class To>
Result<To> number_from_text(std::string_view text) {
  if constexpr (std::is_same_v<To, bool>) {
    return value::parse_bool(text);
  } else if constexpr (value::Integer<To>) {
    return value::parse_integer<To>(text);
  } else if constexpr (std::is_same_v<To, float>) {
    return value::parse_float(text);
  } else {
    return value::parse_double(text);
  }
}

template <class From>
Result<int128> decimal_from_number(const Call& call, From x) {
  const DecimalType to = decimal_extra(call).to;
  if constexpr (value::Integer<From> || std::is_same_v<From, bool>) {
    return value::decimal_from_integer(static_cast<int128>(x), to);
  } else {
    return value::decimal_from_double(x, to);
  }
}

template <class To>
Result<To> number_from_decimal(const Call& call, int128 x) {
  const int scale = decimal_extra(call).from.scale;
  if constexpr (std::is_same_v<To, bool>) {
    return x != 0;
  } else if constexpr (value::Integer<To>) {
    return value::decimal_to_integer<To>(x, scale);
  } else if constexpr (std::is_same_v<To, float>) {
    return value::decimal_to_float(x, scale);
  } else {
    return value::decimal_to_double(x, scale);
  }
}

// Calls f.operator()<T>() with the C++ type of a number or boolean; false for other kinds.
template <class F>
bool with_number(Kind kind, F&& f) {
  switch (kind) {
    case Kind::kBool:
      f.template operator()<bool>();
      return true;
    case Kind::kInt8:
      f.template operator()<int8_t>();
      return true;
    case Kind::kInt16:
      f.template operator()<int16_t>();
      return true;
    case Kind::kInt32:
      f.template operator()<int32_t>();
      return true;
    case Kind::kInt64:
      f.template operator()<int64_t>();
      return true;
    case Kind::kInt128:
      f.template operator()<int128>();
      return true;
    case Kind::kUint8:
      f.template operator()<uint8_t>();
      return true;
    case Kind::kUint16:
      f.template operator()<uint16_t>();
      return true;
    case Kind::kUint32:
      f.template operator()<uint32_t>();
      return true;
    case Kind::kUint64:
      f.template operator()<uint64_t>();
      return true;
    case Kind::kUint128:
      f.template operator()<uint128>();
      return true;
    case Kind::kFloat:
      f.template operator()<float>();
      return true;
    case Kind::kDouble:
      f.template operator()<double>();
      return true;
    default:
      return false;
  }
}

Kernel number_kernel(Kind from, Kind to) {
  Kernel kernel = nullptr;
  with_number(from, [&]<class From>() {
    with_number(to, [&]<class To>() { kernel = &wrap<&cast_number<From, To>>; });
  });
  return kernel;
}

Kernel decimal_kernel(Kind from, Kind to) {
  Kernel kernel = nullptr;
  if (from == Kind::kDecimal) {
    with_number(to, [&]<class To>() { kernel = &wrap<&number_from_decimal<To>>; });
  } else {
    with_number(from, [&]<class From>() { kernel = &wrap<&decimal_from_number<From>>; });
  }
  return kernel;
}

Result<int128> decimal_from_text(const Call& call, std::string_view text) {
  return value::parse_decimal(text, decimal_extra(call).to);
}
std::string decimal_text(const Call& call, int128 x) {
  return value::format_decimal(x, decimal_extra(call).from);
}
Result<int128> decimal_from_decimal(const Call& call, int128 x) {
  return value::rescale(x, decimal_extra(call).from, decimal_extra(call).to);
}

Result<std::string_view> json_from_text(std::string_view text) {
  if (auto json = parse_json(text); !json) {
    return fail(Code::kInvalid, "Conversion Error: Malformed JSON: " + json.error().message +
                                    "; input: \"" + printable(text, 60) + "\"");
  }
  return text;
}

std::string blob_text(std::string_view bytes) {
  return Value::bytes(Kind::kBlob, std::string(bytes)).to_text();
}

std::string_view same_bytes(std::string_view bytes) { return bytes; }

// What a cast from JSON works on: the text of a JSON scalar, nothing for null.
struct ViaText {
  Type from;
  Type to;
};

// Casts that go by a generic value: nested types, and JSON to everything but text.
Result<Value> cast_nested(const Value& value, const Type& to);

Result<Value> cast_json(const Value& json_value, const Type& to) {
  TIDEMILL_TRY_LET(json, parse_json(json_value.as_text()));
  if (json.is_null()) return Value::null(to);
  if (to.is_nested()) return value::value_from_json(json, to);
  if (json.is_array() || json.is_object()) {
    return fail(Code::kInvalid, fmt::format("Conversion Error: Failed to cast value to {}: found a "
                                            "JSON {}",
                                            to.name(), json.kind()));
  }
  const std::string text = json.is_string() ? json.as_string() : json.dump();
  return cast_value(Value::text(text), to);
}

void by_value(const Call& call, size_t n) {
  const auto& types = *static_cast<const ViaText*>(call.extra);
  for (size_t row = 0; row < n; ++row) {
    if (call.args[0].state_at(row) != kValueState) {
      call.out.state[row] = call.args[0].state_at(row);
      continue;
    }
    const Value from = value_at(types.from, call.args[0], row);
    Result<Value> to =
        types.from.kind() == Kind::kJson ? cast_json(from, types.to) : cast_nested(from, types.to);
    if (!to) {
      call.fail_row(row, to.error());
    } else {
      store_value(call.context->arena, types.to, call.out, row, *to);
    }
  }
}

Result<Value> cast_nested(const Value& value, const Type& to) {
  if (to.kind() == Kind::kVarchar) return Value::text(value.to_text());
  if (to.kind() == Kind::kJson) return Value::bytes(to, value::value_to_json(value).dump());
  std::vector<Value> items;
  for (size_t i = 0; i < value.items().size(); ++i) {
    const Type& item_type = to.kind() == Kind::kStruct ? to.fields()[i].second
                            : to.kind() == Kind::kMap  ? (i % 2 == 0 ? to.key() : to.element())
                                                       : to.element();
    TIDEMILL_TRY_LET(item, cast_value(value.items()[i], item_type));
    items.push_back(std::move(item));
  }
  return Value::nested(to, std::move(items));
}

void all_null(const Call& call, size_t n) { std::memset(call.out.state, kNullState, n); }

// Casts between kinds that are neither numbers nor nested.
struct PlainCast {
  Kind from;
  Kind to;
  Kernel kernel;
};

constexpr PlainCast kPlainCasts[] = {
    {Kind::kVarchar, Kind::kDate, &wrap<&value::parse_date>},
    {Kind::kVarchar, Kind::kTime, &wrap<&value::parse_time>},
    {Kind::kVarchar, Kind::kTimestamp, &wrap<&value::parse_timestamp>},
    {Kind::kVarchar, Kind::kTimestampTz, &wrap<&value::parse_timestamptz>},
    {Kind::kVarchar, Kind::kInterval, &wrap<&value::parse_interval>},
    {Kind::kVarchar, Kind::kBlob, &wrap<&same_bytes>},
    {Kind::kVarchar, Kind::kJson, &wrap<&json_from_text>},
    {Kind::kDate, Kind::kVarchar, &wrap<&value::format_date>},
    {Kind::kTime, Kind::kVarchar, &wrap<&value::format_time>},
    {Kind::kTimestamp, Kind::kVarchar, &wrap<&value::format_timestamp>},
    {Kind::kTimestampTz, Kind::kVarchar, &wrap<&value::format_timestamptz>},
    {Kind::kInterval, Kind::kVarchar, &wrap<&value::format_interval>},
    {Kind::kBlob, Kind::kVarchar, &wrap<&blob_text>},
    {Kind::kJson, Kind::kVarchar, &wrap<&same_bytes>},
    {Kind::kDate, Kind::kTimestamp, &wrap<&value::timestamp_from_date>},
    {Kind::kDate, Kind::kTimestampTz, &wrap<&value::timestamp_from_date>},
    {Kind::kTimestamp, Kind::kDate, &wrap<&value::date_of>},
    {Kind::kTimestampTz, Kind::kDate, &wrap<&value::date_of>},
    {Kind::kTimestamp, Kind::kTime, &wrap<&value::time_of>},
    {Kind::kTimestampTz, Kind::kTime, &wrap<&value::time_of>},
    {Kind::kTimestamp, Kind::kTimestampTz, &wrap<[](value::Timestamp t) { return t; }>},
    {Kind::kTimestampTz, Kind::kTimestamp, &wrap<[](value::Timestamp t) { return t; }>},
};

CastKernel text_cast(const Type& from, const Type& to) {
  Kernel kernel = nullptr;
  if (from.kind() == Kind::kVarchar) {
    with_number(to.kind(), [&]<class To>() { kernel = &wrap<&number_from_text<To>>; });
  } else if (to.kind() == Kind::kVarchar) {
    with_number(from.kind(), [&]<class From>() { kernel = &wrap<&number_text<From>>; });
  } else if (to.kind() == Kind::kJson) {
    with_number(from.kind(), [&]<class From>() { kernel = &wrap<&number_text<From>>; });
  }
  return {kernel, nullptr};
}

bool nested_castable(const Type& from, const Type& to);

CastKernel cast_kernel(const Type& from, const Type& to) {
  if (from.kind() == Kind::kNull) return {&all_null, nullptr};
  if (from.is_nested() || from.kind() == Kind::kJson) {
    if (from.kind() == Kind::kJson && to.kind() == Kind::kVarchar) {
      return {&wrap<&same_bytes>, nullptr};
    }
    if (!nested_castable(from, to)) return {};
    return {&by_value, std::make_shared<ViaText>(ViaText{from, to})};
  }
  if (from.kind() == Kind::kDecimal || to.kind() == Kind::kDecimal) {
    DecimalExtra extra;
    if (from.kind() == Kind::kDecimal) extra.from = decimal_of(from);
    if (to.kind() == Kind::kDecimal) extra.to = decimal_of(to);
    Kernel kernel = nullptr;
    if (from.kind() == to.kind()) {
      kernel = &wrap<&decimal_from_decimal>;
    } else if (from.kind() == Kind::kVarchar) {
      kernel = &wrap<&decimal_from_text>;
    } else if (to.is_text()) {
      kernel = &wrap<&decimal_text>;
    } else {
      kernel = decimal_kernel(from.kind(), to.kind());
    }
    return {kernel, std::make_shared<DecimalExtra>(extra)};
  }
  if (Kernel kernel = number_kernel(from.kind(), to.kind())) return {kernel, nullptr};
  for (const PlainCast& plain : kPlainCasts) {
    if (plain.from == from.kind() && plain.to == to.kind()) return {plain.kernel, nullptr};
  }
  return text_cast(from, to);
}

bool nested_castable(const Type& from, const Type& to) {
  if (to.is_text()) return true;
  if (from.kind() == Kind::kJson) return true;
  if (from.kind() != to.kind()) return false;
  const auto castable = [](const Type& a, const Type& b) {
    return a == b || cast_kernel(a, b).kernel != nullptr;
  };
  if (from.kind() == Kind::kList) return castable(from.element(), to.element());
  if (from.kind() == Kind::kMap) {
    return castable(from.key(), to.key()) && castable(from.element(), to.element());
  }
  if (from.fields().size() != to.fields().size()) return false;
  for (size_t i = 0; i < from.fields().size(); ++i) {
    if (!castable(from.fields()[i].second, to.fields()[i].second)) return false;
  }
  return true;
}

Error no_cast(const Type& from, const Type& to, Position at) {
  return sql_error("Conversion Error", at,
                   fmt::format("Unimplemented type for cast ({} -> {})", from.name(), to.name()));
}

}  // namespace

Result<BoundPtr> bind_cast(BoundPtr expr, const Type& to, bool is_try, Position at) {
  if (expr->type == to) {
    if (expr->literal == LiteralKind::kNone) return expr;
    return bound_constant(expr->constant, expr->at);
  }
  if (expr->is_null()) return bound_constant(Value::null(to), at);
  const CastKernel cast = cast_kernel(expr->type, to);
  if (cast.kernel == nullptr) return fail(no_cast(expr->type, to, at));
  CallOptions options;
  options.extra = cast.extra;
  options.is_try = is_try;
  options.extra_key = expr->type.name();
  const std::string name = "cast";
  return bound_call(name, cast.kernel, to, {std::move(expr)}, at, std::move(options));
}

Result<Value> cast_value(const Value& value, const Type& to) {
  if (value.type() == to) return value;
  if (value.is_null()) return Value::null(to);
  const CastKernel cast = cast_kernel(value.type(), to);
  if (cast.kernel == nullptr) return fail(no_cast(value.type(), to, {}));
  Arena arena;
  EvalContext context{arena, 0, {}};
  const Vec arg = constant_vec(arena, value);
  Vec out = arena.vec(16, 1);
  cast.kernel(Call{out, &arg, 1, cast.extra.get(), false, &context}, 1);
  if (out.state[0] == kFailedState) return fail(context.watched_error.value_or(Error{}));
  return value_at(to, out, 0);
}

std::string shown_type(const BoundPtr& expr) {
  if (expr->literal == LiteralKind::kInteger) return "INTEGER_LITERAL";
  if (expr->literal == LiteralKind::kText) return "STRING_LITERAL";
  return expr->type.name();
}

TypedSide side_of(const BoundPtr& expr) {
  TypedSide side{expr->type, expr->literal, 0};
  if (side.literal == LiteralKind::kInteger) side.number = expr->constant.as_int();
  return side;
}

}  // namespace tidemill::sql
