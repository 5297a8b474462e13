// Branches, setups with teardowns, mapped tasks and groups, through the machine.
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

Outcome json_of(const std::string& text) {
  return Outcome::success(flow::TaskValue::of_json(*parse_json(text)));
}

// --- branches

constexpr const char* kFork =
    "  pick: {shell: x, branch: true}\n  a: {shell: x, needs: pick}\n  b: {shell: x, needs: pick}\n"
    "  c: {shell: x, needs: pick}\n"
    "  join: {shell: x, needs: [pick, a, b], rule: none_failed_min_one_success}\n"
    "  after_c: {shell: x, needs: c}\n";

TEST(Branch, SkipsTheChildrenThatItsValueDoesNotName) {
  for (std::string const value : {R"("a")", R"(["a"])", R"({"v": "a"})",
                                  R"({"follow": ["a"], "x": 1})", R"([{"name": "a"}])"}) {
    Driver driver(flow_of(kFork));
    driver.begin();
    driver.end("pick", json_of(value));
    EXPECT_EQ(driver.state("b"), "skipped") << value;
    EXPECT_EQ(driver.state("c"), "skipped");
    EXPECT_EQ(driver.state("after_c"), "skipped");
    EXPECT_THAT(driver.node("b").row.error, HasSubstr("branch pick did not choose"));
    driver.run_to_end();
    // A child of the branch that comes after a chosen task is not skipped.
    EXPECT_EQ(driver.state("join"), "succeeded");
    EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
  }
}

TEST(Branch, SkipsAllChildrenWhenItNamesNone) {
  for (std::string const value : {"null", "[]"}) {
    Driver driver(flow_of(kFork));
    driver.begin();
    driver.end("pick", json_of(value));
    EXPECT_TRUE(driver.finished);
    for (const char* task : {"a", "b", "c", "join", "after_c"}) {
      EXPECT_EQ(driver.state(task), "skipped") << task;
    }
  }
}

TEST(Branch, FailsWhenItNamesNoChildOfItself) {
  for (std::string const value : {R"("aa")", R"(["a", "after_c"])", "7", R"({"x": 1, "y": 2})"}) {
    Driver driver(flow_of(kFork));
    driver.begin();
    driver.end("pick", json_of(value));
    EXPECT_EQ(driver.state("pick"), "failed") << value;
    EXPECT_EQ(driver.state("a"), "upstream_failed");
    EXPECT_THAT(driver.table.run.error, HasSubstr("the branch"));
    EXPECT_EQ(driver.table.attempts.size(), 1u);
  }
}

TEST(Branch, OfAPureTaskSkipsWithinTheTurnAndIsKnownAfterARestart) {
  Driver driver(flow_of("  pick: {calc: \"select 'b' as follow\", branch: true}\n"
                        "  a: {shell: x, needs: pick, rule: always}\n"
                        "  b: {shell: x, needs: pick}\n"),
                [](const Try& one) {
                  return one.task == "pick" ? json_of(R"({"follow": "b"})") : value_of(one.task);
                });
  driver.restart_after_each();
  driver.begin();
  driver.run_to_end();
  // `always` does not wait for the branch: as in Airflow it has started by then.
  EXPECT_EQ(driver.state("b"), "succeeded");
  EXPECT_TRUE(driver.finished);
}

// --- setups and teardowns

constexpr const char* kCluster =
    "  make: {shell: x}\n  work: {shell: x, needs: make}\n  more: {shell: x, needs: work}\n"
    "  remove: {shell: x, teardown: make}\n";

TEST(Teardown, ComesAfterEverythingThatComesAfterItsSetup) {
  Driver driver(flow_of(kCluster));
  driver.begin();
  driver.run_to_end();
  EXPECT_THAT(driver.started, ElementsAre("make", "work", "more", "remove"));
  EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
}

TEST(Teardown, RunsAfterAFailureInBetween) {
  Driver driver(flow_of(kCluster));
  driver.begin();
  driver.end("make", value_of("m"));
  driver.end("work", failed("broken"));
  EXPECT_EQ(driver.state("more"), "upstream_failed");
  EXPECT_TRUE(driver.is_running("remove"));
  driver.run_to_end();
  EXPECT_EQ(driver.state("remove"), "succeeded");
  EXPECT_EQ(driver.table.run.state, RunState::kFailed);
}

