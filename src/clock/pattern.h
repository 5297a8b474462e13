// A cron expression after parsing, as bit masks over wall-clock fields; knows nothing of zones.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/strong.h"

namespace tidemill::clock {

// A wall-clock minute, or second where the pattern has seconds, counted from 1970-01-01 00:00
// local.
using Label = StrongInt<struct LabelTag>;

inline constexpr int kFirstYear = 1970;  // of the year field
inline constexpr int kLastYear = 2199;

// Which labels match. Plain data, filled by the parsers. Searching uses the masks with
// count-trailing-zeros, month by month, and gives up after the Gregorian cycle of 400 years.
struct Pattern {
  uint64_t second = 1;              // bits 0..59; only where has_seconds
  uint64_t minute = 0;              // bits 0..59
  uint32_t hour = 0;                // bits 0..23
  uint32_t dom = 0;                 // bits 1..31
  uint32_t month = 0;               // bits 1..12
  uint32_t dow = 0;                 // bits 0..6, Sunday = 0
  uint32_t before_last = 0;         // bit n: n days before the last day of the month (L, L-n)
  uint32_t near_weekday = 0;        // bit n: the weekday nearest to day n, within the month (nW)
  bool last_weekday = false;        // the last Monday-to-Friday of the month (LW)
  uint32_t last_dow = 0;            // bit w: the last such weekday of the month (nL)
  uint64_t nth_dow = 0;             // bit (k-1)*7+w: the k-th such weekday of the month (n#k)
  std::array<uint64_t, 4> years{};  // bit y-1970, where has_years
  bool has_seconds = false;
  bool has_years = false;
  bool days_any = false;  // a day matches if either day field does, else if both do

  // Flags of the first character of a field's text.
  bool second_star = false;
  bool minute_star = false;
  bool hour_star = false;
  bool dom_star = false;
  bool dow_star = false;
  bool hourly = false;  // written @hourly

  // WILD entries follow the wall clock, FIXED ones are owed once a label.
  bool is_wild() const { return second_star || minute_star || hour_star || hourly; }
  int64_t unit_s() const { return has_seconds ? 1 : 60; }

  // The first matching label at or after `from`, the last at or before it; nothing for never.
  std::optional<Label> next(Label from) const;
  std::optional<Label> previous(Label from) const;
  // The days of a month that match, bit d-1 for day d. `first_weekday` is that of the 1st.
  uint32_t days_of_month(int days, int first_weekday) const;

 private:
  bool has_empty_set() const;
  bool has_year(int64_t year) const;
  int64_t next_day(int64_t day) const;
  int64_t previous_day(int64_t day) const;
  int64_t next_in_day(int64_t from) const;
  int64_t previous_in_day(int64_t from) const;
};

}  // namespace tidemill::clock
