// Tasks that wait: for the world, or for a person.
#include "engine/test_support.h"

namespace tidemill::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

run::TaskRow task_row(EngineBed& bed, const std::string& name) {
  auto const stored = bed.store->load_run(bed.runs().at(0).id);
  for (const run::TaskRow& row : stored->value().tasks) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << "no row of " << name;
  return {};
}

Json last_detail(EngineBed& bed) {
  auto const attempts = bed.store->attempts_of(bed.runs().at(0).id);
  EXPECT_TRUE(attempts && !attempts->empty());
  return attempts && !attempts->empty() ? attempts->back().detail : Json();
}

TEST(Wait, ManyWaitWithoutHoldingASlot) {
  EngineBed bed;
  bed.limits.processes = 1;
  bed.limits.calls = 1;
  bed.flow("w",
           "on: [call]\ntasks:\n  a: {wait: {file: in/a.csv, every: 1s}}\n"
           "  b: {wait: {file: in/b.csv, every: 1s}}\n  c: {wait: {file: in/a.csv, every: 1s}}\n"
           "  work: {shell: x}\n  next: {shell: x, needs: [a, b, c]}\n");
  bed.start();
  auto const asked = bed.ask("w");
  bed.world.run_for(Duration::seconds(5));
  EXPECT_THAT(bed.started_tasks, ElementsAre("work"));
  bed.file("in/a.csv", "x");
  bed.file("in/b.csv", "x");
  bed.world.run_for(Duration::seconds(2));
  ASSERT_TRUE(asked->result);
  EXPECT_EQ(asked->result->state, run::RunState::kSucceeded);
  EXPECT_THAT(bed.started_tasks, ElementsAre("work", "next"));
}

TEST(Wait, TooLateFailsAndSoftIsSkipped) {
  EngineBed bed;
  bed.flow("w",
           "on: [call]\ntasks:\n  hard: {wait: {file: in/a.csv, every: 10s, timeout: 1m}}\n"
           "  soft: {wait: {file: in/b.csv, every: 10s, timeout: 1m, soft: true}}\n"
           "  after: {shell: x, needs: soft, rule: all_done}\n");
  bed.start();
  auto const asked = bed.call("w");
  ASSERT_TRUE(asked->result);
  EXPECT_EQ(asked->result->state, run::RunState::kFailed);
  EXPECT_EQ(asked->result->error_code, "too_late");
  EXPECT_EQ(task_row(bed, "soft").state, run::TaskState::kSkipped);
  EXPECT_EQ(task_row(bed, "hard").state, run::TaskState::kFailed);
  EXPECT_THAT(bed.started_tasks, ElementsAre("after"));
}

TEST(Wait, ARestartLooksAgainAndKeepsTheTimeLimit) {
  EngineBed bed;
  bed.flow("w", "on: [call]\ntasks:\n  a: {wait: {file: in/a.csv, every: 1h, timeout: 10m}}\n");
  bed.start();
  bed.ask("w");
  bed.world.run_for(Duration::seconds(240));
  bed.kill();
  bed.world.run_for(Duration::seconds(240));
  bed.start();
  bed.world.run_for(Duration::seconds(60));
  EXPECT_THAT(bed.waiting(bed.runs()[0].id).at(0).text, HasSubstr("looked 1 time"));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kRunning);
  bed.world.run_for(Duration::seconds(70));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kFailed);
  EXPECT_EQ(task_row(bed, "a").attempt, run::Attempt(1));
}

TEST(Wait, ADatasetThatAnotherFlowWrites) {
  EngineBed bed;
  bed.flow("w", "on: [call]\ntasks:\n  a: {wait: {dataset: signups}}\n");
  bed.flow("p", "on: [call]\ntasks:\n  a: {publish: {dataset: signups}, with: {x: 1}}\n");
  bed.start();
  auto const asked = bed.ask("w");
  bed.world.run_for(Duration::seconds(10));
  EXPECT_FALSE(asked->result);
  bed.call("p");
  bed.world.run_for(Duration::seconds(2));
  // A publish task updates what it names with `writes`.
  EXPECT_FALSE(asked->result);
  bed.flow("p2", "on: [call]\ntasks:\n  a: {shell: x, writes: signups}\n");
  bed.loader->load({});
  bed.world.run_now();
  bed.call("p2");
  bed.world.run_for(Duration::seconds(2));
  EXPECT_TRUE(asked->result);
  bed.restart();
  EXPECT_TRUE(bed.engine->dataset_updated("signups"));
}

// A bed with one open approval.
class Approve : public ::testing::Test {
 protected:
  void begin(const std::string& settings, const std::string& rest = "") {
    bed.file("tidemill.yaml", "teams: {desk: {members: [anna, ben]}}\n");
    bed.flow("a", "on: [call]\ntasks:\n  review: {approve: " + settings + rest +
                      "}\n  next: {shell: x, needs: review}\n");
    bed.start();
    bed.ask("a");
    bed.world.run_for(Duration::seconds(1));
    ASSERT_THAT(bed.approvals().open(), SizeIs(1));
  }
  task::Decision decision(const std::string& by, bool yes = true) {
    task::Decision made;
    made.run = bed.runs().at(0).id.value;
    made.task = "review";
    made.by = by;
    made.comment = "looks fine";
    if (yes) made.verdict = task::Decision::Verdict::kApprove;
    return made;
  }
  Result<Json> decide(const task::Decision& made) {
    std::optional<Result<Json>> answer;
    bed.approvals().decide(made, [&](Result<Json> recorded) { answer = std::move(recorded); });
    bed.world.run_for(Duration::seconds(1));
    EXPECT_TRUE(answer) << "no answer";
    return answer.value_or(fail(Code::kInternal, "no answer"));
  }
  EngineBed bed;
};

