// Fixed-point decimals: an int128 counts units of 10^-scale. The width (number of digits, up to 38)
// is checked where a value is made. Result types of operators follow DuckDB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "value/int128.h"

namespace tidemill::value {

inline constexpr int kMaxDecimalWidth = 38;

struct DecimalType {
  uint8_t width = 18;  // 1..38
  uint8_t scale = 3;   // 0..width
  constexpr bool operator==(const DecimalType&) const = default;
};

// "DECIMAL(18,3)".
std::string decimal_type_name(DecimalType type);
// Error if width is not 1..38 or scale not 0..width.
Result<DecimalType> make_decimal_type(int64_t width, int64_t scale);

// 10^n for n in 0..38.
int128 power_of_ten(int n);
// True if |unscaled| has at most `width` digits.
bool fits_width(int128 unscaled, int width);

// Reads "-12.345", "1e3", blanks at both ends, '_' between digits; rounds half away from zero to
// the scale. Error: "Conversion Error: Could not convert string \"12a\" to DECIMAL(4,1)".
Result<int128> parse_decimal(std::string_view text, DecimalType type);
// "-0.05": always exactly `scale` digits after the point. No zero stands before the point where the
// width leaves no place for it: 0.5 as DECIMAL(2,2) is ".50".
std::string format_decimal(int128 unscaled, DecimalType type);

// The type of a literal such as 1.50: DECIMAL(3,2); leading zeros count. An error if it has more
// than 38 digits: SQL reads such a literal as DOUBLE.
struct DecimalLiteral {
  int128 unscaled = 0;
  DecimalType type;
};
Result<DecimalLiteral> parse_decimal_literal(std::string_view text);

// CAST between decimals, rounding half away from zero: "Conversion Error: Casting value "12345.6"
// to type DECIMAL(4,1) failed: value is out of range!".
Result<int128> rescale(int128 unscaled, DecimalType from, DecimalType to);

Result<int128> decimal_from_integer(int128 n, DecimalType type);
Result<int128> decimal_from_double(double x, DecimalType type);
// The nearest double, computed as DuckDB does (quotient by a power of ten).
double decimal_to_double(int128 unscaled, int scale);
float decimal_to_float(int128 unscaled, int scale);
// Rounds half away from zero.
template <Integer T>
Result<T> decimal_to_integer(int128 unscaled, int scale);

// The DECIMAL an integer becomes beside a decimal: INT8 3, INT16 5, INT32 10, INT64 19 digits,
// others 38.
template <Integer T>
constexpr DecimalType decimal_type_of_integer() {
  constexpr int size = sizeof(T);
  if (size == 1) return {3, 0};
  if (size == 2) return {5, 0};
  if (size == 4) return {10, 0};
  if (size == 8) return {uint8_t(is_signed_integer<T> ? 19 : 20), 0};
  return {38, 0};
}

// The smallest type that holds both, for comparisons, CASE, COALESCE and least/greatest; at most
// 38 digits.
DecimalType decimal_common_type(DecimalType a, DecimalType b);
// %: the common type without loss; nothing if that needs more than 38 digits: SQL then takes
// DOUBLE.
std::optional<DecimalType> decimal_modulo_type(DecimalType a, DecimalType b);
// + and -: one digit more than the common type, both sides are brought to the result's scale first.
DecimalType decimal_add_type(DecimalType a, DecimalType b);
// *: widths and scales are added. Error if the scale passes 38.
Result<DecimalType> decimal_multiply_type(DecimalType a, DecimalType b);

// Operands of add, subtract and modulo are at the result's scale; of multiply at their own.
// Error: "Out of Range Error: Overflow in addition of DECIMAL(38) (... + ...)...".
Result<int128> decimal_add(int128 a, int128 b, DecimalType result);
Result<int128> decimal_subtract(int128 a, int128 b, DecimalType result);
Result<int128> decimal_multiply(int128 a, int128 b, DecimalType result);
// Sign of the dividend. Error when b is 0.
Result<int128> decimal_modulo(int128 a, int128 b, DecimalType result);
Result<int128> decimal_negate(int128 a);

// Compares values of different scales exactly.
int decimal_compare(int128 a, int scale_a, int128 b, int scale_b);

enum class DecimalRounding { kHalfAway, kHalfEven, kFloor, kCeil, kTruncate };
// round(x, digits) for a value of `type`; the result's scale is min(max(digits, 0), scale), its
// width is kept. Negative digits round to tens, hundreds... as in round(1234.5, -2) = 1200.
struct RoundedDecimal {
  int128 unscaled = 0;
  DecimalType type;
};
RoundedDecimal decimal_round(int128 unscaled, DecimalType type, int digits,
                             DecimalRounding rounding);

}  // namespace tidemill::value
