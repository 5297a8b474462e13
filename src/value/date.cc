// Arithmetic of dates and times. Reading and writing them is in date_text.cc.
#include "value/date.h"

#include <cmath>

#include "base/time.h"
#include "value/date_text.h"

namespace tidemill::value {
namespace {

Error invalid(std::string message) { return {Code::kInvalid, std::move(message), {}}; }

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

int128 floor_divide_wide(int128 a, int128 b) {
  const int128 quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

Result<Timestamp> in_range(int128 us) {
  if (const auto timestamp = timestamp_from_micros(us)) return *timestamp;
  return fail(invalid("Conversion Error: Date and time not in timestamp range"));
}

// The date some months later, with the day clamped to the month's length.
int64_t add_months(int64_t days, int64_t months) {
  const CivilDate civil = civil_from_days(days);
  const int64_t month_index = civil.year * 12 + (civil.month - 1) + months;
  const int64_t year = floor_divide(month_index, 12);
  const auto month = static_cast<int>(month_index - year * 12) + 1;
  return days_from_civil({year, month, std::min(civil.day, days_in_month(year, month))});
}

Result<Timestamp> shifted(Timestamp timestamp, int64_t months, int64_t days, int128 us) {
  if (!timestamp.is_finite()) return timestamp;
  const int64_t day = floor_divide(timestamp.us, kMicrosPerDay);
  const int64_t rest = timestamp.us - day * kMicrosPerDay;
  const int64_t moved = months == 0 ? day : add_months(day, months);
  return in_range(int128(moved + days) * kMicrosPerDay + rest + us);
}

TimeOfDay wrapped(int128 us) {
  int128 rest = us % kMicrosPerDay;
  if (rest < 0) rest += kMicrosPerDay;
  return {static_cast<int64_t>(rest)};
}

// Years, months, days and time of day of an instant.
struct Fields {
  CivilDate date;
  int64_t us;
};

Fields fields_of(Timestamp timestamp) {
  const int64_t day = floor_divide(timestamp.us, kMicrosPerDay);
  return {civil_from_days(day), timestamp.us - day * kMicrosPerDay};
}

constexpr int64_t kBucketOriginUs = 946'857'600'000'000;  // Monday 2000-01-03
constexpr int64_t kBucketOriginMonth = 2000 * 12;         // 2000-01-01

Status check_width(Interval width) {
  if (width.months != 0 && (width.days != 0 || width.us != 0)) {
    return fail(
        invalid("Not implemented Error: Month intervals cannot have day or time component"));
  }
  const int128 us = int128(width.days) * kMicrosPerDay + width.us;
  if (width.months < 0 || (width.months == 0 && us <= 0)) {
    return fail(invalid("Not implemented Error: Period must be greater than 0"));
  }
  return {};
}

Result<Timestamp> bucket(Interval width, Timestamp timestamp, int64_t origin_us,
                         int64_t origin_month) {
  TIDEMILL_TRY(check_width(width));
  if (!timestamp.is_finite()) return timestamp;
  if (width.months == 0) {
    const int128 size = int128(width.days) * kMicrosPerDay + width.us;
    const int128 distance = int128(timestamp.us) - origin_us;
    return in_range(floor_divide_wide(distance, size) * size + origin_us);
  }
  const CivilDate civil = fields_of(timestamp).date;
  const int64_t distance = civil.year * 12 + civil.month - 1 - origin_month;
  const int64_t month = floor_divide(distance, width.months) * width.months + origin_month;
  const int64_t year = floor_divide(month, 12);
  return in_range(int128(days_from_civil({year, static_cast<int>(month - year * 12) + 1, 1})) *
                  kMicrosPerDay);
}

}  // namespace

Result<Date> make_date(int64_t year, int64_t month, int64_t day) {
  if (const auto date = date_from_fields(year, month, day)) return *date;
  return fail(
      invalid(fmt::format("Conversion Error: Date out of range: {}-{}-{}", year, month, day)));
}

Result<TimeOfDay> make_time(int64_t hour, int64_t minute, double seconds) {
  const bool valid =
      hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && seconds >= 0 && seconds <= 60;
  const int64_t us = valid ? hour * kMicrosPerHour + minute * kMicrosPerMinute +
                                 static_cast<int64_t>(std::round(seconds * 1e6))
                           : -1;
  if (us >= 0 && us <= kMicrosPerDay) return TimeOfDay{us};
  return fail(invalid(
      fmt::format("Conversion Error: Time out of range: {}:{}:{:f}", hour, minute, seconds)));
}

Result<Timestamp> make_timestamp(int64_t year, int64_t month, int64_t day, int64_t hour,
                                 int64_t minute, double seconds) {
  TIDEMILL_TRY_LET(date, make_date(year, month, day));
  TIDEMILL_TRY_LET(time, make_time(hour, minute, seconds));
  return timestamp_from_parts(date, time);
}

Result<Timestamp> timestamp_from_date(Date date) { return timestamp_from_parts(date, {0}); }

Result<Timestamp> timestamp_from_parts(Date date, TimeOfDay time) {
  if (date == Date::infinity()) return Timestamp::infinity();
  if (date == Date::minus_infinity()) return Timestamp::minus_infinity();
  return in_range(int128(date.days) * kMicrosPerDay + time.us);
}

Date date_of(Timestamp timestamp) {
  if (timestamp == Timestamp::infinity()) return Date::infinity();
  if (timestamp == Timestamp::minus_infinity()) return Date::minus_infinity();
  return {static_cast<int32_t>(floor_divide(timestamp.us, kMicrosPerDay))};
}

Result<TimeOfDay> time_of(Timestamp timestamp) {
  if (!timestamp.is_finite()) {
    return fail(invalid("Conversion Error: Can't get TIME of infinite TIMESTAMP"));
  }
  return TimeOfDay{fields_of(timestamp).us};
}

Result<Timestamp> timestamp_from_epoch_ms(int64_t ms) {
  if (const auto timestamp = timestamp_from_micros(int128(ms) * 1000)) return *timestamp;
  return fail(invalid("Conversion Error: Could not convert Timestamp(MS) to Timestamp(US)"));
}

Result<Timestamp> timestamp_from_epoch_us(int64_t us) { return in_range(us); }

Result<Timestamp> timestamp_from_epoch_seconds(double seconds) {
  const double us = std::round(seconds * 1e6);
  if (!(us > -9.2e18 && us < 9.2e18)) {
    return fail(invalid(fmt::format(
        "Conversion Error: Epoch seconds out of range for TIMESTAMP WITH TIME ZONE: {}", seconds)));
  }
  return Timestamp{static_cast<int64_t>(us)};
}

Result<Date> add_days(Date date, int64_t days) {
  if (!date.is_finite()) return date;
  const int128 moved = int128(date.days) + days;
  if (moved < kFirstDate || moved > kLastDate) {
    return fail(invalid("Out of Range Error: Date out of range"));
  }
  return Date{static_cast<int32_t>(moved)};
}

int64_t days_between(Date later, Date earlier) { return int64_t(later.days) - earlier.days; }

Result<Timestamp> add(Timestamp timestamp, Interval interval) {
  return shifted(timestamp, interval.months, interval.days, interval.us);
}

Result<Timestamp> subtract(Timestamp timestamp, Interval interval) {
  return shifted(timestamp, -int64_t(interval.months), -int64_t(interval.days),
                 -int128(interval.us));
}

Result<Timestamp> add(Date date, Interval interval) {
  TIDEMILL_TRY_LET(timestamp, timestamp_from_date(date));
  return add(timestamp, interval);
}

Result<Timestamp> subtract(Date date, Interval interval) {
  TIDEMILL_TRY_LET(timestamp, timestamp_from_date(date));
  return subtract(timestamp, interval);
}

TimeOfDay add(TimeOfDay time, Interval interval) { return wrapped(int128(time.us) + interval.us); }

TimeOfDay subtract(TimeOfDay time, Interval interval) {
  return wrapped(int128(time.us) - interval.us);
}

Result<Interval> difference(Timestamp later, Timestamp earlier) {
  if (!later.is_finite() || !earlier.is_finite()) {
    return fail(invalid("Invalid Input Error: Cannot subtract infinite timestamps"));
  }
  const int128 us = int128(later.us) - earlier.us;
  return Interval{0, static_cast<int32_t>(us / kMicrosPerDay),
                  static_cast<int64_t>(us % kMicrosPerDay)};
}

// A field that is negative borrows from the next higher one; a month that is borrowed has the
// length of the month of the earlier instant.
std::optional<Interval> age(Timestamp later, Timestamp earlier) {
  if (!later.is_finite() || !earlier.is_finite()) return std::nullopt;
  const bool flipped = later < earlier;
  const Fields high = fields_of(flipped ? earlier : later);
  const Fields low = fields_of(flipped ? later : earlier);
  int64_t months = (high.date.year - low.date.year) * 12 + (high.date.month - low.date.month);
  int64_t days = high.date.day - low.date.day;
  int64_t us = high.us - low.us;
  if (us < 0) {
    us += kMicrosPerDay;
    --days;
  }
  while (days < 0) {
    days += days_in_month(low.date.year, low.date.month);
    --months;
  }
  const int sign = flipped ? -1 : 1;
  return Interval{static_cast<int32_t>(sign * months), static_cast<int32_t>(sign * days),
                  sign * us};
}

Result<Timestamp> time_bucket(Interval width, Timestamp timestamp) {
  return bucket(width, timestamp, kBucketOriginUs, kBucketOriginMonth);
}

Result<Timestamp> time_bucket(Interval width, Timestamp timestamp, Timestamp origin) {
  if (!origin.is_finite()) {
    return fail(invalid("Invalid Input Error: the origin of time_bucket must be finite"));
  }
  const CivilDate civil = fields_of(origin).date;
  return bucket(width, timestamp, origin.us, civil.year * 12 + civil.month - 1);
}

Result<Timestamp> time_bucket(Interval width, Timestamp timestamp, Interval offset) {
  TIDEMILL_TRY_LET(moved, subtract(timestamp, offset));
  TIDEMILL_TRY_LET(start, time_bucket(width, moved));
  return add(start, offset);
}

Result<Date> time_bucket(Interval width, Date date) {
  TIDEMILL_TRY_LET(timestamp, timestamp_from_date(date));
  TIDEMILL_TRY_LET(start, time_bucket(width, timestamp));
  return date_of(start);
}

}  // namespace tidemill::value
