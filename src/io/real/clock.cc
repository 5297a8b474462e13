#include "io/real/clock.h"

#include <time.h>

#include "base/check.h"

namespace tidemill::io {
namespace {

int64_t read_us(clockid_t clock) {
  timespec now{};
  TIDEMILL_CHECK(clock_gettime(clock, &now) == 0);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

Time RealClock::wall() const { return {read_us(CLOCK_REALTIME)}; }
Elapsed RealClock::elapsed() const { return {read_us(CLOCK_MONOTONIC)}; }

}  // namespace tidemill::io
