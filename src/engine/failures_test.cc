// Kills, full disks and lost machines: what was acknowledged is kept, what was not never happened.
#include "engine/test_support.h"

namespace tidemill::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kOneTask = "on: [call]\ntasks: {work: {shell: x}}\n";

auto full_disk() {
  return [](const run::Changes&) -> std::optional<Code> { return Code::kExhausted; };
}

TEST(Kill, TasksRunOnAndTheirResultsArrive) {
  EngineBed bed;
  bed.flow("one", "on: [call]\ntasks: {work: {shell: x}, next: {shell: x, needs: work}}\n");
  bed.behaviour["work"] = {.takes = Duration::seconds(10), .output = R"({"n": 5})"};
  bed.start();
  bed.ask("one");
  bed.world.run_for(Duration::seconds(3));
  bed.restart();  // it still runs
  bed.world.run_for(Duration::seconds(3));
  bed.kill();
  bed.world.run_for(Duration::seconds(60));  // it ends while nobody listens
  bed.start();
  bed.world.run_for(Duration::seconds(1));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
  EXPECT_THAT(bed.started_tasks, ElementsAre("work", "next"));
  EXPECT_THAT(bed.store->load_run(bed.runs()[0].id)->value().tasks[0].value, HasSubstr("5"));
}

TEST(Kill, ALostProcessFollowsOnUnknown) {
  EngineBed bed;
  bed.flow("one", "on: [call]\ntasks:\n  a: {shell: x}\n  b: {shell: x, on_unknown: rerun}\n");
  bed.behaviour["a"].takes = Duration::seconds(10);
  bed.behaviour["b"].takes = Duration::seconds(10);
  bed.start();
  bed.ask("one");
  bed.world.run_for(Duration::seconds(1));
  bed.kill();
  bed.world.processes().lose();
  bed.start();
  bed.world.run_for(Duration::seconds(30));
  ASSERT_THAT(bed.runs(), SizeIs(1));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kFailed);
  EXPECT_EQ(bed.runs()[0].error_code, "unknown");
  auto const tasks = bed.store->load_run(bed.runs()[0].id)->value().tasks;
  EXPECT_EQ(tasks[0].state, run::TaskState::kFailed);
  EXPECT_EQ(tasks[0].attempt, run::Attempt(1));
  EXPECT_EQ(tasks[1].state, run::TaskState::kSucceeded);
  EXPECT_EQ(tasks[1].attempt, run::Attempt(2));
}

TEST(Kill, TheSpawnerForgetsWhatIsDurable) {
  EngineBed bed;
  bed.flow("one", kOneTask);
  bed.start();
  for (int steps = 1; steps < 30; ++steps) {
    bed.ask("one", Json::object(), std::to_string(steps));
    int left = steps;
    bed.world.run_until([&] { return --left <= 0; }, Duration::seconds(1));
    bed.restart();
    bed.world.run_for(Duration::seconds(2));
  }
  EXPECT_EQ(bed.engine->open_runs(), 0u);
  size_t kept = 0;
  bed.world.processes().list(
      [&](Result<io::ProcessList> list) { kept = list->exited.size() + list->running.size(); });
  bed.world.run_now();
  EXPECT_EQ(kept, 0u);
}

TEST(Kill, AnHttpWriteIsNotRepeatedAndAReadIs) {
  EngineBed bed;
  bed.flow("one",
           "on: [call]\ntasks:\n"
           "  read: {http: \"https://a.example/read\"}\n"
           "  write: {http: {url: \"https://a.example/write\", method: POST}}\n"
           "  keyed: {http: {url: \"https://a.example/keyed\", method: POST,\n"
           "                 idempotency: \"key:Idempotency-Key\"}}\n");
  bed.world.http().set_handler([](const io::HttpRequest&) {
    return io::SimHttpAnswer{io::HttpResponse{200, {}, "{}", {}}, Duration::seconds(5)};
  });
  bed.start();
  bed.ask("one");
  bed.world.run_for(Duration::seconds(1));
  bed.restart();
  bed.world.run_for(Duration::seconds(30));
  std::map<std::string, int> sent;
  std::set<std::string> keys;
  for (const auto& request : bed.world.http().sent()) {
    ++sent[request.url];
    for (const auto& [name, value] : request.headers) {
      if (name == "Idempotency-Key") keys.insert(value);
    }
  }
  EXPECT_EQ(sent["https://a.example/read"], 2);
  EXPECT_EQ(sent["https://a.example/write"], 1);
  EXPECT_EQ(sent["https://a.example/keyed"], 2);
  EXPECT_THAT(keys, SizeIs(1));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kFailed);
}

