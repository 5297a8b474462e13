#include "clock/describe.h"

#include <fmt/format.h>

#include <array>
#include <bit>

#include "base/text.h"

namespace tidemill::clock {
namespace {

// A zone without changes after this instant has none in its rules.
constexpr int64_t kYear2030_s = 1'893'456'000;
constexpr size_t kMostTimes = 6;  // written out as 02:00, 02:30 ... up to here

constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 5> kOrdinals = {"first", "second", "third", "fourth",
                                                       "fifth"};

using Numbers = std::vector<int>;

Numbers numbers_of(uint64_t mask) {
  Numbers out;
  for (; mask != 0; mask &= mask - 1) out.push_back(std::countr_zero(mask));
  return out;
}

std::string and_list(const std::vector<std::string>& parts, std::string_view last = " and ") {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    out += i == 0 ? "" : i + 1 == parts.size() ? last : ", ";
    out += parts[i];
  }
  return out;
}

// "1, 15 and 20 to 25", each number by its words.
template <class Words>
std::string list_words(const Numbers& numbers, Words words) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < numbers.size();) {
    size_t j = i;
    while (j + 1 < numbers.size() && numbers[j + 1] == numbers[j] + 1) ++j;
    if (j >= i + 2) {
      parts.push_back(fmt::format("{} to {}", words(numbers[i]), words(numbers[j])));
      i = j + 1;
    } else {
      parts.push_back(words(numbers[i++]));
    }
  }
  return and_list(parts);
}

std::string plain(int n) { return fmt::format("{}", n); }
std::string weekday(int n) { return std::string(kWeekdays[static_cast<size_t>(n)]); }
std::string month(int n) { return std::string(kMonths[static_cast<size_t>(n - 1)]); }

std::string ordinal(int n) {
  bool const is_teen = n % 100 >= 11 && n % 100 <= 13;
  std::string_view const ending = is_teen       ? "th"
                                  : n % 10 == 1 ? "st"
                                  : n % 10 == 2 ? "nd"
                                  : n % 10 == 3 ? "rd"
                                                : "th";
  return fmt::format("{}{}", n, ending);
}

// The distance between neighbours if it is always the same and there are at least three, else 0.
int even_step(const Numbers& numbers) {
  if (numbers.size() < 3) return 0;
  int const step = numbers[1] - numbers[0];
  for (size_t i = 2; i < numbers.size(); ++i) {
    if (numbers[i] - numbers[i - 1] != step) return 0;
  }
  return step;
}

// True if the numbers go evenly round the whole circle of `size`, from 0.
bool goes_round(const Numbers& numbers, int size) {
  int const step = numbers.size() == 2 && size == 2 * numbers[1] ? numbers[1] : even_step(numbers);
  return step > 0 && numbers[0] == 0 && numbers.back() + step == size;
}

int step_of_round(const Numbers& numbers) { return numbers[1] - numbers[0]; }

// "minute 5", "minutes 5 and 10", "every 2nd minute from 1 to 59"
std::string unit_words(const Numbers& numbers, std::string_view unit) {
  if (int const step = even_step(numbers); step > 1 && numbers.size() > 3) {
    return fmt::format("every {} {} from {} to {}", ordinal(step), unit, numbers.front(),
                       numbers.back());
  }
  return fmt::format("{}{} {}", unit, numbers.size() == 1 ? "" : "s", list_words(numbers, plain));
}

enum class Precision { kMinutes, kSeconds };

// "at 02:00, 02:30 and 03:00", or nothing if these are too many.
std::string clock_times(const Numbers& hours, const Numbers& minutes, const Numbers& seconds,
                        Precision precision) {
  if (hours.size() * minutes.size() * seconds.size() > kMostTimes) return {};
  std::vector<std::string> times;
  for (int hour : hours) {
    for (int minute : minutes) {
      for (int second : seconds) {
        times.push_back(precision == Precision::kSeconds
                            ? fmt::format("{:02}:{:02}:{:02}", hour, minute, second)
                            : fmt::format("{:02}:{:02}", hour, minute));
      }
    }
  }
  return "at " + and_list(times);
}

