// Runs that are asked for: results, keys, joins, sub runs.
#include "engine/test_support.h"

namespace tidemill::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kDecide =
    "on: [call]\n"
    "params: {x: integer}\n"
    "tasks:\n"
    "  double: {calc: \"select {{ x }} * 2 as y\"}\n"
    "  check: {shell: check, needs: double}\n"
    "  decide: {calc: \"select y + 1 as z from double\", needs: [double, check]}\n";

Json x_is(int x) { return Json::object().set("x", x); }

TEST(Call, RunsTheFlowAndTellsItsOutput) {
  EngineBed bed;
  bed.flow("decide", kDecide);
  bed.start();
  bed.behaviour["check"].output = R"({"ok": true})";
  auto const asked = bed.call("decide", x_is(20));
  ASSERT_TRUE(asked->result);
  EXPECT_EQ(asked->result->state, run::RunState::kSucceeded);
  EXPECT_EQ(asked->result->output.dump(),
            R"({"double":{"y":40},"check":{"ok":true},"decide":{"z":41}})");
  EXPECT_EQ(bed.engine->open_runs(), 0u);
}

TEST(Call, RefusesWhatCannotBeAskedAndStartsNothing) {
  EngineBed bed;
  bed.flow("decide", kDecide);
  bed.start();
  EXPECT_EQ(bed.call("decid", x_is(1))->refusal(), Code::kNotFound);
  EXPECT_THAT(bed.call("decid", x_is(1))->accepted->error().message, HasSubstr("decide"));
  EXPECT_EQ(bed.call("decide", Json::object().set("x", "text"))->refusal(), Code::kInvalid);
  EXPECT_EQ(bed.call("decide", Json::object())->refusal(), Code::kInvalid);
  EXPECT_EQ(bed.call("decide", x_is(1).set("y", 2))->refusal(), Code::kInvalid);
  EXPECT_THAT(bed.runs(), IsEmpty());
}

TEST(Call, TheSameKeyAndParamsIsTheSameRunWheneverItComes) {
  EngineBed bed;
  bed.flow("decide", kDecide);
  bed.behaviour["check"].takes = Duration::seconds(5);
  bed.start();
  auto const first = bed.ask("decide", x_is(1), "k");
  auto const at_once = bed.ask("decide", x_is(1), "k");
  bed.world.run_for(Duration::seconds(1));
  auto const later = bed.ask("decide", x_is(1), "k");
  auto const other = bed.ask("decide", x_is(2), "k");
  bed.world.run_for(Duration::seconds(10));
  ASSERT_TRUE(first->result && at_once->result && later->result);
  EXPECT_EQ(at_once->result->id, first->result->id);
  EXPECT_EQ(later->result->id, first->result->id);
  EXPECT_EQ(other->refusal(), Code::kConflict);
  auto const after = bed.call("decide", x_is(1), "k");
  EXPECT_EQ(after->result->id, first->result->id);
  EXPECT_EQ(after->result->output, first->result->output);
  EXPECT_EQ(bed.call("decide", x_is(2), "k")->refusal(), Code::kConflict);
  bed.restart();
  EXPECT_EQ(bed.call("decide", x_is(1), "k")->result->output, first->result->output);
  EXPECT_THAT(bed.runs(), SizeIs(1));
}

TEST(Call, AFailedRunOfACallKeyIsAnsweredAsItFailed) {
  EngineBed bed;
  bed.flow("decide", kDecide);
  bed.behaviour["check"].exit_code = 3;
  bed.start();
  auto const first = bed.call("decide", x_is(1), "k");
  EXPECT_EQ(first->result->state, run::RunState::kFailed);
  EXPECT_THAT(first->result->error, HasSubstr("exited with code 3"));
  bed.behaviour["check"].exit_code = 0;
  auto const second = bed.call("decide", x_is(1), "k");
  EXPECT_EQ(second->result->state, run::RunState::kFailed);
  EXPECT_THAT(bed.started_tasks, SizeIs(1));
}

