#include "clock/zone.h"

#include <cstdlib>
#include <ctime>
#include <random>

#include "clock/every.h"

namespace tidemill::clock {
namespace {

int64_t at(std::string_view text) { return parse_rfc3339(text)->seconds(); }

TEST(Zone, SegmentsMeetAndNameEachChangeOfOffset) {
  Zone const zone = *Zone::load("America/New_York");
  Segment const winter = zone.segment_at(at("2024-03-10T06:59:59Z"));
  Segment const summer = zone.segment_at(at("2024-03-10T07:00:00Z"));
  EXPECT_EQ(winter.offset_s, -5 * 3600);
  EXPECT_EQ(summer.offset_s, -4 * 3600);
  EXPECT_EQ(winter.end_s, summer.begin_s);
  EXPECT_EQ(summer.begin_s, at("2024-03-10T07:00:00Z"));
  EXPECT_EQ(summer.end_s, at("2024-11-03T06:00:00Z"));
  EXPECT_TRUE(zone.segment_at(at("1800-01-01T00:00:00Z")).is_first());
  EXPECT_EQ(zone.segment_at(at("1800-01-01T00:00:00Z")).offset_s, -(4 * 3600 + 56 * 60 + 2));
}

TEST(Zone, RulesGoOnForEver) {
  Zone const zone = *Zone::load("Europe/Paris");
  EXPECT_EQ(zone.offset_at(*parse_rfc3339("2900-07-01T00:00:00Z")), Duration::seconds(7200));
  EXPECT_EQ(zone.offset_at(*parse_rfc3339("9999-01-01T00:00:00Z")), Duration::seconds(3600));
  Segment const s = zone.segment_at(at("5000-07-01T00:00:00Z"));
  EXPECT_EQ(zone.segment_at(s.begin_s - 1).end_s, s.begin_s);
  EXPECT_EQ(zone.segment_at(s.end_s).begin_s, s.end_s);
}

TEST(Zone, SegmentsMeetThroughAllYearsInEveryZone) {
  for (const std::string& name : Zone::names()) {
    Zone const zone = *Zone::load(name);
    Segment s = zone.segment_at(kFirstInstant.seconds());
    int changes = 0;
    while (!s.is_last() && s.begin_s < at("3000-01-01T00:00:00Z")) {
      Segment const next = zone.segment_at(s.end_s);
      ASSERT_EQ(next.begin_s, s.end_s) << name;
      ASSERT_GT(next.end_s, next.begin_s) << name;
      ASSERT_NE(next.offset_s, s.offset_s) << name;
      Segment const back = zone.segment_at(next.begin_s - 1);
      ASSERT_EQ(back.begin_s, s.begin_s) << name;
      ASSERT_EQ(back.offset_s, s.offset_s) << name;
      s = next;
      ASSERT_LT(++changes, 10'000) << name;
    }
  }
}

TEST(Zone, AgreesWithTheCLibrary) {
  std::mt19937_64 random(7);
  for (const char* name :
       {"America/New_York", "Europe/Paris", "Europe/Riga", "Australia/Lord_Howe", "America/Havana",
        "Africa/Casablanca", "Pacific/Chatham", "America/St_Johns", "Asia/Gaza", "Asia/Kolkata",
        "Pacific/Apia", "Africa/Monrovia", "Asia/Tehran", "UTC"}) {
    Zone const zone = *Zone::load(name);
    setenv("TZ", name, 1);
    tzset();
    for (int i = 0; i < 3000; ++i) {
      auto const t = static_cast<time_t>(random() % 16'000'000'000ULL) - 2'000'000'000;
      struct tm local{};
      localtime_r(&t, &local);
      ASSERT_EQ(zone.segment_at(t).offset_s, local.tm_gmtoff) << name << " " << t;
    }
  }
  unsetenv("TZ");
  tzset();
}

TEST(Zone, AnUnknownNameIsAnErrorThatNamesTheNearest) {
  auto message = [](std::string_view name) { return Zone::load(name).error().message; };
  EXPECT_THAT(message("America/NewYork"), testing::HasSubstr("did you mean America/New_York?"));
  EXPECT_THAT(message("Paris"), testing::HasSubstr("did you mean Europe/Paris?"));
  EXPECT_THAT(message("europe/riga"), testing::HasSubstr("did you mean Europe/Riga?"));
  EXPECT_THAT(message("Europe/Parris"), testing::HasSubstr("did you mean Europe/Paris?"));
  for (std::string_view name :
       {"", "/etc/passwd", "../../../etc/passwd", "posix/UTC", "right/UTC", "Fixed/UTC+01:00:00",
        "America", "zone.tab", "localtime", "Europe/Paris\n", "EST+", "file:UTC"}) {
    EXPECT_FALSE(Zone::load(name)) << name;
  }
  EXPECT_FALSE(Zone::load(std::string(100'000, 'A')));
}

TEST(Zone, ShowsLocalTimeWithItsOffset) {
  Zone const zone = *Zone::load("Asia/Kolkata");
  EXPECT_EQ(zone.format_local(*parse_rfc3339("2026-01-01T00:00:00Z")), "2026-01-01T05:30:00+05:30");
  EXPECT_EQ(Zone::utc().format_local(Time{}), "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(Zone::load("Africa/Monrovia")->format_local(Time{}), "1969-12-31T23:15:30-00:44:30");
}

TEST(Every, TicksAreMultiplesOfThePeriodSince1970) {
  Every const every = *Every::parse("50ms");
  EXPECT_EQ(every.next(Time{}), Time{50'000});
  EXPECT_EQ(every.next(Time{49'999}), Time{50'000});
  EXPECT_EQ(every.next(Time{-1}), Time{0});
  EXPECT_EQ(every.next(Time{-50'000}), Time{0});
  EXPECT_EQ(every.previous(Time{50'000}), Time{0});
  EXPECT_EQ(every.previous(Time{50'001}), Time{50'000});
  EXPECT_EQ(every.next(kLastInstant), std::nullopt);
  EXPECT_EQ(every.next(Time{INT64_MAX}), std::nullopt);
  EXPECT_EQ(every.previous(Time{INT64_MIN}), std::nullopt);
  EXPECT_TRUE(every.next(Time{INT64_MIN}).has_value());
}

TEST(Every, RefusesPeriodsThatAreTooShortOrNone) {
  for (std::string_view text : {"49ms", "0s", "", "fast", "-1s", "100w100w", "5000w"}) {
    EXPECT_FALSE(Every::parse(text)) << text;
  }
  EXPECT_EQ(Every::parse("90s")->describe(), "every 1 minute 30 seconds");
  EXPECT_EQ(Every::parse("1d")->describe(), "every day");
  EXPECT_EQ(Every::parse("50ms")->describe(), "every 50 milliseconds");
}

}  // namespace
}  // namespace tidemill::clock
