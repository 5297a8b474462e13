// Functions of numbers.
#include <cmath>

#include "sql/function.h"
#include "sql/kernels/integer_math.h"
#include "sql/kernels/math.h"
#include "sql/lexer.h"
#include "value/decimal.h"

namespace tidemill::sql {

using value::DecimalRounding;
using value::DecimalType;
using value::int128;
using value::Kind;
using value::Type;
using value::uint128;
using value::Value;
namespace k = kernels;

namespace {

double radians(double x) { return x * 3.14159265358979323846 / 180.0; }
double degrees(double x) { return x * 180.0 / 3.14159265358979323846; }

constexpr Function kMath[] = {
    plain<[](double x) { return std::sqrt(x); }>("sqrt"),
    plain<&k::cbrt>("cbrt"),
    plain<&k::ln>("ln"),
    plain<&k::log10>("log"),
    plain<&k::log10>("log10"),
    plain<&k::log2>("log2"),
    plain<&k::log_base>("log"),
    plain<[](double x) { return std::exp(x); }>("exp"),
    plain<&k::power>("pow"),
    plain<&k::power>("power"),
    plain<[](double x) { return std::sin(x); }>("sin"),
    plain<[](double x) { return std::cos(x); }>("cos"),
    plain<[](double x) { return std::tan(x); }>("tan"),
    plain<[](double x) { return 1.0 / std::tan(x); }>("cot"),
    plain<[](double x) { return std::asin(x); }>("asin"),
    plain<[](double x) { return std::acos(x); }>("acos"),
    plain<[](double x) { return std::atan(x); }>("atan"),
    plain<[](double y, double x) { return std::atan2(y, x); }>("atan2"),
    plain<[](double x) { return std::sinh(x); }>("sinh"),
    plain<[](double x) { return std::cosh(x); }>("cosh"),
    plain<[](double x) { return std::tanh(x); }>("tanh"),
    plain<[](double x) { return std::asinh(x); }>("asinh"),
    plain<[](double x) { return std::acosh(x); }>("acosh"),
    plain<[](double x) { return std::atanh(x); }>("atanh"),
    plain<&degrees>("degrees"),
    plain<&radians>("radians"),
    plain<[]() { return 3.14159265358979323846; }>("pi"),
    plain<&k::gamma>("gamma"),
    plain<&k::lgamma>("lgamma"),
    plain<&k::even>("even"),
    plain<&k::floor_remainder>("fmod"),
    plain<&k::floor_divide>("fdiv"),
    plain<[](double a, double b) { return std::nextafter(a, b); }>("nextafter"),
    plain<[](double x) { return std::isnan(x); }>("isnan"),
    plain<[](float x) { return std::isnan(x); }>("isnan"),
    plain<[](double x) { return std::isinf(x); }>("isinf"),
    plain<[](float x) { return std::isinf(x); }>("isinf"),
    plain<[](value::Date d) { return !d.is_finite(); }>("isinf"),
    plain<[](value::Timestamp t) { return !t.is_finite(); }>("isinf"),
    plain<[](double x) { return bool(std::isfinite(x)); }>("isfinite"),
    plain<[](float x) { return bool(std::isfinite(x)); }>("isfinite"),
    plain<[](value::Date d) { return d.is_finite(); }>("isfinite"),
    plain<[](value::Timestamp t) { return t.is_finite(); }>("isfinite"),
    plain<[](double x) { return std::signbit(x); }>("signbit"),
    plain<&k::factorial>("factorial"),
    plain<[](int64_t a, int64_t b) { return k::gcd(a, b); }>("gcd"),
    plain<[](int128 a, int128 b) { return k::gcd(a, b); }>("gcd"),
    plain<[](int64_t a, int64_t b) { return k::lcm(a, b); }>("lcm"),
    plain<[](int128 a, int128 b) { return k::lcm(a, b); }>("lcm"),
    plain<[](int8_t n) { return int8_t(k::bit_count(n)); }>("bit_count"),
    plain<[](int16_t n) { return int8_t(k::bit_count(n)); }>("bit_count"),
    plain<[](int32_t n) { return int8_t(k::bit_count(n)); }>("bit_count"),
    plain<[](int64_t n) { return int8_t(k::bit_count(n)); }>("bit_count"),
    plain<&k::bit_count<int128>>("bit_count"),
};

Error text_is_ambiguous(std::string_view name, Position at) {
  return sql_error(
      "Binder Error", at,
      fmt::format("Could not choose a best candidate function for the function call "
                  "\"{}(STRING_LITERAL)\". In order to select one, please add explicit "
                  "type casts",
                  name));
}

Status need_number(std::string_view name, const std::vector<BoundPtr>& args, Position at) {
  if (args[0]->literal == LiteralKind::kText) return fail(text_is_ambiguous(name, at));
  if (!args[0]->type.is_numeric() && args[0]->type.kind() != Kind::kNull) {
    return fail(no_match(name, args, at));
  }
  return {};
}

int128 decimal_abs(int128 x) { return x < 0 ? -x : x; }

Result<BoundPtr> bind_abs(std::string_view name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY(need_number(name, args, at));
  const Type type = args[0]->type;
  if (type.kind() == Kind::kNull) return bound_constant(Value::null(Kind::kInt64), at);
  Kernel kernel = nullptr;
  switch (type.kind()) {
    case Kind::kDouble:
      kernel = &wrap<[](double x) { return std::fabs(x); }>;
      break;
    case Kind::kFloat:
      kernel = &wrap<[](float x) { return std::fabs(x); }>;
      break;
    case Kind::kDecimal:
      kernel = &wrap<&decimal_abs>;
      break;
    default:
      kernel = with_integer(type.kind(), []<class T>() -> Kernel { return &wrap<&k::abs<T>>; });
  }
  return bound_call(name, kernel, type, std::move(args), at);
}

int8_t decimal_sign(int128 x) { return x > 0 ? 1 : (x < 0 ? -1 : 0); }

Result<BoundPtr> bind_sign(std::string_view name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY(need_number(name, args, at));
  if (args[0]->type.kind() == Kind::kNull) return bound_constant(Value::null(Kind::kInt8), at);
  if (args[0]->type.kind() == Kind::kDecimal) {
    return bound_call(name, &wrap<&decimal_sign>, Kind::kInt8, std::move(args), at);
  }
  if (args[0]->type.is_integer()) {
    const Kernel kernel = with_integer(args[0]->type.kind(), []<class T>() -> Kernel {
      return &wrap<[](T x) { return int8_t(x > T(0) ? 1 : (x < T(0) ? -1 : 0)); }>;
    });
    return bound_call(name, kernel, Kind::kInt8, std::move(args), at);
  }
  TIDEMILL_TRY_LET(x, bind_cast(std::move(args[0]), Kind::kDouble, false, at));
  return bound_call(name, &wrap<&k::sign>, Kind::kInt8, {std::move(x)}, at);
}

// round, round_even, floor, ceil and trunc of one name.
enum class Way { kRound, kRoundEven, kFloor, kCeil, kTrunc };

struct RoundExtra {
  DecimalType type;
  int digits = 0;
  DecimalRounding rounding = DecimalRounding::kHalfAway;
};

int128 round_decimal(const Call& call, int128 x) {
  const auto& extra = *static_cast<const RoundExtra*>(call.extra);
  return value::decimal_round(x, extra.type, extra.digits, extra.rounding).unscaled;
}

template <Way way, class T>
T round_floating(T x, int64_t digits) {
  if constexpr (way == Way::kRound) {
    return digits == 0 ? T(k::round_half_away(double(x))) : k::round_half_away(x, digits);
  }
  if constexpr (way == Way::kRoundEven) return T(k::round_half_even(x, digits));
  if constexpr (way == Way::kFloor) return std::floor(x);
  if constexpr (way == Way::kCeil) return std::ceil(x);
  return digits == 0 ? std::trunc(x) : T(k::trunc(x, digits));
}

template <Way way>
Kernel rounding_kernel(const Type& type) {
  if (type.kind() == Kind::kFloat) return &wrap<&round_floating<way, float>>;
  if (type.kind() == Kind::kDouble) return &wrap<&round_floating<way, double>>;
  return nullptr;
}

DecimalRounding decimal_way(Way way) {
  switch (way) {
    case Way::kRound:
      return DecimalRounding::kHalfAway;
    case Way::kRoundEven:
      return DecimalRounding::kHalfEven;
    case Way::kFloor:
      return DecimalRounding::kFloor;
    case Way::kCeil:
      return DecimalRounding::kCeil;
    case Way::kTrunc:
      return DecimalRounding::kTruncate;
  }
  return DecimalRounding::kHalfAway;
}

BoundPtr round_of_decimal(std::string_view name, Way way, BoundPtr x, int64_t digits, Position at) {
  auto extra = std::make_shared<RoundExtra>();
  extra->type = {uint8_t(x->type.precision()), uint8_t(x->type.scale())};
  extra->digits = static_cast<int>(std::clamp<int64_t>(digits, -39, 39));
  extra->rounding = decimal_way(way);
  const DecimalType to = value::decimal_round(0, extra->type, extra->digits, extra->rounding).type;
  CallOptions options;
  options.extra_key = fmt::format("{} {} {}", digits, static_cast<int>(way), x->type.name());
  options.extra = std::move(extra);
  return bound_call(name, &wrap<&round_decimal>, Type::decimal(to.width, to.scale), {std::move(x)},
                    at, std::move(options));
}

Result<int64_t> constant_digits(std::string_view name, const BoundPtr& digits, Position at) {
  if (!digits->is_constant()) {
    return fail(sql_error("Binder Error", at,
                          fmt::format("The \"precision\" argument in function \"{}\" must be a "
                                      "constant expression",
                                      name)));
  }
  TIDEMILL_TRY_LET(number, cast_value(digits->constant, Kind::kInt64));
  return static_cast<int64_t>(number.as_int());
}

template <Way way>
Result<BoundPtr> bind_round(std::string_view name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY(need_number(name, args, at));
  BoundPtr x = args[0];
  if (args.size() > 1 && args[1]->is_null()) return bound_constant(Value(), at);
  if (args.size() > 1 && !args[1]->type.is_integer()) return fail(no_match(name, args, at));
  const bool keeps_integers = way == Way::kRound || way == Way::kTrunc || way == Way::kRoundEven;
  if (x->type.kind() == Kind::kNull) {
    return bound_constant(Value::null(keeps_integers ? Kind::kInt64 : Kind::kDouble), at);
  }
  if (x->type.kind() == Kind::kDecimal) {
    int64_t digits = 0;
    if (args.size() > 1) {
      TIDEMILL_TRY_LET(given, constant_digits(name, args[1], at));
      digits = given;
    }
    return round_of_decimal(name, way, std::move(x), digits, at);
  }
  BoundPtr digits = args.size() > 1 ? args[1] : bound_constant(Value::bigint(0));
  TIDEMILL_TRY_LET(places, bind_cast(std::move(digits), Kind::kInt64, false, at));
  if (x->type.is_unsigned() && keeps_integers) {
    const bool is_wide = value::storage_width(x->type.kind()) >= 8;
    TIDEMILL_TRY_LET(with_sign,
                     bind_cast(std::move(x), is_wide ? Kind::kInt128 : Kind::kInt64, false, at));
    x = with_sign;
  }
  if (x->type.is_integer() && keeps_integers) {
    const Type type = x->type;
    const Kernel kernel = with_integer(type.kind(), []<class T>() -> Kernel {
      if constexpr (way == Way::kTrunc) return &wrap<&k::trunc_integer<T>>;
      if constexpr (way == Way::kRoundEven) return &wrap<&k::round_integer_even<T>>;
      return &wrap<&k::round_integer<T>>;
    });
    return bound_call(name, kernel, type, {std::move(x), std::move(places)}, at);
  }
  const Type type = x->type.kind() == Kind::kFloat ? Kind::kFloat : Kind::kDouble;
  TIDEMILL_TRY_LET(number, bind_cast(std::move(x), type, false, at));
  return bound_call(name, rounding_kernel<way>(type), type, {std::move(number), std::move(places)},
                    at);
}

// Operators under a name: mod(a, b) is a % b.
struct NamedOperator {
  std::string_view name;
  std::string_view sign;
};
constexpr NamedOperator kNamed[] = {
    {"mod", "%"},   {"divide", "//"}, {"add", "+"}, {"subtract", "-"}, {"multiply", "*"},
    {"xor", "xor"}, {"+", "+"},       {"-", "-"},   {"*", "*"},        {"/", "/"},
    {"//", "//"},   {"%", "%"},       {"**", "**"}, {"&", "&"},        {"|", "|"},
    {"<<", "<<"},   {">>", ">>"},
};

Result<BoundPtr> bind_named(std::string_view name, std::vector<BoundPtr> args, Position at) {
  for (const NamedOperator& entry : kNamed) {
    if (entry.name == name) {
      return bind_arithmetic(entry.sign, std::move(args[0]), std::move(args[1]), at);
    }
  }
  return fail(no_match(name, args, at));
}

Result<BoundPtr> bind_minus(std::string_view name, std::vector<BoundPtr> args, Position at) {
  if (args.size() == 2) return bind_named(name, std::move(args), at);
  return bind_negate(std::move(args[0]), at);
}

Result<BoundPtr> bind_plus(std::string_view name, std::vector<BoundPtr> args, Position at) {
  if (args.size() == 2) return bind_named(name, std::move(args), at);
  TIDEMILL_TRY(need_number(name, args, at));
  return args[0];
}

Result<BoundPtr> bind_tilde(std::string_view, std::vector<BoundPtr> args, Position at) {
  return bind_bit_not(std::move(args[0]), at);
}

constexpr SpecialFunction kSpecials[] = {
    {"abs", 1, 1, &bind_abs, "abs(NUMBER) -> same type"},
    {"@", 1, 1, &bind_abs, "@(NUMBER) -> same type"},
    {"sign", 1, 1, &bind_sign, "sign(NUMBER) -> TINYINT"},
    {"round", 1, 2, &bind_round<Way::kRound>, "round(NUMBER, INTEGER) -> same type"},
    {"round_even", 1, 2, &bind_round<Way::kRoundEven>, "round_even(NUMBER, INTEGER) -> same type"},
    {"roundbankers", 1, 2, &bind_round<Way::kRoundEven>,
     "roundbankers(NUMBER, INTEGER) -> same type"},
    {"floor", 1, 1, &bind_round<Way::kFloor>, "floor(NUMBER) -> DOUBLE or DECIMAL"},
    {"ceil", 1, 1, &bind_round<Way::kCeil>, "ceil(NUMBER) -> DOUBLE or DECIMAL"},
    {"ceiling", 1, 1, &bind_round<Way::kCeil>, "ceiling(NUMBER) -> DOUBLE or DECIMAL"},
    {"trunc", 1, 2, &bind_round<Way::kTrunc>, "trunc(NUMBER, INTEGER) -> same type"},
    {"mod", 2, 2, &bind_named, "mod(NUMBER, NUMBER) -> common type"},
    {"divide", 2, 2, &bind_named, "divide(NUMBER, NUMBER) -> common type"},
    {"add", 2, 2, &bind_named, "add(NUMBER, NUMBER) -> common type"},
    {"subtract", 2, 2, &bind_named, "subtract(NUMBER, NUMBER) -> common type"},
    {"multiply", 2, 2, &bind_named, "multiply(NUMBER, NUMBER) -> common type"},
    {"xor", 2, 2, &bind_named, "xor(INTEGER, INTEGER) -> common type"},
    {"+", 1, 2, &bind_plus, "+(ANY, ANY)"},
    {"-", 1, 2, &bind_minus, "-(ANY, ANY)"},
    {"*", 2, 2, &bind_named, "*(ANY, ANY)"},
    {"/", 2, 2, &bind_named, "/(NUMBER, NUMBER) -> DOUBLE"},
    {"//", 2, 2, &bind_named, "//(NUMBER, NUMBER) -> common type"},
    {"%", 2, 2, &bind_named, "%(NUMBER, NUMBER) -> common type"},
    {"**", 2, 2, &bind_named, "**(NUMBER, NUMBER) -> DOUBLE"},
    {"&", 2, 2, &bind_named, "&(INTEGER, INTEGER) -> common type"},
    {"|", 2, 2, &bind_named, "|(INTEGER, INTEGER) -> common type"},
    {"<<", 2, 2, &bind_named, "<<(INTEGER, INTEGER) -> common type"},
    {">>", 2, 2, &bind_named, ">>(INTEGER, INTEGER) -> common type"},
    {"~", 1, 1, &bind_tilde, "~(INTEGER) -> same type"},
};

}  // namespace

std::span<const Function> math_functions() { return kMath; }
std::span<const SpecialFunction> math_specials() { return kSpecials; }

}  // namespace tidemill::sql