constexpr const char* kKeyed =
    "on: [call]\n"
    "key: \"{{ x }}\"\n"
    "params: {x: integer}\n"
    "deadline: 60s\n"
    "tasks:\n"
    "  first: {shell: a, on_unknown: rerun}\n"
    "  second: {shell: b, needs: first, on_unknown: rerun}\n";

TEST(Call, AFailedRunOfAFlowsOwnKeyGetsNewAttemptsOfItsFailedTasks) {
  for (bool restart : {false, true}) {
    EngineBed bed;
    bed.flow("keyed", kKeyed);
    bed.behaviour["second"].exit_code = 1;
    bed.start();
    auto const first = bed.call("keyed", x_is(1));
    EXPECT_EQ(first->result->state, run::RunState::kFailed);
    if (restart) bed.restart();
    bed.world.run_for(Duration::seconds(1000));
    bed.behaviour["second"] = {.takes = Duration::seconds(30)};
    auto const second = bed.ask("keyed", x_is(1));
    bed.world.run_for(Duration::seconds(10));
    if (restart) bed.restart();  // the deadline counts from when it was asked for again
    bed.world.run_for(Duration::seconds(100));
    ASSERT_THAT(bed.runs(), SizeIs(1));
    EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded) << bed.runs()[0].error;
    EXPECT_THAT(bed.started_tasks, ElementsAre("first", "second", "second"));
    if (!restart) {
      EXPECT_EQ(second->result->state, run::RunState::kSucceeded);
    }
    EXPECT_EQ(bed.call("keyed", x_is(1))->result->state, run::RunState::kSucceeded);
  }
}

TEST(Call, AReopenedRunHasADeadlineAgain) {
  EngineBed bed;
  bed.flow("keyed", kKeyed);
  bed.behaviour["second"].exit_code = 1;
  bed.start();
  bed.call("keyed", x_is(1));
  bed.world.run_for(Duration::seconds(1000));
  bed.behaviour["second"] = {.takes = Duration::seconds(3600)};
  auto const second = bed.ask("keyed", x_is(1));
  bed.world.run_for(Duration::seconds(50));
  EXPECT_FALSE(second->result);
  bed.world.run_for(Duration::seconds(20));
  ASSERT_TRUE(second->result);
  EXPECT_EQ(second->result->error_code, "too_late");
}

TEST(Call, AReopenThatIsNotCommittedIsAsIfNobodyHadAsked) {
  EngineBed bed;
  bed.flow("keyed", kKeyed);
  bed.behaviour["second"].exit_code = 1;
  bed.start();
  bed.call("keyed", x_is(1));
  bed.behaviour["second"].exit_code = 0;
  bed.commit_fails = [](const run::Changes&) { return Code::kExhausted; };
  EXPECT_EQ(bed.call("keyed", x_is(1))->refusal(), Code::kUnavailable);
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kFailed);
  bed.commit_fails = nullptr;
  bed.world.run_for(Duration::seconds(2));
  auto const again = bed.call("keyed", x_is(1));
  ASSERT_TRUE(again->result);
  EXPECT_EQ(again->result->state, run::RunState::kSucceeded);
}

constexpr const char* kParent =
    "on: [call]\n"
    "params: {list: json}\n"
    "tasks:\n"
    "  each: {flow: keyed, for_each: list, with: {x: \"{{ item.value }}\"}}\n"
    "  sum: {calc: \"select count(*) as n from each\", needs: each}\n";

Json list_of(std::initializer_list<int> numbers) {
  Json list = Json::array();
  for (int number : numbers) list.push(number);
  return Json::object().set("list", std::move(list));
}

TEST(SubRuns, ShareTheRunOfTheirKey) {
  EngineBed bed;
  bed.flow("keyed", kKeyed);
  bed.flow("parent", kParent);
  bed.behaviour["first"].takes = Duration::seconds(2);
  bed.start();
  auto const a = bed.ask("parent", list_of({1, 2, 3, 2}), "a");
  auto const b = bed.ask("parent", list_of({3, 4}), "b");
  bed.world.run_for(Duration::seconds(20));
  ASSERT_TRUE(a->result && b->result);
  EXPECT_EQ(a->result->state, run::RunState::kSucceeded) << a->result->error;
  EXPECT_EQ(b->result->state, run::RunState::kSucceeded);
  EXPECT_THAT(bed.runs("keyed"), SizeIs(4));
  EXPECT_EQ(a->result->output.find("each")->as_array().size(), 4u);
  EXPECT_EQ(bed.runs("keyed")[0].cause.origin, "call");
}

