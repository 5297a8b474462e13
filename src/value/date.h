// Dates, times of day and timestamps (microseconds, no zone), their text and their arithmetic.
// Ranges and accepted texts are DuckDB's. Infinite values are ordinary values that sort at the
// ends.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "value/interval.h"

namespace tidemill::value {

struct Date {
  int32_t days = 0;  // since 1970-01-01
  constexpr auto operator<=>(const Date&) const = default;
  static constexpr Date infinity() { return {INT32_MAX}; }
  static constexpr Date minus_infinity() { return {-INT32_MAX}; }
  constexpr bool is_finite() const { return days != INT32_MAX && days != -INT32_MAX; }
};

// Also used for TIMESTAMP WITH TIME ZONE, where it counts in UTC.
struct Timestamp {
  int64_t us = 0;  // since 1970-01-01 00:00:00
  constexpr auto operator<=>(const Timestamp&) const = default;
  static constexpr Timestamp infinity() { return {INT64_MAX}; }
  static constexpr Timestamp minus_infinity() { return {-INT64_MAX}; }
  constexpr bool is_finite() const { return us != INT64_MAX && us != -INT64_MAX; }
};

struct TimeOfDay {
  int64_t us = 0;  // since midnight; 24:00:00 is allowed
  constexpr auto operator<=>(const TimeOfDay&) const = default;
};

// Reads "2024-01-05", "2024-1-5", "2024/01/05", "44-03-15 (BC)", "infinity", "epoch"; a time behind
// the date is dropped. Errors: "Conversion Error: invalid date field format: "05-01-2024", expected
// format is (YYYY-MM-DD)" and "Conversion Error: date field value out of range: "2024-02-30"".
Result<Date> parse_date(std::string_view text);
std::string format_date(Date date);

// Reads a date, or a date and a time behind a blank or 'T', with a fraction; 'Z' or an offset
// behind it
// ("+02", "+02:30", "-0530", a zone name) is read and ignored, as DuckDB does for TIMESTAMP.
Result<Timestamp> parse_timestamp(std::string_view text);
std::string format_timestamp(Timestamp timestamp);
// TIMESTAMP WITH TIME ZONE: the same texts, but the offset is applied, and without one the text is
// in UTC. Named zones other than UTC are refused.
Result<Timestamp> parse_timestamptz(std::string_view text);
// TIMESTAMPTZ in the zone UTC: "2024-01-05 03:04:05+00".
std::string format_timestamptz(Timestamp timestamp);

Result<TimeOfDay> parse_time(std::string_view text);
std::string format_time(TimeOfDay time);

// Error: "Conversion Error: Date out of range: 2023-2-29".
Result<Date> make_date(int64_t year, int64_t month, int64_t day);
Result<TimeOfDay> make_time(int64_t hour, int64_t minute, double seconds);
Result<Timestamp> make_timestamp(int64_t year, int64_t month, int64_t day, int64_t hour,
                                 int64_t minute, double seconds);

// Infinity stays infinity.
Result<Timestamp> timestamp_from_date(Date date);
Result<Timestamp> timestamp_from_parts(Date date, TimeOfDay time);
Date date_of(Timestamp timestamp);               // rounds down
Result<TimeOfDay> time_of(Timestamp timestamp);  // an error for infinity

Result<Timestamp> timestamp_from_epoch_ms(int64_t ms);
Result<Timestamp> timestamp_from_epoch_us(int64_t us);
Result<Timestamp> timestamp_from_epoch_seconds(double seconds);

// date + n days. Infinite dates stay; leaving the range is an error.
Result<Date> add_days(Date date, int64_t days);
int64_t days_between(Date later, Date earlier);  // later - earlier
// Months first (the day is clamped to the month's length), then days, then microseconds.
Result<Timestamp> add(Timestamp timestamp, Interval interval);
Result<Timestamp> subtract(Timestamp timestamp, Interval interval);
Result<Timestamp> add(Date date, Interval interval);
Result<Timestamp> subtract(Date date, Interval interval);
TimeOfDay add(TimeOfDay time, Interval interval);  // wraps at midnight; months and days are ignored
TimeOfDay subtract(TimeOfDay time, Interval interval);
// timestamp - timestamp: whole days and the rest. An error if one is infinite.
Result<Interval> difference(Timestamp later, Timestamp earlier);
// age(later, earlier): whole years, months, days and the rest. Nothing if one is infinite.
std::optional<Interval> age(Timestamp later, Timestamp earlier);

Result<Timestamp> time_bucket(Interval width, Timestamp timestamp);
Result<Timestamp> time_bucket(Interval width, Timestamp timestamp, Timestamp origin);
Result<Timestamp> time_bucket(Interval width, Timestamp timestamp, Interval offset);
Result<Date> time_bucket(Interval width, Date date);

}  // namespace tidemill::value
