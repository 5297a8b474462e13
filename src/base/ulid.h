// ULID: 26 characters, sorted by time. Made of a time and 80 random bits that the caller gives.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace tidemill {

std::string make_ulid(Time now, uint64_t random_high, uint64_t random_low);

}  // namespace tidemill
