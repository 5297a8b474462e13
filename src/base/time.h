// Time: an instant in UTC. Elapsed: an instant of the monotonic clock. Duration: between two of one
// kind. All count microseconds. Nothing here reads a clock: see io/clock.h.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tidemill {

struct Duration {
  int64_t us = 0;

  static constexpr Duration micros(int64_t n) { return {n}; }
  static constexpr Duration millis(int64_t n) { return {n * 1000}; }
  static constexpr Duration seconds(int64_t n) { return {n * 1'000'000}; }
  constexpr double to_ms() const { return static_cast<double>(us) / 1000.0; }
  constexpr auto operator<=>(const Duration&) const = default;
};

struct Time {
  int64_t us = 0;  // since 1970-01-01T00:00:00Z

  static constexpr Time from_seconds(int64_t s) { return {s * 1'000'000}; }
  // Whole seconds since 1970, rounded down.
  constexpr int64_t seconds() const {
    return us >= 0 ? us / 1'000'000 : -((-us + 999'999) / 1'000'000);
  }
  constexpr auto operator<=>(const Time&) const = default;
};

struct Elapsed {
  int64_t us = 0;  // since an arbitrary start; never goes back
  constexpr auto operator<=>(const Elapsed&) const = default;
};

constexpr Duration operator+(Duration a, Duration b) { return {a.us + b.us}; }
constexpr Duration operator-(Duration a, Duration b) { return {a.us - b.us}; }
constexpr Duration operator*(Duration a, int64_t n) { return {a.us * n}; }
constexpr Time operator+(Time t, Duration d) { return {t.us + d.us}; }
constexpr Time operator-(Time t, Duration d) { return {t.us - d.us}; }
constexpr Duration operator-(Time a, Time b) { return {a.us - b.us}; }
constexpr Elapsed operator+(Elapsed t, Duration d) { return {t.us + d.us}; }
constexpr Duration operator-(Elapsed a, Elapsed b) { return {a.us - b.us}; }

// What the pure rooms are given in place of a clock.
struct Now {
  Time wall;
  Elapsed elapsed;
};

// "2026-03-01T02:00:00Z"; a fraction of up to six digits only where it is not zero.
std::string format_rfc3339(Time t);
// Accepts "2026-03-01T02:00:00Z", "...+02:00", a fraction, and a blank in place of the T.
Result<Time> parse_rfc3339(std::string_view text);

// "50ms", "3s", "2m", "1h30m", "30d". Units: us, ms, s, m, h, d, w. Exact, no fraction, no sign.
Result<Duration> parse_duration(std::string_view text);
// The shortest text that parse_duration reads back: "1h30m".
std::string format_duration(Duration d);

// Days since 1970-01-01 of a civil date of the proleptic Gregorian calendar, and back.
// Algorithm: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
struct CivilDate {
  int64_t year;
  int month;  // 1..12
  int day;    // 1..31
  constexpr auto operator<=>(const CivilDate&) const = default;
};
int64_t days_from_civil(CivilDate date);
CivilDate civil_from_days(int64_t days);
int days_in_month(int64_t year, int month);

}  // namespace tidemill
