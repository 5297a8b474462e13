#include "cli/cron_commands.h"

#include <cstdlib>

#include "base/json.h"
#include "cli/cron_vectors.h"

namespace tidemill::cli {
namespace {

struct Printed {
  int code;
  std::string out;
  std::string err;
};

// Runs a command on files in memory.
template <class Command>
Printed run(const std::string& input, Command command) {
  Printed printed;
  char* out_text = nullptr;
  char* err_text = nullptr;
  size_t out_size = 0;
  size_t err_size = 0;
  std::FILE* in = input.empty() ? std::fopen("/dev/null", "r")
                                : fmemopen(const_cast<char*>(input.data()), input.size(), "r");
  std::FILE* out = open_memstream(&out_text, &out_size);
  std::FILE* err = open_memstream(&err_text, &err_size);
  printed.code = command(in, out, err);
  std::fclose(in);
  std::fclose(out);
  std::fclose(err);
  printed.out.assign(out_text, out_size);
  printed.err.assign(err_text, err_size);
  std::free(out_text);
  std::free(err_text);
  return printed;
}

Printed ticks(const CronTicksOptions& options, const std::string& input = "") {
  return run(input, [&](std::FILE* in, std::FILE* out, std::FILE* err) {
    return cron_ticks(options, in, out, err);
  });
}

Printed lines(const std::string& input) {
  CronTicksOptions options;
  options.jsonl = true;
  return ticks(options, input);
}

Printed explain(const CronExplainOptions& options) {
  return run("", [&](std::FILE*, std::FILE* out, std::FILE* err) {
    return cron_explain(options, out, err);
  });
}

CronTicksOptions window(std::string expr, std::string from, std::string to) {
  CronTicksOptions options;
  options.request.expr = std::move(expr);
  options.from = std::move(from);
  options.to = std::move(to);
  return options;
}

TEST(CronTicks, PrintsFromInclusiveToExclusive) {
  Printed const printed =
      ticks(window("0 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"));
  EXPECT_EQ(printed.code, 0);
  EXPECT_EQ(printed.out, "2026-01-01T00:00:00Z\n2026-01-01T01:00:00Z\n");
}

TEST(CronTicks, TakesUnixSecondsAndOffsetsAndPrintsJson) {
  CronTicksOptions options = window("@daily", "1767225600", "2026-01-02T01:00:00+01:00");
  options.json = true;
  EXPECT_EQ(ticks(options).out, "{\"ticks\":[\"2026-01-01T00:00:00Z\"]}\n");
}

TEST(CronTicks, KeepsDuplicatesAfterASkippedHour) {
  CronTicksOptions options =
      window("15,30,45 2 * * *", "2024-03-10T05:00:00Z", "2024-03-10T09:00:00Z");
  options.request.zone = "America/New_York";
  EXPECT_EQ(ticks(options).out,
            "2024-03-10T07:00:00Z\n2024-03-10T07:00:00Z\n2024-03-10T07:00:00Z\n");
}

TEST(CronTicks, ReportsABadRequestOnTheErrorStream) {
  Printed const printed = ticks(window("61 * * * *", "0", "1"));
  EXPECT_EQ(printed.code, kCronInvalid);
  EXPECT_EQ(printed.out, "");
  EXPECT_THAT(printed.err, testing::HasSubstr("minute field, column 1: found '61'"));
  EXPECT_THAT(ticks(window("* * * * *", "1", "0")).err, testing::HasSubstr("later than to"));
  EXPECT_THAT(ticks(window("* * * * *", "", "0")).err, testing::HasSubstr("from: is missing"));
  EXPECT_THAT(ticks(window("* * * * *", "99999999999999", "0")).err,
              testing::HasSubstr("years 0 to 9999"));
}

TEST(CronTicks, RefusesMoreThanTenMillionBeforePrintingAny) {
  Printed const printed = ticks(window("* * * * * *", "0", "10000001"));
  EXPECT_EQ(printed.code, kCronInvalid);
  EXPECT_EQ(printed.out, "");
  EXPECT_THAT(printed.err, testing::HasSubstr("more than 10000000 ticks"));
}

TEST(CronTicksLines, AnswersOneLineARequestInOrderAlsoForBadOnes) {
  Printed const printed = lines(
      "{\"expr\":\"0 2 * * *\",\"zone\":\"America/New_York\",\"dialect\":\"debian\","
      "\"from\":\"2024-03-10T00:00:00Z\",\"to\":\"2024-03-11T00:00:00Z\"}\n"
      "not json\n"
      "\n"
      "[1]\n"
      "{\"expr\":\"* * * * *\",\"zome\":1}\n"
      "{\"from\":0,\"to\":1}\n"
      "{\"expr\":5,\"from\":0,\"to\":1}\n"
      "{\"expr\":\"0 0 31 2 *\",\"dialect\":\"debian\",\"from\":0,\"to\":9999999}\n"
      "{\"expr\":\"0 0 31 2 *\",\"from\":0,\"to\":9999999}\n"
      "{\"expr\":\"@reboot\",\"dialect\":\"debian\",\"from\":0,\"to\":9999999}\n"
      "{\"expr\":\"H 0 * * *\",\"from\":0,\"to\":86400,\"id\":null}\n"
      "{\"expr\":\"* * * * *\",\"from\":0,\"to\":60,\"zone\":\"Europe/Pariss\"}");
  EXPECT_EQ(printed.code, 0);
  std::vector<std::string> answers;
  std::string line;
  for (char c : printed.out) {
    if (c != '\n') {
      line += c;
      continue;
    }
    answers.push_back(line);
    line.clear();
  }
  ASSERT_EQ(answers.size(), 12u);
  EXPECT_EQ(answers[0], "{\"ticks\":[\"2024-03-10T07:00:00Z\"]}");
  auto error = [&](size_t i) { return parse_json(answers[i])->text_or("error", ""); };
  for (size_t i : {1, 2, 3, 5, 6, 8}) EXPECT_NE(error(i), "") << answers[i];
  EXPECT_THAT(error(4), testing::HasSubstr("unknown field 'zome', did you mean zone?"));
  EXPECT_THAT(error(5), testing::HasSubstr("'expr' is missing"));
  EXPECT_EQ(answers[7], "{\"ticks\":[]}");
  EXPECT_THAT(error(8), testing::HasSubstr("never fires"));
  EXPECT_EQ(answers[9], "{\"ticks\":[]}");
  EXPECT_THAT(error(10), testing::HasSubstr("expected an id"));
  EXPECT_THAT(error(11), testing::HasSubstr("did you mean Europe/Paris?"));
}

TEST(CronTicksLines, ARequestLongerThanTheLimitIsAnErrorAndTheNextOneIsRead) {
  std::string const input =
      std::string(3 << 20, 'x') + "\n{\"expr\":\"* * * * *\",\"from\":0,\"to\":60}\n";
  Printed const printed = lines(input);
  EXPECT_THAT(printed.out, testing::HasSubstr("longer than"));
  EXPECT_THAT(printed.out, testing::EndsWith("{\"ticks\":[\"1970-01-01T00:00:00Z\"]}\n"));
}

TEST(CronExplain, SaysTheScheduleInWordsAndShowsSkippedAndRepeatedTimes) {
  CronExplainOptions options;
  options.request.expr = "30 2 * * *";
  options.request.zone = "America/New_York";
  options.count = 2;
  options.now = *parse_rfc3339("2024-03-10T00:00:00Z");
  EXPECT_THAT(
      explain(options).out,
      testing::StartsWith(
          "30 2 * * *\n"
          "  at 02:30 every day (America/New_York, tidemill)\n"
          "  when the clock changes, times in a skipped hour are run right after it, and times in "
          "a repeated hour are run once, the first time\n"
          "  next ticks:\n"
          "    2024-03-10T03:00:00-04:00   2024-03-10T07:00:00Z   for 2024-03-10T02:30, which the "
          "clock skips\n"
          "    2024-03-11T02:30:00-04:00   2024-03-11T06:30:00Z\n"
          "  elsewhere:\n"
          "    debian    the same\n"
          "    cronie    the same\n"
          "    vixie4    the same\n"
          "    busybox   other ticks, not at 2024-03-10T07:00:00Z\n"));
  EXPECT_THAT(explain(options).out, testing::HasSubstr("quartz    refused: found 5 fields"));
}

TEST(CronExplain, AnswersInJson) {
  CronExplainOptions options;
  options.request.expr = "*/30 * * * *";
  options.json = true;
  options.count = 1;
  EXPECT_THAT(
      explain(options).out,
      testing::StartsWith(
          "{\"expr\":\"*/30 * * * *\",\"dialect\":\"tidemill\",\"zone\":\"UTC\","
          "\"words\":\"every 30 minutes\",\"clock_changes\":\"the clock of UTC does not change\","
          "\"next\":[{\"due\":\"1970-01-01T00:30:00Z\",\"local\":\"1970-01-01T00:30:00+00:00\","
          "\"label\":\"1970-01-01T00:30\",\"fold\":0}],\"elsewhere\":[{\"dialect\":\"debian\","
          "\"accepted\":true,\"same\":true}"));
  options.request.dialect = "fcron";
  EXPECT_EQ(explain(options).code, kCronInvalid);
  EXPECT_THAT(explain(options).out, testing::HasSubstr("not yet read here"));
}

TEST(CronVectors, CountsAgreementAndEndsWithTheSum) {
  std::string const folder = std::string(TIDEMILL_SOURCE_DIR) + "/tests/vectors/cron/";
  auto check = [](const std::string& kind, const std::string& path) {
    return run("", [&](std::FILE*, std::FILE* out, std::FILE* err) {
      return check_cron_vectors(kind, path, out, err);
    });
  };
  Printed const syntax = check("cron-syntax", folder + "syntax.jsonl");
  EXPECT_EQ(syntax.code, 0);
  EXPECT_EQ(syntax.out, "agree=68 of=68\n");
  Printed const dst = check("cron-dst", folder + "dst.jsonl");
  EXPECT_EQ(dst.code, 0);
  EXPECT_THAT(dst.out, testing::EndsWith("\nagree=390 of=390\n"));
  EXPECT_THAT(dst.out, testing::HasSubstr("agrees but for pacing"));
  // Rows of another kind cannot be compared, and nothing is not agreement.
  EXPECT_EQ(check("cron-year", folder + "syntax.jsonl").code, 1);
  EXPECT_EQ(check("cron-year", "/nonexistent").code, 1);
  EXPECT_EQ(check("cron-years", folder + "year.jsonl").code, 2);
}

}  // namespace
}  // namespace tidemill::cli