TEST(SubRuns, AreFoundAgainAfterAKillAtAnyStep) {
  for (int steps = 1; steps < 80; steps += 3) {
    EngineBed bed;
    bed.flow("keyed", kKeyed);
    bed.flow("parent", kParent);
    bed.start();
    bed.ask("parent", list_of({1, 2}), "a");
    int left = steps;
    bed.world.run_until([&] { return --left <= 0; }, Duration::seconds(10));
    bed.restart();
    auto const again = bed.call("parent", list_of({1, 2}), "a");
    ASSERT_TRUE(again->result) << steps;
    EXPECT_EQ(again->result->state, run::RunState::kSucceeded) << again->result->error;
    EXPECT_THAT(bed.runs("keyed"), SizeIs(2));
    for (const auto& [id, count] : bed.starts) EXPECT_EQ(count, 1) << id;
    EXPECT_THAT(bed.starts, SizeIs(4)) << steps;
  }
}

TEST(SubRuns, ARetryOfAFlowTaskGivesTheFailedRunNewAttempts) {
  EngineBed bed;
  bed.flow("child", "tasks: {work: {shell: x}}\n");
  bed.flow("parent", "on: [call]\ntasks: {go: {flow: child, retry: {attempts: 3, base: 5s}}}\n");
  int failures = 2;
  bed.behave = [&](const io::ProcessSpec&) {
    return io::SimProcessResult{.exit_code = failures-- > 0 ? 1 : 0};
  };
  bed.start();
  auto const asked = bed.call("parent");
  ASSERT_TRUE(asked->result);
  EXPECT_EQ(asked->result->state, run::RunState::kSucceeded) << asked->result->error;
  EXPECT_THAT(bed.runs("child"), SizeIs(1));
  EXPECT_THAT(bed.started_tasks, SizeIs(3));
}

TEST(SubRuns, OfAFlowThatIsGoneFailTheirTaskAndSaySo) {
  EngineBed bed;
  bed.flow("child", "tasks: {work: {shell: x}}\n");
  bed.flow("parent", "on: [call]\ntasks: {wait: {shell: x}, go: {flow: child, needs: wait}}\n");
  bed.behaviour["wait"].takes = Duration::seconds(5);
  bed.start();
  auto const asked = bed.ask("parent");
  bed.world.run_for(Duration::seconds(1));
  ASSERT_TRUE(bed.world.files().remove("/project/flows/child.yaml"));
  ASSERT_TRUE(bed.world.files().remove("/project/flows/parent.yaml"));
  bed.loader->load({});
  bed.world.run_for(Duration::seconds(10));
  ASSERT_TRUE(asked->result);
  EXPECT_THAT(asked->result->error, HasSubstr("there is no flow 'child'"));
}

TEST(Cancel, StopsTheProcessesAndEndsTheRunAlsoOverAKill) {
  for (bool kill : {false, true}) {
    EngineBed bed;
    bed.flow("decide", kDecide);
    bed.behaviour["check"] = {.takes = Duration::seconds(3600),
                              .on_term = io::SimProcessResult::OnTerm::kIgnores};
    bed.start();
    auto const asked = bed.ask("decide", x_is(1));
    bed.world.run_for(Duration::seconds(1));
    std::optional<Status> answer;
    bed.engine->cancel(**asked->accepted, "not wanted", [&](Status done) { answer = done; });
    bed.world.run_for(Duration::seconds(1));
    ASSERT_TRUE(answer && *answer);
    if (kill) bed.restart();
    bed.world.run_for(Duration::seconds(30));  // killed after its grace
    EXPECT_EQ(bed.runs()[0].state, run::RunState::kCancelled);
    EXPECT_EQ(bed.world.processes().running(), 0u);
    EXPECT_EQ(bed.engine->open_runs(), 0u);
  }
}

