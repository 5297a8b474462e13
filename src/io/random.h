#pragma once

#include <cstdint>

namespace tidemill::io {

// Random bits. The real one is the kernel's; the simulated one is seeded. Loop thread only.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
};

}  // namespace tidemill::io
