#include "task/process.h"

#include "task/test_support.h"

namespace tidemill::task {
namespace {

using Kind = run::Outcome::Kind;
using testing::HasSubstr;

class ProcessTest : public TaskTest {
 protected:
  ProcessTest() {
    world.processes().set_script([this](const io::ProcessSpec& spec) {
      spec_ = spec;
      return result;
    });
    EXPECT_TRUE(world.files().make_folders("/data"));
    make_runner();
  }
  void make_runner() {
    runner = std::make_unique<ProcessRunner>(
        ProcessSettings{"/data", "/project", "/bin:/usr/bin", boot_id}, world.processes(),
        world.files());
  }
  // The server is started again.
  void restart() {
    runner.reset();
    world.kill_server();
    make_runner();
    bool is_ready = false;
    runner->ask_spawner([&] { is_ready = true; });
    world.run_now();
    EXPECT_TRUE(is_ready);
  }
  run::Outcome outcome(const std::string& task = "{shell: x}") {
    auto const end = start(*runner, work("  t: " + task + "\n"));
    world.run_for(Duration::seconds(60));
    EXPECT_EQ(end->times, 1);
    return end->outcome.value_or(run::Outcome::unknown("no end"));
  }
  std::string env(const std::string& name) {
    for (const auto& [key, value] : spec_.env) {
      if (key == name) return value;
    }
    return "(none)";
  }
  size_t exits_kept() {
    size_t kept = 0;
    world.processes().list([&](Result<io::ProcessList> list) { kept = list->exited.size(); });
    world.run_now();
    return kept;
  }