constexpr const char* kPublish =
    "on: [call]\nparams: {n: integer}\ntasks:\n"
    "  rows: {calc: \"select * from (values (1), (2), (3)) as t(v)\", rows: many}\n"
    "  out: {publish: {dataset: d}, needs: rows}\n";

TEST(Publish, EachLineOnceWhateverStepTheServerDiesAt) {
  for (int steps = 1; steps < 60; ++steps) {
    EngineBed bed(static_cast<uint64_t>(steps));
    bed.flow("p", kPublish);
    bed.start();
    bed.ask("p", Json::object().set("n", 0), "warm");
    bed.world.run_for(Duration::seconds(1));
    auto const asked = bed.ask("p", Json::object().set("n", 1), "k");
    int left = steps;
    bed.world.run_until([&] { return --left <= 0; }, Duration::seconds(1));
    bed.restart();
    auto const again = bed.call("p", Json::object().set("n", 1), "k");
    ASSERT_TRUE(again->result) << steps;
    EXPECT_EQ(again->result->state, run::RunState::kSucceeded) << again->result->error;
    std::set<std::string> unique;
    for (const Json& line : bed.lines("d")) {
      EXPECT_TRUE(unique
                      .insert(line.text_or("run", "") + line.text_or("task", "") +
                              std::to_string(line.int_or("index", -1)))
                      .second)
          << steps << ": " << line.dump();
    }
    EXPECT_THAT(unique, SizeIs(6)) << steps;
  }
}

TEST(FullDisk, RequestsAreRefusedNothingStartsAndReadsGoOn) {
  EngineBed bed;
  bed.flow("one", kOneTask);
  bed.start();
  bed.call("one", Json::object(), "before");
  bed.commit_fails = full_disk();
  auto const refused = bed.call("one", Json::object(), "k");
  ASSERT_TRUE(refused->is_refused());
  EXPECT_EQ(refused->refusal(), Code::kUnavailable);
  EXPECT_THAT(refused->accepted->error().message, HasSubstr("free some space"));
  bed.world.run_for(Duration::seconds(10));
  EXPECT_THAT(bed.started_tasks, SizeIs(1));
  EXPECT_THAT(bed.runs(), SizeIs(1));
  EXPECT_EQ(bed.call("one", Json::object(), "before")->result->state, run::RunState::kSucceeded);
  bed.commit_fails = nullptr;
  auto const taken = bed.call("one", Json::object(), "k");
  ASSERT_TRUE(taken->result);
  EXPECT_EQ(taken->result->state, run::RunState::kSucceeded);
}

TEST(FullDisk, EndsOfTasksWaitAndAreAppliedWhenThereIsRoom) {
  EngineBed bed;
  bed.flow("one",
           "on: [call]\ntasks:\n"
           "  a: {shell: x, retry: 2, timeout: 60s}\n  b: {shell: x, needs: a}\n"
           "  c: {calc: select 1 as v, needs: a}\n");
  bed.behaviour["a"].takes = Duration::seconds(2);
  bed.start();
  auto const asked = bed.ask("one");
  bed.world.run_for(Duration::seconds(1));
  bed.commit_fails = full_disk();
  bed.world.run_for(Duration::seconds(20));
  EXPECT_EQ(bed.engine->open_runs(), 1u);
  EXPECT_THAT(bed.started_tasks, ElementsAre("a"));
  EXPECT_FALSE(asked->result);
  EXPECT_GT(bed.counter("tidemill_commit_failures_total"), 3);
  bed.commit_fails = nullptr;
  bed.world.run_for(Duration::seconds(2));
  ASSERT_TRUE(asked->result);
  EXPECT_EQ(asked->result->state, run::RunState::kSucceeded) << asked->result->error;
  EXPECT_THAT(bed.started_tasks, ElementsAre("a", "b"));
  for (const auto& [id, count] : bed.starts) EXPECT_EQ(count, 1) << id;
}

