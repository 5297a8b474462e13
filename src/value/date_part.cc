#include "value/date_part.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "value/date_text.h"

namespace tidemill::value {
namespace {

Error invalid(std::string message) { return {Code::kInvalid, std::move(message), {}}; }

struct PartName {
  std::string_view word;
  DatePart part;
};

constexpr PartName kPartNames[] = {
    {"year", DatePart::kYear},
    {"years", DatePart::kYear},
    {"yr", DatePart::kYear},
    {"yrs", DatePart::kYear},
    {"y", DatePart::kYear},
    {"month", DatePart::kMonth},
    {"months", DatePart::kMonth},
    {"mon", DatePart::kMonth},
    {"mons", DatePart::kMonth},
    {"day", DatePart::kDay},
    {"days", DatePart::kDay},
    {"d", DatePart::kDay},
    {"dayofmonth", DatePart::kDay},
    {"decade", DatePart::kDecade},
    {"decades", DatePart::kDecade},
    {"dec", DatePart::kDecade},
    {"decs", DatePart::kDecade},
    {"century", DatePart::kCentury},
    {"centuries", DatePart::kCentury},
    {"cent", DatePart::kCentury},
    {"c", DatePart::kCentury},
    {"millennium", DatePart::kMillennium},
    {"millennia", DatePart::kMillennium},
    {"millenium", DatePart::kMillennium},
    {"millenniums", DatePart::kMillennium},
    {"mil", DatePart::kMillennium},
    {"mils", DatePart::kMillennium},
    {"microsecond", DatePart::kMicroseconds},
    {"microseconds", DatePart::kMicroseconds},
    {"us", DatePart::kMicroseconds},
    {"usec", DatePart::kMicroseconds},
    {"usecs", DatePart::kMicroseconds},
    {"usecond", DatePart::kMicroseconds},
    {"useconds", DatePart::kMicroseconds},
    {"millisecond", DatePart::kMilliseconds},
    {"milliseconds", DatePart::kMilliseconds},
    {"ms", DatePart::kMilliseconds},
    {"msec", DatePart::kMilliseconds},
    {"msecs", DatePart::kMilliseconds},
    {"msecond", DatePart::kMilliseconds},
    {"mseconds", DatePart::kMilliseconds},
    {"second", DatePart::kSecond},
    {"seconds", DatePart::kSecond},
    {"sec", DatePart::kSecond},
    {"secs", DatePart::kSecond},
    {"s", DatePart::kSecond},
    {"minute", DatePart::kMinute},
    {"minutes", DatePart::kMinute},
    {"min", DatePart::kMinute},
    {"mins", DatePart::kMinute},
    {"m", DatePart::kMinute},
    {"hour", DatePart::kHour},
    {"hours", DatePart::kHour},
    {"hr", DatePart::kHour},
    {"hrs", DatePart::kHour},
    {"h", DatePart::kHour},
    {"dow", DatePart::kDayOfWeek},
    {"dayofweek", DatePart::kDayOfWeek},
    {"weekday", DatePart::kDayOfWeek},
    {"isodow", DatePart::kIsoDayOfWeek},
    {"week", DatePart::kWeek},
    {"weeks", DatePart::kWeek},
    {"w", DatePart::kWeek},
    {"weekofyear", DatePart::kWeek},
    {"isoyear", DatePart::kIsoYear},
    {"quarter", DatePart::kQuarter},
    {"quarters", DatePart::kQuarter},
    {"doy", DatePart::kDayOfYear},
    {"dayofyear", DatePart::kDayOfYear},
    {"yearweek", DatePart::kYearWeek},
    {"era", DatePart::kEra},
    {"timezone", DatePart::kTimezone},
    {"timezone_hour", DatePart::kTimezoneHour},
    {"timezone_minute", DatePart::kTimezoneMinute},
    {"epoch", DatePart::kEpoch},
    {"julian", DatePart::kJulianDay},
    {"jd", DatePart::kJulianDay},
};

std::string_view part_name(DatePart part) {
  for (const PartName& name : kPartNames) {
    if (name.part == part) return name.word;
  }
  return "?";
}

Error unsupported(std::string_view type, DatePart part) {
  return invalid(fmt::format("Not implemented Error: \"{}\" units \"{}\" not recognized", type,
                             part_name(part)));
}

constexpr int64_t kJulianDayOf1970 = 2'440'588;

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

// Monday is 1.
int64_t iso_day_of_week(int64_t days) { return days - floor_divide(days + 3, 7) * 7 + 4; }
int64_t monday_of(int64_t days) { return days - iso_day_of_week(days) + 1; }

// The ISO year and week: those of the week's Thursday.
struct IsoWeek {
  int64_t year;
  int64_t week;
};
IsoWeek iso_week(int64_t days) {
  const int64_t thursday = monday_of(days) + 3;
  const int64_t year = civil_from_days(thursday).year;
  return {year, (thursday - days_from_civil({year, 1, 1})) / 7 + 1};
}

int64_t iso_year_start(int64_t iso_year) { return monday_of(days_from_civil({iso_year, 1, 4})); }

// 1..100 is the first, 0..-99 the first before Christ.
int64_t era_count(int64_t year, int64_t size) {
  return year > 0 ? (year - 1) / size + 1 : year / size - 1;
}

int64_t date_part(DatePart part, int64_t days) {
  const CivilDate civil = civil_from_days(days);
  switch (part) {
    case DatePart::kYear:
      return civil.year;
    case DatePart::kMonth:
      return civil.month;
    case DatePart::kDay:
      return civil.day;
    case DatePart::kDecade:
      return civil.year / 10;
    case DatePart::kCentury:
      return era_count(civil.year, 100);
    case DatePart::kMillennium:
      return era_count(civil.year, 1000);
    case DatePart::kDayOfWeek:
      return iso_day_of_week(days) % 7;
    case DatePart::kIsoDayOfWeek:
      return iso_day_of_week(days);
    case DatePart::kWeek:
      return iso_week(days).week;
    case DatePart::kIsoYear:
      return iso_week(days).year;
    case DatePart::kQuarter:
      return (civil.month - 1) / 3 + 1;
    case DatePart::kDayOfYear:
      return days - days_from_civil({civil.year, 1, 1}) + 1;
    case DatePart::kYearWeek: {
      const IsoWeek iso = iso_week(days);
      return iso.year * 100 + (iso.year > 0 ? iso.week : -iso.week);
    }
    case DatePart::kEra:
      return civil.year > 0 ? 1 : 0;
    default:
      return 0;
  }
}

// Parts of a time of day; nothing for other parts.
std::optional<int64_t> clock_part(DatePart part, int64_t us) {
  switch (part) {
    case DatePart::kMicroseconds:
      return us % kMicrosPerMinute;
    case DatePart::kMilliseconds:
      return us % kMicrosPerMinute / 1000;
    case DatePart::kSecond:
      return us % kMicrosPerMinute / kMicrosPerSecond;
    case DatePart::kMinute:
      return us % kMicrosPerHour / kMicrosPerMinute;
    case DatePart::kHour:
      return us / kMicrosPerHour;
    default:
      return std::nullopt;
  }
}

bool is_zone_part(DatePart part) {
  return part == DatePart::kTimezone || part == DatePart::kTimezoneHour ||
         part == DatePart::kTimezoneMinute;
}

// The length of parts that are a fixed number of microseconds; 0 for others.
int64_t fixed_size(DatePart part) {
  switch (part) {
    case DatePart::kMicroseconds:
      return 1;
    case DatePart::kMilliseconds:
      return 1000;
    case DatePart::kSecond:
    case DatePart::kEpoch:
      return kMicrosPerSecond;
    case DatePart::kMinute:
      return kMicrosPerMinute;
    case DatePart::kHour:
      return kMicrosPerHour;
    default:
      return 0;
  }
}

bool is_day_part(DatePart part) {
  return part == DatePart::kDay || part == DatePart::kDayOfWeek ||
         part == DatePart::kIsoDayOfWeek || part == DatePart::kDayOfYear ||
         part == DatePart::kJulianDay;
}

bool is_week_part(DatePart part) { return part == DatePart::kWeek || part == DatePart::kYearWeek; }

// The length in months of parts that are a number of months; 0 for others.
int64_t month_size(DatePart part) {
  switch (part) {
    case DatePart::kMonth:
      return 1;
    case DatePart::kQuarter:
      return 3;
    case DatePart::kYear:
    case DatePart::kIsoYear:
      return 12;
    case DatePart::kDecade:
      return 120;
    case DatePart::kCentury:
      return 1200;
    case DatePart::kMillennium:
      return 12000;
    default:
      return 0;
  }
}

int64_t day_of(Timestamp timestamp) { return floor_divide(timestamp.us, kMicrosPerDay); }

// First day of the part that holds the day; nothing for parts that are not made of days.
std::optional<int64_t> truncated_day(DatePart part, int64_t days) {
  if (is_day_part(part)) return days;
  if (is_week_part(part)) return monday_of(days);
  const CivilDate civil = civil_from_days(days);
  switch (part) {
    case DatePart::kIsoYear:
      return iso_year_start(iso_week(days).year);
    case DatePart::kMonth:
      return days - civil.day + 1;
    case DatePart::kQuarter:
      return days_from_civil({civil.year, (civil.month - 1) / 3 * 3 + 1, 1});
    case DatePart::kYear:
      return days_from_civil({civil.year, 1, 1});
    case DatePart::kDecade:
      return days_from_civil({civil.year / 10 * 10, 1, 1});
    case DatePart::kCentury:
      return days_from_civil({civil.year / 100 * 100, 1, 1});
    case DatePart::kMillennium:
      return days_from_civil({civil.year / 1000 * 1000, 1, 1});
    default:
      return std::nullopt;
  }
}

// Whole months from start to end (start <= end). When end is the last day of its month and the
// start day does not exist there, that last day completes the month.
int64_t whole_months(Timestamp start, Timestamp end) {
  const CivilDate last = civil_from_days(day_of(end));
  const int month_length = days_in_month(last.year, last.month);
  if (last.day == month_length) {
    const int64_t start_day = day_of(start);
    const CivilDate first = civil_from_days(start_day);
    const int64_t start_us = start.us - start_day * kMicrosPerDay;
    const int64_t end_us = end.us - day_of(end) * kMicrosPerDay;
    if (first.day > month_length || (first.day == month_length && start_us < end_us)) {
      start.us -= (first.day - month_length) * kMicrosPerDay;
    }
  }
  return age(end, start)->months;
}

}  // namespace

Result<DatePart> parse_date_part(std::string_view word) {
  const std::string lower = to_lower_ascii(word);
  std::vector<std::string_view> words;
  for (const PartName& name : kPartNames) {
    if (name.word == lower) return name.part;
    words.push_back(name.word);
  }
  std::string message = fmt::format("Conversion Error: extract specifier \"{}\" not recognized",
                                    printable(word, 100));
  const std::string near = nearest_word(lower.substr(0, 100), words);
  if (!near.empty()) message += fmt::format(". Did you mean \"{}\"?", near);
  return fail(invalid(std::move(message)));
}

Result<std::optional<int64_t>> extract(DatePart part, Timestamp timestamp) {
  if (!timestamp.is_finite()) return std::nullopt;
  const int64_t days = day_of(timestamp);
  if (const auto clock = clock_part(part, timestamp.us - days * kMicrosPerDay)) return clock;
  return date_part(part, days);
}

Result<std::optional<int64_t>> extract(DatePart part, Date date) {
  if (is_zone_part(part)) return fail(unsupported("date", part));
  if (!date.is_finite()) return std::nullopt;
  return date_part(part, date.days);
}

Result<std::optional<int64_t>> extract(DatePart part, TimeOfDay time) {
  if (const auto clock = clock_part(part, time.us)) return clock;
  if (is_zone_part(part)) return 0;
  return fail(unsupported("time", part));
}

Result<std::optional<int64_t>> extract(DatePart part, Interval interval) {
  if (const auto clock = clock_part(part, interval.us)) return clock;
  switch (part) {
    case DatePart::kYear:
      return interval.months / 12;
    case DatePart::kMonth:
      return interval.months % 12;
    case DatePart::kDay:
      return interval.days;
    case DatePart::kDecade:
      return interval.months / 120;
    case DatePart::kCentury:
      return interval.months / 1200;
    case DatePart::kMillennium:
      return interval.months / 12000;
    case DatePart::kQuarter:
      return interval.months % 12 / 3 + 1;
    default:
      return fail(unsupported("interval", part));
  }
}

Result<std::optional<double>> extract_double(DatePart part, Timestamp timestamp) {
  if (!timestamp.is_finite()) return std::nullopt;
  if (part == DatePart::kEpoch) return static_cast<double>(timestamp.us) / 1e6;
  if (part != DatePart::kJulianDay) return fail(unsupported("timestamp", part));
  const int64_t days = day_of(timestamp);
  const int64_t us = timestamp.us - days * kMicrosPerDay;
  return static_cast<double>(days + kJulianDayOf1970) +
         static_cast<double>(us) / static_cast<double>(kMicrosPerDay);
}

Result<std::optional<double>> extract_double(DatePart part, Date date) {
  if (!date.is_finite()) return std::nullopt;
  if (part == DatePart::kEpoch) return static_cast<double>(int64_t(date.days) * 86'400);
  if (part == DatePart::kJulianDay) return static_cast<double>(date.days + kJulianDayOf1970);
  return fail(unsupported("date", part));
}

Result<std::optional<double>> extract_double(DatePart part, TimeOfDay time) {
  if (part == DatePart::kEpoch) return static_cast<double>(time.us) / 1e6;
  return fail(unsupported("time", part));
}

// A year counts as 365.25 days, the months left over as 30 days each.
Result<std::optional<double>> extract_double(DatePart part, Interval interval) {
  if (part != DatePart::kEpoch) return fail(unsupported("interval", part));
  const int64_t quarter_days = int64_t(interval.months / 12) * 1461 +
                               (int64_t(interval.months % 12) * kDaysPerMonth + interval.days) * 4;
  return static_cast<double>(quarter_days * (86'400 / 4)) + static_cast<double>(interval.us) / 1e6;
}

Result<Timestamp> date_trunc(DatePart part, Timestamp timestamp) {
  if (!timestamp.is_finite()) return timestamp;
  if (const int64_t size = fixed_size(part); size != 0) {
    return Timestamp{floor_divide(timestamp.us, size) * size};
  }
  const auto day = truncated_day(part, day_of(timestamp));
  if (!day) {
    return fail(invalid(
        fmt::format("Not implemented Error: Specifier type not implemented for DATETRUNC: {}",
                    part_name(part))));
  }
  if (const auto start = timestamp_from_micros(int128(*day) * kMicrosPerDay)) return *start;
  return fail(invalid("Conversion Error: Date and time not in timestamp range"));
}

Result<Interval> date_trunc(DatePart part, Interval interval) {
  if (const int64_t size = fixed_size(part); size != 0) {
    return Interval{interval.months, interval.days, interval.us - interval.us % size};
  }
  if (is_day_part(part)) return Interval{interval.months, interval.days, 0};
  if (is_week_part(part)) return Interval{interval.months, interval.days - interval.days % 7, 0};
  if (const int64_t size = month_size(part); size != 0) {
    return Interval{static_cast<int32_t>(interval.months - interval.months % size), 0, 0};
  }
  return fail(unsupported("interval", part));
}

Result<std::optional<int64_t>> date_diff(DatePart part, Timestamp start, Timestamp end) {
  const bool known =
      fixed_size(part) != 0 || month_size(part) != 0 || is_day_part(part) || is_week_part(part);
  if (!known) {
    return fail(invalid(
        fmt::format("Not implemented Error: Specifier type not implemented for DATEDIFF: {}",
                    part_name(part))));
  }
  if (!start.is_finite() || !end.is_finite()) return std::nullopt;
  if (const int64_t size = fixed_size(part); size != 0) {
    return floor_divide(end.us, size) - floor_divide(start.us, size);
  }
  const int64_t first = day_of(start);
  const int64_t last = day_of(end);
  if (is_day_part(part)) return last - first;
  if (is_week_part(part)) return (last - first) / 7;
  if (part == DatePart::kIsoYear) return iso_week(last).year - iso_week(first).year;
  const CivilDate a = civil_from_days(first);
  const CivilDate b = civil_from_days(last);
  switch (part) {
    case DatePart::kMonth:
      return (b.year - a.year) * 12 + b.month - a.month;
    case DatePart::kQuarter:
      return (b.year * 12 + b.month - 1) / 3 - (a.year * 12 + a.month - 1) / 3;
    default: {
      const int64_t years = month_size(part) / 12;
      return b.year / years - a.year / years;
    }
  }
}

Result<std::optional<int64_t>> date_diff(DatePart part, TimeOfDay start, TimeOfDay end) {
  const int64_t size = fixed_size(part);
  if (size == 0) return fail(unsupported("time", part));
  return end.us / size - start.us / size;
}

Result<std::optional<int64_t>> date_sub(DatePart part, Timestamp start, Timestamp end) {
  if (!start.is_finite() || !end.is_finite()) return std::nullopt;
  int64_t size = fixed_size(part);
  if (is_day_part(part)) size = kMicrosPerDay;
  if (is_week_part(part)) size = 7 * kMicrosPerDay;
  if (size != 0) return static_cast<int64_t>((int128(end.us) - start.us) / size);
  const int64_t months = month_size(part);
  if (months == 0) {
    return fail(invalid(fmt::format(
        "Not implemented Error: Specifier type not implemented for DATESUB: {}", part_name(part))));
  }
  if (start > end) return -(whole_months(end, start) / months);
  return whole_months(start, end) / months;
}

Result<std::optional<int64_t>> date_sub(DatePart part, TimeOfDay start, TimeOfDay end) {
  const int64_t size = fixed_size(part);
  if (size == 0) return fail(unsupported("time", part));
  return (end.us - start.us) / size;
}

std::optional<Date> last_day(Date date) {
  if (!date.is_finite()) return std::nullopt;
  const CivilDate civil = civil_from_days(date.days);
  return Date{date.days - civil.day + days_in_month(civil.year, civil.month)};
}

std::optional<std::string_view> day_name(Date date) {
  constexpr std::array<std::string_view, 7> kNames = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                      "Friday", "Saturday", "Sunday"};
  if (!date.is_finite()) return std::nullopt;
  return kNames[iso_day_of_week(date.days) - 1];
}

std::optional<std::string_view> month_name(Date date) {
  constexpr std::array<std::string_view, 12> kNames = {
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  if (!date.is_finite()) return std::nullopt;
  return kNames[civil_from_days(date.days).month - 1];
}

}  // namespace tidemill::value