TEST_F(Approve, WhoAndWhenAreRecordedAndTheRunGoesOn) {
  begin("{team: desk, message: \"Loan {{ run.id }}\", fields: {limit: number}}");
  EXPECT_THAT(bed.approvals().open()[0].message, HasSubstr("Loan 0"));
  EXPECT_THAT(bed.waiting(bed.runs()[0].id).at(0).text, HasSubstr("the approval of desk"));
  task::Decision made = decision("anna");
  EXPECT_THAT(decide(made).error().message, HasSubstr("the field 'limit' is missing"));
  made.fields.set("limit", 5000);
  auto const recorded = decide(made);
  ASSERT_TRUE(recorded) << recorded.error().text();
  EXPECT_EQ(recorded->text_or("by", ""), "anna");
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
  EXPECT_THAT(task_row(bed, "review").value, HasSubstr("\"limit\":5000"));
  auto const attempts = bed.store->attempts_of(bed.runs()[0].id);
  EXPECT_EQ(attempts->at(0).detail.text_or("decision", ""), "approve");
  EXPECT_THAT(attempts->at(0).detail.text_or("at", ""), HasSubstr("2026-01-01T00:00:0"));
}

TEST_F(Approve, OnlyMembersDecideAndOnlyOnce) {
  begin("desk");
  EXPECT_EQ(decide(decision("mallory")).error().code, Code::kDenied);
  EXPECT_TRUE(decide(decision("ben")));
  EXPECT_EQ(decide(decision("anna")).error().code, Code::kNotFound);
}

TEST_F(Approve, RejectedFailsWithTheReason) {
  begin("desk");
  EXPECT_TRUE(decide(decision("ben", false)));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kFailed);
  EXPECT_EQ(task_row(bed, "review").error, "rejected by ben: looks fine");
  EXPECT_EQ(last_detail(bed).text_or("decision", ""), "reject");
}

TEST_F(Approve, RejectedIsSkippedWhereTheFlowSaysSo) {
  begin("{team: desk, rejected: skip}");
  EXPECT_TRUE(decide(decision("ben", false)));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
  EXPECT_EQ(task_row(bed, "review").state, run::TaskState::kSkipped);
}

TEST_F(Approve, ARestartKeepsItOpenAndADecisionIsDurableWhenAnswered) {
  begin("desk");
  bed.restart();
  bed.world.run_for(Duration::seconds(1));
  ASSERT_THAT(bed.approvals().open(), SizeIs(1));
  ASSERT_TRUE(decide(decision("ben")));
  bed.restart();
  bed.world.run_for(Duration::seconds(1));
  EXPECT_THAT(bed.approvals().open(), SizeIs(0));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
  EXPECT_THAT(task_row(bed, "review").value, HasSubstr("\"by\":\"ben\""));
}

TEST_F(Approve, ADecisionThatCannotBeWrittenIsAnsweredOnceItIs) {
  begin("desk");
  bed.commit_fails = [](const run::Changes&) -> std::optional<Code> { return Code::kExhausted; };
  std::optional<Result<Json>> answer;
  bed.approvals().decide(decision("ben"), [&](Result<Json> recorded) { answer = recorded; });
  bed.world.run_for(Duration::seconds(5));
  EXPECT_FALSE(answer);
  bed.commit_fails = nullptr;
  bed.world.run_for(Duration::seconds(5));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(*answer);
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
}

TEST_F(Approve, ATimeoutFailsOrTakesTheDefault) {
  begin("desk", ", timeout: 1h");
  bed.world.run_for(Duration::seconds(3700));
  EXPECT_EQ(bed.runs()[0].error_code, "too_late");
}

TEST_F(Approve, ATimeoutCanApprove) {
  begin("{team: desk, at_timeout: approve, fields: {limit: {type: number, default: 10}}}",
        ", timeout: 1h");
  bed.world.run_for(Duration::seconds(3700));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
  EXPECT_THAT(task_row(bed, "review").value, HasSubstr("\"by\":\"timeout\""));
}

TEST_F(Approve, ACancelledRunApprovesNothing) {
  begin("{team: desk, at_timeout: approve}", ", timeout: 1h");
  bed.engine->cancel(bed.runs()[0].id, "no more", [](const Status&) {});
  bed.world.run_for(Duration::seconds(1));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kCancelled);
  EXPECT_THAT(bed.approvals().open(), SizeIs(0));
  EXPECT_THAT(bed.started_tasks, SizeIs(0));
}

TEST_F(Approve, FourEyesRefuseWhoAskedForTheRun) {
  bed.file("tidemill.yaml", "teams: {desk: {members: [anna, ben]}}\n");
  bed.flow("a", "on: [call]\ntasks:\n  review: {approve: {team: desk, four_eyes: true}}\n");
  bed.flow("outer", "on: [call]\ntasks: {sub: {flow: a}}\n");
  bed.start();
  RunRequest request;
  request.flow = flow::FlowName("outer");
  request.cause.trigger = "call";
  request.cause.principal = "anna";
  bed.engine->request(std::move(request));
  bed.world.run_for(Duration::seconds(1));
  ASSERT_THAT(bed.approvals().open(), SizeIs(1));
  task::Decision made = decision("anna");
  made.run = bed.approvals().open()[0].run;
  EXPECT_EQ(decide(made).error().code, Code::kDenied);
  made.by = "ben";
  EXPECT_TRUE(decide(made));
}

}  // namespace
}  // namespace tidemill::engine