TEST(Teardown, DoesNotRunWhenItsSetupDidNotSucceed) {
  Driver driver(flow_of(kCluster));
  driver.begin();
  driver.end("make", failed("broken"));
  EXPECT_EQ(driver.state("remove"), "upstream_failed");
  EXPECT_TRUE(driver.finished);
  Driver skipped(
      flow_of("  make: {shell: x, when: 1 = 2}\n  remove: {shell: x, teardown: make}\n"));
  skipped.begin();
  EXPECT_EQ(skipped.state("remove"), "skipped");
}

TEST(Teardown, ThatFailsDoesNotFailTheRunUnlessItSaysSo) {
  for (bool const fails_run : {false, true}) {
    Driver driver(flow_of(std::string(kCluster) + "  other: {shell: x, teardown: make" +
                          (fails_run ? ", fails_run: true" : "") + "}\n"));
    driver.begin();
    for (const char* task : {"make", "work", "more", "remove"}) driver.end(task, value_of("v"));
    driver.end("other", failed("broken"));
    EXPECT_EQ(driver.table.run.state, fails_run ? RunState::kFailed : RunState::kSucceeded);
  }
}

TEST(Teardown, RunsInACancelledRunAndInALateOne) {
  for (bool const is_late : {false, true}) {
    for (bool const restarts : {false, true}) {
      Driver driver(flow_of(kCluster));
      driver.begin();
      driver.end("make", value_of("m"));
      if (is_late) {
        driver.turn([](Instance& run, Step& step) { Machine::deadline_passed(run, step); });
      } else {
        driver.cancel();
      }
      if (restarts) driver.restart();
      EXPECT_EQ(driver.state("more"), "cancelled");
      EXPECT_FALSE(driver.is_running("remove")) << "work has not ended";
      driver.end("work", failed("killed"));
      EXPECT_EQ(driver.state("work"), "cancelled");
      ASSERT_TRUE(driver.is_running("remove"));
      if (restarts) driver.restart();
      EXPECT_TRUE(driver.instance().task(driver.ref("remove").task).whole.stopping.message.empty());
      driver.end("remove", value_of("r"));
      EXPECT_TRUE(driver.finished);
      EXPECT_EQ(driver.state("remove"), "succeeded");
      EXPECT_EQ(driver.table.run.state, is_late ? RunState::kFailed : RunState::kCancelled);
    }
  }
}

TEST(Teardown, OfACancelledRunIsTriedAgainAsItsRetrySays) {
  Driver driver(
      flow_of("  make: {shell: x}\n  remove: {shell: x, teardown: make, retry: 2}\n"
              "  work: {shell: x, needs: make}\n"));
  driver.begin();
  driver.end("make", value_of("m"));
  driver.cancel();
  driver.end("work", failed("killed"));
  driver.end("remove", failed("once"));
  EXPECT_EQ(driver.state("remove"), "retrying");
  driver.fire_retry();
  driver.end("remove", value_of("r"));
  EXPECT_EQ(driver.table.run.state, RunState::kCancelled);
}

TEST(Teardown, OfARunThatIsCancelledBeforeItsSetupIsCancelledToo) {
  Driver driver(
      flow_of("  first: {shell: x}\n  make: {shell: x, needs: first}\n"
              "  remove: {shell: x, teardown: make}\n"));
  driver.begin();
  driver.cancel();
  driver.end("first", failed("killed"));
  EXPECT_EQ(driver.state("remove"), "cancelled");
  EXPECT_TRUE(driver.finished);
}

TEST(Teardown, OfAnInnerSetupComesBeforeTheOuterOne) {
  Driver driver(
      flow_of("  outer: {shell: x}\n  inner: {shell: x, needs: outer}\n"
              "  work: {shell: x, needs: inner}\n"
              "  drop_outer: {shell: x, teardown: outer}\n"
              "  drop_inner: {shell: x, teardown: inner}\n"));
  driver.begin();
  driver.run_to_end();
  EXPECT_THAT(driver.started, ElementsAre("outer", "inner", "work", "drop_inner", "drop_outer"));
}