TEST(Cancel, OfARunThatIsNotOpenSaysSo) {
  EngineBed bed;
  bed.start();
  std::optional<Status> answer;
  bed.engine->cancel(run::RunId("01X"), "", [&](Status done) { answer = done; });
  bed.world.run_now();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, Code::kNotFound);
}

TEST(Overlap, ACallTriggerThatSkipsRefusesTheSecondCall) {
  EngineBed bed;
  bed.flow("one", "on: [{call: {}, overlap: skip}]\ntasks: {work: {shell: x}}\n");
  bed.behaviour["work"].takes = Duration::seconds(5);
  bed.start();
  RunRequest request;
  request.flow = flow::FlowName("one");
  request.cause.trigger = "call";
  request.cause.trigger_id = bed.engine->flows().current(request.flow)->flow->triggers[0].id;
  int accepted = 0;
  std::vector<Code> refused;
  request.on_accepted = [&](const Result<run::RunId>& answer) {
    if (answer) {
      ++accepted;
    } else {
      refused.push_back(answer.error().code);
    }
  };
  bed.engine->request(request);
  bed.engine->request(request);
  bed.world.run_for(Duration::seconds(1));
  EXPECT_EQ(accepted, 1);
  EXPECT_THAT(refused, ElementsAre(Code::kConflict));
}

TEST(Overlap, MaxRunningQueuesCallsInOrder) {
  EngineBed bed;
  bed.flow("one", "on: [call]\nmax_running: 2\nparams: {n: integer}\ntasks: {work: {shell: x}}\n");
  bed.behaviour["work"].takes = Duration::seconds(5);
  bed.start();
  for (int i = 0; i < 6; ++i) bed.ask("one", Json::object().set("n", i));
  for (int round = 1; round <= 3; ++round) {
    bed.world.run_for(Duration::seconds(1));
    if (round == 2) bed.restart();
    EXPECT_EQ(bed.world.processes().running(), 2u);
    bed.world.run_for(Duration::seconds(4));
  }
  bed.world.run_for(Duration::seconds(2));
  for (const auto& row : bed.runs("one")) EXPECT_EQ(row.state, run::RunState::kSucceeded);
  EXPECT_THAT(bed.started_tasks, SizeIs(6));
}

TEST(Slots, ProcessesAtOnceStayWithinTheLimitAlsoAfterAKill) {
  EngineBed bed;
  bed.limits.processes = 3;
  bed.flow("wide", "on: [call]\nparams: {list: json}\ntasks: {work: {shell: x, for_each: list}}\n");
  size_t most = 0;
  bed.behave = [&](const io::ProcessSpec&) {
    most = std::max(most, bed.world.processes().running() + 1);
    return io::SimProcessResult{.takes = Duration::millis(100)};
  };
  bed.start();
  Json list = Json::array();
  for (int i = 0; i < 40; ++i) list.push(i);
  bed.ask("wide", Json::object().set("list", list));
  bed.world.run_for(Duration::millis(350));
  bed.restart();
  bed.world.run_for(Duration::seconds(10));
  EXPECT_EQ(most, 3u);
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
  EXPECT_THAT(bed.starts, SizeIs(40));
}

TEST(Timeouts, HoldOverAKill) {
  EngineBed bed;
  bed.flow("slow", "on: [call]\ntasks: {work: {shell: x, timeout: 10s}}\n");
  bed.behaviour["work"].takes = Duration::seconds(3600);
  bed.start();
  bed.ask("slow");
  bed.world.run_for(Duration::seconds(6));
  bed.restart();
  bed.world.run_for(Duration::seconds(3));
  EXPECT_EQ(bed.engine->open_runs(), 1u);
  bed.world.run_for(Duration::seconds(2));
  EXPECT_EQ(bed.engine->open_runs(), 0u);
  EXPECT_THAT(bed.runs()[0].error, HasSubstr("timeout of 10s"));
}

}  // namespace
}  // namespace tidemill::engine