TEST(FullDisk, TicksThatWereDueMeanwhileAreNotLost) {
  EngineBed bed;
  bed.flow("c",
           "on: [{cron: '* * * * *', id: t, overlap: allow, missed: all(100)}]\n"
           "tasks: {work: {shell: x}}\n");
  bed.start();
  bed.world.run_for(Duration::seconds(90));
  bed.commit_fails = full_disk();
  bed.world.run_for(Duration::seconds(180));
  EXPECT_THAT(bed.runs("c"), SizeIs(1));
  bed.commit_fails = nullptr;
  bed.world.run_for(Duration::seconds(5));
  EXPECT_THAT(bed.keys("c"), ElementsAre("cron:t/2026-01-01T00:01/0", "cron:t/2026-01-01T00:02/0",
                                         "cron:t/2026-01-01T00:03/0", "cron:t/2026-01-01T00:04/0"));
}

TEST(FullDisk, ARunThatCannotBeReadAgainAtOnceIsReadLater) {
  EngineBed bed;
  bed.flow("one", kOneTask);
  bed.behaviour["work"].takes = Duration::seconds(2);
  bed.start();
  auto const asked = bed.ask("one");
  bed.world.run_for(Duration::seconds(1));
  bed.commit_fails = full_disk();
  bed.world.run_for(Duration::millis(1100));
  bed.commit_fails = nullptr;
  bed.reads_fail = 3;
  bed.world.run_for(Duration::seconds(10));
  ASSERT_TRUE(asked->result);
  EXPECT_EQ(asked->result->state, run::RunState::kSucceeded);
}

TEST(FullDisk, TheDeadlineAndMaxRunningHoldOverFailedCommits) {
  EngineBed bed;
  bed.flow("one",
           "on: [call]\nmax_running: 1\nparams: {n: integer}\n"
           "tasks: {work: {shell: x}}\n");
  bed.behaviour["work"].takes = Duration::seconds(2);
  size_t most = 0;
  bed.behave = [&](const io::ProcessSpec&) {
    most = std::max(most, bed.world.processes().running() + 1);
    return io::SimProcessResult{.takes = Duration::seconds(2)};
  };
  bed.start();
  for (int i = 0; i < 5; ++i) bed.ask("one", Json::object().set("n", i));
  int count = 0;
  bed.commit_fails = [&](const run::Changes&) -> std::optional<Code> {
    if (++count % 3 != 0) return std::nullopt;
    return Code::kUnavailable;
  };
  bed.world.run_for(Duration::seconds(60));
  EXPECT_EQ(most, 1u);
  EXPECT_EQ(bed.engine->open_runs(), 0u);
  for (const auto& row : bed.runs()) EXPECT_EQ(row.state, run::RunState::kSucceeded);
}

TEST(FullDisk, AtTheStartRecoveryWaitsForRoom) {
  EngineBed bed;
  bed.flow("one",
           "on: [call]\ntasks: {a: {shell: x}, b: {calc: select 1 as v, needs: a},\n"
           "        c: {shell: x, needs: b}}\n");
  bed.behaviour["a"].takes = Duration::seconds(2);
  bed.start();
  bed.ask("one");
  bed.world.run_for(Duration::seconds(1));
  bed.kill();
  bed.world.run_for(Duration::seconds(5));
  bed.commit_fails = full_disk();
  bed.start();
  bed.world.run_for(Duration::seconds(5));
  EXPECT_EQ(bed.engine->open_runs(), 1u);
  bed.commit_fails = nullptr;
  bed.world.run_for(Duration::seconds(5));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
  EXPECT_THAT(bed.started_tasks, ElementsAre("a", "c"));
}

