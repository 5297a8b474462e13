#include "run/control.h"

#include "run/test_support.h"

namespace tidemill::run {
namespace {

constexpr const char* kChain =
    "flow: f\ntasks:\n"
    "  a: { shell: 'true' }\n"
    "  b: { shell: 'true', needs: a }\n"
    "  c: { calc: 'select 1 as v', needs: b }\n"
    "  side: { shell: 'true' }\n";

ClearOrder order_of(const Driver& driver, const std::vector<std::string>& tasks) {
  ClearOrder order;
  for (const std::string& task : tasks) order.tasks.push_back(driver.ref(task).task);
  return order;
}

std::vector<std::string> names(const Driver& driver, const std::vector<Cleared>& plan) {
  std::vector<std::string> found;
  for (const Cleared& one : plan) {
    found.push_back(const_cast<Driver&>(driver).instance().flow->task(one.task).name);
  }
  return found;
}

std::vector<std::string> clear(Driver& driver, const ClearOrder& order) {
  auto const plan = Control::plan_clear(driver.instance(), order);
  driver.finished = false;
  driver.turn([&](Instance& run, Step& step) { Control::clear(run, plan, "ann", step); });
  return names(driver, plan);
}

void mark(Driver& driver, const std::string& task, TaskState state, const char* value = nullptr) {
  MarkOrder order{driver.ref(task).task, state, nullptr};
  if (value != nullptr) order.value = flow::TaskValue::of_json(*parse_json(value));
  driver.finished = false;
  driver.turn([&](Instance& run, Step& step) { Control::mark(run, order, "ann", step); });
}

Outcome fail_first(const Try& one) { return one.task == "b" ? failed("no") : all_succeed(one); }

TEST(Clear, ATaskOfAFinishedRunBeginsAnewWithWhatFollowsAndNumbersGoOn) {
  Driver driver(load_text(kChain));
  driver.begin();
  driver.run_to_end();
  ASSERT_EQ(driver.instance().row.state, RunState::kSucceeded);
  EXPECT_EQ(clear(driver, order_of(driver, {"b"})), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(driver.instance().row.state, RunState::kRunning);
  EXPECT_TRUE(driver.is_running("b"));
  EXPECT_EQ(driver.state("a"), "succeeded");
  EXPECT_EQ(driver.state("c"), "waiting");
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
  EXPECT_EQ(driver.node("b").row.attempt.value, 2);
  EXPECT_EQ(driver.evaluations["c"], 2);
  EXPECT_EQ(driver.started, (std::vector<std::string>{"a", "side", "b", "b"}));
  EXPECT_TRUE(driver.table.attempts.contains({driver.ref("b").task.value, -1, 1}));
  EXPECT_TRUE(driver.table.attempts.contains({driver.ref("b").task.value, -1, 2}));
}

TEST(Clear, OnlyThatTaskLeavesWhatFollows) {
  Driver driver(load_text(kChain));
  driver.begin();
  driver.run_to_end();
  ClearOrder order = order_of(driver, {"a"});
  order.reach = ClearOrder::Reach::kOnly;
  EXPECT_EQ(clear(driver, order), (std::vector<std::string>{"a"}));
  driver.run_to_end();
  EXPECT_EQ(driver.node("b").row.attempt.value, 1);
  EXPECT_EQ(driver.node("a").row.attempt.value, 2);
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
}

TEST(Clear, FailedMeansFromTheFailedTasks) {
  Driver driver(load_text(kChain), fail_first);
  driver.begin();
  driver.run_to_end();
  ASSERT_EQ(driver.instance().row.state, RunState::kFailed);
  ClearOrder order;
  order.only_failed = true;
  EXPECT_EQ(clear(driver, order), (std::vector<std::string>{"b", "c"}));
  driver.run_to_end();
  EXPECT_EQ(driver.node("side").row.attempt.value, 1);
  EXPECT_EQ(driver.node("b").row.attempt.value, 2);
  EXPECT_EQ(driver.instance().row.state, RunState::kFailed);
}

TEST(Clear, ARunningAttemptIsStoppedFirst) {
  Driver driver(load_text(kChain));
  driver.begin();
  clear(driver, order_of(driver, {"a"}));
  EXPECT_EQ(driver.stopped.size(), 1u);
  EXPECT_EQ(driver.state("a"), "running");
  EXPECT_EQ(driver.started, (std::vector<std::string>{"a", "side"}));
  driver.end("a", failed("ended by signal 15"));
  EXPECT_EQ(driver.started, (std::vector<std::string>{"a", "side", "a"}));
  const AttemptRow& first = driver.table.attempts.at({driver.ref("a").task.value, -1, 1});
  EXPECT_EQ(first.error_code, kClearedCode);
  EXPECT_EQ(first.error, "stopped: cleared by ann");
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
  EXPECT_EQ(driver.node("a").row.failures, 0);
}

TEST(Clear, ARunningAttemptIsStoppedAlsoWhenTheServerIsKilledInBetween) {
  Driver driver(load_text(kChain));
  driver.begin();
  clear(driver, order_of(driver, {"a"}));
  driver.restart();
  EXPECT_EQ(driver.stopped.size(), 2u) << "it is told again";
  driver.end("a", value_of("late"));
  EXPECT_TRUE(driver.is_running("a"));
  EXPECT_EQ(driver.node("a").row.attempt.value, 2);
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
}

TEST(Clear, GivesTheSameEndWhereverTheServerIsKilled) {
  for (int turn = 1; turn < 12; ++turn) {
    Driver driver(load_text(kChain), fail_first);
    driver.restart_after(turn);
    driver.begin();
    driver.run_to_end();
    ClearOrder order;
    clear(driver, order);
    driver.run_to_end();
    EXPECT_EQ(driver.instance().row.state, RunState::kFailed);
    EXPECT_EQ(driver.node("a").row.attempt.value, 2) << turn;
    EXPECT_EQ(driver.node("side").row.attempt.value, 2) << turn;
    EXPECT_EQ(driver.state("c"), "upstream_failed");
  }
}

constexpr const char* kMapped =
    "flow: f\nparams: { list: json }\ntasks:\n"
    "  first: { shell: 'true' }\n"
    "  each: { shell: 'true', for_each: 'params.list', needs: first }\n"
    "  last: { shell: 'true', needs: each }\n";

Outcome fail_item_one(const Try& one) {
  return one.task == "each" && one.item.value == 1 ? failed("no") : all_succeed(one);
}

TEST(Clear, OfAMappedTaskOnlyTheFailedItemsBeginAnew) {
  Driver driver(load_text(kMapped), fail_item_one,
                Json::object().set("list", *parse_json("[1,2,3]")));
  driver.begin();
  driver.run_to_end();
  ASSERT_EQ(driver.state("each"), "failed");
  ClearOrder order;
  order.only_failed = true;
  clear(driver, order);
  EXPECT_EQ(driver.running.size(), 1u);
  driver.end("each", value_of("mended"));
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
  EXPECT_EQ(driver.node("each", 1).row.attempt.value, 2);
  EXPECT_EQ(driver.node("each", 0).row.attempt.value, 1);
}

TEST(Clear, AMappedTaskMakesItsListAnewAndItsItemsGoOnCounting) {
  for (bool restarts : {false, true}) {
    Driver driver(load_text(kMapped), all_succeed,
                  Json::object().set("list", *parse_json("[1,2,3]")));
    driver.begin();
    driver.run_to_end();
    if (restarts) driver.restart();
    clear(driver, order_of(driver, {"first"}));
    if (restarts) driver.restart();
    driver.run_to_end();
    EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
    for (int item = 0; item < 3; ++item) {
      EXPECT_EQ(driver.node("each", item).row.attempt.value, 2);
    }
  }
}

TEST(Clear, AMappedTaskThatRunsWaitsForItsItemsToStop) {
  Driver driver(load_text(kMapped), all_succeed, Json::object().set("list", *parse_json("[1,2]")));
  driver.begin();
  driver.end("first", value_of("x"));
  ASSERT_EQ(driver.running.size(), 2u);
  clear(driver, order_of(driver, {"each"}));
  EXPECT_EQ(driver.stopped.size(), 2u);
  driver.restart();
  driver.end("each", failed("signal"));
  EXPECT_EQ(driver.running.size(), 1u) << "the other one is not over";
  driver.end("each", failed("signal"));
  EXPECT_EQ(driver.running.size(), 2u);
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
  EXPECT_EQ(driver.node("each", 1).row.attempt.value, 2);
}

constexpr const char* kTwoAtOnce =
    "flow: f\nparams: { list: json }\ntasks:\n"
    "  each: { shell: 'true', for_each: 'params.list', max_items_running: 2 }\n";

// Ends every attempt in turn. The most that ran at once.
size_t most_at_once(Driver& driver, const Script& script = all_succeed) {
  size_t most = driver.running.size();
  while (!driver.running.empty()) {
    Driver::Running const one = *driver.running.begin();
    driver.end(one, script({"each", one.ref.item, 0}));
    most = std::max(most, driver.running.size());
  }
  return most;
}

TEST(Clear, OfSomeItemsKeepsTheLimitOfItemsAtOnce) {
  Outcome (*const odd_fail)(const Try&) = [](const Try& one) {
    return one.item.value % 2 == 1 ? failed("no") : all_succeed(one);
  };
  Driver driver(load_text(kTwoAtOnce), all_succeed,
                Json::object().set("list", *parse_json("[0,1,2,3,4,5,6,7]")));
  driver.begin();
  EXPECT_EQ(most_at_once(driver, odd_fail), 2u);
  ASSERT_EQ(driver.state("each"), "failed");
  ClearOrder order;
  order.only_failed = true;
  for (int again = 0; again < 3; ++again) {
    clear(driver, order);
    EXPECT_EQ(driver.running.size(), 2u);
    EXPECT_EQ(most_at_once(driver, odd_fail), 2u);
    EXPECT_EQ(driver.instance().row.state, RunState::kFailed);
    EXPECT_EQ(driver.instance().task(driver.ref("each").task).active_items, 0);
  }
  clear(driver, order);
  EXPECT_EQ(most_at_once(driver), 2u);
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
}

TEST(Clear, OfSomeItemsThatRunKeepsTheLimitToo) {
  Driver driver(load_text(kTwoAtOnce), all_succeed,
                Json::object().set("list", *parse_json("[0,1,2,3]")));
  driver.begin();
  driver.end(*driver.running.begin(), failed("no"));
  driver.cancel();
  while (!driver.running.empty()) driver.end(*driver.running.begin(), failed("signal"));
  ASSERT_EQ(driver.instance().row.state, RunState::kCancelled);
  ClearOrder order;
  order.only_failed = true;
  clear(driver, order);
  ASSERT_EQ(driver.running.size(), 2u);
  EXPECT_EQ(most_at_once(driver), 2u);
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
}

TEST(Clear, CancellingWinsOverClearing) {
  Driver driver(load_text(kChain));
  driver.begin();
  clear(driver, order_of(driver, {"a"}));
  driver.cancel();
  driver.end("a", failed("signal"));
  driver.end("side", failed("signal"));
  EXPECT_EQ(driver.instance().row.state, RunState::kCancelled);
  EXPECT_EQ(driver.state("a"), "cancelled");
}

TEST(Mark, AFailedTaskThatIsMarkedSucceededReleasesWhatWaitedForIt) {
  Driver driver(load_text(kChain), fail_first);
  driver.begin();
  driver.run_to_end();
  ASSERT_EQ(driver.state("c"), "upstream_failed");
  mark(driver, "b", TaskState::kSucceeded, R"({"v":"by hand"})");
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
  EXPECT_EQ(driver.state("c"), "succeeded");
  EXPECT_EQ(driver.node("b").value->json().dump(), R"({"v":"by hand"})");
  const AttemptRow& row = driver.table.attempts.at({driver.ref("b").task.value, -1, 2});
  EXPECT_EQ(row.detail.text_or("marked_by", ""), "ann");
  driver.restart();
  EXPECT_EQ(driver.node("b").value->json().dump(), R"({"v":"by hand"})");
}

TEST(Mark, ARunningTaskEndsAtOnceAndWhatItSaysLaterIsIgnored) {
  Driver driver(load_text(kChain));
  driver.begin();
  Driver::Running const old = *driver.running.begin();
  mark(driver, "a", TaskState::kSucceeded);
  EXPECT_EQ(driver.stopped, (std::vector<Driver::Running>{old}));
  EXPECT_TRUE(driver.is_running("b"));
  EXPECT_FALSE(driver.end(old, failed("signal")));
  EXPECT_EQ(driver.state("a"), "succeeded");
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
}

TEST(Mark, FailedAndSkippedReachWhatWaits) {
  Driver driver(load_text(kChain));
  driver.begin();
  mark(driver, "a", TaskState::kSkipped);
  EXPECT_EQ(driver.state("c"), "skipped");
  mark(driver, "side", TaskState::kFailed);
  EXPECT_EQ(driver.instance().row.state, RunState::kFailed);
  EXPECT_EQ(driver.node("side").row.error, "marked failed by ann");
}

TEST(Mark, AMappedTaskEndsWithItsItems) {
  Driver driver(load_text(kMapped), all_succeed, Json::object().set("list", *parse_json("[1,2]")));
  driver.begin();
  driver.end("first", value_of("x"));
  mark(driver, "each", TaskState::kSucceeded, "[5]");
  EXPECT_EQ(driver.stopped.size(), 2u);
  EXPECT_TRUE(driver.is_running("last"));
  driver.restart(Driver::Known::kLess);
  EXPECT_EQ(driver.node("each").value->json().dump(), "[5]");
  driver.end("last", value_of("x"));
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
  clear(driver, order_of(driver, {"each"}));
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
  EXPECT_EQ(driver.node("each", 1).row.attempt.value, 2);
}

TEST(Mark, ACancelledRunStaysCancelledForWhatWasNotDone) {
  Driver driver(load_text(kChain));
  driver.begin();
  driver.cancel();
  while (!driver.running.empty()) driver.end(*driver.running.begin(), failed("signal"));
  ASSERT_EQ(driver.instance().row.state, RunState::kCancelled);
  mark(driver, "side", TaskState::kSucceeded);
  EXPECT_EQ(driver.instance().row.state, RunState::kCancelled);
}

TEST(Pause, WhatRunsGoesOnAndNothingNewStarts) {
  Driver driver(load_text(kChain));
  driver.begin();
  driver.turn([](Instance& run, Step& step) { Control::pause(run, step); });
  driver.end("a", value_of("x"));
  driver.end("side", value_of("x"));
  EXPECT_TRUE(driver.running.empty());
  EXPECT_EQ(driver.state("b"), "waiting");
  driver.turn([](Instance& run, Step& step) { Control::unpause(run, step); });
  EXPECT_TRUE(driver.is_running("b"));
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
}

TEST(Pause, ATaskThatWaitsForASlotDoesNotTakeIt) {
  Driver driver(load_text(kChain));
  driver.slots = 1;
  driver.begin();
  driver.turn([](Instance& run, Step& step) { Control::pause(run, step); });
  driver.end("a", value_of("x"));
  EXPECT_TRUE(driver.running.empty());
  driver.turn([](Instance& run, Step& step) { Control::unpause(run, step); });
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
}

TEST(Pause, ItemsGoOnUpToTheirLimitAndNoFurther) {
  for (bool waits_for_slots : {false, true}) {
    for (bool restarts : {false, true}) {
      Driver driver(load_text(kTwoAtOnce), all_succeed,
                    Json::object().set("list", *parse_json("[0,1,2,3,4,5,6,7]")));
      if (waits_for_slots) driver.slots = 1;
      driver.begin();
      size_t const at_once = waits_for_slots ? 1 : 2;
      ASSERT_EQ(driver.running.size(), at_once);
      driver.turn([](Instance& run, Step& step) { Control::pause(run, step); });
      driver.end(*driver.running.begin());
      ASSERT_EQ(driver.running.size(), at_once - 1);
      if (restarts) {
        driver.restart();
        driver.instance().is_paused = false;
      }
      driver.turn([](Instance& run, Step& step) { Control::unpause(run, step); });
      EXPECT_EQ(driver.running.size(), at_once);
      EXPECT_EQ(most_at_once(driver), at_once);
      EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
    }
  }
}

TEST(Pause, ARetryThatIsDueWaits) {
  Driver driver(load_text("flow: f\ntasks:\n  a: { shell: 'true', retry: 2 }\n"));
  driver.begin();
  driver.end("a", failed("no"));
  driver.turn([](Instance& run, Step& step) { Control::pause(run, step); });
  driver.fire_retry();
  EXPECT_TRUE(driver.running.empty());
  driver.turn([](Instance& run, Step& step) { Control::unpause(run, step); });
  driver.run_to_end();
  EXPECT_EQ(driver.instance().row.state, RunState::kSucceeded);
}

}  // namespace
}  // namespace tidemill::run
