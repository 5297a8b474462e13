#include "clock/describe.h"

namespace tidemill::clock {
namespace {

std::string words(std::string_view text, Dialect dialect = Dialect::kTidemill,
                  Days days = Days::kUnstated) {
  ScheduleOptions options;
  options.id = "job";
  options.days = days;
  auto schedule = Schedule::parse(text, dialect, options);
  return schedule ? describe(*schedule) : schedule.error().message;
}

struct Case {
  std::string_view text;
  std::string_view words;
};

TEST(Describe, SaysSchedulesInPlainWords) {
  for (const Case& c : std::initializer_list<Case>{
           {"* * * * *", "every minute"},
           {"0 2 * * *", "at 02:00 every day"},
           {"*/10 * * * *", "every 10 minutes"},
           {"*/30 * * * *", "every 30 minutes"},
           {"*/40 * * * *", "at minutes 0 and 40 of every hour"},
           {"0 * * * *", "every hour"},
           {"@hourly", "every hour"},
           {"@weekly", "at 00:00 on Sunday"},
           {"@monthly", "at 00:00 on day 1 of the month"},
           {"@yearly", "at 00:00 on day 1 of the month in January"},
           {"30 * * * *", "at minute 30 of every hour"},
           {"0 */2 * * *", "every 2 hours"},
           {"15 */6 * * *", "at 00:15, 06:15, 12:15 and 18:15 every day"},
           {"5 */2 * * *", "at minute 5 of every 2nd hour"},
           {"* 2 * * *", "every minute from 02:00 to 02:59"},
           {"*/5 9-17 * * mon-fri", "every 5 minutes from 09:00 to 17:59 on Monday to Friday"},
           {"0 9-17 * * 1-5", "on the hour from 09:00 to 17:59 on Monday to Friday"},
           {"15,30,45 2 * * *", "at 02:15, 02:30 and 02:45 every day"},
           {"0 0 * * sat,7", "at 00:00 on Saturday and Sunday"},
           {"0 0 1,15 * *", "at 00:00 on days 1 and 15 of the month"},
           {"0 0 */2 * *", "at 00:00 on every 2nd day from 1 to 31 of the month"},
           {"0 0 L * *", "at 00:00 on the last day of the month"},
           {"0 0 L-3 * *", "at 00:00 3 days before the last day of the month"},
           {"0 0 LW * *", "at 00:00 on the last weekday (Monday to Friday) of the month"},
           {"0 0 15W * *",
            "at 00:00 on the weekday (Monday to Friday) nearest to day 15 of the month"},
           {"0 0 * * friL", "at 00:00 on the last Friday of the month"},
           {"0 0 * * 1#2", "at 00:00 on the second Monday of the month"},
           {"0 0 * jan,mar-may *", "at 00:00 every day in January and March to May"},
           {"*/10 * * * * *", "every 10 seconds"},
           {"* * * * * *", "every second"},
           {"30 0 2 * * *", "at 02:00:30 every day"},
           {"0 0 2 * * *", "at 02:00 every day"},
           {"5 * * * * *", "at second 5 of every minute"},
           {"* 30 2 * * *", "every second of 02:30 every day"},
           {"0 0 0 1 1 * 2030", "at 00:00 on day 1 of the month in January in 2030"},
           {"0 0 0 1 1 * */2",
            "at 00:00 on day 1 of the month in January in every 2nd year from 1970 to 2198"},
           {"@every 90s", "every 1 minute 30 seconds"},
           {"@every 1h", "every hour"},
           {"@reboot", "once at each start of the scheduler"}}) {
    EXPECT_EQ(words(c.text), c.words) << c.text;
  }
}

TEST(Describe, TellsAnyDayFromAllDays) {
  EXPECT_EQ(words("0 0 1 * mon", Dialect::kDebian), "at 00:00 on day 1 of the month or on Monday");
  EXPECT_EQ(words("0 0 1 * mon", Dialect::kTidemill, Days::kAll),
            "at 00:00 on day 1 of the month where this is also on Monday");
  EXPECT_EQ(words("0 0 1-31 * tue", Dialect::kDebian), "at 00:00 every day");
}

TEST(Describe, SaysThatADebianEntryNeverFires) {
  EXPECT_EQ(words("0 0 31 2 *", Dialect::kDebian), "never: no time matches");
  EXPECT_EQ(words("10-5 * * * *", Dialect::kDebian), "never: no time matches");
}

TEST(Describe, SaysWhatAClockChangeDoes) {
  ScheduleOptions options;
  EXPECT_EQ(describe_clock_changes(*Schedule::parse("0 2 * * *", Dialect::kDebian, options)),
            "the clock of UTC does not change");
  options.zone = *Zone::load("Europe/Paris");
  EXPECT_EQ(
      describe_clock_changes(*Schedule::parse("0 2 * * *", Dialect::kDebian, options)),
      "when the clock changes, times in a skipped hour are run right after it, and times in a "
      "repeated hour are run once, the first time");
  EXPECT_EQ(describe_clock_changes(*Schedule::parse("30 * * * *", Dialect::kDebian, options)),
            "when the clock changes, times in a skipped hour are not run, and times in a repeated "
            "hour are run both times");
  EXPECT_EQ(describe_clock_changes(*Schedule::parse("@every 5m", Dialect::kTidemill, options)), "");
}

}  // namespace
}  // namespace tidemill::clock
