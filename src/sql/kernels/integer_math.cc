#include "sql/kernels/integer_math.h"

#include "value/decimal.h"

namespace tidemill::sql::kernels {
namespace {

using value::int128;
using value::is_signed_integer;
using value::uint128;

Error out_of_range(std::string message) {
  return {Code::kInvalid, "Out of Range Error: " + std::move(message), {}};
}

constexpr int kMaxDigits = 38;  // of a power of ten in 128 bits
constexpr int64_t kLastFactorial = 33;

uint128 magnitude_of(int128 n) { return n < 0 ? uint128(0) - uint128(n) : uint128(n); }

template <class T>
Result<T> gcd_of(T a, T b) {
  while (b != 0) {
    const T rest = b == T(-1) ? T(0) : static_cast<T>(a % b);
    a = b;
    b = rest;
  }
  return abs(a);
}

template <class T>
Result<T> lcm_of(T a, T b) {
  if (a == 0 || b == 0) return T(0);
  TIDEMILL_TRY_LET(divisor, gcd_of(a, b));
  TIDEMILL_TRY_LET(left, abs(a));
  TIDEMILL_TRY_LET(right, abs(b));
  T out;
  if (multiply_overflows(static_cast<T>(left / divisor), right, &out)) {
    return fail(out_of_range("lcm value is out of range"));
  }
  return out;
}

}  // namespace

Error overflow_error(std::string_view what, std::string_view type, std::string_view a,
                     std::string_view sign, std::string_view b) {
  return out_of_range(fmt::format("Overflow in {} of {} ({} {} {})!", what, type, a, sign, b));
}

Error division_overflow_error(std::string_view a, std::string_view b) {
  return out_of_range(fmt::format("Overflow in division of {} / {}", a, b));
}

Error division_by_zero_error(std::string_view a, std::string_view sign, std::string_view b) {
  return {
      Code::kInvalid,
      fmt::format("Invalid Input Error: Division by zero in expression ({} {} {}). Use TRY(...) "
                  "to return NULL for this expression",
                  a, sign, b),
      {}};
}

Error abs_overflow_error(std::string_view a) {
  return out_of_range(fmt::format("Overflow on abs({})", a));
}

Error negate_overflow_error(std::string_view a) {
  return out_of_range(fmt::format("Overflow in negation of {}", a));
}

template <Integer T>
Result<T> round_integer(T n, int64_t digits) {
  if (digits >= 0) return n;
  if (digits < -kMaxDigits) return T(0);
  const auto power = uint128(value::power_of_ten(static_cast<int>(-digits)));
  const bool negative = n < T(0);
  const uint128 size = negative ? magnitude_of(int128(n)) : uint128(n);
  const uint128 rest = size % power;
  uint128 rounded = size - rest;
  if (rest >= power - rest) {
    if (__builtin_add_overflow(rounded, power, &rounded)) {
      return fail(out_of_range("Overflow in ROUND of integer"));
    }
  }
  const uint128 limit = uint128(value::max_of<T>) + (negative ? 1 : 0);
  if (rounded > limit) return fail(out_of_range("Overflow in ROUND of integer"));
  return static_cast<T>(negative ? uint128(0) - rounded : rounded);
}

template <Integer T>
Result<T> round_integer_even(T n, int64_t digits) {
  if (digits >= 0) return n;
  if (digits < -kMaxDigits) return T(0);
  const auto power = uint128(value::power_of_ten(static_cast<int>(-digits)));
  const bool negative = n < T(0);
  const uint128 size = negative ? magnitude_of(int128(n)) : uint128(n);
  const uint128 rest = size % power;
  const bool half = rest == power - rest;
  const bool up = half ? size / power % 2 == 1 : rest > power - rest;
  uint128 rounded = size - rest;
  const bool too_large = up && __builtin_add_overflow(rounded, power, &rounded);
  const uint128 limit = uint128(value::max_of<T>) + (negative ? 1 : 0);
  if (too_large || rounded > limit) return fail(out_of_range("Overflow in ROUND of integer"));
  return static_cast<T>(negative ? uint128(0) - rounded : rounded);
}

template <Integer T>
T trunc_integer(T n, int64_t digits) {
  if (digits >= 0) return n;
  if (digits < -kMaxDigits) return T(0);
  const int128 power = value::power_of_ten(static_cast<int>(-digits));
  if constexpr (is_signed_integer<T>) {
    return static_cast<T>(int128(n) - int128(n) % power);
  } else {
    return static_cast<T>(uint128(n) - uint128(n) % uint128(power));
  }
}

template <Integer T>
Result<T> shift_left(T n, T by) {
  constexpr int kBits = sizeof(T) * 8;
  const std::string shown_by = value::format_integer(by);
  if constexpr (is_signed_integer<T>) {
    if (n < 0) {
      return fail(out_of_range(
          fmt::format("Cannot left-shift negative number {}", value::format_integer(n))));
    }
    if (by < 0) {
      return fail(out_of_range(fmt::format("Cannot left-shift by negative number {}", shown_by)));
    }
  }
  if (n == 0 || by == 0) return n;
  // An unsigned value reports an overflow where a signed one reports the shift.
  if (is_signed_integer<T> && !(by < T(kBits))) {
    return fail(out_of_range(fmt::format("Left-shift value {} is out of range", shown_by)));
  }
  if (!(by < T(kBits)) || n > static_cast<T>(value::max_of<T> >> by)) {
    return fail(out_of_range(
        fmt::format("Overflow in left shift ({} << {})", value::format_integer(n), shown_by)));
  }
  return static_cast<T>(uint128(n) << static_cast<int>(by));
}

template <Integer T>
T shift_right(T n, T by) {
  if (by < T(0) || !(by < T(sizeof(T) * 8))) return T(0);
  return static_cast<T>(n >> static_cast<int>(by));
}

template <Integer T>
int16_t bit_count(T n) {
  uint128 bits = uint128(n);
  if constexpr (sizeof(T) < 16) bits &= (uint128(1) << (sizeof(T) * 8)) - 1;
  return static_cast<int16_t>(__builtin_popcountll(static_cast<uint64_t>(bits)) +
                              __builtin_popcountll(static_cast<uint64_t>(bits >> 64)));
}

#define TIDEMILL_INTEGER_FUNCTIONS(T)                   \
  template Result<T> round_integer<T>(T, int64_t);      \
  template Result<T> round_integer_even<T>(T, int64_t); \
  template T trunc_integer<T>(T, int64_t);              \
  template Result<T> shift_left<T>(T, T);               \
  template T shift_right<T>(T, T);                      \
  template int16_t bit_count<T>(T)

TIDEMILL_INTEGER_FUNCTIONS(int8_t);
TIDEMILL_INTEGER_FUNCTIONS(int16_t);
TIDEMILL_INTEGER_FUNCTIONS(int32_t);
TIDEMILL_INTEGER_FUNCTIONS(int64_t);
TIDEMILL_INTEGER_FUNCTIONS(int128);
TIDEMILL_INTEGER_FUNCTIONS(uint8_t);
TIDEMILL_INTEGER_FUNCTIONS(uint16_t);
TIDEMILL_INTEGER_FUNCTIONS(uint32_t);
TIDEMILL_INTEGER_FUNCTIONS(uint64_t);
TIDEMILL_INTEGER_FUNCTIONS(uint128);
#undef TIDEMILL_INTEGER_FUNCTIONS

Result<int64_t> gcd(int64_t a, int64_t b) { return gcd_of(a, b); }
Result<int64_t> lcm(int64_t a, int64_t b) { return lcm_of(a, b); }
Result<int128> gcd(int128 a, int128 b) { return gcd_of(a, b); }
Result<int128> lcm(int128 a, int128 b) { return lcm_of(a, b); }

Result<int128> factorial(int64_t n) {
  if (n < 0) return fail(out_of_range("factorial of a negative number is undefined"));
  if (n > kLastFactorial) return fail(out_of_range("Value out of range"));
  int128 product = 1;
  for (int64_t i = 2; i <= n; ++i) product *= i;
  return product;
}

}  // namespace tidemill::sql::kernels
