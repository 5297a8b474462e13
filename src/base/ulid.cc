#include "base/ulid.h"

namespace tidemill {

std::string make_ulid(Time now, uint64_t random_high, uint64_t random_low) {
  static constexpr char kDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  uint64_t ms = static_cast<uint64_t>(now.us / 1000) & ((1ULL << 48) - 1);
  std::string out(26, '0');
  for (int i = 9; i >= 0; --i, ms >>= 5) out[static_cast<size_t>(i)] = kDigits[ms & 31];
  for (int i = 17; i >= 10; --i, random_high >>= 5) {
    out[static_cast<size_t>(i)] = kDigits[random_high & 31];
  }
  for (int i = 25; i >= 18; --i, random_low >>= 5) {
    out[static_cast<size_t>(i)] = kDigits[random_low & 31];
  }
  return out;
}

}  // namespace tidemill
