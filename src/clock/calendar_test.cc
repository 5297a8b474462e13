#include "clock/calendar.h"

#include "clock/schedule.h"

namespace tidemill::clock {
namespace {

int64_t day_of(int64_t year, int month, int day) { return days_from_civil({year, month, day}); }

TEST(Calendar, KnowsWeekendsDatesAndYearlyDates) {
  auto const calendar = Calendar::parse("weekend: [fri, sat]\nholidays: [2026-01-01, 12-25]\n");
  ASSERT_TRUE(calendar);
  EXPECT_TRUE(calendar->is_holiday(day_of(2026, 1, 1)));
  EXPECT_FALSE(calendar->is_holiday(day_of(2027, 1, 1)));
  EXPECT_TRUE(calendar->is_holiday(day_of(1999, 12, 25)));
  EXPECT_FALSE(calendar->is_business_day(day_of(2026, 1, 2)));  // a Friday
  EXPECT_TRUE(calendar->is_business_day(day_of(2026, 1, 4)));   // a Sunday
  EXPECT_FALSE(Calendar::parse("{}")->is_business_day(day_of(2026, 1, 4)));
}

TEST(Calendar, RefusesWithAPlace) {
  auto error = [](std::string_view text) {
    auto const calendar = Calendar::parse(text);
    return calendar ? std::string("accepted")
                    : std::to_string(calendar.error().mark.line) + ":" + calendar.error().message;
  };
  EXPECT_THAT(error("[]"), testing::HasSubstr("expected a map"));
  EXPECT_THAT(error("\nholiday: []"), testing::StartsWith("2:a calendar has no 'holiday'"));
  EXPECT_THAT(error("holidays: [2026-02-29]"), testing::HasSubstr("a date that exists"));
  EXPECT_THAT(error("holidays:\n  - 13-01"), testing::StartsWith("2:'holidays': found '13-01'"));
  EXPECT_THAT(error("weekend: [sunday]"), testing::HasSubstr("expected a list of sun"));
  EXPECT_THAT(error("weekend: 7"), testing::HasSubstr("expected a list"));
}

Schedule on(std::string_view text, std::string_view calendar, CalendarDays::On days) {
  auto const schedule = Schedule::parse(text, Dialect::kTidemill);
  return schedule->on_days({std::make_shared<const Calendar>(*Calendar::parse(calendar)), days});
}

std::string next_three(const Schedule& schedule) {
  std::string out;
  auto tick = schedule.next(*parse_rfc3339("2025-12-24T00:00:00Z"));
  for (int i = 0; tick && i < 3; ++i, tick = schedule.next(*tick)) {
    out += schedule.label_text(*tick) + " ";
    auto const back = schedule.next(*tick);
    if (back) {
      EXPECT_EQ(schedule.previous(*back), *tick);
    }
  }
  return out;
}

TEST(Calendar, KeepsAScheduleToItsDays) {
  constexpr std::string_view kText = "holidays: [12-25, 12-26, 2026-01-01]";
  EXPECT_EQ(next_three(on("0 9 * * *", kText, CalendarDays::On::kBusinessDays)),
            "2025-12-24T09:00 2025-12-29T09:00 2025-12-30T09:00 ");
  EXPECT_EQ(next_three(on("0 9 * * *", kText, CalendarDays::On::kHolidays)),
            "2025-12-25T09:00 2025-12-26T09:00 2026-01-01T09:00 ");
  // Days that never come end the search.
  EXPECT_EQ(next_three(on("0 9 * * sat", "{}", CalendarDays::On::kBusinessDays)), "");
}

TEST(Instant, IsReadWithAnOffsetOrInTheZone) {
  Zone const zone = *Zone::load("America/New_York");
  auto read = [&](std::string_view text) {
    auto const time = parse_instant(text, zone);
    return time ? format_rfc3339(*time) : time.error().message;
  };
  EXPECT_EQ(read("2026-03-01T02:00:00+01:00"), "2026-03-01T01:00:00Z");
  EXPECT_EQ(read("2026-03-01 02:00"), "2026-03-01T07:00:00Z");
  EXPECT_EQ(read("2026-07-01T02:00:30"), "2026-07-01T06:00:30Z");
  EXPECT_EQ(read("2024-03-10 02:30"), "2024-03-10T07:00:00Z");  // skipped
  EXPECT_EQ(read("2024-11-03 01:30"), "2024-11-03T05:30:00Z");  // twice
  EXPECT_EQ(read("1800-01-01 00:00"), "1800-01-01T04:56:02Z");
  EXPECT_THAT(read("tomorrow"), testing::HasSubstr("expected an instant"));
  EXPECT_THAT(read("2026-02-30 00:00"), testing::HasSubstr("expected an instant"));
}

TEST(Instant, IsOneTick) {
  Time const at = *parse_rfc3339("2026-03-01T02:00:00Z");
  Schedule const schedule = Schedule::of_instant(at);
  auto const tick = schedule.next(Time{});
  ASSERT_TRUE(tick);
  EXPECT_EQ(tick->due, at);
  EXPECT_FALSE(schedule.next(*tick));
  EXPECT_FALSE(schedule.next(at));
  EXPECT_EQ(schedule.previous(at + Duration::micros(1)), *tick);
  EXPECT_EQ(schedule.interval(*tick).start, at);
  EXPECT_EQ(schedule.label_text(*tick), "2026-03-01T02:00:00Z");
}

}  // namespace
}  // namespace tidemill::clock
