// Rate limits by GCRA: one number a limit, the theoretical arrival time (TAT). Integer nanoseconds
// of the monotonic clock. Pure.
//   T = 1/rate, tau = (burst - 1) * T
//   at = max(now, TAT - tau)       the earliest permitted instant
//   TAT = max(at, TAT) + T         the permit is reserved; its holder waits until `at`
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

// One limit. A limit that has granted nothing lets `burst` calls leave at once.
class Gcra {
 public:
  Gcra(Rate rate, int64_t burst);

  // The earliest instant, in nanoseconds, at which a permit may be used.
  int64_t earliest_ns(int64_t now_ns) const;
  // Takes the permit of instant `at_ns`, which is not before earliest_ns().
  void take(int64_t at_ns);
  // No permit before `until_ns`; from then on they leave one a period, not a burst at once.
  void pause(int64_t until_ns);
  // New settings; what was granted still counts.
  void set(Rate rate, int64_t burst);

 private:
  int64_t period_ns_;
  int64_t tolerance_ns_;
  std::optional<int64_t> tat_ns_;
};

// The limits that one call must pass together, all or none: the vendor's and the product's.
// Rounded up to whole microseconds, so that a permit is never early.
struct Permit {
  bool granted = false;
  Elapsed at;  // if granted, when the call may leave; else when it could have left
};
Permit reserve(const std::vector<Gcra*>& limits, Elapsed paused_until, Elapsed now,
               Elapsed deadline);

}  // namespace tidemill::vendor