TEST(Teardown, IsDoneAgainWithItsSetupWhenWorkInBetweenIsDoneAgain) {
  Driver driver(flow_of(kCluster));
  driver.begin();
  driver.end("make", value_of("m"));
  driver.end("work", failed("broken"));
  driver.run_to_end();
  driver.finished = false;
  driver.started.clear();
  driver.turn([](Instance& run, Step& step) { Machine::reopen(run, step); });
  driver.run_to_end();
  EXPECT_THAT(driver.started, ElementsAre("make", "work", "more", "remove"));
  EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
}

// --- mapping

TEST(Mapping, LimitsHowManyItemsRunAtOnceInOrder) {
  for (bool const restarts : {false, true}) {
    Driver driver(
        flow_of("  each: {shell: x, for_each: \"[1, 2, 3, 4, 5]\", max_items_running: 2}\n"));
    if (restarts) driver.restart_after_each();
    driver.begin();
    EXPECT_EQ(driver.running.size(), 2u);
    size_t most = 0;
    while (!driver.running.empty()) {
      most = std::max(most, driver.running.size());
      driver.end(*driver.running.begin());
    }
    EXPECT_EQ(most, 2u);
    EXPECT_TRUE(driver.finished);
    EXPECT_THAT(driver.started, ElementsAre("each[0]", "each[1]", "each[2]", "each[3]", "each[4]"));
  }
}

TEST(Mapping, AnItemThatWaitsForItsRetryKeepsItsPlace) {
  Driver driver(
      flow_of("  each: {shell: x, for_each: \"[1, 2]\", max_items_running: 1, retry: 2}\n"));
  driver.begin();
  driver.end("each", failed("once"));
  EXPECT_THAT(driver.started, ElementsAre("each[0]"));
  driver.fire_retry();
  driver.end("each", value_of("v"));
  EXPECT_THAT(driver.started, ElementsAre("each[0]", "each[0]", "each[1]"));
}

TEST(Mapping, ACancelEndsItemsThatWaitForThatLimit) {
  Driver driver(flow_of("  each: {shell: x, for_each: \"[1, 2, 3]\", max_items_running: 1}\n"));
  driver.begin();
  driver.cancel();
  driver.end("each", failed("killed"));
  EXPECT_TRUE(driver.finished);
  EXPECT_EQ(driver.started.size(), 1u);
}

TEST(Mapping, GoesOverTheValuesOfAMappedTaskAndIsReduced) {
  Driver driver(flow_of("  plan: {shell: x}\n  get: {shell: x, for_each: plan.rows}\n"
                        "  load: {shell: x, for_each: get.rows}\n  sum: {shell: x, needs: load}\n"),
                [](const Try& one) {
                  if (one.task == "plan") return json_of("[10, 20, 30]");
                  return json_of("{\"v\": \"" + one.task + std::to_string(one.item.value) + "\"}");
                });
  driver.begin();
  driver.run_to_end();
  EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
  const TaskNode& load = driver.instance().task(driver.ref("load").task);
  ASSERT_EQ(load.list.size(), 3u);
  EXPECT_EQ(load.list[1].dump(), R"({"v":"get1"})");
  flow::Scope scope;
  Machine::fill_scope(driver.instance(), driver.ref("sum"), scope);
  EXPECT_EQ(scope.task_values()[0].second->json().dump(),
            R"([{"v":"load0"},{"v":"load1"},{"v":"load2"}])");
}

std::string items_of(const std::string& for_each) {
  Driver driver(flow_of("  plan: {shell: x}\n  each: {shell: x, for_each: " + for_each + "}\n"),
                [](const Try& one) {
                  return one.task == "plan" ? json_of(R"([{"n": "a"}, {"n": "b"}, {"n": "c"}])")
                                            : value_of("v");
                });
  driver.begin();
  driver.run_to_end();
  EXPECT_TRUE(driver.finished);
  Json list = Json::array();
  for (const Json& item : driver.instance().task(driver.ref("each").task).list) list.push(item);
  return list.dump();
}

