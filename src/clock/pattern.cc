#include "clock/pattern.h"

#include <bit>

#include "base/time.h"

namespace tidemill::clock {
namespace {

constexpr int64_t kNoDay = INT64_MIN;
constexpr int kCycleMonths = 400 * 12 + 1;  // the month of the start comes round once more

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// The lowest set bit at or above `from`, or -1.
int bit_from(uint64_t mask, int64_t from) {
  if (from > 63) return -1;
  uint64_t const rest = mask & (~uint64_t{0} << from);
  return rest == 0 ? -1 : std::countr_zero(rest);
}

// The highest set bit at or below `upto`, or -1.
int bit_upto(uint64_t mask, int64_t upto) {
  if (upto < 0) return -1;
  uint64_t const rest = upto >= 63 ? mask : mask & ((uint64_t{2} << upto) - 1);
  return rest == 0 ? -1 : 63 - std::countl_zero(rest);
}

int weekday_of(int64_t day) {
  int64_t const w = (day + 4) % 7;
  return static_cast<int>(w < 0 ? w + 7 : w);
}

// Walks months, with the day number of the 1st and its weekday.
struct Month {
  int64_t year;
  int month;
  int64_t first_day;
  int days;

  static Month of(CivilDate date, int64_t day) {
    return {date.year, date.month, day - date.day + 1, days_in_month(date.year, date.month)};
  }
  void forward() {
    first_day += days;
    if (++month > 12) {
      month = 1;
      ++year;
    }
    days = days_in_month(year, month);
  }
  void back() {
    if (--month < 1) {
      month = 12;
      --year;
    }
    days = days_in_month(year, month);
    first_day -= days;
  }
};

// The weekday (Monday to Friday) nearest to `day` without leaving the month.
int nearest_weekday(int day, int days, int first_weekday) {
  int const w = (first_weekday + day - 1) % 7;
  if (w == 6) return day > 1 ? day - 1 : day + 2;
  if (w == 0) return day < days ? day + 1 : day - 2;
  return day;
}

}  // namespace

uint32_t Pattern::days_of_month(int days, int first_weekday) const {
  uint64_t const all = (uint64_t{1} << days) - 1;
  uint64_t by_dom = dom >> 1;
  for (uint32_t rest = before_last; rest != 0; rest &= rest - 1) {
    int const day = days - std::countr_zero(rest);
    if (day >= 1) by_dom |= uint64_t{1} << (day - 1);
  }
  for (uint32_t rest = near_weekday; rest != 0; rest &= rest - 1) {
    int const day = std::countr_zero(rest);
    if (day <= days) by_dom |= uint64_t{1} << (nearest_weekday(day, days, first_weekday) - 1);
  }
  if (last_weekday) by_dom |= uint64_t{1} << (nearest_weekday(days, days, first_weekday) - 1);

  // Bit i of a turned week is the weekday of day 1 + i.
  auto turned = [&](uint64_t week) {
    return (week >> first_weekday | week << (7 - first_weekday)) & 0x7F;
  };
  constexpr uint64_t kEveryWeek = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;
  uint64_t by_dow = turned(dow) * kEveryWeek;
  if (last_dow != 0) by_dow |= turned(last_dow) * kEveryWeek & ~((uint64_t{1} << (days - 7)) - 1);
  for (int k = 0; nth_dow != 0 && k < 5; ++k) {
    by_dow |= turned(nth_dow >> (7 * k) & 0x7F) << (7 * k);
  }
  return static_cast<uint32_t>((days_any ? by_dom | by_dow : by_dom & by_dow) & all);
}

bool Pattern::has_empty_set() const {
  return second == 0 || minute == 0 || hour == 0 || month == 0;
}

bool Pattern::has_year(int64_t year) const {
  if (!has_years) return true;
  if (year < kFirstYear || year > kLastYear) return false;
  auto const bit = static_cast<size_t>(year - kFirstYear);
  return (years[bit / 64] >> (bit % 64) & 1) != 0;
}

int64_t Pattern::next_day(int64_t day) const {
  CivilDate date = civil_from_days(day);
  if (has_years && date.year < kFirstYear) {
    date = {kFirstYear, 1, 1};
    day = days_from_civil(date);
  }
  Month month = Month::of(date, day);
  int from = date.day - 1;
  for (int i = 0; i < kCycleMonths; ++i, month.forward(), from = 0) {
    if ((this->month >> month.month & 1) == 0) continue;
    if (has_years && !has_year(month.year)) {
      if (month.year > kLastYear) return kNoDay;
      continue;
    }
    int const hit = bit_from(days_of_month(month.days, weekday_of(month.first_day)), from);
    if (hit >= 0) return month.first_day + hit;
  }
  return kNoDay;
}

int64_t Pattern::previous_day(int64_t day) const {
  CivilDate date = civil_from_days(day);
  if (has_years && date.year > kLastYear) {
    date = {kLastYear, 12, 31};
    day = days_from_civil(date);
  }
  Month month = Month::of(date, day);
  int upto = date.day - 1;
  for (int i = 0; i < kCycleMonths; ++i, month.back(), upto = 30) {
    if ((this->month >> month.month & 1) == 0) continue;
    if (has_years && !has_year(month.year)) {
      if (month.year < kFirstYear) return kNoDay;
      continue;
    }
    int const hit = bit_upto(days_of_month(month.days, weekday_of(month.first_day)), upto);
    if (hit >= 0) return month.first_day + hit;
  }
  return kNoDay;
}

// The first matching unit of a day at or after `from`, or -1. A unit is a minute or a second.
int64_t Pattern::next_in_day(int64_t from) const {
  int64_t from_second = 0;
  if (has_seconds) {
    from_second = from % 60;
    from /= 60;
    // Past the last matching second of this minute, the next minute is the earliest.
    if (bit_from(second, from_second) < 0) {
      from_second = 0;
      if (++from == 1440) return -1;
    }
  }
  int at_hour = bit_from(hour, from / 60);
  if (at_hour < 0) return -1;
  int at_minute = at_hour == from / 60 ? bit_from(minute, from % 60) : bit_from(minute, 0);
  if (at_minute < 0) {
    at_hour = bit_from(hour, at_hour + 1);
    if (at_hour < 0) return -1;
    at_minute = bit_from(minute, 0);
  }
  int64_t const at = at_hour * 60 + at_minute;
  if (!has_seconds) return at;
  return at * 60 + bit_from(second, at == from ? from_second : 0);
}

// The last matching unit of a day at or before `from`, or -1.
int64_t Pattern::previous_in_day(int64_t from) const {
  int64_t from_second = 59;
  if (has_seconds) {
    from_second = from % 60;
    from /= 60;
    if (bit_upto(second, from_second) < 0) {
      from_second = 59;
      if (--from < 0) return -1;
    }
  }
  int at_hour = bit_upto(hour, from / 60);
  if (at_hour < 0) return -1;
  int at_minute = at_hour == from / 60 ? bit_upto(minute, from % 60) : bit_upto(minute, 59);
  if (at_minute < 0) {
    at_hour = bit_upto(hour, at_hour - 1);
    if (at_hour < 0) return -1;
    at_minute = bit_upto(minute, 59);
  }
  int64_t const at = at_hour * 60 + at_minute;
  if (!has_seconds) return at;
  return at * 60 + bit_upto(second, at == from ? from_second : 59);
}

std::optional<Label> Pattern::next(Label from) const {
  if (has_empty_set()) return std::nullopt;
  int64_t const a_day = 86'400 / unit_s();
  int64_t const day = floor_div(from.value, a_day);
  int64_t hit_day = next_day(day);
  if (hit_day == day) {
    int64_t const unit = next_in_day(from.value - day * a_day);
    if (unit >= 0) return Label{day * a_day + unit};
    hit_day = next_day(day + 1);
  }
  if (hit_day == kNoDay) return std::nullopt;
  return Label{hit_day * a_day + next_in_day(0)};
}

std::optional<Label> Pattern::previous(Label from) const {
  if (has_empty_set()) return std::nullopt;
  int64_t const a_day = 86'400 / unit_s();
  int64_t const day = floor_div(from.value, a_day);
  int64_t hit_day = previous_day(day);
  if (hit_day == day) {
    int64_t const unit = previous_in_day(from.value - day * a_day);
    if (unit >= 0) return Label{day * a_day + unit};
    hit_day = previous_day(day - 1);
  }
  if (hit_day == kNoDay) return std::nullopt;
  return Label{hit_day * a_day + previous_in_day(a_day - 1)};
}

}  // namespace tidemill::clock
