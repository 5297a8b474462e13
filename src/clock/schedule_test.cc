// The tables of expected values around clock changes, and what single schedules promise.
#include "clock/schedule.h"

#include <set>

namespace tidemill::clock {
namespace {

Time at(std::string_view text) {
  auto time = parse_rfc3339(text);
  EXPECT_TRUE(time) << text;
  return time ? *time : Time{};
}

Schedule make(std::string_view text, std::string_view zone = "UTC",
              Dialect dialect = Dialect::kTidemill, DstRule dst = DstRule::kTwoPhase,
              Days days = Days::kUnstated) {
  ScheduleOptions options;
  options.zone = *Zone::load(zone);
  options.id = "job";
  options.dst = dst;
  options.days = days;
  auto schedule = Schedule::parse(text, dialect, options);
  EXPECT_TRUE(schedule) << text << ": " << schedule.error().message;
  return *schedule;
}

std::vector<Tick> ticks_of(const Schedule& schedule, Time from, Time to) {
  auto ticks = schedule.ticks(from, to, 100'000);
  EXPECT_TRUE(ticks) << ticks.error().message;
  return std::move(*ticks);
}

// "03:00 (02:15) ..." : local due times with labels where these differ, "/1" for fold 1.
std::string runs(const Schedule& schedule, std::string_view from, std::string_view to) {
  std::string out;
  for (const Tick& tick : ticks_of(schedule, at(from), at(to))) {
    std::string const due = schedule.zone().format_local(tick.due).substr(0, 16);
    std::string const label = schedule.label_text(tick);
    out += out.empty() ? "" : " ";
    out += due.substr(11);
    if (label.substr(0, 16) != due) out += "(" + label.substr(11) + ")";
    if (tick.fold > 0) out += "/" + std::to_string(tick.fold);
  }
  return out;
}

struct Case {
  std::string_view text;
  std::string_view runs;
};

void expect_runs(std::string_view zone, std::string_view from, std::string_view to,
                 std::initializer_list<Case> cases) {
  for (Dialect dialect : {Dialect::kDebian, Dialect::kTidemill}) {
    for (const Case& c : cases) {
      EXPECT_EQ(runs(make(c.text, zone, dialect), from, to), c.runs)
          << c.text << " in " << zone << ", " << dialect_name(dialect);
      // The same schedule to the second behaves the same.
      if (dialect == Dialect::kTidemill && c.text.front() != '@') {
        std::string const with_seconds = "0 " + std::string(c.text);
        std::string const got = runs(make(with_seconds, zone), from, to);
        std::string expected;
        for (char ch : c.runs) expected += ch == ')' ? std::string(":00)") : std::string(1, ch);
        EXPECT_EQ(got, expected) << with_seconds << " in " << zone;
      }
    }
  }
}

TEST(ClockChange, NewYorkSpring) {
  expect_runs("America/New_York", "2024-03-10T06:00:00Z", "2024-03-10T08:30:00Z",
              {{"0 2 * * *", "03:00(02:00)"},
               {"30 2 * * *", "03:00(02:30)"},
               {"15,30,45 2 * * *", "03:00(02:15) 03:00(02:30) 03:00(02:45)"},
               {"0 3 * * *", "03:00"},
               {"0 2,3 * * *", "03:00(02:00) 03:00"},
               {"0 1 * * *", "01:00"},
               {"30 1 * * *", "01:30"},
               {"*/30 * * * *", "01:00 01:30 03:00 03:30 04:00"},
               {"30 * * * *", "01:30 03:30"},
               {"@hourly", "01:00 03:00 04:00"},
               {"0 */2 * * *", "04:00"},
               {"0 0-23/2 * * *", "03:00(02:00) 04:00"},
               {"15 2,3 * * *", "03:00(02:15) 03:15"},
               {"* 2 * * *", ""}});
}

TEST(ClockChange, NewYorkAutumn) {
  expect_runs("America/New_York", "2024-11-03T05:00:00Z", "2024-11-03T07:30:00Z",
              {{"0 1 * * *", "01:00"},
               {"30 1 * * *", "01:30"},
               {"0 2 * * *", "02:00"},
               {"*/30 * * * *", "01:00 01:30 01:00/1 01:30/1 02:00"},
               {"30 * * * *", "01:30 01:30/1"}});
}

TEST(ClockChange, HavanaAtMidnight) {
  expect_runs("America/Havana", "2024-03-10T04:30:00Z", "2024-03-10T06:30:00Z",
              {{"@daily", "01:00(00:00)"},
               {"0 0 * * *", "01:00(00:00)"},
               {"30 0 * * *", "01:00(00:30)"},
               {"30 * * * *", "23:30 01:30"},
               {"0 0-23/2 * * *", "01:00(00:00) 02:00"}});
  expect_runs(
      "America/Havana", "2024-11-03T04:00:00Z", "2024-11-03T07:30:00Z",
      {{"0 0 * * *", "00:00"}, {"30 0 * * *", "00:30"}, {"0 */2 * * *", "00:00 00:00/1 02:00"}});
}

TEST(ClockChange, LordHoweByThirtyMinutes) {
  expect_runs("Australia/Lord_Howe", "2024-10-05T15:00:00Z", "2024-10-05T17:30:00Z",
              {{"0 2 * * *", "02:30(02:00)"},
               {"15 2 * * *", "02:30(02:15)"},
               {"15,30,45 2 * * *", "02:30(02:15) 02:30 02:45"},
               {"0 */2 * * *", "04:00"}});
  expect_runs("Australia/Lord_Howe", "2024-04-06T14:00:00Z", "2024-04-06T15:30:00Z",
              {{"30 1 * * *", "01:30"}, {"30 * * * *", "01:30 01:30/1"}});
}

TEST(ClockChange, ApiaSkipsADayAndOwesNothing) {
  expect_runs("Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z",
              {{"0 0 * * *", "00:00 00:00"}, {"0 12 30 12 *", ""}, {"30 23 29 12 *", "23:30"}});
  Schedule const daily = make("0 0 * * *", "Pacific/Apia");
  std::optional<Tick> tick = daily.next(at("2011-12-29T09:00:00Z"));
  EXPECT_EQ(daily.label_text(*tick), "2011-12-29T00:00");
  tick = daily.next(*tick);
  EXPECT_EQ(daily.label_text(*tick), "2011-12-31T00:00");
}

TEST(ClockChange, TheRuleCanBeChosen) {
  std::string_view const spring_from = "2024-03-10T06:00:00Z";
  std::string_view const spring_to = "2024-03-10T08:30:00Z";
  std::string_view const autumn_from = "2024-11-03T05:00:00Z";
  std::string_view const autumn_to = "2024-11-03T07:30:00Z";
  auto with = [](std::string_view text, DstRule dst) {
    return make(text, "America/New_York", Dialect::kTidemill, dst);
  };
  EXPECT_EQ(runs(with("0 2,3 * * *", DstRule::kSkip), spring_from, spring_to), "03:00");
  EXPECT_EQ(runs(with("30 1 * * *", DstRule::kSkip), autumn_from, autumn_to), "01:30");
  EXPECT_EQ(runs(with("30 1 * * *", DstRule::kTwice), autumn_from, autumn_to), "01:30 01:30/1");
  EXPECT_EQ(runs(with("0 2 * * *", DstRule::kTwice), spring_from, spring_to), "03:00(02:00)");
  EXPECT_EQ(runs(with("*/30 * * * *", DstRule::kOnce), autumn_from, autumn_to),
            "01:00 01:30 02:00");
  EXPECT_EQ(runs(with("*/30 * * * *", DstRule::kOnce), spring_from, spring_to),
            "01:00 01:30 03:00 03:30 04:00");
}

TEST(ClockChange, SecondsOfASkippedHourAreOwedAllTheSame) {
  Schedule const fixed = make("10,20 30 2 * * *", "America/New_York");
  EXPECT_EQ(runs(fixed, "2024-03-10T06:00:00Z", "2024-03-10T08:00:00Z"),
            "03:00(02:30:10) 03:00(02:30:20)");
  Schedule const wild = make("*/10 30 2 * * *", "America/New_York");
  EXPECT_EQ(runs(wild, "2024-03-10T06:00:00Z", "2024-03-10T08:00:00Z"), "");
}

TEST(ClockChange, AnOffsetWithSecondsIsDueAtTheFirstSecondOfItsLabel) {
  // Monrovia leaves -00:44:30 for UTC on 1972-01-07 at 00:44:30 UTC, local midnight.
  Schedule const hourly = make("0 * * * *", "Africa/Monrovia");
  std::vector<Tick> const ticks =
      ticks_of(hourly, at("1972-01-06T22:00:00Z"), at("1972-01-07T02:30:00Z"));
  std::string text;
  for (const Tick& tick : ticks) text += format_rfc3339(tick.due).substr(11) + " ";
  EXPECT_EQ(text, "22:44:30Z 23:44:30Z 01:00:00Z 02:00:00Z ");
  Schedule const fixed = make("0,30 0 * * *", "Africa/Monrovia");
  std::string owed;
  for (const Tick& tick : ticks_of(fixed, at("1972-01-07T00:00:00Z"), at("1972-01-07T02:30:00Z"))) {
    owed += format_rfc3339(tick.due).substr(11) + fixed.label_text(tick).substr(10) + " ";
  }
  EXPECT_EQ(owed, "00:44:30ZT00:00 00:44:30ZT00:30 ");
}

TEST(Schedule, CountsOf2028) {
  for (auto [text, count] :
       std::initializer_list<std::pair<std::string_view, size_t>>{{"0 0 1 * mon", 63},
                                                                  {"0 0 13 * fri", 63},
                                                                  {"0 0 */2 * mon", 27},
                                                                  {"0 0 1-31 * tue", 366},
                                                                  {"0 0 1,15 * 3", 72},
                                                                  {"0 4 8-14 * *", 84},
                                                                  {"0 0 29 2 *", 1},
                                                                  {"0 0 31 2 *", 0},
                                                                  {"@weekly", 53}}) {
    EXPECT_EQ(make(text, "UTC", Dialect::kDebian)
                  .ticks(at("2028-01-01T00:00:00Z"), at("2029-01-01T00:00:00Z"), 1000)
                  ->size(),
              count)
        << text;
  }
}

TEST(Schedule, NeverIsAnAnswer) {
  for (std::string_view text :
       {"0 0 31 2 *", "0 0 30 2 *", "10-5 * * * *", "* * * * fri-mon", "* 5-3 * * *", "@reboot"}) {
    Schedule const schedule = make(text, "Europe/Paris", Dialect::kDebian);
    EXPECT_EQ(schedule.next(Time{}), std::nullopt) << text;
    EXPECT_EQ(schedule.previous(Time{}), std::nullopt) << text;
  }
}

TEST(Schedule, FindsDatesThatComeOnlyAfterManyYears) {
  EXPECT_EQ(make("0 0 29 2 *").next(at("2096-03-01T00:00:00Z"))->due, at("2104-02-29T00:00:00Z"));
  // A 29 February on a Sunday: 2032, 2060, 2088, then 40 years on.
  Schedule const sunday =
      make("0 0 29 2 0", "UTC", Dialect::kTidemill, DstRule::kTwoPhase, Days::kAll);
  EXPECT_EQ(sunday.next(at("2032-03-01T00:00:00Z"))->due, at("2060-02-29T00:00:00Z"));
  EXPECT_EQ(sunday.next(at("2088-03-01T00:00:00Z"))->due, at("2128-02-29T00:00:00Z"));
  EXPECT_EQ(sunday.previous(at("2128-02-29T00:00:00Z"))->due, at("2088-02-29T00:00:00Z"));
}

TEST(Schedule, GoesOnAfter2038WithoutOverflow) {
  Schedule const daily = make("14 3 * * *", "America/New_York", Dialect::kDebian);
  EXPECT_EQ(daily.next(at("2038-01-19T03:14:07Z"))->due, at("2038-01-19T08:14:00Z"));
  EXPECT_EQ(daily.next(at("2500-07-01T00:00:00Z"))->due, at("2500-07-01T07:14:00Z"));
}

TEST(Schedule, EndsWithItsYearsAndWithTheCalendar) {
  Schedule const year = make("0 0 12 1 1 * 2030-2031");
  EXPECT_EQ(year.next(Time{})->due, at("2030-01-01T12:00:00Z"));
  EXPECT_EQ(year.next(at("2031-01-01T12:00:00Z")), std::nullopt);
  EXPECT_EQ(year.previous(at("9000-01-01T00:00:00Z"))->due, at("2031-01-01T12:00:00Z"));
  EXPECT_EQ(year.previous(at("2030-01-01T12:00:00Z")), std::nullopt);
  Schedule const minutely = make("* * * * *");
  EXPECT_EQ(minutely.next(at("9999-12-31T23:59:00Z")), std::nullopt);
  EXPECT_EQ(minutely.next(Time{INT64_MAX}), std::nullopt);
  EXPECT_EQ(minutely.next(Time{INT64_MIN})->due, kFirstInstant);
  EXPECT_EQ(minutely.previous(kFirstInstant), std::nullopt);
  EXPECT_EQ(minutely.previous(Time{INT64_MAX})->due, at("9999-12-31T23:59:00Z"));
}

TEST(Schedule, ModifiersChooseDaysOfTheMonth) {
  auto days_of_2026 = [](std::string_view text) {
    Schedule const schedule = make(text);
    std::string out;
    for (const Tick& tick :
         ticks_of(schedule, at("2026-01-01T00:00:00Z"), at("2026-07-01T00:00:00Z"))) {
      out += format_rfc3339(tick.due).substr(5, 5) + " ";
    }
    return out;
  };
  EXPECT_EQ(days_of_2026("0 0 L * *"), "01-31 02-28 03-31 04-30 05-31 06-30 ");
  EXPECT_EQ(days_of_2026("0 0 L-3 * *"), "01-28 02-25 03-28 04-27 05-28 06-27 ");
  EXPECT_EQ(days_of_2026("0 0 LW * *"), "01-30 02-27 03-31 04-30 05-29 06-30 ");
  EXPECT_EQ(days_of_2026("0 0 15W * *"), "01-15 02-16 03-16 04-15 05-15 06-15 ");
  EXPECT_EQ(days_of_2026("0 0 1W * *"), "01-01 02-02 03-02 04-01 05-01 06-01 ");
  EXPECT_EQ(days_of_2026("0 0 31W * *"), "01-30 03-31 05-29 ");
  EXPECT_EQ(days_of_2026("0 0 * * 5L"), "01-30 02-27 03-27 04-24 05-29 06-26 ");
  EXPECT_EQ(days_of_2026("0 0 * * fri#3"), "01-16 02-20 03-20 04-17 05-15 06-19 ");
  EXPECT_EQ(days_of_2026("0 0 ? * mon#5"), "03-30 06-29 ");
  EXPECT_EQ(days_of_2026("0 0 L,1 2 ?"), "02-01 02-28 ");
}

TEST(Schedule, HashedFieldsStayTheSameAndSpread) {
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    std::string const id = "job" + std::to_string(i);
    ScheduleOptions options;
    options.id = id;
    auto minute_of = [&](std::string_view text) {
      return format_rfc3339(Schedule::parse(text, Dialect::kTidemill, options)->next(Time{})->due);
    };
    EXPECT_EQ(minute_of("H H * * *"), minute_of("H H * * *"));
    seen.insert(minute_of("H H * * *"));
    std::string const ranged = minute_of("H(10-12) * * * *").substr(14, 2);
    EXPECT_TRUE(ranged == "10" || ranged == "11" || ranged == "12") << ranged;
    std::string const random = minute_of("5~9 * * * *").substr(14, 2);
    EXPECT_TRUE(random >= "05" && random <= "09") << random;
    auto const every = Schedule::parse("H/15 * * * *", Dialect::kTidemill, options);
    EXPECT_EQ(every->ticks(Time{}, Time::from_seconds(3600), 100)->size(), 4u);
  }
  EXPECT_GT(seen.size(), 45u);
}

TEST(Schedule, ThePrefixSetsTheZone) {
  Schedule const schedule = make("CRON_TZ=Asia/Kolkata 0 2 * * *", "Europe/Paris");
  EXPECT_EQ(schedule.zone().name(), "Asia/Kolkata");
  EXPECT_EQ(schedule.next(at("2026-01-01T00:00:00Z"))->due, at("2026-01-01T20:30:00Z"));
}

TEST(Schedule, AnIntervalReachesFromTheTickBefore) {
  Schedule const daily = make("0 2 * * *", "America/New_York");
  Tick const tick = *daily.next(at("2024-03-10T00:00:00Z"));
  Interval const interval = daily.interval(tick);
  EXPECT_EQ(interval.start, at("2024-03-09T07:00:00Z"));
  EXPECT_EQ(interval.end, at("2024-03-10T07:00:00Z"));
  Schedule const once = make("0 0 0 1 1 * 2030");
  Tick const only = *once.next(Time{});
  EXPECT_EQ(once.interval(only).start, only.due);
}

TEST(Schedule, LabelsNameTheWallClock) {
  Schedule const minute = make("0 2 * * *", "Europe/Paris");
  EXPECT_EQ(minute.label_text(*minute.next(at("2026-03-01T00:00:00Z"))), "2026-03-01T02:00");
  Schedule const second = make("5 0 2 * * *", "Europe/Paris");
  EXPECT_EQ(second.label_text(*second.next(at("2026-03-01T00:00:00Z"))), "2026-03-01T02:00:05");
  Schedule const every = make("@every 90s", "Europe/Paris");
  EXPECT_EQ(every.label_text(*every.next(Time{})), "1970-01-01T00:01:30Z");
}

TEST(Schedule, TheListOfTicksHasALimit) {
  Schedule const minutely = make("* * * * *");
  EXPECT_EQ(minutely.ticks(Time{}, Time::from_seconds(600), 10)->size(), 10u);
  EXPECT_EQ(minutely.ticks(Time{}, Time::from_seconds(601), 10).error().code, Code::kExhausted);
  EXPECT_TRUE(minutely.ticks(Time{}, Time{}, 10)->empty());
  EXPECT_TRUE(minutely.ticks(Time{INT64_MIN}, Time{INT64_MIN + 5}, 10)->empty());
}

}  // namespace
}  // namespace tidemill::clock