TEST(Mapping, GoesOverTheProductOfListsAndOverListsSideBySide) {
  EXPECT_EQ(items_of("{product: {x: \"[1, 2]\", y: plan.rows}}"),
            R"([{"x":1,"y":{"n":"a"}},{"x":1,"y":{"n":"b"}},{"x":1,"y":{"n":"c"}},)"
            R"({"x":2,"y":{"n":"a"}},{"x":2,"y":{"n":"b"}},{"x":2,"y":{"n":"c"}}])");
  EXPECT_EQ(items_of("{zip: {x: \"[1, 2]\", y: plan.rows}}"),
            R"([{"x":1,"y":{"n":"a"}},{"x":2,"y":{"n":"b"}}])");
  EXPECT_EQ(items_of("{product: {x: \"[]\", y: plan.rows}}"), "[]");
}

TEST(Mapping, RefusesAProductOfTooManyItems) {
  Driver driver(
      flow_of("  plan: {shell: x}\n  each: {shell: x, for_each: {product: {x: plan.rows, "
              "y: plan.rows}}}\n"));
  driver.begin();
  Json list = Json::array();
  for (int i = 0; i < 101; ++i) list.push(i);
  driver.end("plan", Outcome::success(flow::TaskValue::of_json(std::move(list))));
  EXPECT_TRUE(driver.finished);
  EXPECT_THAT(driver.node("each").row.error, HasSubstr("10201 items; at most 10000"));
}

// --- groups

constexpr const char* kGroup =
    "flow: f\ntasks:\n  plan: {shell: x}\n  sum: {shell: x, needs: g}\n"
    "groups:\n  g:\n    for_each: plan.rows\n    tasks:\n"
    "      get: {shell: x, env: {N: \"{{ item.n }}\"}}\n"
    "      put: {shell: x, needs: get, env: {V: \"{{ get.v }}\", N: \"{{ item.n }}\"}}\n";

Outcome plan_of_three(const Try& one) {
  if (one.task == "plan") return json_of(R"([{"n": 1}, {"n": 2}, {"n": 3}])");
  return value_of(one.task + std::to_string(one.item.value));
}

Driver::Running running_item(const Driver& driver, const std::string& task, int item) {
  for (const auto& one : driver.running) {
    if (one.ref == driver.ref(task, item)) return one;
  }
  ADD_FAILURE() << task << " " << item << " does not run";
  return {};
}

TEST(Group, ThatIsMappedRunsEachItemOnItsOwn) {
  for (bool const restarts : {false, true}) {
    Driver driver(load_text(kGroup), plan_of_three);
    if (restarts) driver.restart_after_each();
    driver.begin();
    driver.end("plan", plan_of_three({.task = "plan"}));
    EXPECT_THAT(driver.started, ElementsAre("plan", "g.get[0]", "g.get[1]", "g.get[2]"));
    driver.end(running_item(driver, "g.get", 1));
    EXPECT_EQ(driver.started.back(), "g.put[1]") << "it needs only its own item";
    flow::Scope scope;
    Machine::fill_scope(driver.instance(), driver.ref("g.put", 1), scope);
    EXPECT_EQ(scope.task_values()[0].second->json().dump(), R"([{"n":1},{"n":2},{"n":3}])");
    EXPECT_EQ(driver.instance().flow->tasks[3].env[0].second.text(scope).value(), "g.get1");
    driver.end(running_item(driver, "g.put", 1));
    EXPECT_EQ(driver.state("sum"), "waiting");
    driver.run_to_end();
    EXPECT_EQ(driver.state("sum"), "succeeded");
    EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
  }
}

TEST(Group, ThatIsMappedFailsByItem) {
  for (bool const restarts : {false, true}) {
    Driver driver(load_text(kGroup), plan_of_three);
    if (restarts) driver.restart_after_each();
    driver.begin();
    driver.end("plan", plan_of_three({.task = "plan"}));
    driver.end(running_item(driver, "g.get", 0), failed("broken"));
    EXPECT_EQ(driver.state("g.put", 0), "upstream_failed");
    driver.run_to_end();
    EXPECT_EQ(driver.state("g.put", 1), "succeeded");
    EXPECT_EQ(driver.state("g.put"), "upstream_failed");
    EXPECT_EQ(driver.state("sum"), "upstream_failed");
    EXPECT_THAT(driver.table.run.error, HasSubstr("1 of 3 items failed; item 0: broken"));
    // Asked for again, only the failed item and what came after it are done again.
    driver.finished = false;
    driver.started.clear();
    driver.turn([](Instance& run, Step& step) { Machine::reopen(run, step); });
    driver.run_to_end();
    EXPECT_THAT(driver.started, ElementsAre("g.get[0]", "g.put[0]", "sum"));
    EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
  }
}