TEST(FullDisk, WhatComesAfterARunIsNotLostWhenItsKeyCannotBeLookedUp) {
  EngineBed bed;
  bed.flow("one", kOneTask);
  bed.flow("next", "on: [{after: {flow: one}}]\ntasks: {work: {shell: x}}\n");
  bed.behaviour["work"] = {.takes = Duration::seconds(2)};
  bed.start();
  auto const asked = bed.ask("one");
  bed.world.run_for(Duration::seconds(1));
  bed.finds_fail = 2;
  bed.world.run_for(Duration::seconds(10));
  ASSERT_TRUE(asked->result);
  EXPECT_EQ(asked->result->state, run::RunState::kSucceeded);
  EXPECT_THAT(bed.runs("next"), SizeIs(1));
  EXPECT_EQ(bed.finds_fail, 0);
}

TEST(FullDisk, ATickIsNotLostWhenItsKeyCannotBeLookedUp) {
  EngineBed bed;
  bed.flow("c", "on: [{cron: '* * * * *', id: t, missed: all(100)}]\ntasks: {work: {shell: x}}\n");
  bed.start();
  bed.world.run_for(Duration::seconds(50));
  bed.finds_fail = 3;
  bed.world.run_for(Duration::seconds(20));
  EXPECT_THAT(bed.keys("c"), ElementsAre("cron:t/2026-01-01T00:01/0"));
}

TEST(Retry, IsNotPutOffWhenTheClockIsSetBack) {
  EngineBed bed;
  bed.flow("one", "on: [call]\ntasks: {work: {shell: x, retry: {attempts: 2, base: 10s}}}\n");
  bed.behaviour["work"] = {.exit_code = 1};
  bed.start();
  auto const asked = bed.ask("one");
  bed.world.run_for(Duration::seconds(5));
  bed.world.step_clock(Duration::seconds(-7200));
  bed.behaviour["work"] = {};
  bed.world.run_for(Duration::seconds(10));
  ASSERT_TRUE(asked->result);
  EXPECT_EQ(asked->result->state, run::RunState::kSucceeded);
}

TEST(Retry, IsNotPutOffWhenTheClockIsSetBackWhileTheServerIsDown) {
  EngineBed bed;
  bed.flow("one", "on: [call]\ntasks: {work: {shell: x, retry: {attempts: 2, base: 10s}}}\n");
  bed.behaviour["work"] = {.exit_code = 1};
  bed.start();
  bed.ask("one");
  bed.world.run_for(Duration::seconds(5));
  bed.kill();
  bed.world.step_clock(Duration::seconds(-7200));
  bed.behaviour["work"] = {};
  bed.start();
  bed.world.run_for(Duration::seconds(70));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
}

TEST(Deadline, HoldsOverAKillAndForQueuedRuns) {
  EngineBed bed;
  bed.flow("one",
           "on: [call]\nmax_running: 1\ndeadline: 20s\nparams: {n: integer}\n"
           "tasks: {work: {shell: x}}\n");
  bed.behaviour["work"].takes = Duration::seconds(3600);
  bed.start();
  bed.ask("one", Json::object().set("n", 1));
  bed.ask("one", Json::object().set("n", 2));
  bed.world.run_for(Duration::seconds(10));
  bed.restart();
  bed.world.run_for(Duration::seconds(15));
  for (const auto& row : bed.runs()) {
    EXPECT_EQ(row.state, run::RunState::kFailed);
    EXPECT_EQ(row.error_code, "too_late");
  }
  EXPECT_EQ(bed.world.processes().running(), 0u);
  // The second may begin in the very instant in which both are over.
  EXPECT_LE(bed.started_tasks.size(), 2u);
}

TEST(Writes, AreToldWhetherTheyAreDurable) {
  EngineBed bed;
  bed.start();
  run::Changes changes;
  changes.tokens.push_back({"desk", "h", Time{1}, Time{2}});
  std::vector<std::string> answers;
  auto note = [&](Status done) {
    answers.emplace_back(done ? "done" : code_name(done.error().code));
  };
  bed.engine->write(changes, note);
  bed.world.run_now();
  bed.engine->write(changes, note);  // the name exists
  bed.world.run_for(Duration::seconds(1));
  bed.commit_fails = full_disk();
  bed.engine->write(changes, note);
  bed.world.run_for(Duration::seconds(1));
  EXPECT_THAT(answers, ElementsAre("done", "conflict", "unavailable"));
  EXPECT_THAT(*bed.store->list_tokens(), SizeIs(1));
}

}  // namespace
}  // namespace tidemill::engine
