#include "run/why.h"

#include <gmock/gmock.h>

#include "run/control.h"
#include "run/test_support.h"

namespace tidemill::run {
namespace {

using testing::HasSubstr;

WhyContext context_of(const Driver& driver) {
  WhyContext context;
  context.now = driver.now().wall;
  for (const auto& [key, row] : driver.table.attempts) context.attempts.push_back(row);
  return context;
}

// "code: text" of each reason of a task, one a line.
std::string reasons(Driver& driver, const std::string& task, const WhyContext& context) {
  Json const answer = why_task(driver.instance(), driver.ref(task).task, context);
  std::string text;
  for (const Json& reason : answer.find("tasks")->as_array()[0].find("reasons")->as_array()) {
    text += reason.text_or("code", "") + ": " + reason.text_or("text", "") + "\n";
  }
  return text;
}
std::string reasons(Driver& driver, const std::string& task) {
  return reasons(driver, task, context_of(driver));
}

constexpr const char* kFlow =
    "flow: f\nparams: { go: { type: boolean, default: false } }\ntasks:\n"
    "  a: { shell: 'true', retry: { attempts: 2, base: 10s } }\n"
    "  b: { shell: 'true', needs: a }\n"
    "  c: { shell: 'true', needs: b }\n"
    "  odd: { shell: 'true', when: 'params.go' }\n"
    "  after_odd: { shell: 'true', needs: odd }\n";

TEST(Why, AWaitingTaskNamesWhatItNeeds) {
  Driver driver(load_text(kFlow), all_succeed, *parse_json(R"({"go":false})"));
  driver.begin();
  EXPECT_EQ(reasons(driver, "b"),
            "needs: needs a, which is running since 2026-01-01T00:00:00Z (0s ago)\n");
  EXPECT_EQ(reasons(driver, "c"), "needs: needs b, which waits too\n");
  driver.end("a", failed("no"));
  EXPECT_THAT(reasons(driver, "a"),
              HasSubstr("due: attempt 2 is due at 2026-01-01T00:00:10Z (in "));
  EXPECT_THAT(reasons(driver, "b"), HasSubstr("needs a, which waits for its next attempt"));
}

TEST(Why, ASkippedTaskTellsWhetherItsWhenOrItsNeedsSkippedIt) {
  Driver driver(load_text(kFlow), all_succeed, *parse_json(R"({"go":false})"));
  driver.begin();
  EXPECT_THAT(reasons(driver, "odd"), HasSubstr("when: its `when` is not true"));
  EXPECT_THAT(reasons(driver, "after_odd"), HasSubstr("skipped_by: needs odd, which is skipped"));
}

TEST(Why, WhatCouldNotRunNamesTheTaskThatFailedFirst) {
  Driver driver(
      load_text(kFlow),
      [](const Try& one) { return one.task == "a" ? failed("broken") : all_succeed(one); },
      *parse_json(R"({"go":false})"));
  driver.begin();
  driver.run_to_end();
  EXPECT_THAT(reasons(driver, "c"), HasSubstr("caused_by: task a failed: broken"));
  EXPECT_THAT(reasons(driver, "a"), HasSubstr("attempts: all 2 attempts of its retry are used"));
}

TEST(Why, ATaskThatWaitsForASlotTellsHowManyAreBeforeIt) {
  Driver driver(load_text(kFlow), all_succeed, *parse_json(R"({"go":true})"));
  driver.slots = 1;
  driver.begin();
  Admission admission(AdmissionLimits{.processes = 1});
  admission.request(SlotKind::kProcess, RunId("01RUN"), driver.ref("a"));
  admission.request(SlotKind::kProcess, RunId("01OTHER"), driver.ref("a"));
  admission.request(SlotKind::kProcess, RunId("01RUN"), driver.ref("odd"));
  WhyContext context = context_of(driver);
  context.admission = &admission;
  EXPECT_EQ(reasons(driver, "odd", context),
            "slot: waits for a slot: 1 of 1 for processes are taken, 1 tasks are before it\n");
}

TEST(Why, AMarkedTaskTellsWhoMarkedIt) {
  Driver driver(load_text(kFlow), all_succeed, *parse_json(R"({"go":false})"));
  driver.begin();
  driver.turn([&](Instance& run, Step& step) {
    Control::mark(run, {driver.ref("a").task, TaskState::kSucceeded, nullptr}, "ann", step);
  });
  EXPECT_THAT(reasons(driver, "a"), HasSubstr("marked: marked succeeded by ann"));
}

TEST(Why, APausedRunSaysWhoPausedIt) {
  Driver driver(load_text(kFlow), all_succeed, *parse_json(R"({"go":false})"));
  driver.begin();
  driver.turn([](Instance& run, Step& step) { Control::pause(run, step); });
  driver.end("a", value_of("x"));
  PauseRow const pause{PauseRow::What::kRun, "01RUN", "ann", driver.now().wall};
  WhyContext context = context_of(driver);
  context.pause = &pause;
  EXPECT_THAT(reasons(driver, "b", context), HasSubstr("run_paused: the run is paused by ann"));
}

TEST(Why, AQueuedRunNamesTheRunsThatFillMaxRunning) {
  Driver driver(load_text(kFlow), all_succeed, *parse_json(R"({"go":false})"));
  driver.instance().row.state = RunState::kQueued;
  Admission admission;
  Admission::Arrival arrival;
  arrival.flow = flow::FlowName("f");
  arrival.max_running = 1;
  admission.add(RunId("01FIRST"), arrival, false);
  admission.add(RunId("01RUN"), arrival, true);
  WhyContext context = context_of(driver);
  context.admission = &admission;
  std::string const text = why_run(driver.instance(), context).find("reasons")->dump();
  EXPECT_THAT(text, HasSubstr("at most 1 runs at once (max_running); now running: 01FIRST"));
  EXPECT_THAT(text, HasSubstr("0 runs of the flow are queued before it"));
}

}  // namespace
}  // namespace tidemill::run
