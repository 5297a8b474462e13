// The machine's clocks.
#pragma once

#include "io/clock.h"

namespace tidemill::io {

// CLOCK_REALTIME and CLOCK_MONOTONIC, rounded down to microseconds.
class RealClock final : public Clock {
 public:
  Time wall() const override;
  Elapsed elapsed() const override;
};

}  // namespace tidemill::io