// Hours as a limit of something finer: "from 09:00 to 17:59", "in the hours 2 and 5".
std::string hours_limit(const Numbers& hours) {
  if (hours.size() == 24) return {};
  if (hours.back() - hours.front() + 1 == static_cast<int>(hours.size())) {
    return fmt::format(" from {:02}:00 to {:02}:59", hours.front(), hours.back());
  }
  if (goes_round(hours, 24)) return fmt::format(" in every {} hour", ordinal(step_of_round(hours)));
  return fmt::format(" in the hours {}", list_words(hours, plain));
}

struct TimeWords {
  std::string words;
  bool is_daily = false;  // named times of the day, which want "every day" behind them
};

TimeWords minutes_words(const Numbers& hours, const Numbers& minutes) {
  if (minutes.size() == 60) return {"every minute" + hours_limit(hours)};
  if (hours.size() < 24) {
    std::string times = clock_times(hours, minutes, {0}, Precision::kMinutes);
    if (!times.empty()) return {std::move(times), true};
  }
  bool const on_the_hour = minutes.size() == 1 && minutes[0] == 0;
  if (minutes.size() == 1 && (hours.size() == 24 || goes_round(hours, 24))) {
    std::string every =
        hours.size() == 24 ? "every hour" : fmt::format("every {} hours", step_of_round(hours));
    if (on_the_hour) return {std::move(every)};
    return {hours.size() == 24 ? fmt::format("at minute {} of every hour", minutes[0])
                               : fmt::format("at minute {} of every {} hour", minutes[0],
                                             ordinal(step_of_round(hours)))};
  }
  if (goes_round(minutes, 60)) {
    return {fmt::format("every {} minutes{}", step_of_round(minutes), hours_limit(hours))};
  }
  std::string words =
      on_the_hour && hours.size() > 1 ? "on the hour" : "at " + unit_words(minutes, "minute");
  std::string limit = hours_limit(hours);
  return {words + (limit.empty() ? " of every hour" : limit)};
}

TimeWords seconds_words(const Numbers& hours, const Numbers& minutes, const Numbers& seconds) {
  std::string times = clock_times(hours, minutes, seconds, Precision::kSeconds);
  if (!times.empty()) return {std::move(times), true};
  std::string every;
  if (seconds.size() == 60) {
    every = "every second";
  } else if (goes_round(seconds, 60)) {
    every = fmt::format("every {} seconds", step_of_round(seconds));
  } else {
    every = "at " + unit_words(seconds, "second");
    if (minutes.size() == 60) return {every + " of every minute" + hours_limit(hours)};
  }
  if (minutes.size() == 60) return {every + hours_limit(hours)};
  if (hours.size() == 1 && minutes.size() == 1) {
    return {fmt::format("{} of {:02}:{:02}", every, hours[0], minutes[0]), true};
  }
  std::string limit = hours_limit(hours);
  return {fmt::format("{} of {}{}", every, unit_words(minutes, "minute"),
                      limit.empty() ? " of every hour" : limit)};
}

TimeWords time_words(const Pattern& p) {
  Numbers const hours = numbers_of(p.hour);
  Numbers const minutes = numbers_of(p.minute);
  if (!p.has_seconds || p.second == 1) return minutes_words(hours, minutes);
  return seconds_words(hours, minutes, numbers_of(p.second));
}

constexpr uint32_t kAllDoms = 0xFFFFFFFE;
constexpr uint32_t kAllDows = 0x7F;

