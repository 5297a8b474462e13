#include "value/decimal.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "value/digits.h"
#include "value/number_text.h"

namespace tidemill::value {
namespace {

constexpr size_t kShownBytes = 200;
constexpr int kWidthOfInt64 = 18;  // digits that always fit in 64 bits

constexpr auto kPowers = [] {
  std::array<int128, kMaxDecimalWidth + 1> powers{};
  int128 power = 1;
  for (int i = 0; i <= kMaxDecimalWidth; ++i) {
    powers[i] = power;
    if (i < kMaxDecimalWidth) power *= 10;
  }
  return powers;
}();

Error invalid(std::string message) { return {Code::kInvalid, std::move(message), {}}; }

uint128 magnitude_of(int128 n) { return n < 0 ? uint128(0) - uint128(n) : uint128(n); }

// n / 10^digits, rounded; digits 0..38.
int128 divide_rounded(int128 n, int digits, DecimalRounding rounding) {
  const int128 power = kPowers[digits];
  const int128 quotient = n / power;
  const int128 rest = n % power;
  if (rest == 0) return quotient;
  const int away = n < 0 ? -1 : 1;
  const uint128 size = magnitude_of(rest);
  const uint128 opposite = magnitude_of(power) - size;
  switch (rounding) {
    case DecimalRounding::kHalfAway:
      return size >= opposite ? quotient + away : quotient;
    case DecimalRounding::kHalfEven:
      if (size == opposite) return quotient % 2 != 0 ? quotient + away : quotient;
      return size > opposite ? quotient + away : quotient;
    case DecimalRounding::kFloor:
      return n < 0 ? quotient - 1 : quotient;
    case DecimalRounding::kCeil:
      return n > 0 ? quotient + 1 : quotient;
    case DecimalRounding::kTruncate:
      break;
  }
  return quotient;
}

// n * 10^digits; nothing on overflow. Digits may exceed 38 for n = 0 only.
std::optional<int128> multiply_power(int128 n, int digits) {
  if (n == 0) return 0;
  if (digits > kMaxDecimalWidth) return std::nullopt;
  int128 out;
  if (__builtin_mul_overflow(n, kPowers[digits], &out)) return std::nullopt;
  return out;
}

}  // namespace

std::string decimal_type_name(DecimalType type) {
  return fmt::format("DECIMAL({},{})", type.width, type.scale);
}

Result<DecimalType> make_decimal_type(int64_t width, int64_t scale) {
  if (width < 1 || width > kMaxDecimalWidth) {
    return fail(Code::kInvalid, "Binder Error: DECIMAL type width must be between 1 and 38");
  }
  if (scale < 0 || scale > width) {
    return fail(Code::kInvalid, "Binder Error: DECIMAL type scale cannot be greater than width");
  }
  return DecimalType{static_cast<uint8_t>(width), static_cast<uint8_t>(scale)};
}

int128 power_of_ten(int n) { return kPowers[std::clamp(n, 0, kMaxDecimalWidth)]; }

bool fits_width(int128 unscaled, int width) {
  return magnitude_of(unscaled) < magnitude_of(kPowers[std::clamp(width, 0, kMaxDecimalWidth)]);
}

Result<int128> parse_decimal(std::string_view text, DecimalType type) {
  const auto number = split_number(trim_blanks(text));
  const auto magnitude = number ? scaled_magnitude(*number, type.scale) : std::nullopt;
  if (!magnitude || *magnitude >= magnitude_of(kPowers[type.width])) {
    return fail(invalid(fmt::format("Conversion Error: Could not convert string \"{}\" to {}",
                                    printable(text, kShownBytes), decimal_type_name(type))));
  }
  return number->negative ? -static_cast<int128>(*magnitude) : static_cast<int128>(*magnitude);
}

std::string format_decimal(int128 unscaled, DecimalType type) {
  std::string digits = format_uint128(magnitude_of(unscaled));
  const std::string sign = unscaled < 0 ? "-" : "";
  if (type.scale == 0) return sign + digits;
  const size_t least = type.scale + (type.width > type.scale ? 1 : 0);
  if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
  digits.insert(digits.size() - type.scale, ".");
  return sign + digits;
}

Result<DecimalLiteral> parse_decimal_literal(std::string_view text) {
  const auto number = split_number(text);
  if (!number || number->exponent != 0) {
    return fail(invalid(fmt::format("'{}' is not a decimal number: expected digits with a point",
                                    printable(text, kShownBytes))));
  }
  const size_t width = number->digits.size();
  if (width > kMaxDecimalWidth) {
    return fail(invalid(fmt::format("the number {} has {} digits; a decimal has at most 38",
                                    printable(text, kShownBytes), width)));
  }
  const auto scale = static_cast<int>(static_cast<int64_t>(width) - number->integer_digits);
  const auto magnitude = static_cast<int128>(*scaled_magnitude(*number, scale));
  return DecimalLiteral{number->negative ? -magnitude : magnitude,
                        {static_cast<uint8_t>(width), static_cast<uint8_t>(scale)}};
}

Result<int128> rescale(int128 unscaled, DecimalType from, DecimalType to) {
  std::optional<int128> out;
  if (to.scale >= from.scale) {
    out = multiply_power(unscaled, to.scale - from.scale);
  } else {
    out = divide_rounded(unscaled, from.scale - to.scale, DecimalRounding::kHalfAway);
  }
  if (!out || !fits_width(*out, to.width)) {
    return fail(invalid(fmt::format(
        "Conversion Error: Casting value \"{}\" to type {} failed: value is out of range!",
        format_decimal(unscaled, from), decimal_type_name(to))));
  }
  return *out;
}

Result<int128> decimal_from_integer(int128 n, DecimalType type) {
  const auto out = multiply_power(n, type.scale);
  if (!out || !fits_width(*out, type.width)) {
    return fail(invalid(fmt::format("Conversion Error: Could not cast value {} to {}",
                                    format_int128(n), decimal_type_name(type))));
  }
  return *out;
}

Result<int128> decimal_from_double(double x, DecimalType type) {
  const double scaled = std::round(x * static_cast<double>(kPowers[type.scale]));
  const auto limit = static_cast<double>(kPowers[type.width]);
  if (!(scaled > -limit && scaled < limit)) {
    return fail(invalid(fmt::format("Conversion Error: Could not cast value {:f} to {}", x,
                                    decimal_type_name(type))));
  }
  return static_cast<int128>(scaled);
}

double decimal_to_double(int128 unscaled, int scale) {
  constexpr int128 kExact = int128(1) << 53;
  const auto power = static_cast<double>(kPowers[scale]);
  if (scale == 0 || (unscaled <= kExact && unscaled >= -kExact)) {
    return static_cast<double>(unscaled) / power;
  }
  int128 const whole = unscaled / kPowers[scale];
  return static_cast<double>(whole) + static_cast<double>(unscaled % kPowers[scale]) / power;
}

float decimal_to_float(int128 unscaled, int scale) {
  return static_cast<float>(decimal_to_double(unscaled, scale));
}

template <Integer T>
Result<T> decimal_to_integer(int128 unscaled, int scale) {
  const int128 rounded = divide_rounded(unscaled, scale, DecimalRounding::kHalfAway);
  if (fits<T>(rounded)) return static_cast<T>(rounded);
  return fail(invalid(fmt::format("Conversion Error: Failed to cast decimal value {} to type {}",
                                  format_int128(rounded), integer_name<T>())));
}

template Result<int8_t> decimal_to_integer<int8_t>(int128, int);
template Result<int16_t> decimal_to_integer<int16_t>(int128, int);
template Result<int32_t> decimal_to_integer<int32_t>(int128, int);
template Result<int64_t> decimal_to_integer<int64_t>(int128, int);
template Result<int128> decimal_to_integer<int128>(int128, int);
template Result<uint8_t> decimal_to_integer<uint8_t>(int128, int);
template Result<uint16_t> decimal_to_integer<uint16_t>(int128, int);
template Result<uint32_t> decimal_to_integer<uint32_t>(int128, int);
template Result<uint64_t> decimal_to_integer<uint64_t>(int128, int);
template Result<uint128> decimal_to_integer<uint128>(int128, int);

DecimalType decimal_common_type(DecimalType a, DecimalType b) {
  const int whole = std::max(a.width - a.scale, b.width - b.scale);
  const int scale = std::max(a.scale, b.scale);
  if (whole + scale <= kMaxDecimalWidth) {
    return {static_cast<uint8_t>(whole + scale), static_cast<uint8_t>(scale)};
  }
  return {kMaxDecimalWidth, static_cast<uint8_t>(kMaxDecimalWidth - whole)};
}

std::optional<DecimalType> decimal_modulo_type(DecimalType a, DecimalType b) {
  const int whole = std::max(a.width - a.scale, b.width - b.scale);
  const int scale = std::max(a.scale, b.scale);
  if (whole + scale > kMaxDecimalWidth) return std::nullopt;
  return DecimalType{static_cast<uint8_t>(whole + scale), static_cast<uint8_t>(scale)};
}

DecimalType decimal_add_type(DecimalType a, DecimalType b) {
  const int whole = std::max(a.width - a.scale, b.width - b.scale);
  const int scale = std::max(a.scale, b.scale);
  return {static_cast<uint8_t>(std::min(whole + scale + 1, kMaxDecimalWidth)),
          static_cast<uint8_t>(scale)};
}

Result<DecimalType> decimal_multiply_type(DecimalType a, DecimalType b) {
  const int scale = a.scale + b.scale;
  int width = a.width + b.width;
  if (scale > kMaxDecimalWidth) {
    return fail(invalid(fmt::format(
        "Out of Range Error: Needed scale {} to accurately represent the multiplication result, "
        "but "
        "this is out of range of the DECIMAL type. Max scale is 38; could not perform an accurate "
        "multiplication. Either add a cast to DOUBLE, or add an explicit cast to a decimal with a "
        "lower scale.",
        scale)));
  }
  if (width > kWidthOfInt64 && std::max(a.width, b.width) <= kWidthOfInt64 &&
      scale < kWidthOfInt64) {
    width = kWidthOfInt64;
  }
  return DecimalType{static_cast<uint8_t>(std::min(width, kMaxDecimalWidth)),
                     static_cast<uint8_t>(scale)};
}

Result<int128> decimal_add(int128 a, int128 b, DecimalType result) {
  int128 out;
  if (!__builtin_add_overflow(a, b, &out) && fits_width(out, result.width)) return out;
  return fail(
      invalid(fmt::format("Out of Range Error: Overflow in addition of DECIMAL({}) ({} + {});",
                          result.width, format_int128(a), format_int128(b))));
}

Result<int128> decimal_subtract(int128 a, int128 b, DecimalType result) {
  int128 out;
  if (!__builtin_sub_overflow(a, b, &out) && fits_width(out, result.width)) return out;
  return fail(
      invalid(fmt::format("Out of Range Error: Overflow in subtract of DECIMAL({}) ({} - {});",
                          result.width, format_int128(a), format_int128(b))));
}

Result<int128> decimal_multiply(int128 a, int128 b, DecimalType result) {
  int128 out;
  if (!__builtin_mul_overflow(a, b, &out) && fits_width(out, result.width)) return out;
  return fail(invalid(fmt::format(
      "Out of Range Error: Overflow in multiplication of DECIMAL({}) ({} * {}). You might want to "
      "add an explicit cast to a {}.",
      result.width, format_int128(a), format_int128(b),
      result.width < kMaxDecimalWidth ? "bigger decimal" : "decimal with a smaller scale")));
}

Result<int128> decimal_modulo(int128 a, int128 b, DecimalType result) {
  if (b != 0) return b == -1 ? int128(0) : a % b;
  return fail(invalid(fmt::format(
      "Invalid Input Error: Division by zero in expression ({} % {}). Use TRY(...) to return NULL "
      "for this expression",
      format_decimal(a, result), format_decimal(b, result))));
}

Result<int128> decimal_negate(int128 a) {
  if (a != min_of<int128>) return -a;
  return fail(invalid("Out of Range Error: Overflow in negation of a decimal"));
}

int decimal_compare(int128 a, int scale_a, int128 b, int scale_b) {
  if (scale_a > scale_b) return -decimal_compare(b, scale_b, a, scale_a);
  // Now a has the smaller scale. If it cannot be widened it is larger in size than any b.
  const auto widened = multiply_power(a, scale_b - scale_a);
  if (!widened) return a < 0 ? -1 : 1;
  return *widened < b ? -1 : *widened > b ? 1 : 0;
}

RoundedDecimal decimal_round(int128 unscaled, DecimalType type, int digits,
                             DecimalRounding rounding) {
  if (digits >= type.scale) return {unscaled, type};
  const DecimalType result{type.width, static_cast<uint8_t>(std::max(digits, 0))};
  const int64_t dropped = int64_t(type.scale) - digits;
  if (dropped > type.width) return {0, result};
  int128 out = divide_rounded(unscaled, static_cast<int>(dropped), rounding);
  if (digits < 0) out *= kPowers[-digits];
  return {out, result};
}

}  // namespace tidemill::value
