#include "value/int128.h"

#include <algorithm>

namespace tidemill::value {

std::string format_uint128(uint128 n) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(n % 10)));
    n /= 10;
  } while (n != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string format_int128(int128 n) {
  if (n >= 0) return format_uint128(static_cast<uint128>(n));
  return "-" + format_uint128(uint128(0) - static_cast<uint128>(n));
}

}  // namespace tidemill::value
