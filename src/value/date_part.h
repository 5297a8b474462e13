// Parts of dates, times and intervals: extract, date_trunc, date_diff, date_sub.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "value/date.h"

namespace tidemill::value {

enum class DatePart {
  kYear,
  kMonth,
  kDay,
  kDecade,
  kCentury,
  kMillennium,
  kMicroseconds,
  kMilliseconds,
  kSecond,
  kMinute,
  kHour,
  kDayOfWeek,     // 0 = Sunday
  kIsoDayOfWeek,  // 1 = Monday .. 7 = Sunday
  kWeek,          // ISO
  kIsoYear,
  kQuarter,
  kDayOfYear,
  kYearWeek,  // 202401
  kEra,       // 0 BC, 1 AD
  kTimezone,
  kTimezoneHour,
  kTimezoneMinute,
  kEpoch,      // DOUBLE
  kJulianDay,  // DOUBLE
};

// The word in any case and spelling that DuckDB takes: "year", "yr", "y", "years", "dow",
// "weekday", ... Error: "Conversion Error: extract specifier "x" not recognized" and the nearest
// word.
Result<DatePart> parse_date_part(std::string_view word);

// True if extract gives DOUBLE (epoch, julian); else it gives BIGINT.
constexpr bool part_is_double(DatePart part) {
  return part == DatePart::kEpoch || part == DatePart::kJulianDay;
}

// extract(part FROM x) for the parts that give BIGINT. Nothing for infinite values.
Result<std::optional<int64_t>> extract(DatePart part, Timestamp timestamp);
Result<std::optional<int64_t>> extract(DatePart part, Date date);
Result<std::optional<int64_t>> extract(DatePart part, TimeOfDay time);
Result<std::optional<int64_t>> extract(DatePart part, Interval interval);
// For the parts that give DOUBLE; infinity gives infinity.
Result<std::optional<double>> extract_double(DatePart part, Timestamp timestamp);
Result<std::optional<double>> extract_double(DatePart part, Date date);
Result<std::optional<double>> extract_double(DatePart part, TimeOfDay time);
Result<std::optional<double>> extract_double(DatePart part, Interval interval);

// Infinity stays. In SQL the result of a DATE is a TIMESTAMP too.
Result<Timestamp> date_trunc(DatePart part, Timestamp timestamp);
Result<Interval> date_trunc(DatePart part, Interval interval);

// Boundaries of the part crossed from start to end, but for weeks: those are whole spans of seven
// days between the dates. Nothing if one is infinite.
Result<std::optional<int64_t>> date_diff(DatePart part, Timestamp start, Timestamp end);
Result<std::optional<int64_t>> date_diff(DatePart part, TimeOfDay start, TimeOfDay end);
// Whole units between start and end.
Result<std::optional<int64_t>> date_sub(DatePart part, Timestamp start, Timestamp end);
Result<std::optional<int64_t>> date_sub(DatePart part, TimeOfDay start, TimeOfDay end);

std::optional<Date> last_day(Date date);
// "Thursday", "February"; nothing for infinite dates.
std::optional<std::string_view> day_name(Date date);
std::optional<std::string_view> month_name(Date date);

}  // namespace tidemill::value
