// Inline part of number_text.h; include that instead.
#pragma once

#include "value/number_text.h"

namespace tidemill::value {

Error integer_range_error(std::string_view from_type, std::string_view shown,
                          std::string_view to_type);

template <Integer To, Integer From>
bool fits(From n) {
  if constexpr (is_signed_integer<From>) {
    if (n < 0) return is_signed_integer<To> && int128(n) >= int128(min_of<To>);
  }
  return uint128(n) <= uint128(max_of<To>);
}

template <Integer To, Integer From>
Result<To> integer_cast(From n) {
  if (fits<To>(n)) return static_cast<To>(n);
  return fail(integer_range_error(integer_name<From>(), format_integer(n), integer_name<To>()));
}

}  // namespace tidemill::value
