// The kernel's random bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "io/random.h"

namespace tidemill::io {

// getrandom(2), fetched 256 bytes at a time. Loop thread only.
class RealRandom final : public Random {
 public:
  uint64_t next() override;

 private:
  std::array<uint64_t, 32> bits_{};
  size_t used_ = 32;
};

}  // namespace tidemill::io