std::string dom_words(const Pattern& p) {
  std::vector<std::string> parts;
  if (p.dom != 0) {
    Numbers const days = numbers_of(p.dom);
    std::string words = unit_words(days, "day");
    parts.push_back("on " + words + " of the month");
  }
  for (int n : numbers_of(p.before_last)) {
    parts.push_back(
        n == 0 ? "on the last day of the month"
               : fmt::format("{} day{} before the last day of the month", n, n == 1 ? "" : "s"));
  }
  if (p.last_weekday) parts.emplace_back("on the last weekday (Monday to Friday) of the month");
  for (int n : numbers_of(p.near_weekday)) {
    parts.push_back(
        fmt::format("on the weekday (Monday to Friday) nearest to day {} of the month", n));
  }
  return and_list(parts);
}

std::string dow_words(const Pattern& p) {
  std::vector<std::string> parts;
  if (p.dow != 0) {
    // A week is read from Monday on, so that Saturday and Sunday are neighbours.
    Numbers days = numbers_of(p.dow >> 1 | (p.dow & 1) << 6);
    parts.push_back("on " + list_words(days, [](int n) { return weekday((n + 1) % 7); }));
  }
  for (int w : numbers_of(p.last_dow)) {
    parts.push_back(fmt::format("on the last {} of the month", weekday(w)));
  }
  for (int n : numbers_of(p.nth_dow)) {
    parts.push_back(fmt::format("on the {} {} of the month", kOrdinals[static_cast<size_t>(n / 7)],
                                weekday(n % 7)));
  }
  return and_list(parts);
}

std::string year_words(const Pattern& p) {
  Numbers years;
  for (size_t word = 0; word < p.years.size(); ++word) {
    for (int bit : numbers_of(p.years[word])) {
      years.push_back(kFirstYear + static_cast<int>(word) * 64 + bit);
    }
  }
  int const all = kLastYear - kFirstYear + 1;
  if (static_cast<int>(years.size()) == all) return {};
  int const step = even_step(years);
  if (step > 1) {
    return fmt::format(" in every {} year from {} to {}", ordinal(step), years.front(),
                       years.back());
  }
  return " in " + list_words(years, plain);
}

std::string day_words(const Pattern& p, const TimeWords& time) {
  bool const any_dom = p.dom == kAllDoms;
  bool const any_dow = p.dow == kAllDows;
  std::string words;
  if ((any_dom && any_dow) || (p.days_any && (any_dom || any_dow))) {
    words = time.is_daily ? "every day" : "";
  } else if (any_dom) {
    words = dow_words(p);
  } else if (any_dow) {
    words = dom_words(p);
  } else {
    std::string_view const joint = p.days_any ? " or " : " where this is also ";
    words = dom_words(p) + std::string(joint) + dow_words(p);
  }
  if (p.month != 0x1FFE) {
    words += (words.empty() ? "in " : " in ") + list_words(numbers_of(p.month), month);
  }
  if (p.has_years) words += year_words(p);
  return words.empty() || words.front() == ' ' ? words : " " + words;
}

}  // namespace

std::string describe(const Schedule& schedule) {
  if (schedule.is_reboot()) return "once at each start of the scheduler";
  if (schedule.every()) return schedule.every()->describe();
  if (!schedule.next(kFirstInstant)) return "never: no time matches";
  TimeWords const time = time_words(schedule.pattern());
  return time.words + day_words(schedule.pattern(), time);
}

std::string describe_clock_changes(const Schedule& schedule) {
  if (schedule.is_reboot() || schedule.every()) return {};
  if (schedule.zone().segment_at(kYear2030_s).is_last()) {
    return fmt::format("the clock of {} does not change", schedule.zone().name());
  }
  bool const is_wild = schedule.pattern().is_wild();
  DstRule const dst = schedule.dst();
  std::string skipped = is_wild || dst == DstRule::kSkip
                            ? "times in a skipped hour are not run"
                            : "times in a skipped hour are run right after it";
  bool const again = is_wild ? dst != DstRule::kOnce : dst == DstRule::kTwice;
  return fmt::format("when the clock changes, {}, and times in a repeated hour are run {}", skipped,
                     again ? "both times" : "once, the first time");
}

}  // namespace tidemill::clock
