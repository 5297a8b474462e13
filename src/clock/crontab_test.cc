#include "clock/crontab.h"

#include <fmt/format.h>

namespace tidemill::clock {
namespace {

std::vector<Lint> lint(std::string_view text, CrontabForm form = CrontabForm::kUser,
                       Dialect dialect = Dialect::kDebian, std::string_view zone = "UTC") {
  LintOptions options;
  options.form = form;
  options.dialect = dialect;
  options.zone = *Zone::load(zone);
  options.now = Time::from_seconds(1'704'067'200);  // 2024
  return lint_crontab(text, options);
}

// "line:column code" of each, in order.
std::string codes(const std::vector<Lint>& lints) {
  std::string text;
  for (const Lint& each : lints) {
    text += fmt::format("{}{}:{} {}", text.empty() ? "" : ", ", each.line, each.column, each.code);
  }
  return text;
}

TEST(Crontab, PartsVariablesEntriesAndUsers) {
  auto const lines =
      read_crontab("# note\n\nA = \"x y\" \nB=c # d  \n*/5 * * * *\troot  run it\n@daily root x",
                   CrontabForm::kSystem);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0].kind, CrontabLine::Kind::kComment);
  EXPECT_EQ(lines[1].kind, CrontabLine::Kind::kBlank);
  EXPECT_EQ(lines[2].value, "x y");
  EXPECT_EQ(lines[3].value, "c # d");
  EXPECT_EQ(lines[4].schedule, "*/5 * * * *");
  EXPECT_EQ(lines[4].user, "root");
  EXPECT_EQ(lines[4].command, "run it");
  EXPECT_EQ(lines[4].command_column, 19);
  EXPECT_EQ(lines[5].schedule, "@daily");
  EXPECT_EQ(lines[5].command, "x");
}

TEST(CrontabLint, FindsEachMistakeAtItsPlace) {
  struct Case {
    std::string_view text;
    std::string_view expected;
  };
  constexpr Case kCases[] = {
      {"0 4 * * * /bin/x\n", ""},
      {"", ""},
      {"0 0 * * fri-mon /bin/x\n", "1:1 never-fires"},
      {"0 0 31 2 * /bin/x\n", "1:1 never-fires"},
      {"5;6 4 * * * /bin/x\n", "1:1 dialect, 1:2 garbage"},
      {"0 4 1 * mon /bin/x\n", "1:5 day-or"},
      {"0 4 */2 * mon /bin/x\n", "1:1 dialect, 1:5 day-star"},
      {"0 4 1-31 * tue /bin/x\n", "1:5 day-star"},
      {"0 4 * * 7 /bin/x\n", "1:1 dialect"},
      {"5/20 * * * * /bin/x\n", "1:1 step-start"},
      {"*/100 4 * * * /bin/x\n", "1:1 dialect, 1:1 big-step"},
      {"0 4 * * * /bin/date +%F\n", "1:22 percent"},
      {"0 4 * * * /bin/date +\\%F\n", ""},
      {"0 4 * * * /bin/x 'a\\\\b'\n", "1:20 backslash"},
      {"MAILTO=\n", "1:8 mailto-empty"},
      {"MAILTO=\"\"\n", ""},
      {"MAILTO=a@b.example\n", "1:8 mailto"},
      {"0 4 * * * /bin/x", "1:17 no-newline"},
      {"0 4 * * * /bin/x\r\n", "1:17 crlf"},
      {"0 4 * * * /bin/x # why\n", "1:18 trailing-comment"},
      {"0 4 * * * /bin/x '# no'\n", ""},
      {"PATH=$HOME/bin\n", "1:6 env-expand"},
      {"0 4 * * * /bin/x $A\nA=1\n", "2:1 env-order"},
      {"0 4 * * * backup\n", "1:11 relative-path"},
      {"PATH=/opt/bin\n0 4 * * * backup\n", ""},
      {"CRON_TZ=Asia/Tokyo\n", "1:1 cron-tz"},
      {"0 4 * * *\n", "1:10 empty-command"},
      {"0 4 * * /bin/x\n", "1:9 syntax, 1:15 empty-command"},
      {"61 4 * * * /bin/x\n", "1:1 syntax"},
  };
  for (const Case& row : kCases) {
    auto const found = lint(row.text);
    EXPECT_EQ(codes(found), row.expected) << row.text;
    for (const Lint& each : found) EXPECT_TRUE(!each.found.empty() && !each.advice.empty());
  }
}

TEST(CrontabLint, KnowsTheClockOfTheZoneAndTheLengthOfACommand) {
  auto in_new_york = [](std::string_view text) {
    return lint(text, CrontabForm::kUser, Dialect::kDebian, "America/New_York");
  };
  auto const lost = in_new_york("30 * * * * /bin/x\n");
  ASSERT_EQ(codes(lost), "1:1 dst");
  EXPECT_EQ(lost[0].found, "the 02:30 run is lost on 2024-03-10 in America/New_York");
  EXPECT_EQ(in_new_york("30 2 * * * /bin/x\n")[0].found,
            "the 02:30 run is run right after the change on 2024-03-10 in America/New_York");
  EXPECT_EQ(in_new_york("30 1 * * * /bin/x\n")[0].found,
            "the 01:30 run is run once, the first time on 2024-11-03 in America/New_York");
  EXPECT_EQ(codes(in_new_york("30 4 * * * /bin/x\n")), "");
  EXPECT_EQ(codes(in_new_york("*/5 * * * * /bin/x\n")), "");
  std::string const longest(998 - 7, 'x');
  EXPECT_EQ(codes(lint("0 4 * * * /bin/x " + longest + "\n")), "");
  EXPECT_EQ(codes(lint("0 4 * * * /bin/x " + longest + "y\n")), "1:11 long-command");
}

TEST(CrontabLint, CountsTheFullestMinute) {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "0 4 * * * /bin/x\n";
  auto const found = lint(text);
  ASSERT_EQ(codes(found), "1:1 herd");
  EXPECT_EQ(found[0].found, "12 entries at 04:00");
  EXPECT_EQ(found[0].severity, Severity::kInformation);
}

TEST(CrontabLint, LooksAtTheFileItself) {
  LintOptions options;
  options.form = CrontabForm::kSystem;
  options.facts.name = "job.sh";
  options.facts.is_in_cron_d = true;
  options.facts.mode = 0664;
  options.facts.owner = 0;
  options.facts.unsafe_script = [](const std::string& path) { return path + " is open"; };
  std::string_view const text = "0 4 * * * root /bin/x\n";
  EXPECT_EQ(codes(lint_crontab(text, options)),
            "1:1 file-name, 1:1 file-mode, 1:16 writable-script");
  options.dialect = Dialect::kCronie;
  options.facts.mode = 0644;
  options.facts.unsafe_script = nullptr;
  EXPECT_EQ(codes(lint_crontab(text, options)), "");
  options.facts.owner = 1000;
  EXPECT_EQ(codes(lint_crontab(text, options)), "1:1 file-mode");
  EXPECT_EQ(codes(lint_crontab("0 4 * * *\n", options)),
            "1:1 file-mode, 1:10 syntax, 1:10 empty-command");
  LintOptions spool;
  spool.facts.is_in_spool = true;
  spool.facts.mode = 0600;
  spool.facts.is_newer_than_folder = true;
  EXPECT_EQ(codes(lint_crontab("", spool)), "1:1 in-place");
  spool.facts.links = 2;
  EXPECT_EQ(codes(lint_crontab("", spool)), "1:1 file-mode, 1:1 in-place");
}

}  // namespace
}  // namespace tidemill::clock