TEST(Group, ThatIsMappedDecidesWhenByItemAndSkipsByItem) {
  Driver driver(
      load_text("flow: f\ngroups:\n  g:\n    for_each: \"[1, 2]\"\n    tasks:\n"
                "      a: {shell: x, when: \"item = 2\"}\n"
                "      b: {shell: x, needs: a}\n"
                "      c: {shell: x, needs: a, rule: all_skipped}\n"));
  driver.begin();
  driver.run_to_end();
  EXPECT_EQ(driver.state("g.a", 0), "skipped");
  EXPECT_EQ(driver.state("g.b", 0), "skipped");
  EXPECT_EQ(driver.state("g.c", 0), "succeeded");
  EXPECT_EQ(driver.state("g.a", 1), "succeeded");
  EXPECT_EQ(driver.state("g.c", 1), "skipped");
  EXPECT_TRUE(driver.finished);
  EXPECT_EQ(driver.table.run.state, RunState::kSucceeded);
}

TEST(Group, OfPureAndEffectfulTasksSurvivesEveryRestart) {
  std::string const text =
      "flow: f\ngroups:\n  g:\n    for_each: \"[1, 2, 3]\"\n    tasks:\n"
      "      a: {calc: select 1 as v}\n      b: {shell: x, needs: a, retry: 2}\n"
      "      c: {calc: select 1 as v, needs: b}\n"
      "tasks:\n  all: {calc: select 1 as v, needs: g}\n";
  auto script = [](const Try& one) {
    return one.task == "g.b" && one.failures == 0 ? failed("once") : value_of(one.task);
  };
  Driver plain(load_text(text), script);
  plain.begin();
  plain.run_to_end();
  ASSERT_TRUE(plain.finished);
  EXPECT_EQ(plain.table.run.state, RunState::kSucceeded);
  for (int turn = 1; turn <= plain.turns; ++turn) {
    Driver driver(load_text(text), script);
    driver.restart_after(turn);
    driver.begin();
    driver.run_to_end();
    EXPECT_EQ(driver.summary(), plain.summary()) << "restarted after turn " << turn;
  }
}

TEST(Group, WithoutItemsSucceedsAtOnce) {
  Driver driver(load_text(kGroup),
                [](const Try& one) { return one.task == "plan" ? json_of("[]") : value_of("v"); });
  driver.begin();
  driver.run_to_end();
  EXPECT_EQ(driver.state("sum"), "succeeded");
}

TEST(Group, WhoseListCannotBeMadeFailsItsTasks) {
  Driver driver(load_text(kGroup), plan_of_three);
  driver.begin();
  driver.end("plan", failed("no plan"));
  EXPECT_EQ(driver.state("g.get"), "upstream_failed");
  EXPECT_EQ(driver.state("g.put"), "upstream_failed");
  EXPECT_TRUE(driver.finished);
}

TEST(Group, ComesAfterWhatItNeedsAndIsNeededAsAWhole) {
  Driver driver(
      load_text("flow: f\ntasks:\n  first: {shell: x}\n  last: {shell: x, needs: g}\n"
                "groups:\n  g:\n    needs: first\n    tasks:\n      a: {shell: x}\n"
                "      b: {shell: x, needs: a}\n    groups:\n      h:\n        tasks:\n"
                "          c: {shell: x, needs: b}\n"));
  driver.begin();
  driver.run_to_end();
  EXPECT_THAT(driver.started, ElementsAre("first", "g.a", "g.b", "g.h.c", "last"));
}

TEST(Group, ThatIsMappedEndsWhenTheRunIsCancelled) {
  Driver driver(load_text(kGroup), plan_of_three);
  driver.begin();
  driver.end("plan", plan_of_three({.task = "plan"}));
  driver.end(running_item(driver, "g.get", 0));
  driver.cancel();
  while (!driver.running.empty()) driver.end(*driver.running.begin(), failed("killed"));
  EXPECT_TRUE(driver.finished);
  EXPECT_EQ(driver.state("g.get"), "cancelled");
  EXPECT_EQ(driver.state("g.put", 2), "cancelled");
}

}  // namespace
}  // namespace tidemill::run
