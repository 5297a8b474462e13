#include "run/machine.h"

#include <gmock/gmock.h>

#include "run/test_support.h"

namespace tidemill::run {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::shared_ptr<const flow::Flow> flow_of(const std::string& tasks, const std::string& head = "") {
  return load_text("flow: f\n" + head + "tasks:\n" + tasks);
}

TEST(Machine, AChainOfPureTasksIsOneTurnAndOneRow) {
  std::string tasks = "  t0: {calc: select 1 as v}\n";
  for (int i = 1; i < 40; ++i) {
    tasks += "  t" + std::to_string(i) + ": {calc: select 1 as v, needs: t" +
             std::to_string(i - 1) + "}\n";
  }
  Driver driver(flow_of(tasks));
  driver.begin();
  EXPECT_TRUE(driver.finished);
  EXPECT_EQ(driver.turns, 1);
  ASSERT_EQ(driver.table.chains.size(), 1u);
  EXPECT_EQ(driver.table.chains.at(0).entries.size(), 40u);
  EXPECT_EQ(driver.table.chains.at(0).entries[7].took, Duration::micros(5));
  EXPECT_THAT(driver.table.tasks, IsEmpty());
  EXPECT_THAT(driver.table.attempts, IsEmpty());
  EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
  EXPECT_EQ(driver.table.run.finished, driver.now().wall);
}

TEST(Machine, AnEffectfulTaskIsRecordedBeforeItStartsAndAfterItEnds) {
  Driver driver(flow_of("  a: {shell: x}\n  b: {shell: x, needs: a}\n"));
  driver.begin();
  EXPECT_THAT(driver.started, ElementsAre("a"));
  auto const row = driver.table.tasks.at({0, -1});
  EXPECT_EQ(row.state, TaskState::kRunning);
  EXPECT_EQ(row.attempt, Attempt(1));
  EXPECT_EQ(row.name, "a");
  driver.end("a", value_of("done"));
  EXPECT_EQ(driver.table.tasks.at({0, -1}).state, TaskState::kSucceeded);
  EXPECT_NE(driver.table.tasks.at({0, -1}).value, "");
  EXPECT_EQ(driver.table.attempts.size(), 1u);
  EXPECT_THAT(driver.started, ElementsAre("a", "b"));
  driver.end("b", value_of("done"));
  EXPECT_TRUE(driver.finished);
}

TEST(Machine, AnEndOfAnOldAttemptChangesNothing) {
  Driver driver(flow_of("  a: {shell: x, retry: 3}\n"));
  driver.begin();
  Driver::Running const first = *driver.running.begin();
  driver.end("a", failed("once"));
  EXPECT_EQ(driver.state("a"), "retrying");
  EXPECT_FALSE(driver.end(first, value_of("late")));
  EXPECT_EQ(driver.state("a"), "retrying");
  driver.fire_retry();
  EXPECT_EQ(driver.node("a").row.attempt, Attempt(2));
  EXPECT_FALSE(driver.end(first, value_of("late")));
  EXPECT_EQ(driver.state("a"), "running");
  Driver::Running const second{driver.ref("a"), Attempt(2)};
  EXPECT_TRUE(driver.end(second, value_of("done")));
  EXPECT_FALSE(driver.end(second, failed("again")));
  EXPECT_EQ(driver.state("a"), "succeeded");
  EXPECT_EQ(driver.table.attempts.size(), 2u);
}

TEST(Machine, RetriesWaitTwiceAsLongEachTimeUpToTheCap) {
  Driver driver(flow_of("  a: {shell: x, retry: {attempts: 5, base: 2s, cap: 7s}}\n"),
                [](const Try&) { return failed("no"); });
  driver.begin();
  std::vector<int64_t> waits;
  while (!driver.finished) {
    driver.end(*driver.running.begin());
    if (driver.retries.empty()) break;
    waits.push_back((driver.retries.begin()->first - driver.now().wall).us / 1'000'000);
    driver.fire_retry();
  }
  EXPECT_THAT(waits, ElementsAre(2, 4, 7, 7));
  EXPECT_EQ(driver.table.attempts.size(), 5u);
  EXPECT_EQ(driver.table.run.state, RunState::kFailed);
  EXPECT_EQ(driver.table.run.error, "task a: no");
}

TEST(Machine, ATimerOfAnotherWaitStartsNoRetry) {
  Driver driver(flow_of("  a: {shell: x, retry: {attempts: 3, base: 10s, cap: 60s}}\n"),
                [](const Try&) { return failed("no"); });
  driver.begin();
  driver.end("a", failed("no"));
  Time const other = driver.retries.begin()->first - Duration::seconds(10);
  driver.turn(
      [&](Instance& run, Step& step) { Machine::retry_due(run, driver.ref("a"), other, step); });
  EXPECT_EQ(driver.state("a"), "retrying");
  driver.fire_retry();
  EXPECT_EQ(driver.state("a"), "running");
}

TEST(Machine, WhenDecidesWhetherATaskIsSkipped) {
  Driver driver(
      flow_of("  a: {shell: x}\n"
              "  yes: {shell: x, needs: a, when: \"a.v = 'a'\"}\n"
              "  no: {shell: x, needs: a, when: \"a.v = 'b'\"}\n"
              "  unknown: {shell: x, needs: a, when: \"null\"}\n"
              "  child: {shell: x, needs: 'no'}\n"));
  driver.begin();
  driver.run_to_end();
  EXPECT_EQ(driver.state("yes"), "succeeded");
  EXPECT_EQ(driver.state("no"), "skipped");
  EXPECT_EQ(driver.state("unknown"), "skipped");
  EXPECT_EQ(driver.state("child"), "skipped");
  EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
}

TEST(Machine, AWhenThatCannotBeEvaluatedFailsTheTask) {
  Driver driver(
      flow_of("  a: {shell: x}\n  b: {shell: x, needs: a, when: \"cast(a.v as int) = 1\"}\n"));
  driver.begin();
  driver.run_to_end();
  EXPECT_EQ(driver.state("b"), "failed");
  EXPECT_THAT(driver.node("b").row.error, HasSubstr("a"));
  EXPECT_EQ(driver.table.run.state, RunState::kFailed);
}

TEST(Machine, ForEachRunsTheTaskOncePerItemAndGathersTheValues) {
  Driver driver(
      flow_of("  a: {shell: x, for_each: list}\n  b: {shell: x, needs: a}\n",
              "params: {list: json}\n"),
      [](const Try& one) { return value_of(std::to_string(one.item.value)); },
      Json::object().set("list", Json::array().push(7).push(8).push(9)));
  driver.begin();
  EXPECT_THAT(driver.started, ElementsAre("a[0]", "a[1]", "a[2]"));
  driver.run_to_end();
  EXPECT_EQ(output_of(driver.instance()).find("a")->dump(), R"([{"v":"0"},{"v":"1"},{"v":"2"}])");
  EXPECT_TRUE(driver.finished);
}

TEST(Machine, ForEachOverNothingSucceedsWithAnEmptyList) {
  for (const char* task : {"  a: {shell: x, for_each: list, writes: d}\n",
                           "  a: {calc: select 1 as v, for_each: list, writes: d}\n"}) {
    Driver driver(
        flow_of(std::string(task) + "  b: {shell: x, needs: a}\n", "params: {list: json}\n"),
        all_succeed, Json::object().set("list", Json::array()));
    driver.restart_after_each();
    driver.begin();
    driver.run_to_end();
    EXPECT_EQ(driver.state("a"), "succeeded");
    EXPECT_EQ(driver.state("b"), "succeeded");
    EXPECT_THAT(driver.wrote, ElementsAre("d"));
    EXPECT_EQ(output_of(driver.instance()).find("a")->dump(), "[]");
  }
}

TEST(Machine, ForEachOverSomethingThatIsNoListFailsTheTaskAndSaysWhatWasFound) {
  Driver driver(flow_of("  a: {shell: x, for_each: list}\n", "params: {list: json}\n"), all_succeed,
                Json::object().set("list", 5));
  driver.begin();
  EXPECT_EQ(driver.state("a"), "failed");
  EXPECT_THAT(driver.node("a").row.error, HasSubstr("expected a list"));
  EXPECT_TRUE(driver.finished);
}

TEST(Machine, ForEachRefusesMoreItemsThanTheLimit) {
  Json list = Json::array();
  for (size_t i = 0; i <= kMaxItems; ++i) list.push(1);
  Driver driver(flow_of("  a: {shell: x, for_each: list}\n", "params: {list: json}\n"), all_succeed,
                Json::object().set("list", std::move(list)));
  driver.begin();
  EXPECT_EQ(driver.node("a").row.error_code, "exhausted");
}

TEST(Machine, AMappedTaskWaitsForAllItemsAndNamesTheFirstThatFailed) {
  Driver driver(
      flow_of("  a: {shell: x, for_each: list}\n", "params: {list: json}\n"),
      [](const Try& one) { return one.item == Item(1) ? failed("broken") : value_of("fine"); },
      Json::object().set("list", Json::array().push(1).push(2).push(3)));
  driver.begin();
  driver.run_to_end();
  EXPECT_EQ(driver.state("a", 2), "succeeded");
  EXPECT_EQ(driver.state("a"), "failed");
  EXPECT_EQ(driver.table.run.error, "task a: 1 of 3 items failed; item 1: broken");
}

TEST(Machine, AnOptionalTaskThatFailedCountsAsSuccessAndReadsAsNull) {
  for (bool restart : {false, true}) {
    Driver driver(flow_of("  a: {shell: x, optional: true}\n"
                          "  b: {shell: x, needs: a, when: \"a.v is null\"}\n"
                          "  c: {shell: x, needs: a, rule: one_failed}\n"),
                  [](const Try& one) { return one.task == "a" ? failed("no") : all_succeed(one); });
    if (restart) driver.restart_after_each();
    driver.begin();
    driver.run_to_end();
    EXPECT_EQ(driver.state("a"), "failed");
    EXPECT_EQ(driver.state("b"), "succeeded");
    EXPECT_EQ(driver.state("c"), "skipped");
    EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
  }
}

TEST(Machine, ATaskThatRunsTooLongIsStoppedAndItsEndIsATimeout) {
  Driver driver(flow_of("  a: {shell: x, timeout: 3s, retry: 2}\n"));
  driver.begin();
  Driver::Running const first = *driver.running.begin();
  EXPECT_EQ(driver.timeouts.at(first), Duration::seconds(3));
  driver.turn(
      [&](Instance& run, Step& step) { Machine::timed_out(run, first.ref, first.attempt, step); });
  EXPECT_THAT(driver.stopped, ElementsAre(first));
  EXPECT_EQ(driver.state("a"), "running");
  driver.end("a", failed("ended by signal 15"));
  EXPECT_EQ(driver.state("a"), "retrying");
  EXPECT_THAT(driver.node("a").row.error, HasSubstr("timeout of 3s"));
  EXPECT_EQ(driver.node("a").row.error_code, "too_late");
  driver.fire_retry();
  // The timer of the first attempt says nothing about the second.
  driver.turn(
      [&](Instance& run, Step& step) { Machine::timed_out(run, first.ref, first.attempt, step); });
  EXPECT_EQ(driver.stopped.size(), 1u);
}

TEST(Machine, AStoppedTaskThatSucceedsAllTheSameHasSucceeded) {
  Driver driver(flow_of("  a: {shell: x, timeout: 3s}\n"));
  driver.begin();
  Driver::Running const first = *driver.running.begin();
  driver.turn(
      [&](Instance& run, Step& step) { Machine::timed_out(run, first.ref, first.attempt, step); });
  driver.end("a", value_of("just in time"));
  EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
}

TEST(Machine, AnUnknownEndFollowsThePolicy) {
  Driver fails(flow_of("  a: {shell: x, retry: 5}\n"));
  fails.begin();
  fails.end("a", Outcome::unknown("the machine went down"));
  EXPECT_EQ(fails.state("a"), "failed");
  EXPECT_EQ(fails.node("a").row.error_code, "unknown");
  EXPECT_EQ(fails.table.run.state, RunState::kFailed);

  Driver reruns(flow_of("  a: {shell: x, on_unknown: rerun}\n"));
  reruns.begin();
  reruns.end("a", Outcome::unknown("the machine went down"));
  EXPECT_EQ(reruns.state("a"), "running");
  EXPECT_THAT(reruns.started, ElementsAre("a", "a"));
  EXPECT_EQ(reruns.node("a").row.attempt, Attempt(2));
  EXPECT_EQ(reruns.node("a").row.failures, 0);
  EXPECT_EQ(reruns.table.attempts.at({0, -1, 1}).error_code, "unknown");
  reruns.end("a", value_of("done"));
  EXPECT_EQ(reruns.table.run.state, RunState::kSucceeded);
}

TEST(Machine, AnUnknownEndThatWaitsForASlotIsNotAskedAfterAgain) {
  Driver driver(flow_of("  a: {shell: x, on_unknown: rerun}\n  b: {shell: x}\n"));
  driver.slots = 1;
  driver.begin();
  EXPECT_THAT(driver.started, ElementsAre("a"));
  driver.end("a", Outcome::unknown("lost"));
  EXPECT_THAT(driver.started, ElementsAre("a", "b"));
  driver.restart();
  driver.run_to_end();
  EXPECT_TRUE(driver.finished);
  EXPECT_EQ(driver.table.attempts.size(), 3u);
}

TEST(Machine, UnknownEndsOneAfterAnotherAreSpreadOverTime) {
  Driver driver(flow_of("  a: {shell: x, on_unknown: rerun}\n"));
  driver.begin();
  driver.end("a", Outcome::unknown("reset"));
  EXPECT_EQ(driver.state("a"), "running");
  for (int i = 0; i < 10; ++i) {
    driver.end("a", Outcome::unknown("reset"));
    ASSERT_EQ(driver.state("a"), "retrying");
    EXPECT_GE(driver.retries.begin()->first, driver.now().wall + Duration::seconds(1));
    driver.fire_retry();
  }
  EXPECT_EQ(driver.state("a"), "running");
}

TEST(Machine, TheDeadlineStopsWhatRunsAndFailsTheRun) {
  Driver driver(flow_of("  a: {shell: x}\n  b: {shell: x, needs: a}\n", "deadline: 5s\n"));
  driver.begin();
  driver.turn([](Instance& run, Step& step) { Machine::deadline_passed(run, step); });
  EXPECT_EQ(driver.stopped.size(), 1u);
  EXPECT_EQ(driver.state("b"), "cancelled");
  EXPECT_FALSE(driver.finished);
  driver.end("a", failed("ended by signal 15"));
  EXPECT_EQ(driver.state("a"), "cancelled");
  EXPECT_EQ(driver.table.run.state, RunState::kFailed);
  EXPECT_EQ(driver.table.run.error_code, "too_late");
  EXPECT_EQ(driver.table.run.error, "the run passed its deadline");
}

// A run with a task in each state that a cancel can meet.
struct Mixed {
  Mixed()
      : driver(flow_of("  done: {shell: x}\n"
                       "  running: {shell: x}\n"
                       "  retrying: {shell: x, retry: 3}\n"
                       "  mapped: {shell: x, for_each: list, retry: 3}\n"
                       "  pure: {calc: select 1 as v}\n"
                       "  waiting: {shell: x, needs: running}\n"
                       "  after: {calc: select 1 as v, needs: waiting, rule: all_done}\n",
                       "params: {list: json}\n"),
               all_succeed, Json::object().set("list", Json::array().push(1).push(2).push(3))) {
    driver.begin();
    driver.end("done", value_of("x"));
    driver.end("retrying", failed("once"));
    driver.end(Driver::Running{driver.ref("mapped", 0), Attempt(1)}, value_of("x"));
    driver.end(Driver::Running{driver.ref("mapped", 1), Attempt(1)}, failed("once"));
  }
  Driver driver;
};

void check_cancelled(Driver& driver) {
  EXPECT_THAT(driver.stopped,
              UnorderedElementsAre(Driver::Running{driver.ref("running"), Attempt(1)},
                                   Driver::Running{driver.ref("mapped", 2), Attempt(1)}));
  EXPECT_EQ(driver.state("retrying"), "cancelled");
  EXPECT_EQ(driver.state("mapped", 1), "cancelled");
  EXPECT_EQ(driver.state("waiting"), "cancelled");
  EXPECT_EQ(driver.state("after"), "cancelled");
  EXPECT_FALSE(driver.finished);
  driver.end("running", failed("ended by signal 15"));
  driver.end("mapped", failed("ended by signal 15"));
  EXPECT_EQ(driver.state("running"), "cancelled");
  EXPECT_EQ(driver.state("mapped", 2), "cancelled");
  EXPECT_EQ(driver.state("mapped"), "cancelled");
  EXPECT_EQ(driver.state("done"), "succeeded");
  EXPECT_EQ(driver.state("pure"), "succeeded");
  EXPECT_TRUE(driver.finished);
  EXPECT_EQ(driver.table.run.state, RunState::kCancelled);
  EXPECT_EQ(driver.table.run.error, "no more");
}

TEST(Machine, CancelEndsATaskInEveryState) {
  Mixed mixed;
  mixed.driver.cancel();
  check_cancelled(mixed.driver);
}

TEST(Machine, CancelHoldsOverARestart) {
  Mixed mixed;
  mixed.driver.cancel();
  mixed.driver.stopped.clear();
  mixed.driver.restart();  // what still runs is stopped again
  check_cancelled(mixed.driver);
}

TEST(Machine, CancelOfTasksThatWaitForASlotGivesUpTheirPlace) {
  Driver driver(flow_of("  a: {shell: x}\n  b: {shell: x}\n  c: {shell: x}\n"));
  driver.slots = 1;
  driver.begin();
  driver.cancel();
  driver.end("a", value_of("x"));
  EXPECT_TRUE(driver.finished);
  EXPECT_THAT(driver.started, ElementsAre("a"));
  EXPECT_EQ(driver.state("a"), "succeeded");
  EXPECT_EQ(driver.table.run.state, RunState::kCancelled);
}

TEST(Machine, CancelTwiceIsCancelOnce) {
  Driver driver(flow_of("  a: {shell: x}\n"));
  driver.begin();
  driver.cancel("first");
  driver.cancel("second");
  EXPECT_EQ(driver.stopped.size(), 1u);
  driver.end("a", failed("x"));
  EXPECT_EQ(driver.table.run.error, "first");
}

TEST(Machine, ReopenGivesFailedTasksNewAttemptsAndKeepsTheRest) {
  bool is_mended = false;
  auto script = [&](const Try& one) {
    if (is_mended || one.task == "good" || one.item == Item(0)) return all_succeed(one);
    return failed("not yet");
  };
  for (bool restart : {false, true}) {
    is_mended = false;
    Driver driver(flow_of("  good: {shell: x}\n"
                          "  bad: {shell: x, retry: 2}\n"
                          "  mapped: {shell: x, for_each: list}\n"
                          "  pure: {calc: select 1 as v, for_each: list}\n"
                          "  child: {calc: select 1 as v, needs: [bad, mapped, pure, good]}\n",
                          "params: {list: json}\n"),
                  script, Json::object().set("list", Json::array().push(1).push(2)));
    if (restart) driver.restart_after_each();
    driver.begin();
    driver.run_to_end();
    ASSERT_TRUE(driver.finished);
    EXPECT_EQ(driver.table.run.state, RunState::kFailed);
    EXPECT_EQ(driver.state("child"), "upstream_failed");
    std::vector<std::string> const before = std::exchange(driver.started, {});
    for (int round = 0; round < 2; ++round) {  // fails again, then succeeds
      is_mended = round == 1;
      driver.finished = false;
      driver.turn([](Instance& run, Step& step) { Machine::reopen(run, step); });
      driver.run_to_end();
      ASSERT_TRUE(driver.finished);
      EXPECT_EQ(driver.table.run.state, is_mended ? RunState::kSucceeded : RunState::kFailed);
    }
    EXPECT_THAT(driver.started,
                UnorderedElementsAre("bad", "mapped[1]", "bad", "bad", "mapped[1]"));
    EXPECT_EQ(driver.table.run.error, "");
    EXPECT_EQ(driver.state("child"), "succeeded");
    EXPECT_EQ(output_of(driver.instance()).find("pure")->as_array().size(), 2u);
  }
}

TEST(Machine, ReopenOfACancelledRunThatIsCancelledAgainEndsOnce) {
  Mixed mixed;
  mixed.driver.cancel();
  check_cancelled(mixed.driver);
  mixed.driver.finished = false;
  mixed.driver.slots = 0;  // everything waits
  mixed.driver.turn([](Instance& run, Step& step) { Machine::reopen(run, step); });
  EXPECT_FALSE(mixed.driver.finished);
  mixed.driver.cancel();
  EXPECT_TRUE(mixed.driver.finished);
  EXPECT_EQ(mixed.driver.table.run.state, RunState::kCancelled);
}

TEST(Machine, APureTaskWithRetriesIsTriedAgain) {
  Driver driver(
      flow_of("  a: {calc: select 1 as v, retry: 3, for_each: list}\n", "params: {list: json}\n"),
      [](const Try& one) {
        return one.item == Item(1) && one.failures < 2 ? failed("no") : all_succeed(one);
      },
      Json::object().set("list", Json::array().push(1).push(2).push(3)));
  driver.restart_after_each();
  driver.begin();
  driver.run_to_end();
  driver.restart();
  EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
  EXPECT_EQ(output_of(driver.instance()).find("a")->dump(), R"([{"v":"a"},{"v":"a"},{"v":"a"}])");
}

TEST(Machine, DatasetsAreWrittenOnceForEachTaskThatSucceeds) {
  Driver driver(flow_of("  a: {shell: x, writes: [d, e]}\n"
                        "  b: {shell: bad, writes: f}\n"
                        "  c: {calc: select 1 as v, needs: a, writes: g}\n"),
                [](const Try& one) { return one.task == "b" ? failed("no") : all_succeed(one); });
  driver.begin();
  driver.run_to_end();
  EXPECT_THAT(driver.wrote, ElementsAre("d", "e", "g"));
}

TEST(Machine, ALongChainOfSkippedTasksNeedsNoStack) {
  std::string tasks = "  t0: {shell: x, when: \"1 = 2\"}\n";
  for (int i = 1; i < 5000; ++i) {
    tasks += "  t" + std::to_string(i) + ": {shell: x, needs: t" + std::to_string(i - 1) + "}\n";
  }
  Driver driver(flow_of(tasks));
  driver.begin();
  EXPECT_TRUE(driver.finished);
  EXPECT_EQ(driver.state("t4999"), "skipped");
}

TEST(Restore, RefusesRowsThatTheFlowDoesNotHave) {
  auto const flow = flow_of("  a: {shell: x}\n");
  StoredRun stored;
  stored.row.id = RunId("01X");
  TaskRow row;
  row.task = flow::TaskIndex(1);
  stored.tasks.push_back(row);
  EXPECT_FALSE(restore_instance(flow, stored));
  stored.tasks[0].task = flow::TaskIndex(0);
  stored.tasks[0].item = Item(-2);
  EXPECT_FALSE(restore_instance(flow, stored));
  stored.tasks[0].item = kWhole;
  stored.tasks[0].value = "not a value";
  EXPECT_FALSE(restore_instance(flow, stored));
}

}  // namespace
}  // namespace tidemill::run
