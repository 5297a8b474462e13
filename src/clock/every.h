// Fixed periods: "every: 50ms" and up. Ticks are the multiples of the period since 1970 in UTC, so
// they are the same after a restart and on every machine.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::clock {

class Every {
 public:
  static constexpr Duration kShortest = Duration::millis(50);
  static constexpr Duration kLongest = Duration::seconds(10LL * 366 * 86'400);

  static Result<Every> of(Duration period);
  // "50ms", "10s", "1h30m".
  static Result<Every> parse(std::string_view text);

  Duration period() const { return period_; }
  // The first tick strictly later, the last tick strictly earlier; none outside the years 0..9999.
  std::optional<Time> next(Time after) const;
  std::optional<Time> previous(Time before) const;
  // "every 10 seconds"
  std::string describe() const;

 private:
  explicit Every(Duration period) : period_(period) {}
  Duration period_;
};

// The instants between which schedules have ticks: the years 0 to 9999.
inline constexpr Time kFirstInstant = Time::from_seconds(-62'167'219'200);
inline constexpr Time kLastInstant = Time::from_seconds(253'402'300'799);

}  // namespace tidemill::clock