  std::string boot_id;  // of the machine, as the next runner reads it
  io::SimProcessResult result;
  io::ProcessSpec spec_;
  std::unique_ptr<ProcessRunner> runner;
};

TEST_F(ProcessTest, TheValueIsWhatTheProcessLeft) {
  result.output = R"({"a":1})";
  EXPECT_EQ(outcome().value->json().dump(), R"({"a":1})");
}

TEST_F(ProcessTest, NoResultOrABlankOneIsNull) {
  EXPECT_TRUE(outcome().value->json().is_null());
  result.output = " \n";
  auto const end = start(*runner, work("  t: {shell: x}\n", "t", 2));
  world.run_for(Duration::seconds(1));
  EXPECT_TRUE(end->outcome->value->json().is_null());
}

TEST_F(ProcessTest, AResultThatIsNotJsonFailsAndSaysSo) {
  result.output = "{not json";
  auto const end = outcome();
  EXPECT_EQ(end.kind, Kind::kFailed);
  EXPECT_THAT(end.error.text(), HasSubstr("TIDEMILL_OUTPUT"));
}

TEST_F(ProcessTest, AnExitCodeFailsWithItsReason) {
  result.exit_code = 7;
  auto const end = outcome();
  EXPECT_EQ(end.kind, Kind::kFailed);
  EXPECT_THAT(end.error.message, HasSubstr("code 7"));
  EXPECT_EQ(end.detail.int_or("exit_code", -1), 7);
  result.exit_code = 1;
  result.error = R"({"type":"ValueError","message":"no score"})";  // of a Python function
  auto const python = start(*runner, work("  t: {shell: x}\n", "t", 2));
  world.run_for(Duration::seconds(1));
  EXPECT_THAT(python->outcome->error.message, HasSubstr("ValueError: no score"));
}

TEST_F(ProcessTest, ASignalFails) {
  result.takes = Duration::seconds(100);
  Work const one = work("  t: {shell: x}\n");
  auto const end = start(*runner, one);
  world.run_for(Duration::seconds(1));
  runner->stop(one);
  world.run_for(Duration::seconds(1));
  EXPECT_EQ(end->outcome->kind, Kind::kFailed);
  EXPECT_EQ(end->outcome->detail.int_or("signal", 0), 15);
}

TEST_F(ProcessTest, AStartThatIsRefusedFailsAndOneNobodyKnowsOfIsUnknown) {
  result.refused = Error{Code::kUnavailable, "no spawner", {}};
  EXPECT_EQ(outcome().kind, Kind::kFailed);
  result.refused = Error{Code::kUnknown, "no answer", {}};
  EXPECT_EQ(outcome().kind, Kind::kUnknown);
}

TEST_F(ProcessTest, GivesTheCommandItsFactsAndNothingOfTheServersEnvironment) {
  outcome(
      "{shell: 'echo hello', args: [\"{{ run.id }}\", plain], env: {MINE: \"{{ run.key }}\", "
      "PATH: /mine}}");
  EXPECT_EQ(spec_.argv,
            (std::vector<std::string>{"/bin/sh", "-c", "echo hello", "sh", "01RUN", "plain"}));
  EXPECT_EQ(env("TIDEMILL_RUN_ID"), "01RUN");
  EXPECT_EQ(env("TIDEMILL_ATTEMPT"), "1");
  EXPECT_EQ(env("TIDEMILL_SCHEDULED_AT"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(env("TIDEMILL_INTERVAL_START"), "2025-12-31T23:59:00Z");
  EXPECT_EQ(env("TIDEMILL_INTERVAL_END"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(env("TIDEMILL_OUTPUT"), spec_.output_path);
  EXPECT_EQ(env("MINE"), "k");
  EXPECT_EQ(env("PATH"), "/mine");
  EXPECT_EQ(spec_.folder, "/project");
  EXPECT_EQ(spec_.id.value, "01RUN/t.1");
  EXPECT_THAT(spec_.log_path, HasSubstr("/data/tasklogs/2026-01-01/01RUN/t.1.log"));
}

TEST_F(ProcessTest, ARunningAttemptIsTakenUpAfterARestart) {
  result.takes = Duration::seconds(10);
  result.output = "5";
  Work const one = work("  t: {shell: x}\n");
  start(*runner, one);
  world.run_for(Duration::seconds(1));
  restart();
  auto const end = recover(*runner, one);
  EXPECT_EQ(end->times, 0);
  world.run_for(Duration::seconds(20));
  ASSERT_TRUE(end->outcome);
  EXPECT_EQ(end->outcome->value->json().dump(), "5");
}

TEST_F(ProcessTest, AnAttemptThatEndedMeanwhileIsToldOnceAndKeptUntilItIsSettled) {
  result.takes = Duration::seconds(10);
  result.output = "5";
  Work const one = work("  t: {shell: x}\n");
  start(*runner, one);
  world.run_for(Duration::seconds(1));
  runner.reset();
  world.kill_server();
  world.run_for(Duration::seconds(20));
  make_runner();
  runner->ask_spawner([] {});
  world.run_now();
  auto const end = recover(*runner, one);
  runner->recovered();
  world.run_now();
  EXPECT_EQ(end->times, 1);
  EXPECT_EQ(exits_kept(), 1u);  // not durable yet
  world.processes().detach();
  world.processes().attach();  // the exit is told again
  world.run_now();
  EXPECT_EQ(end->times, 1);
  EXPECT_EQ(exits_kept(), 1u);
  runner->settled(one);
  EXPECT_EQ(exits_kept(), 0u);
}

TEST_F(ProcessTest, AnAttemptThatTheSpawnerDoesNotKnowIsUnknown) {
  restart();
  auto const end = recover(*runner, work("  t: {shell: x}\n"));
  EXPECT_EQ(end->outcome->kind, Kind::kUnknown);
}

// Killed between the commit of a start and its way to the spawner.
TEST_F(ProcessTest, WithinOneBootAnAttemptThatTheSpawnerDoesNotKnowNeverBeganAndIsStarted) {
  boot_id = "one";
  restart();
  runner->recovered();
  restart();
  result.output = "5";
  auto const end = recover(*runner, work("  t: {shell: x}\n"));
  world.run_for(Duration::seconds(20));
  ASSERT_TRUE(end->outcome);
  EXPECT_EQ(end->outcome->value->json().dump(), "5");
}

TEST_F(ProcessTest, AfterAnotherBootNobodyKnowsUntilAllWereAskedAfter) {
  boot_id = "one";
  restart();
  runner->recovered();
  boot_id = "two";
  restart();  // ends before it has asked after all
  restart();
  auto const end = recover(*runner, work("  t: {shell: x}\n"));
  EXPECT_EQ(end->outcome->kind, Kind::kUnknown);
}

TEST_F(ProcessTest, AfterAnotherBootNobodyKnowsUntilThatIsDurable) {
  boot_id = "one";
  restart();
  runner->recovered();
  boot_id = "two";
  restart();
  Work const one = work("  t: {shell: x}\n");
  EXPECT_EQ(recover(*runner, one)->outcome->kind, Kind::kUnknown);
  runner->recovered();
  restart();  // ends before the answer is durable
  EXPECT_EQ(recover(*runner, one)->outcome->kind, Kind::kUnknown);
  runner->recovered();
  runner->settled(one);
  restart();
  auto const end = recover(*runner, one);
  world.run_for(Duration::seconds(20));
  EXPECT_EQ(end->outcome->kind, Kind::kSucceeded);
}

TEST_F(ProcessTest, WhatBelongsToNoAttemptIsStoppedAndForgotten) {
  result.takes = Duration::seconds(1);
  start(*runner, work("  t: {shell: x}\n", "t", 1));
  world.run_for(Duration::millis(100));
  result.takes = Duration::seconds(100);
  start(*runner, work("  t: {shell: x}\n", "t", 2));
  runner.reset();
  world.kill_server();
  world.run_for(Duration::seconds(5));
  restart();
  runner->recovered();
  world.run_for(Duration::seconds(10));
  EXPECT_EQ(world.processes().running(), 0u);
  EXPECT_EQ(exits_kept(), 0u);
}

}  // namespace
}  // namespace tidemill::task
