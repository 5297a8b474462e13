// The two clocks. Only io and its users outside the pure rooms read them.
#pragma once

#include "base/time.h"

namespace tidemill::io {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time wall() const = 0;
  virtual Elapsed elapsed() const = 0;
  Now now() const { return {wall(), elapsed()}; }
};

}  // namespace tidemill::io
