// The common first step of reading a number: its sign, digits and exponent. Internal to this
// folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "value/int128.h"

namespace tidemill::value {

// "-12_3.45e1" is negative, digits "12345", integer_digits 3, exponent 1.
struct NumberText {
  bool negative = false;
  bool has_fraction = false;  // a '.' was there
  std::string digits;         // of both sides of the point, without it
  int64_t integer_digits = 0;
  int64_t exponent = 0;
};

std::string_view trim_blanks(std::string_view text);

// Nothing if `text` (already trimmed) is not [+-]digits[.digits][e[+-]digits] with at least one
// digit, or an '_' does not stand between two digits.
std::optional<NumberText> split_number(std::string_view text);

// The digits times 10^(scale + exponent) as an integer, rounded half away from zero. Nothing if it
// does not fit in an int128's magnitude bits (the sign is not applied).
std::optional<uint128> scaled_magnitude(const NumberText& number, int scale);

}  // namespace tidemill::value
