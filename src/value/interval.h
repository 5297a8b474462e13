// Intervals: months, days and microseconds are kept apart, since a month has no fixed length.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tidemill::value {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;
inline constexpr int64_t kDaysPerMonth = 30;  // only for comparison of intervals

struct Interval {
  int32_t months = 0;
  int32_t days = 0;
  int64_t us = 0;
};

// The form that comparison and hashing use: us in [0, a day), days in [0, 30), carried upwards.
// Two intervals are equal in SQL if their normal forms have equal fields.
struct NormalInterval {
  int64_t months = 0;
  int64_t days = 0;
  int64_t us = 0;
  constexpr auto operator<=>(const NormalInterval&) const = default;
};
NormalInterval normalize(Interval interval);

// SQL's order: INTERVAL 1 MONTH = INTERVAL 30 DAY.
inline bool operator==(Interval a, Interval b) { return normalize(a) == normalize(b); }
inline auto operator<=>(Interval a, Interval b) { return normalize(a) <=> normalize(b); }
constexpr bool same_fields(Interval a, Interval b) {
  return a.months == b.months && a.days == b.days && a.us == b.us;
}

// "1 year 2 months 3 days 04:05:06.789", "-1 days", "00:00:00".
std::string format_interval(Interval interval);

// Reads "1 year 2 months", "3 days ago", "04:05:06", "1.5 hours", "@ 1 week", "P"-less forms as
// DuckDB. Error: "Conversion Error: Could not convert string 'x' to INTERVAL".
Result<Interval> parse_interval(std::string_view text);

// INTERVAL n UNIT with the unit's word in any case, singular or plural: "day", "weeks", "quarter",
// "decade", "century", "millennium", "microseconds", ... Error for an unknown unit or overflow.
Result<Interval> make_interval(int64_t count, std::string_view unit);
// For seconds, milliseconds and microseconds a fraction counts; for longer units it is cut off, as
// in INTERVAL 1.5 DAY = 1 day.
Result<Interval> make_interval(double count, std::string_view unit);

Result<Interval> add(Interval a, Interval b);
Result<Interval> subtract(Interval a, Interval b);
Result<Interval> negate(Interval a);
Result<Interval> multiply(Interval a, int64_t n);
Result<Interval> multiply(Interval a, double factor);
// `divisor` must not be 0 (SQL gives NULL then).
Result<Interval> divide(Interval a, double divisor);

}  // namespace tidemill::value
