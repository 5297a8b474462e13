// What each dialect accepts, and the ticks it makes of it: rows of the comparison that people meet
// when an entry moves from one scheduler to another.
#include "clock/jenkins_hash.h"
#include "clock/schedule.h"

namespace tidemill::clock {
namespace {

struct Case {
  std::string_view dialect;
  std::string_view text;
  int count;  // ticks in the window; -1: refused
  std::string_view first = {};
};

Result<Schedule> read(std::string_view dialect, std::string_view text,
                      std::string_view zone = "UTC") {
  ScheduleOptions options;
  options.zone = *Zone::load(zone);
  options.id = "folder/job";
  return Schedule::parse(text, *dialect_from_name(dialect), options);
}

std::vector<Tick> ticks(const Schedule& schedule, std::string_view from, std::string_view to) {
  return *schedule.ticks(*parse_rfc3339(from), *parse_rfc3339(to), 1'000'000);
}

void check(std::span<const Case> cases, std::string_view from, std::string_view to,
           std::string_view zone = "UTC") {
  for (const Case& row : cases) {
    auto const schedule = read(row.dialect, row.text, zone);
    ASSERT_EQ(schedule.has_value(), row.count >= 0)
        << row.dialect << " '" << row.text << "' "
        << (schedule ? "is accepted" : schedule.error().message);
    if (!schedule) {
      EXPECT_NE(schedule.error().message, "");
      continue;
    }
    std::vector<Tick> const found = ticks(*schedule, from, to);
    EXPECT_EQ(found.size(), static_cast<size_t>(row.count)) << row.dialect << " " << row.text;
    if (row.first.empty() || found.empty()) continue;
    EXPECT_EQ(format_rfc3339(found[0].due), row.first) << row.dialect << " " << row.text;
  }
}

TEST(Dialects, ReadTheSameTextInTheirOwnWay) {
  // 2028 begins on a Saturday and has 366 days.
  constexpr Case kCases[] = {
      {"debian", "5/20 0 1 1 *", -1},
      {"cronie", "5/20 0 1 1 *", -1},
      {"vixie4", "5/20 0 1 1 *", -1},
      {"busybox", "5/20 0 1 1 *", 1},
      {"robfig", "5/20 0 1 1 *", 3},
      {"quartz", "0 5/20 0 1 1 ?", 3},
      {"aws", "cron(5/20 0 1 1 ? *)", 3},
      {"croniter", "5/20 0 1 1 *", 3},
      {"jenkins", "5/20 0 1 1 *", -1},
      {"debian", "0 0 * * fri-mon", 0},
      {"cronie", "0 0 * * fri-mon", 0},
      {"vixie4", "0 0 * * fri-mon", -1},
      {"busybox", "0 0 * * fri-mon", 210},
      {"robfig", "0 0 * * fri-mon", -1},
      {"quartz", "0 0 0 ? * FRI-MON", 210},
      {"croniter", "0 0 * * fri-mon", 210},
      {"debian", "0 0 * * mon-sun", 0},
      {"cronie", "0 0 * * mon-sun", 366},
      {"cronie", "0 0 * * mon-sun/2", 0},
      {"cronie", "5-0 0 1 1 *", 3},
      {"vixie4", "0 0 * * mon-sun", -1},
      {"busybox", "0 0 * * mon-sun", 366},
      {"robfig", "0 0 * * mon-sun", -1},
      {"cronie", "0 0 * * 7", 53},
      {"vixie4", "0 0 * * 7", 53},
      {"busybox", "0 0 * * 7", 366},
      {"robfig", "0 0 * * 7", -1},
      {"quartz", "0 0 0 ? * 7", 53, "2028-01-01T00:00:00Z"},
      {"aws", "cron(0 0 ? * 7 *)", 53, "2028-01-01T00:00:00Z"},
      {"jenkins", "0 0 * * 7", 53, "2028-01-02T00:00:00Z"},
      {"cronie", "*/100 0 1 1 *", 1},
      {"vixie4", "*/100 0 1 1 *", 60},
      {"vixie4", "0 0 1-5/10 1 *", 5},
      {"busybox", "*/100 0 1 1 *", 1},
      {"robfig", "*/100 0 1 1 *", 1},
      {"quartz", "0 */100 0 1 1 ?", -1},
  };
  check(kCases, "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
}

TEST(Dialects, JoinDayFieldsAndMendMistakesInTheirOwnWay) {
  constexpr Case kCases[] = {
      {"cronie", "0 0 */2 * mon", 27},
      {"vixie4", "0 0 */2 * mon", 27},
      {"robfig", "0 0 */2 * mon", 212},
      {"croniter", "0 0 */2 * mon", 212},
      {"jenkins", "0 0 */2 * 1", 27},
      {"quartz", "0 0 0 */2 * MON", -1},
      {"cronie", "0 0 13 * fri", 63},
      {"robfig", "0 0 13 * fri", 63},
      {"busybox", "0 0 13 * fri", 63},
      {"jenkins", "0 0 13 * 5", 1},
      {"systemd", "Fri *-*-13", 1, "2028-10-13T00:00:00Z"},
      {"cronie", "5;6 0 1 1 *", -1},
      {"vixie4", "5;6 0 1 1 *", -1},
      {"busybox", "5;6 0 1 1 *", 1},
      {"cronie", "*abc 0 1 1 *", -1},
      {"vixie4", "0 0 $ * *", 12, "2028-01-31T00:00:00Z"},
      {"cronie", "0 0 $ * *", -1},
      {"cronie", "6~15 0 1 1 *", 1},
      {"cronie", "~ ~ 6~ ~15 *", -1},
      {"cronie", "~ ~ 6~ ~12 *", 1},
      {"vixie4", "6~15 0 1 1 *", -1},
      {"robfig", ",0,, 0 1 1 *", 1},
      {"robfig", "0 0 1,* * mon", 52},
      {"robfig", "0 0 ? * ?", 366},
      {"robfig", "TZ=Asia/Tokyo 0 0 1 1 *", 1},
      {"robfig", "CRON_TZ=America/New_York 0 0 1 1 *", 1, "2028-01-01T05:00:00Z"},
      {"robfig", "@every 12h", 732},
      {"robfig", "@reboot", -1},
      {"cronie", "@reboot", 0},
      {"cronie", "@Daily", -1},
      {"croniter", "@quarterly", 4},
      {"croniter", "0 0 L * *", 12, "2028-01-31T00:00:00Z"},
      {"croniter", "0 9 * * 2#1", 12, "2028-01-04T09:00:00Z"},
  };
  check(kCases, "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
}

TEST(Dialects, BusyboxFillsAFieldThatItCannotReadAndSaysSo) {
  constexpr Case kCases[] = {
      {"busybox", "0 24 1 1 *", 24},     {"busybox", "60 0 1 1 *", 60},
      {"busybox", "50-10/5 0 1 1 *", 5}, {"busybox", "0 0 * * Monday", 52},
      {"busybox", "0 0 */2 2 *", 14},    {"busybox", "0 0 1-31 * tue", 366},
      {"busybox", "x 0 1 1 *", 0},       {"busybox", "*/0 0 1 1 *", 1},
      {"busybox", "0 0 1 1", -1},        {"busybox", "@weekly", 53},
  };
  check(kCases, "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
  EXPECT_EQ(read("busybox", "0 0 * * 7")->warnings().size(), 1u);
  EXPECT_THAT(read("busybox", "0 0 * * 7")->warnings()[0], testing::HasSubstr("parse error"));
  EXPECT_TRUE(read("busybox", "0 0 * * fri-mon")->warnings().empty());
}

TEST(Dialects, QuartzKnowsSecondsYearsAndItsLetters) {
  constexpr Case kCases[] = {
      {"quartz", "0 0 0 L * ?", 12, "2028-01-31T00:00:00Z"},
      {"quartz", "0 0 0 L-3 * ?", 12, "2028-01-28T00:00:00Z"},
      {"quartz", "0 0 0 LW 4 ?", 1, "2028-04-28T00:00:00Z"},
      {"quartz", "0 0 0 15W 1 ?", 1, "2028-01-14T00:00:00Z"},
      {"quartz", "0 0 0 ? 1 6L", 1, "2028-01-28T00:00:00Z"},
      {"quartz", "0 0 0 ? 1 FRIL", 1, "2028-01-28T00:00:00Z"},
      {"quartz", "0 0 0 ? 1 6#3", 1, "2028-01-21T00:00:00Z"},
      {"quartz", "0 0 0 ? 1 L", 5, "2028-01-01T00:00:00Z"},
      {"quartz", "0 0 22-2 1 1 ?", 5, "2028-01-01T00:00:00Z"},
      {"quartz", "0 0 0 1 NOV-FEB ?", 4, "2028-01-01T00:00:00Z"},
      {"quartz", "0 0 0 1 7/6 ?", 1, "2028-07-01T00:00:00Z"},
      {"quartz", "0/30 0 0 1 1 ?", 2},
      {"quartz", "0 0 0 1 1 ? 2028-2030", 1},
      {"quartz", "0 0 0 1 1 ? 2027", 0},
      {"quartz", "0 0 0 1 1 ? 1969", -1},
      {"quartz", "0 0 0 ? 1 ?", -1},
      {"quartz", "0 0 0 1 1 *", -1},
      {"quartz", "0 0 0 L,15 * ?", -1},
      {"quartz", "0 0 0 1 1", -1},
      {"quartz", "0 0 0 ? 1 0", -1},
      {"quartz", "@daily", -1},
      {"quartz", "0 /20 0 1 1 ?", 3},
  };
  check(kCases, "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
}

TEST(Dialects, AwsKnowsCronRateAndAt) {
  constexpr Case kCases[] = {
      {"aws", "cron(0 10 * * ? *)", 366, "2028-01-01T10:00:00Z"},
      {"aws", "0 10 * * ? *", 366},
      {"aws", "cron(0 18 ? * MON-FRI *)", 260},
      {"aws", "cron(0 18 ? * 6L *)", 12},
      {"aws", "cron(0 18 ? * * 2028-2030)", 366},
      {"aws", "cron(0 10 * * * *)", -1},
      {"aws", "cron(0 10 ? * ? *)", -1},
      {"aws", "cron(0 10 * * ?)", -1},
      {"aws", "rate(12 hours)", 732},
      {"aws", "rate(1 day)", 366},
      {"aws", "rate(1 days)", -1},
      {"aws", "rate(5 day)", -1},
      {"aws", "rate(0 days)", -1},
      {"aws", "rate(5 weeks)", -1},
      {"aws", "at(2028-03-01T02:30:05)", 1, "2028-03-01T02:30:05Z"},
      {"aws", "at(2028-02-30T02:30:05)", -1},
      {"aws", "at(2028-03-01)", -1},
      {"aws", "cron(", -1},
  };
  check(kCases, "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
}

TEST(Dialects, JenkinsSpreadsByTheNameOfTheJob) {
  constexpr Case kCases[] = {
      {"jenkins", "H H * * *", 366},           {"jenkins", "H/15 0 1 1 *", 4},
      {"jenkins", "H(0-29)/10 0 1 1 *", 3},    {"jenkins", "@hourly", 366 * 24},
      {"jenkins", "@midnight", 366},           {"jenkins", "H H 1-5,H * *", -2},
      {"jenkins", "0 0 * * mon", -1},          {"jenkins", "0 0 5-1 * *", -1},
      {"jenkins", "H/90 * * * *", -1},         {"jenkins", "TZ=Asia/Tokyo\n0 0 1 1 *", 1},
      {"jenkins", "0 0 1 1 *\n1 0 1 1 *", -1},
  };
  for (const Case& row : kCases) {
    if (row.count != -2) check({&row, 1}, "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
  }
  for (uint32_t rest = read("jenkins", "0 0 H * *")->pattern().dom; rest != 0; rest &= rest - 1) {
    EXPECT_LE(std::countr_zero(rest), 28);
  }
  ScheduleOptions none;
  EXPECT_FALSE(Schedule::parse("H * * * *", Dialect::kJenkins, none));
}

TEST(Dialects, TheJenkinsHashIsThatOfJava) {
  // java.util.Random seeded with the folded MD5 of "": d41d8cd98f00b204 ^ e9800998ecf8427e.
  JenkinsHash empty("");
  JenkinsHash again("");
  for (int bound : {60, 24, 28, 12, 7, 16, 1}) {
    int const drawn = empty.next(bound);
    EXPECT_EQ(drawn, again.next(bound));
    EXPECT_GE(drawn, 0);
    EXPECT_LT(drawn, bound);
  }
}

TEST(Dialects, FollowTheirOwnRuleWhenTheClockGoesForward) {
  // New York, 2024-03-10: 02:00 becomes 03:00 at 07:00 UTC.
  constexpr Case kCases[] = {
      {"debian", "30 2 * * *", 1, "2024-03-10T07:00:00Z"},
      {"cronie", "30 2 * * *", 1, "2024-03-10T07:00:00Z"},
      {"vixie4", "30 2 * * *", 1, "2024-03-10T07:00:00Z"},
      {"busybox", "30 2 * * *", 0},
      {"robfig", "30 2 * * *", 0},
      {"jenkins", "30 2 * * *", 0},
      {"quartz", "0 30 2 * * ?", 0},
      {"aws", "cron(30 2 * * ? *)", 0},
      {"systemd", "02:30", 0},
      {"cronie", "*/30 * * * *", 6},
      {"busybox", "*/30 * * * *", 6},
      {"systemd", "*:00/30", 6},
  };
  check(kCases, "2024-03-10T06:00:00Z", "2024-03-10T09:00:00Z", "America/New_York");
}

TEST(Dialects, FollowTheirOwnRuleWhenTheClockGoesBack) {
  // New York, 2024-11-03: 02:00 becomes 01:00 at 06:00 UTC.
  constexpr Case kCases[] = {
      {"debian", "30 1 * * *", 1, "2024-11-03T05:30:00Z"},
      {"cronie", "30 1 * * *", 1, "2024-11-03T05:30:00Z"},
      {"busybox", "30 1 * * *", 2},
      {"robfig", "30 1 * * *", 2},
      {"jenkins", "30 1 * * *", 2},
      {"quartz", "0 30 1 * * ?", 1, "2024-11-03T05:30:00Z"},
      {"aws", "cron(30 1 * * ? *)", 1, "2024-11-03T05:30:00Z"},
      {"systemd", "01:30", 1, "2024-11-03T05:30:00Z"},
      {"debian", "*/30 * * * *", 6},
      {"systemd", "*:00/30", 4},
      {"aws", "cron(0/30 * * * ? *)", 4},
  };
  check(kCases, "2024-11-03T05:00:00Z", "2024-11-03T08:00:00Z", "America/New_York");
}

TEST(Dialects, AnEmptyTextIsRefusedInEachAndTheErrorNamesIt) {
  for (const DialectInfo& info : dialects()) {
    if (!info.is_readable) continue;
    for (std::string_view text : {"", " ", "\t", "x", "@", "* *", "\n"}) {
      auto const schedule = read(info.name, text);
      EXPECT_FALSE(schedule) << info.name << " '" << text << "'";
    }
  }
  EXPECT_FALSE(flow_dialect_from_name("quartz"));
  EXPECT_TRUE(flow_dialect_from_name("debian"));
  EXPECT_FALSE(dialect_from_name("fcron"));
}

}  // namespace
}  // namespace tidemill::clock
