#include "clock/calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"
#include "base/time.h"

namespace tidemill::clock {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};
constexpr size_t kMostHolidays = 20'000;

int weekday_of(int64_t day) {
  int64_t const w = (day + 4) % 7;
  return static_cast<int>(w < 0 ? w + 7 : w);
}

tl::unexpected<YamlError> bad(Mark mark, std::string message) {
  return tl::unexpected<YamlError>({mark, std::move(message)});
}

std::string shown(const YamlNode& node) {
  return node.is_scalar() ? fmt::format("'{}'", printable(node.scalar, 40))
                          : std::string(node.kind_words());
}

// The number of `text`, or -1 where it is not `digits` digits.
int number_of(std::string_view text, size_t digits) {
  if (text.size() != digits) return -1;
  int number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

struct Date {
  int year = -1;  // -1: every year
  int month = 0;
  int day = 0;
};

// "2026-01-01", or "12-25" for every year.
std::optional<Date> date_of(std::string_view text) {
  auto const parts = split(text, '-');
  if (parts.size() != 2 && parts.size() != 3) return std::nullopt;
  size_t const m = parts.size() - 2;
  Date date{-1, number_of(parts[m], 2), number_of(parts[m + 1], 2)};
  if (m == 1) {
    date.year = number_of(parts[0], 4);
    if (date.year < 0) return std::nullopt;
  }
  if (date.month < 1 || date.month > 12 || date.day < 1) return std::nullopt;
  int64_t const leap_year = 2000;
  if (date.day > days_in_month(m == 1 ? date.year : leap_year, date.month)) return std::nullopt;
  return date;
}

tl::expected<uint32_t, YamlError> read_weekend(const YamlNode& node) {
  constexpr std::string_view kExpected = "a list of sun, mon, tue, wed, thu, fri, sat";
  if (!node.is_sequence()) {
    return bad(node.mark, fmt::format("'weekend': found {}, expected {}", shown(node), kExpected));
  }
  uint32_t days = 0;
  for (const YamlNode& item : node.items) {
    auto const at = std::find(kWeekdays.begin(), kWeekdays.end(), to_lower_ascii(item.scalar));
    if (at == kWeekdays.end()) {
      return bad(item.mark,
                 fmt::format("'weekend': found {}, expected {}", shown(item), kExpected));
    }
    days |= 1U << (at - kWeekdays.begin());
  }
  return days;
}

}  // namespace

tl::expected<Calendar, YamlError> Calendar::parse(std::string_view text) {
  auto const root = parse_yaml(text);
  if (!root) return tl::unexpected(root.error());
  if (!root->is_map()) {
    return bad(root->mark, fmt::format("a calendar: found {}, expected a map with 'weekend' and "
                                       "'holidays'",
                                       root->kind_words()));
  }
  Calendar calendar;
  for (const YamlNode::Entry& entry : root->entries) {
    if (entry.key == "weekend") {
      auto const weekend = read_weekend(entry.value);
      if (!weekend) return tl::unexpected(weekend.error());
      calendar.weekend_ = *weekend;
      continue;
    }
    if (entry.key != "holidays") {
      return bad(entry.key_mark, fmt::format("a calendar has no '{}'; expected weekend, holidays",
                                             printable(entry.key, 40)));
    }
    if (!entry.value.is_sequence() || entry.value.items.size() > kMostHolidays) {
      return bad(entry.value.mark, fmt::format("'holidays': found {}, expected a list of at most "
                                               "{} dates",
                                               shown(entry.value), kMostHolidays));
    }
    for (const YamlNode& item : entry.value.items) {
      auto const date = date_of(item.scalar);
      if (!date) {
        return bad(item.mark, fmt::format("'holidays': found {}, expected a date that exists: "
                                          "2026-01-01, or 12-25 for every year",
                                          shown(item)));
      }
      if (date->year < 0) {
        calendar.yearly_.push_back(date->month * 100 + date->day);
      } else {
        calendar.dates_.push_back(days_from_civil({date->year, date->month, date->day}));
      }
    }
  }
  std::sort(calendar.dates_.begin(), calendar.dates_.end());
  std::sort(calendar.yearly_.begin(), calendar.yearly_.end());
  return calendar;
}

bool Calendar::is_holiday(int64_t day) const {
  if (std::binary_search(dates_.begin(), dates_.end(), day)) return true;
  if (yearly_.empty()) return false;
  CivilDate const date = civil_from_days(day);
  return std::binary_search(yearly_.begin(), yearly_.end(), date.month * 100 + date.day);
}

bool Calendar::is_business_day(int64_t day) const {
  return (weekend_ >> weekday_of(day) & 1) == 0 && !is_holiday(day);
}

}  // namespace tidemill::clock
