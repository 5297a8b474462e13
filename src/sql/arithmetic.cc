// Arithmetic over numbers, dates and intervals.
#include "sql/kernels/integer_math.h"
#include "sql/kernels/math.h"
#include "sql/lexer.h"
#include "sql/operators.h"
#include "sql/wrap.h"
#include "value/date.h"
#include "value/decimal.h"
#include "value/number_text.h"

namespace tidemill::sql {

using value::Date;
using value::DecimalType;
using value::int128;
using value::Interval;
using value::Kind;
using value::TimeOfDay;
using value::Timestamp;
using value::Type;
using value::uint128;
using value::Value;

namespace {

template <class T, bool (*overflows)(T, T, T*), Error (*error)(T, T)>
void checked_rows(const Call& call, size_t n) {
  const Vec& a = call.args[0];
  const Vec& b = call.args[1];
  T* out = call.out.values<T>();
  for (size_t row = 0; row < n; ++row) {
    const uint8_t state = both(a.state_at(row), b.state_at(row));
    call.out.state[row] = state;
    if (state != kValueState) continue;
    if (overflows(a.at<T>(row), b.at<T>(row), &out[row])) [[unlikely]] {
      call.fail_row(row, error(a.at<T>(row), b.at<T>(row)));
    }
  }
}

template <class T>
Kernel integer_kernel(std::string_view sign) {
  struct Row {
    std::string_view sign;
    Kernel kernel;
  };
  static constexpr Row kRows[] = {
      {"+", &checked_rows<T, &kernels::add_overflows<T>, &kernels::addition_error<T>>},
      {"-", &checked_rows<T, &kernels::subtract_overflows<T>, &kernels::subtraction_error<T>>},
      {"*", &checked_rows<T, &kernels::multiply_overflows<T>, &kernels::multiplication_error<T>>},
      {"//", &wrap<&kernels::divide<T>>},
      {"%", &wrap<&kernels::modulo<T>>},
      {"&", &wrap<[](T a, T b) { return T(a & b); }>},
      {"|", &wrap<[](T a, T b) { return T(a | b); }>},
      {"xor", &wrap<[](T a, T b) { return T(a ^ b); }>},
      {"<<", &wrap<&kernels::shift_left<T>>},
      {">>", &wrap<&kernels::shift_right<T>>},
  };
  for (const Row& row : kRows) {
    if (row.sign == sign) return row.kernel;
  }
  return nullptr;
}

// a // b of floating numbers is a plain quotient, but for a divisor of zero.
template <class T>
Result<T> checked_quotient(T a, T b) {
  if (b == 0) {
    return fail(
        kernels::division_by_zero_error(value::format_double(a), "//", value::format_double(b)));
  }
  return a / b;
}

template <class T>
Kernel floating_kernel(std::string_view sign) {
  struct Row {
    std::string_view sign;
    Kernel kernel;
  };
  static constexpr Row kRows[] = {
      {"+", &wrap<[](T a, T b) { return T(a + b); }>},
      {"-", &wrap<[](T a, T b) { return T(a - b); }>},
      {"*", &wrap<[](T a, T b) { return T(a * b); }>},
      {"/", &wrap<[](T a, T b) { return T(a / b); }>},
      {"//", &wrap<&checked_quotient<T>>},
      {"%", &wrap<[](T a, T b) { return T(kernels::remainder(a, b)); }>},
  };
  for (const Row& row : kRows) {
    if (row.sign == sign) return row.kernel;
  }
  return nullptr;
}

using DecimalFunction = Result<int128> (*)(int128, int128, DecimalType);

template <DecimalFunction f>
Result<int128> decimal_call(const Call& call, int128 a, int128 b) {
  return f(a, b, *static_cast<const DecimalType*>(call.extra));
}

DecimalType decimal_of(const Type& type) {
  return {uint8_t(type.precision()), uint8_t(type.scale())};
}

Result<BoundPtr> bind_decimal(std::string_view sign, BoundPtr a, BoundPtr b, Position at) {
  const auto as_decimal = [](const BoundPtr& x) {
    return x->type.is_integer() ? decimal_of_integer(x->type.kind()) : x->type;
  };
  const Type left = as_decimal(a);
  const Type right = as_decimal(b);
  DecimalType result;
  Kernel kernel = nullptr;
  Type left_as = left;
  Type right_as = right;
  if (sign == "*") {
    auto product = value::decimal_multiply_type(decimal_of(left), decimal_of(right));
    if (!product) return fail(sql_error("Binder Error", at, product.error().message));
    result = *product;
    kernel = &wrap<&decimal_call<&value::decimal_multiply>>;
  } else {
    result = sign == "%" ? value::decimal_common_type(decimal_of(left), decimal_of(right))
                         : value::decimal_add_type(decimal_of(left), decimal_of(right));
    left_as = right_as = Type::decimal(result.width, result.scale);
    kernel = sign == "+"   ? &wrap<&decimal_call<&value::decimal_add>>
             : sign == "-" ? &wrap<&decimal_call<&value::decimal_subtract>>
                           : &wrap<&decimal_call<&value::decimal_modulo>>;
  }
  TIDEMILL_TRY_LET(x, bind_cast(std::move(a), left_as, false, at));
  TIDEMILL_TRY_LET(y, bind_cast(std::move(b), right_as, false, at));
  const Type type = Type::decimal(result.width, result.scale);
  CallOptions options;
  options.extra = std::make_shared<DecimalType>(result);
  return bound_call(sign, kernel, type, {std::move(x), std::move(y)}, at, std::move(options));
}

std::optional<Interval> interval_quotient(Interval a, double b, Result<Interval>* error) {
  if (b == 0) return {};
  Result<Interval> out = value::divide(a, b);
  if (!out) *error = out;
  return out ? std::optional<Interval>(*out) : std::nullopt;
}

Result<std::optional<Interval>> divide_interval(Interval a, double b) {
  Result<Interval> error = Interval{};
  const std::optional<Interval> out = interval_quotient(a, b, &error);
  if (!error) return fail(error.error());
  return out;
}

Result<Timestamp> date_plus(Date a, Interval b) { return value::add(a, b); }
Result<Timestamp> date_minus(Date a, Interval b) { return value::subtract(a, b); }
Result<Timestamp> timestamp_plus(Timestamp a, Interval b) { return value::add(a, b); }
Result<Timestamp> timestamp_minus(Timestamp a, Interval b) { return value::subtract(a, b); }
TimeOfDay time_plus(TimeOfDay a, Interval b) { return value::add(a, b); }
TimeOfDay time_minus(TimeOfDay a, Interval b) { return value::subtract(a, b); }
Result<Interval> interval_plus(Interval a, Interval b) { return value::add(a, b); }
Result<Interval> interval_minus(Interval a, Interval b) { return value::subtract(a, b); }
Result<Interval> interval_times(Interval a, int64_t b) { return value::multiply(a, b); }
Result<Interval> interval_scaled(Interval a, double b) { return value::multiply(a, b); }
Result<Date> date_less(Date a, int64_t days) {
  if (days == INT64_MIN) return value::add_days(a, INT64_MAX);
  return value::add_days(a, -days);
}

// Operators of which a side is a date, a time or an interval. `swapped`: the sides change places
// first, as in 1 + DATE.
struct TemporalRow {
  std::string_view sign;
  Kind left;
  Kind right;
  Kind result;
  Kernel kernel;
  bool swapped = false;
};

constexpr TemporalRow kTemporal[] = {
    {"+", Kind::kDate, Kind::kInt64, Kind::kDate, &wrap<&value::add_days>},
    {"+", Kind::kInt64, Kind::kDate, Kind::kDate, &wrap<&value::add_days>, true},
    {"-", Kind::kDate, Kind::kInt64, Kind::kDate, &wrap<&date_less>},
    {"-", Kind::kDate, Kind::kDate, Kind::kInt64, &wrap<&value::days_between>},
    {"+", Kind::kDate, Kind::kInterval, Kind::kTimestamp, &wrap<&date_plus>},
    {"+", Kind::kInterval, Kind::kDate, Kind::kTimestamp, &wrap<&date_plus>, true},
    {"-", Kind::kDate, Kind::kInterval, Kind::kTimestamp, &wrap<&date_minus>},
    {"+", Kind::kDate, Kind::kTime, Kind::kTimestamp, &wrap<&value::timestamp_from_parts>},
    {"+", Kind::kTime, Kind::kDate, Kind::kTimestamp, &wrap<&value::timestamp_from_parts>, true},
    {"+", Kind::kTimestamp, Kind::kInterval, Kind::kTimestamp, &wrap<&timestamp_plus>},
    {"+", Kind::kInterval, Kind::kTimestamp, Kind::kTimestamp, &wrap<&timestamp_plus>, true},
    {"-", Kind::kTimestamp, Kind::kInterval, Kind::kTimestamp, &wrap<&timestamp_minus>},
    {"-", Kind::kTimestamp, Kind::kTimestamp, Kind::kInterval, &wrap<&value::difference>},
    {"+", Kind::kTimestampTz, Kind::kInterval, Kind::kTimestampTz, &wrap<&timestamp_plus>},
    {"+", Kind::kInterval, Kind::kTimestampTz, Kind::kTimestampTz, &wrap<&timestamp_plus>, true},
    {"-", Kind::kTimestampTz, Kind::kInterval, Kind::kTimestampTz, &wrap<&timestamp_minus>},
    {"-", Kind::kTimestampTz, Kind::kTimestampTz, Kind::kInterval, &wrap<&value::difference>},
    {"+", Kind::kTime, Kind::kInterval, Kind::kTime, &wrap<&time_plus>},
    {"+", Kind::kInterval, Kind::kTime, Kind::kTime, &wrap<&time_plus>, true},
    {"-", Kind::kTime, Kind::kInterval, Kind::kTime, &wrap<&time_minus>},
    {"+", Kind::kInterval, Kind::kInterval, Kind::kInterval, &wrap<&interval_plus>},
    {"-", Kind::kInterval, Kind::kInterval, Kind::kInterval, &wrap<&interval_minus>},
    {"*", Kind::kInterval, Kind::kInt64, Kind::kInterval, &wrap<&interval_times>},
    {"*", Kind::kInt64, Kind::kInterval, Kind::kInterval, &wrap<&interval_times>, true},
    {"*", Kind::kInterval, Kind::kDouble, Kind::kInterval, &wrap<&interval_scaled>},
    {"*", Kind::kDouble, Kind::kInterval, Kind::kInterval, &wrap<&interval_scaled>, true},
    {"/", Kind::kInterval, Kind::kDouble, Kind::kInterval, &wrap<&divide_interval>},
};

// How well a side fits a row's kind: 0 exactly, more is worse, -1 not at all.
int fit(const Type& type, Kind kind) {
  if (type.kind() == kind) return 0;
  if (type.kind() == Kind::kNull) return 1;
  if (kind == Kind::kInt64) return type.is_integer() ? 1 : -1;
  if (kind == Kind::kDouble) return type.is_numeric() ? 2 : -1;
  if (kind == Kind::kTimestamp && type.kind() == Kind::kDate) return 3;
  if (kind == Kind::kTimestampTz && type.kind() == Kind::kTimestamp) return 3;
  return -1;
}

Result<BoundPtr> bind_temporal(std::string_view sign, BoundPtr a, BoundPtr b, Position at) {
  const TemporalRow* best = nullptr;
  int best_fit = 100;
  for (const TemporalRow& row : kTemporal) {
    const int left = fit(a->type, row.left);
    const int right = fit(b->type, row.right);
    if (row.sign != sign || left < 0 || right < 0 || left + right >= best_fit) continue;
    best = &row;
    best_fit = left + right;
  }
  if (best == nullptr) return fail(no_match(sign, {a, b}, at));
  TIDEMILL_TRY_LET(x, bind_cast(std::move(a), best->left, false, at));
  TIDEMILL_TRY_LET(y, bind_cast(std::move(b), best->right, false, at));
  std::vector<BoundPtr> args;
  args.push_back(best->swapped ? y : x);
  args.push_back(best->swapped ? x : y);
  return bound_call(sign, best->kernel, best->result, std::move(args), at);
}

bool is_temporal(const BoundPtr& x) {
  return x->type.kind() >= Kind::kDate && x->type.kind() <= Kind::kInterval;
}

Error ambiguous(std::string_view name, const BoundPtr& a, const BoundPtr& b, Position at) {
  return sql_error("Binder Error", at,
                   fmt::format("Could not choose a best candidate function for the function call "
                               "\"{}({}, {})\". In order to select one, please add explicit type "
                               "casts",
                               name, shown_type(a), shown_type(b)));
}

// What a text literal becomes beside another operand, as DuckDB's overloads decide it.
Result<Type> text_literal_type(std::string_view sign, const BoundPtr& text, const BoundPtr& other,
                               const BoundPtr& a, const BoundPtr& b, Position at) {
  const bool is_sum = sign == "+" || sign == "-";
  const bool is_remainder = sign == "//" || sign == "%";
  (void)text;
  if (is_temporal(other)) return fail(ambiguous(sign, a, b, at));
  if (other->is_null() && (is_sum || is_remainder)) return Type(Kind::kInt64);
  if (other->type.is_integer() && !is_sum && sign != "/") return other->type;
  if (other->type.kind() == Kind::kDecimal && (is_sum || is_remainder)) return Type(Kind::kDouble);
  if (other->type.is_floating() && (is_sum || is_remainder)) return other->type;
  return fail(ambiguous(sign, a, b, at));
}

// The type of an operation on two integers.
Type integer_result(std::string_view sign, const BoundPtr& a, const BoundPtr& b) {
  const auto side = common_side(side_of(a), side_of(b));
  const bool is_mixed = a->type.is_unsigned() != b->type.is_unsigned() &&
                        a->literal == LiteralKind::kNone && b->literal == LiteralKind::kNone;
  if (!is_mixed || (sign != "+" && sign != "-" && sign != "*")) return side->type;
  const Type& with_sign = a->type.is_unsigned() ? b->type : a->type;
  if (side->type == with_sign) return side->type;
  const int bits = value::storage_width(side->type.kind()) * 8;
  return bits <= 64 ? Kind::kInt64 : Kind::kInt128;
}

bool is_bitwise(std::string_view sign) {
  return sign == "&" || sign == "|" || sign == "<<" || sign == ">>" || sign == "xor";
}

// The type both sides are brought to and the result has; kDecimal stands for bind_decimal.
Type operation_type(std::string_view sign, const BoundPtr& a, const BoundPtr& b) {
  if (sign == "**") return Kind::kDouble;
  const bool is_division = sign == "/" || sign == "//";
  const bool has_double = a->type.kind() == Kind::kDouble || b->type.kind() == Kind::kDouble;
  const bool has_float = a->type.kind() == Kind::kFloat || b->type.kind() == Kind::kFloat;
  if (has_float && !has_double) return Kind::kFloat;
  if (has_double || sign == "/") return Kind::kDouble;
  const bool has_decimal = a->type.kind() == Kind::kDecimal || b->type.kind() == Kind::kDecimal;
  const bool has_huge = a->type.kind() == Kind::kInt128 || b->type.kind() == Kind::kInt128;
  if (has_decimal && has_huge && sign == "%") return Kind::kDouble;
  if (has_decimal) return is_division ? Type(Kind::kDouble) : Type::decimal(1, 0);
  return integer_result(sign, a, b);
}

}  // namespace

Error no_match(std::string_view name, const std::vector<BoundPtr>& args, Position at,
               std::string_view hint) {
  std::string types;
  for (const BoundPtr& arg : args) {
    if (!types.empty()) types += ", ";
    types += shown_type(arg);
  }
  return sql_error(
      "Binder Error", at,
      fmt::format("No function matches the given name and argument types '{}({})'. You "
                  "might need to add explicit type casts.{}",
                  name, types, hint));
}

Result<BoundPtr> bind_arithmetic(std::string_view sign, BoundPtr a, BoundPtr b, Position at) {
  const bool a_is_text = a->literal == LiteralKind::kText;
  const bool b_is_text = b->literal == LiteralKind::kText;
  if (a_is_text && b_is_text) return fail(ambiguous(sign, a, b, at));
  if ((a_is_text || b_is_text) && !is_bitwise(sign)) {
    const BoundPtr& text = a_is_text ? a : b;
    const BoundPtr& other = a_is_text ? b : a;
    TIDEMILL_TRY_LET(type, sign == "**" ? Result<Type>(Kind::kDouble)
                                        : text_literal_type(sign, text, other, a, b, at));
    TIDEMILL_TRY_LET(cast, bind_cast(text, type, false, at));
    return a_is_text ? bind_arithmetic(sign, cast, b, at) : bind_arithmetic(sign, a, cast, at);
  }
  if (is_temporal(a) || is_temporal(b)) return bind_temporal(sign, std::move(a), std::move(b), at);
  const auto is_number = [](const BoundPtr& x) {
    return x->type.is_numeric() || x->type.kind() == Kind::kNull;
  };
  if (!is_number(a) || !is_number(b)) return fail(no_match(sign, {a, b}, at));
  if (a->type.kind() == Kind::kNull || b->type.kind() == Kind::kNull) {
    const Type other = a->type.kind() == Kind::kNull ? b->type : a->type;
    Type type = other.kind() == Kind::kNull ? Type(Kind::kInt64) : other;
    if (sign == "/" || sign == "**") type = type.kind() == Kind::kFloat ? type : Kind::kDouble;
    if (other.kind() == Kind::kDecimal) type = sign == "/" || sign == "//" ? Kind::kDouble : Type();
    return bound_constant(Value::null(type), at);
  }
  const Type type = operation_type(sign, a, b);
  if (is_bitwise(sign) && !type.is_integer()) return fail(no_match(sign, {a, b}, at));
  if (type.kind() == Kind::kDecimal) return bind_decimal(sign, std::move(a), std::move(b), at);
  Kernel kernel = nullptr;
  if (sign == "**") {
    kernel = &wrap<&kernels::power>;
  } else if (type.kind() == Kind::kDouble) {
    kernel = floating_kernel<double>(sign);
  } else if (type.kind() == Kind::kFloat) {
    kernel = floating_kernel<float>(sign);
  } else {
    kernel = with_integer(type.kind(), [sign]<class T>() { return integer_kernel<T>(sign); });
  }
  if (kernel == nullptr) return fail(no_match(sign, {a, b}, at));
  TIDEMILL_TRY_LET(x, bind_cast(std::move(a), type, false, at));
  TIDEMILL_TRY_LET(y, bind_cast(std::move(b), type, false, at));
  return bound_call(sign, kernel, type, {std::move(x), std::move(y)}, at);
}

namespace {

// -literal stays a literal; the smallest of a width goes to the next one.
std::optional<BoundPtr> negated_constant(const BoundPtr& a, Position at) {
  if (!a->is_constant() || !a->type.is_integer() || a->constant.is_null()) return {};
  const int128 n = a->constant.as_int();
  if (n == value::min_of<int128>) return {};
  Kind kind = a->type.kind();
  if (a->literal == LiteralKind::kInteger) {
    kind = -n >= INT32_MIN && -n <= INT32_MAX   ? Kind::kInt32
           : -n >= INT64_MIN && -n <= INT64_MAX ? Kind::kInt64
                                                : Kind::kInt128;
  } else {
    const int bits = value::storage_width(kind) * 8;
    const bool is_least = bits < 128 && n == -(int128(1) << (bits - 1));
    if (a->type.is_unsigned()) return {};
    if (is_least) {
      kind = bits == 8    ? Kind::kInt16
             : bits == 16 ? Kind::kInt32
             : bits == 32 ? Kind::kInt64
                          : Kind::kInt128;
    }
  }
  return bound_constant(Value::of_int(kind, -n), at, a->literal);
}

template <class T>
Kernel negate_kernel() {
  return &wrap<&kernels::negate<T>>;
}

}  // namespace

Result<BoundPtr> bind_negate(BoundPtr a, Position at) {
  if (auto constant = negated_constant(a, at)) return *constant;
  if (a->type.kind() == Kind::kNull) return bound_constant(Value::null(Kind::kInt64), at);
  const Type type = a->type;
  Kernel kernel = nullptr;
  if (a->literal == LiteralKind::kText) {
    return fail(sql_error("Binder Error", at,
                          "Could not choose a best candidate function for the function call "
                          "\"-(STRING_LITERAL)\". In order to select one, please add explicit type "
                          "casts"));
  }
  switch (type.kind()) {
    case Kind::kFloat:
      kernel = &wrap<[](float x) { return -x; }>;
      break;
    case Kind::kDouble:
      kernel = &wrap<[](double x) { return -x; }>;
      break;
    case Kind::kDecimal:
      kernel = &wrap<&value::decimal_negate>;
      break;
    case Kind::kInterval:
      kernel = &wrap<[](Interval x) { return value::negate(x); }>;
      break;
    default:
      kernel = with_integer(type.kind(), []<class T>() { return negate_kernel<T>(); });
  }
  if (kernel == nullptr) return fail(no_match("-", {a}, at));
  return bound_call("negate", kernel, type, {std::move(a)}, at);
}

Result<BoundPtr> bind_bit_not(BoundPtr a, Position at) {
  const Type type = a->type.kind() == Kind::kNull ? Type(Kind::kInt32) : a->type;
  const Kernel kernel = with_integer(
      type.kind(), []<class T>() -> Kernel { return &wrap<[](T x) { return T(~x); }>; });
  if (kernel == nullptr) return fail(no_match("~", {a}, at));
  TIDEMILL_TRY_LET(x, bind_cast(std::move(a), type, false, at));
  return bound_call("~", kernel, type, {std::move(x)}, at);
}

}  // namespace tidemill::sql
