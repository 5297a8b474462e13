// Calendars: which days are business days and which are holidays.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/yaml.h"

namespace tidemill::clock {

// A value of a file calendars/NAME.yaml, immutable:
//
//   weekend: [sat, sun]              # the default; [] for none
//   holidays:
//     - 2026-01-01
//     - 12-25                        # in every year
class Calendar {
 public:
  // Mistakes carry their place: unknown keys, dates that do not exist.
  static tl::expected<Calendar, YamlError> parse(std::string_view text);

  // Days since 1970-01-01.
  bool is_holiday(int64_t day) const;
  // Neither weekend nor holiday.
  bool is_business_day(int64_t day) const;

 private:
  uint32_t weekend_ = 1U | 1U << 6;  // bit w: weekday w, Sunday = 0
  std::vector<int64_t> dates_;       // sorted
  std::vector<int> yearly_;          // month * 100 + day, sorted
};

// The days on which a schedule runs: those of its pattern that are also such days.
struct CalendarDays {
  enum class On { kBusinessDays, kHolidays };

  std::shared_ptr<const Calendar> calendar;
  On on = On::kBusinessDays;

  bool has(int64_t day) const {
    return on == On::kHolidays ? calendar->is_holiday(day) : calendar->is_business_day(day);
  }
};

}  // namespace tidemill::clock
