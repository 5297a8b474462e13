// Overflow-checked integer arithmetic at each width, with DuckDB's messages.
//
// For loops over columns use the *_overflows forms (no allocation) and make the error only when
// needed:
//   if (add_overflows(a, b, &out)) [[unlikely]] return fail(addition_error(a, b));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "value/int128.h"

namespace tidemill::sql::kernels {

using value::Integer;

// "Out of Range Error: Overflow in addition of INT32 (2147483647 + 1)!"
Error overflow_error(std::string_view what, std::string_view type, std::string_view a,
                     std::string_view sign, std::string_view b);
// "Out of Range Error: Overflow in division of -128 / -1"
Error division_overflow_error(std::string_view a, std::string_view b);
// "Invalid Input Error: Division by zero in expression (1 // 0). Use TRY(...) to return NULL ..."
Error division_by_zero_error(std::string_view a, std::string_view sign, std::string_view b);
Error abs_overflow_error(std::string_view a);
Error negate_overflow_error(std::string_view a);

template <Integer T>
constexpr bool add_overflows(T a, T b, T* out) {
  return __builtin_add_overflow(a, b, out);
}
template <Integer T>
constexpr bool subtract_overflows(T a, T b, T* out) {
  return __builtin_sub_overflow(a, b, out);
}
template <Integer T>
constexpr bool multiply_overflows(T a, T b, T* out) {
  return __builtin_mul_overflow(a, b, out);
}

template <Integer T>
Error addition_error(T a, T b) {
  return overflow_error("addition", value::integer_name<T>(), value::format_integer(a), "+",
                        value::format_integer(b));
}
template <Integer T>
Error subtraction_error(T a, T b) {
  return overflow_error("subtraction", value::integer_name<T>(), value::format_integer(a), "-",
                        value::format_integer(b));
}
template <Integer T>
Error multiplication_error(T a, T b) {
  return overflow_error("multiplication", value::integer_name<T>(), value::format_integer(a), "*",
                        value::format_integer(b));
}

template <Integer T>
Result<T> add(T a, T b) {
  T out;
  if (add_overflows(a, b, &out)) [[unlikely]]
    return fail(addition_error(a, b));
  return out;
}
template <Integer T>
Result<T> subtract(T a, T b) {
  T out;
  if (subtract_overflows(a, b, &out)) [[unlikely]]
    return fail(subtraction_error(a, b));
  return out;
}
template <Integer T>
Result<T> multiply(T a, T b) {
  T out;
  if (multiply_overflows(a, b, &out)) [[unlikely]]
    return fail(multiplication_error(a, b));
  return out;
}

// a // b, towards zero.
template <Integer T>
Result<T> divide(T a, T b) {
  if (b == 0) [[unlikely]] {
    return fail(division_by_zero_error(value::format_integer(a), "//", value::format_integer(b)));
  }
  if constexpr (value::is_signed_integer<T>) {
    if (b == T(-1) && a == value::min_of<T>) [[unlikely]] {
      return fail(division_overflow_error(value::format_integer(a), value::format_integer(b)));
    }
  }
  return static_cast<T>(a / b);
}

// a % b, with the sign of a.
template <Integer T>
Result<T> modulo(T a, T b) {
  if (b == 0) [[unlikely]] {
    return fail(division_by_zero_error(value::format_integer(a), "%", value::format_integer(b)));
  }
  if constexpr (value::is_signed_integer<T>) {
    if (b == T(-1)) return T(0);  // the processor traps on the smallest value
  }
  return static_cast<T>(a % b);
}

template <Integer T>
Result<T> negate(T a) {
  T out;
  if (__builtin_sub_overflow(T(0), a, &out)) [[unlikely]] {
    return fail(negate_overflow_error(value::format_integer(a)));
  }
  return out;
}

template <Integer T>
Result<T> abs(T a) {
  if (!(a < T(0))) return a;
  T out;
  if (__builtin_sub_overflow(T(0), a, &out)) [[unlikely]] {
    return fail(abs_overflow_error(value::format_integer(a)));
  }
  return out;
}

// round(n, digits): only negative digits change an integer; half away from zero. A place beyond the
// width gives 0; leaving the width is an error.
template <Integer T>
Result<T> round_integer(T n, int64_t digits);
// The same, half to even, and towards zero.
template <Integer T>
Result<T> round_integer_even(T n, int64_t digits);
template <Integer T>
T trunc_integer(T n, int64_t digits);

// Errors: "Out of Range Error: Left-shift value 64 is out of range", "Cannot left-shift negative
// number".
template <Integer T>
Result<T> shift_left(T n, T by);
// A shift outside the width gives 0.
template <Integer T>
T shift_right(T n, T by);
template <Integer T>
int16_t bit_count(T n);  // TINYINT in SQL, SMALLINT for 128 bits

Result<int64_t> gcd(int64_t a, int64_t b);
Result<int64_t> lcm(int64_t a, int64_t b);
Result<value::int128> gcd(value::int128 a, value::int128 b);
Result<value::int128> lcm(value::int128 a, value::int128 b);
// Error beyond 33!: "Out of Range Error: Value out of range".
Result<value::int128> factorial(int64_t n);

}  // namespace tidemill::sql::kernels
