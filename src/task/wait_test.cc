#include "task/wait.h"

#include "task/test_support.h"

namespace tidemill::task {
namespace {

class WaitTest : public TaskTest {
 protected:
  WaitTest()
      : runner(WaitParts{world.clock(),
                         world.loop(),
                         world.executor(),
                         world.files(),
                         world.http(),
                         "/project",
                         {"ready.example"},
                         [this](const std::string& name) -> std::optional<Time> {
                           auto const found = updates.find(name);
                           if (found == updates.end()) return std::nullopt;
                           return found->second;
                         }}) {
    EXPECT_TRUE(world.files().make_folders("/project/in"));
  }
  Work waiting_work(const std::string& settings) {
    Work made = work("  t: {wait: " + settings + "}\n");
    made.started = world.clock().wall();
    return made;
  }
  static Json value(const std::shared_ptr<End>& end) {
    EXPECT_TRUE(end->outcome && end->outcome->value);
    return end->outcome && end->outcome->value ? end->outcome->value->json() : Json();
  }

  std::map<std::string, Time> updates;
  WaitRunner runner;
};

TEST_F(WaitTest, AFileThatIsThereEndsTheWaitAtTheFirstLook) {
  ASSERT_TRUE(world.files().write("/project/in/a.csv", "x,y\n"));
  auto const end = start(runner, waiting_work("{file: \"in/{{ s }}.csv\", every: 1h}"), "a");
  world.run_now();
  EXPECT_EQ(value(end).int_or("size", 0), 4);
  EXPECT_EQ(value(end).int_or("checks", 0), 1);
}

TEST_F(WaitTest, LooksAgainEveryIntervalAndTellsWhatIsMissing) {
  auto const end = start(runner, waiting_work("{file: in/a.csv, every: 5s}"));
  world.run_for(Duration::seconds(11));
  EXPECT_FALSE(end->outcome);
  auto const list = runner.waiting("01RUN");
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].text, "the file in/a.csv; looked 3 times, it is not there");
  ASSERT_TRUE(world.files().write("/project/in/a.csv", ""));
  world.run_for(Duration::seconds(5));
  EXPECT_EQ(value(end).int_or("checks", 0), 4);
  EXPECT_EQ(value(end).int_or("waited_ms", 0), 15'000);
  EXPECT_TRUE(runner.waiting("01RUN").empty());
}

TEST_F(WaitTest, APathThatClimbsOutIsRefused) {
  auto const end = start(runner, waiting_work("{file: \"in/{{ s }}\"}"), "../../etc/passwd");
  ASSERT_TRUE(end->outcome);
  EXPECT_EQ(end->outcome->error.code, Code::kInvalid);
}

TEST_F(WaitTest, AnAnswerMustHaveTheStatusAndHoldWhatIsExpected) {
  int asked = 0;
  world.http().set_handler([&](const io::HttpRequest&) {
    ++asked;
    std::string const body = asked < 4 ? R"({"state":"busy","n":1})" : R"({"state":"done","n":2})";
    return io::SimHttpAnswer{io::HttpResponse{asked == 1 ? 503 : 200, {}, body, {}}, {}};
  });
  auto const end =
      start(runner,
            waiting_work("{url: \"https://ready.example/x\", expect: {state: done}, every: 10s}"));
  world.run_for(Duration::seconds(25));
  EXPECT_FALSE(end->outcome);
  EXPECT_NE(runner.waiting("01RUN").at(0).text.find(R"(state: found "busy", expected "done")"),
            std::string::npos)
      << runner.waiting("01RUN").at(0).text;
  world.run_for(Duration::seconds(15));
  EXPECT_EQ(value(end).find("body")->int_or("n", 0), 2);
  EXPECT_EQ(asked, 4);
}

TEST_F(WaitTest, ADatasetCountsFromTheBeginningOfTheInterval) {
  updates["signups"] = world.clock().wall() - Duration::seconds(3600);
  auto const end = start(runner, waiting_work("{dataset: signups}"));
  world.run_for(Duration::seconds(10));
  EXPECT_FALSE(end->outcome);
  updates["signups"] = world.clock().wall();
  world.run_for(Duration::seconds(2));
  EXPECT_EQ(value(end).text_or("dataset", ""), "signups");
}

TEST_F(WaitTest, ADurationCountsFromTheAttemptsStartAlsoAfterARestart) {
  Work made = waiting_work("90s");
  auto const end = start(runner, made);
  world.run_for(Duration::seconds(89));
  EXPECT_FALSE(end->outcome);
  world.run_for(Duration::seconds(2));
  EXPECT_TRUE(end->outcome);
  Work late = waiting_work("90s");
  late.started = world.clock().wall() - Duration::seconds(100);
  auto const again = recover(runner, late);
  world.run_now();
  EXPECT_TRUE(again->outcome);
}

TEST_F(WaitTest, StoppedInVainIsTooLateOrSkippedWhereItIsSoft) {
  Work hard = waiting_work("{file: in/a.csv}");
  auto const end = start(runner, hard);
  world.run_now();
  runner.stop(hard);
  ASSERT_TRUE(end->outcome);
  EXPECT_EQ(end->outcome->error.code, Code::kTooLate);
  EXPECT_EQ(end->outcome->detail.text_or("last", ""), "it is not there");
  Work soft = waiting_work("{file: in/a.csv, soft: true}");
  auto const skipped = start(runner, soft);
  world.run_now();
  runner.stop(soft);
  ASSERT_TRUE(skipped->outcome);
  EXPECT_EQ(skipped->outcome->kind, run::Outcome::Kind::kSkipped);
  world.run_for(Duration::seconds(600));
  EXPECT_EQ(end->times, 1);
}

TEST(UntilTime, UnderstandsInstantsAndTimesOfDay) {
  Time const scheduled = *parse_rfc3339("2026-03-01T23:30:00Z");  // 18:30 in New York
  EXPECT_EQ(format_rfc3339(*until_time("2026-03-02T02:00:00+01:00", "UTC", scheduled)),
            "2026-03-02T01:00:00Z");
  EXPECT_EQ(format_rfc3339(*until_time("2026-03-02 02:00:00", "UTC", scheduled)),
            "2026-03-02T02:00:00Z");
  EXPECT_EQ(format_rfc3339(*until_time("2026-03-02", "UTC", scheduled)), "2026-03-02T00:00:00Z");
  EXPECT_EQ(format_rfc3339(*until_time("20:00", "America/New_York", scheduled)),
            "2026-03-02T01:00:00Z");
  // After the change to summer time on 2026-03-08.
  Time const change = *parse_rfc3339("2026-03-08T06:00:00Z");
  EXPECT_EQ(format_rfc3339(*until_time("20:00:30", "America/New_York", change)),
            "2026-03-09T00:00:30Z");
  EXPECT_FALSE(until_time("25:00", "UTC", scheduled));
  EXPECT_FALSE(until_time("", "UTC", scheduled));
}

}  // namespace
}  // namespace tidemill::task
