// The 128-bit integers behind HUGEINT, UHUGEINT and wide decimals, and the names and bounds of
// every integer width. std::numeric_limits knows no 128-bit integer in strict C++ mode, so use
// these.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace tidemill::value {

using int128 = __int128;
using uint128 = unsigned __int128;

template <class T>
concept Integer =
    std::is_same_v<T, int8_t> || std::is_same_v<T, int16_t> || std::is_same_v<T, int32_t> ||
    std::is_same_v<T, int64_t> || std::is_same_v<T, int128> || std::is_same_v<T, uint8_t> ||
    std::is_same_v<T, uint16_t> || std::is_same_v<T, uint32_t> || std::is_same_v<T, uint64_t> ||
    std::is_same_v<T, uint128>;

template <Integer T>
inline constexpr bool is_signed_integer = T(-1) < T(0);

template <Integer T>
inline constexpr T max_of =
    is_signed_integer<T> ? T((uint128(1) << (sizeof(T) * 8 - 1)) - 1) : T(~T(0));
template <Integer T>
inline constexpr T min_of = is_signed_integer<T> ? T(-max_of<T> - 1) : T(0);

// "INT32", "UINT8", "INT128": the word that messages use for a width.
template <Integer T>
constexpr std::string_view integer_name() {
  constexpr std::string_view kSigned[] = {"INT8", "INT16", "INT32", "INT64", "INT128"};
  constexpr std::string_view kUnsigned[] = {"UINT8", "UINT16", "UINT32", "UINT64", "UINT128"};
  constexpr int at = sizeof(T) == 1   ? 0
                     : sizeof(T) == 2 ? 1
                     : sizeof(T) == 4 ? 2
                     : sizeof(T) == 8 ? 3
                                      : 4;
  return is_signed_integer<T> ? kSigned[at] : kUnsigned[at];
}

std::string format_int128(int128 n);
std::string format_uint128(uint128 n);

template <Integer T>
std::string format_integer(T n) {
  if constexpr (sizeof(T) < 16) {
    return std::to_string(+n);
  } else if constexpr (is_signed_integer<T>) {
    return format_int128(n);
  } else {
    return format_uint128(n);
  }
}

}  // namespace tidemill::value
