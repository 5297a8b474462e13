// What the dialects accept and refuse.
#include "clock/grammar.h"

#include "clock/dialect.h"

namespace tidemill::clock {
namespace {

Result<Schedule> parse(std::string_view text, Dialect dialect, Days days = Days::kUnstated,
                       DstRule dst = DstRule::kTwoPhase) {
  ScheduleOptions options;
  options.id = "job";
  options.days = days;
  options.dst = dst;
  return Schedule::parse(text, dialect, options);
}

std::string error_of(std::string_view text, Dialect dialect = Dialect::kTidemill) {
  auto schedule = parse(text, dialect);
  return schedule ? "accepted" : schedule.error().message;
}

TEST(Tidemill, AcceptsItsForms) {
  for (std::string_view text : {"* * * * *",
                                "*/5 * * * *",
                                "1-5 * * * *",
                                "1-59/2 * * * *",
                                "1,2,3 * * * *",
                                "0 0 * JAN-mar MON",
                                "0 0 * * 7",
                                "0 0 * * 1-7",
                                "0 0 ? * mon",
                                "0 0 1 * ?",
                                "0 0 L * *",
                                "0 0 L-3 * *",
                                "0 0 LW * *",
                                "0 0 15W * *",
                                "0 0 * * 5L",
                                "0 0 * * friL",
                                "0 0 * * 1#2",
                                "0 0 * * mon#2",
                                "H H * * *",
                                "H(0-29) * * * *",
                                "H/15 * * * *",
                                "H(0-29)/10 * * * *",
                                "5~10 * * * *",
                                "30 0 2 * * *",
                                "*/10 * * * * *",
                                "0 0 0 1 1 * 2030",
                                "0 0 0 1 1 * 2030-2040/2",
                                "@daily",
                                "@hourly",
                                "@reboot",
                                "@every 1s",
                                "@every 1h30m",
                                "CRON_TZ=Europe/Paris 0 2 * * *",
                                "CRON_TZ=UTC @daily",
                                "  0 2 * * *  ",
                                "0\t2 * * *",
                                "05 08 * * *",
                                "0 0 */2 * mon",
                                "0 0 29 2 *",
                                "0 0 31 1,2 *"}) {
    EXPECT_EQ(error_of(text), "accepted") << text;
  }
}

struct Refusal {
  std::string_view text;
  std::string_view part;  // of the message
};

TEST(Tidemill, RefusesWhatOthersReadDifferentlyAndSaysHow) {
  for (const Refusal& r : std::initializer_list<Refusal>{
           {"0 0 * * fri-mon", "write 5-6,0-1"},
           {"0 0 * * fri-mon", "debian accepts it and never runs"},
           {"0 0 * * sat-sun", "write 6,0"},
           {"10-5 * * * *", "minute field, column 1: found '10-5'"},
           {"*abc * * * *", "debian reads '*' and skips the rest"},
           {"5;6 * * * *", "found ';6', expected a comma or the end of the field after '5'"},
           {"5.x * * * *", "cronie and vixie4 refuse"},
           {"1-5-7 * * * *", "after '1-5'"},
           {"*/5/2 * * * *", "after '*/5'"},
           {"5/20 * * * *", "write 5-59/20"},
           {"5/20 * * * *", "5,25,45 in robfig, Quartz and croniter"},
           {"*/0 * * * *", "a step of at least 1"},
           {"*/100 * * * *", "vixie4 takes the whole range"},
           {"0 */24 * * *", "a step from 1 to 23"},
           {"5, * * * *", "robfig ignores the empty item"},
           {",5 * * * *", "column 1"},
           {"5,,6 * * * *", "column 3"},
           {"0 0 * * 0,7", "either 0 or 7"},
           {"0 0 * * sun,7", "Saturday in Quartz"},
           {"0 0 * * 0-7", "either 0 or 7"},
           {"0 0 31 2 *", "never fires"},
           {"0 0 30 2 *", "never fires"},
           {"0 0 31 4,6 *", "never fires"},
           {"0 0 L-30 2 *", "never fires"},
           {"0 0 0 29 2 * 2027", "never fires"},
           {"0 0 1 * mon", "'days: any'"},
           {"0 0 L * mon#1", "'days: all'"},
           {"0 0 ? * ?", "is '?' already"},
           {"? 0 * * *", "only the day fields may be '?'"},
           {"60 * * * *", "a number from 0 to 59"},
           {"* 24 * * *", "hour field, column 3: found '24'"},
           {"* * 0 * *", "day-of-month field, column 5"},
           {"* * * 13 *", "month field"},
           {"* * * * 8", "day-of-week field"},
           {"* * * janu *", "found 'janu'"},
           {"* * * * Monday", "found 'Monday'"},
           {"L * * * *", "minute field"},
           {"mon * * * *", "minute field"},
           {"0 0 * * L", "day-of-week field"},
           {"0 0 L-31 * *", "n from 1 to 30"},
           {"0 0 * * mon#6", "k from 1 to 5"},
           {"0 0 32W * *", "day-of-month"},
           {"-5 * * * *", "column 1"},
           {"5- * * * *", "column 3"},
           {"5~ * * * *", "column 3"},
           {"10~5 * * * *", "goes up"},
           {"H(5) * * * *", "H(a-b)"},
           {"H(29-0) * * * *", "goes up"},
           {"* * * *", "found 4 fields, expected 5"},
           {"* * * * * * * *", "found 8 fields"},
           {"* * * * * * command", "year field"},
           {"", "is empty"},
           {"@Daily", "in lower case"},
           {"@every_minute", "expected one of"},
           {"@every 500ms", "at least 1s"},
           {"@every", "expected one duration"},
           {"@every 5", "the unit is missing"},
           {"@daily command", "without a command"},
           {"CRON_TZ= 0 2 * * *", "no zone after CRON_TZ="},
           {"CRON_TZ=Europe/Pariss 0 2 * * *", "did you mean Europe/Paris?"},
           {"0 0 0 1 1 * 1969", "a number from 1970 to 2199"},
           {"0 0 0 1 1 * 2200", "a number from 1970 to 2199"},
           {"99999999999999999999 * * * *", "a number from 0 to 59"},
           {"* * * * *\n", "line break"},
           {"* * * * \xff", "\\xff"}}) {
    EXPECT_THAT(error_of(r.text), testing::HasSubstr(std::string(r.part))) << r.text;
  }
}

TEST(Tidemill, NeedsTheDayRuleOnlyWhereBothDayFieldsAreRestricted) {
  EXPECT_TRUE(parse("0 0 1 * mon", Dialect::kTidemill, Days::kAny)->pattern().days_any);
  EXPECT_FALSE(parse("0 0 1 * mon", Dialect::kTidemill, Days::kAll)->pattern().days_any);
  EXPECT_FALSE(parse("0 0 * * mon", Dialect::kTidemill, Days::kAny)->pattern().days_any);
  EXPECT_TRUE(parse("0 0 */2 * mon", Dialect::kTidemill, Days::kAny)->pattern().days_any);
  EXPECT_FALSE(parse("0 0 */2 * mon", Dialect::kTidemill)->pattern().days_any);
}

TEST(Tidemill, HashedFieldsNeedAnId) {
  auto const schedule = Schedule::parse("0 H * * *", Dialect::kTidemill);
  ASSERT_FALSE(schedule);
  EXPECT_THAT(schedule.error().message, testing::HasSubstr("hour field, column 3: found 'H', "
                                                           "expected an id"));
  EXPECT_FALSE(Schedule::parse("5~9 * * * *", Dialect::kTidemill));
}

TEST(Tidemill, AHugeTextIsRefused) {
  EXPECT_THAT(error_of(std::string(1 << 20, '*')), testing::HasSubstr("expected at most 4096"));
  std::string list = "0";
  for (int i = 0; i < 1500; ++i) list += ",0";
  EXPECT_EQ(error_of(list + " * * * *"), "accepted");
}

TEST(Debian, SkipsGarbageAndAcceptsWhatNeverFires) {
  for (std::string_view text :
       {"*abc * * * *", "*-5 * * * *", "*/5/2 * * * *", "1-5-7 * * * *", "5.x * * * *",
        "5;6 * * * *", "5~10 * * * *", "10-5 * * * *", "* * * * fri-mon", "0 0 31 2 *",
        "*/100 * * * *", "* * * * *#comment", "* * * * *\r", "@reboot", "  @daily ",
        "0 0 1 * mon"}) {
    EXPECT_EQ(error_of(text, Dialect::kDebian), "accepted") << text;
  }
}

TEST(Debian, RefusesWhatCronRefuses) {
  for (std::string_view text : {"5, * * * *",
                                ",5 * * * *",
                                "5-,7 * * * *",
                                "5/ * * * *",
                                "*/ * * * *",
                                "-5 * * * *",
                                "5--7 * * * *",
                                "? * * * *",
                                "L * * * *",
                                "60 * * * *",
                                "*/0 * * * *",
                                "5/20 * * * *",
                                "5-64/30 * * * *",
                                "70-5 * * * *",
                                "1jan * * * *",
                                "* * * janu *",
                                "* * * * Monday",
                                "* * * *",
                                "",
                                "#",
                                "# * * * *",
                                "@Daily",
                                "@every 5m",
                                "@every_minute",
                                "@daily x",
                                "* * * * * /bin/true",
                                "CRON_TZ=UTC * * * * *",
                                "* * * * *\n",
                                "H * * * *",
                                "4294967297 * * * *",
                                "*/ 5 * * *"}) {
    EXPECT_NE(error_of(text, Dialect::kDebian), "accepted") << text;
  }
}

TEST(Debian, FlagsComeFromTheFirstCharacter) {
  auto pattern = [](std::string_view text) { return parse(text, Dialect::kDebian)->pattern(); };
  EXPECT_TRUE(pattern("*/5 2 * * *").is_wild());
  EXPECT_TRUE(pattern("0 *,7 * * *").is_wild());
  EXPECT_FALSE(pattern("0-59 0-23 * * *").is_wild());
  EXPECT_FALSE(pattern("7,* 2 * * *").is_wild());
  EXPECT_TRUE(pattern("@hourly").is_wild());
  EXPECT_FALSE(pattern("@daily").is_wild());
  EXPECT_TRUE(pattern("0 0 */2 * mon").dom_star);
  EXPECT_TRUE(pattern("0 0 1 * mon").days_any);
  EXPECT_FALSE(pattern("0 0 1 * *").days_any);
  EXPECT_EQ(pattern("0 0 * * 7").dow, pattern("0 0 * * 0").dow);
}

TEST(Debian, HasNoChoiceOfDaysOrClockRule) {
  EXPECT_FALSE(parse("0 0 1 * mon", Dialect::kDebian, Days::kAll));
  EXPECT_FALSE(parse("0 0 1 * *", Dialect::kDebian, Days::kUnstated, DstRule::kSkip));
}

TEST(Dialects, AreReadByName) {
  EXPECT_EQ(*dialect_from_name("debian"), Dialect::kDebian);
  EXPECT_EQ(*dialect_from_name("tidemill"), Dialect::kTidemill);
  EXPECT_THAT(dialect_from_name("fcron").error().message, testing::HasSubstr("not yet read here"));
  EXPECT_THAT(dialect_from_name("debain").error().message,
              testing::HasSubstr("did you mean debian?"));
  for (const DialectInfo& info : dialects()) {
    if (info.is_readable) {
      EXPECT_EQ(dialect_name(info.dialect), info.name);
    }
  }
}

TEST(Options, AreReadByName) {
  EXPECT_EQ(*days_from_name("any"), Days::kAny);
  EXPECT_EQ(*dst_rule_from_name("once"), DstRule::kOnce);
  EXPECT_THAT(dst_rule_from_name("never").error().message,
              testing::HasSubstr("expected one of: two_phase, skip, twice, once"));
}

}  // namespace
}  // namespace tidemill::clock
