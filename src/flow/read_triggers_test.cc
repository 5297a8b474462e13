#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

class ReadTriggers : public FlowTest {
 protected:
  std::string with(const std::string& on) {
    return "flow: f\ntasks: {a: {shell: x}}\non:\n  - " + on + "\n";
  }
  const Trigger& only(const std::shared_ptr<const Flow>& flow) { return flow->triggers.at(0); }
};

TEST_F(ReadTriggers, ReadsCron) {
  auto const flow =
      AssertLoads(with("{cron: \"*/10 * * * *\", id: often, dialect: debian, zone: Europe/Paris, "
                       "missed: within(1h), "
                       "overlap: allow}"));
  ASSERT_TRUE(flow);
  EXPECT_EQ(only(flow).kind, Trigger::Kind::kCron);
  EXPECT_EQ(only(flow).id, "often");
  EXPECT_EQ(only(flow).text, "cron \"*/10 * * * *\" dialect debian zone Europe/Paris");
  EXPECT_EQ(only(flow).schedule->zone().name(), "Europe/Paris");
  EXPECT_EQ(only(flow).missed.policy, Missed::Policy::kWithin);
  EXPECT_EQ(only(flow).overlap, Overlap::kAllow);
}

TEST_F(ReadTriggers, ReadsEveryDownToFiftyMilliseconds) {
  auto const flow = AssertLoads(with("every: 50ms"));
  ASSERT_TRUE(flow);
  EXPECT_EQ(only(flow).text, "every 50ms");
  EXPECT_EQ(only(flow).overlap, Overlap::kSkip);
  EXPECT_EQ(only(flow).missed.policy, Missed::Policy::kLatest);
  EXPECT_EQ(only(flow).schedule->next(Time{0})->due.us, 50'000);
  AssertErrors(with("every: 49ms"), "4:12: 'every': found '49ms', expected 50ms to 3660d");
}

TEST_F(ReadTriggers, ReadsAfterAndCall) {
  auto const flow = AssertLoads(
      "flow: f\ntasks: {a: {shell: x}}\non:\n  - call\n  - after: g\n"
      "  - after: {flow: h, state: done}\n  - after: {dataset: d}\n    overlap: allow\n");
  ASSERT_TRUE(flow);
  ASSERT_EQ(flow->triggers.size(), 4u);
  EXPECT_EQ(flow->triggers[0].kind, Trigger::Kind::kCall);
  EXPECT_EQ(flow->triggers[0].overlap, Overlap::kQueue);
  EXPECT_EQ(flow->triggers[1].source, "g");
  EXPECT_EQ(flow->triggers[2].after, Trigger::After::kDone);
  EXPECT_EQ(flow->triggers[2].text, "after h done");
  EXPECT_EQ(flow->triggers[3].kind, Trigger::Kind::kAfterDataset);
  EXPECT_EQ(flow->triggers[3].overlap, Overlap::kAllow);
}

TEST_F(ReadTriggers, AcceptsOneTriggerWithoutAList) {
  EXPECT_EQ(only(AssertLoads("flow: f\non: call\ntasks: {a: {shell: x}}\n")).text, "call");
  EXPECT_EQ(only(AssertLoads("flow: f\non: {call: {}}\ntasks: {a: {shell: x}}\n")).text, "call");
  EXPECT_EQ(only(AssertLoads("flow: f\non: {every: 1s}\ntasks: {a: {shell: x}}\n")).text,
            "every 1s");
}

TEST_F(ReadTriggers, TakesTheFlowsDefaults) {
  auto const flow = AssertLoads(
      "flow: f\noverlap: skip\nmissed: lost\non: [{every: 1s}, call, {after: g}]\n"
      "tasks: {a: {shell: x}}\n");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->triggers[0].overlap, Overlap::kSkip);
  EXPECT_EQ(flow->triggers[0].missed.policy, Missed::Policy::kLost);
  EXPECT_EQ(flow->triggers[1].overlap, Overlap::kQueue);
  EXPECT_EQ(flow->triggers[2].overlap, Overlap::kQueue);
}

TEST_F(ReadTriggers, GivesATriggerTheSameIdUntilItsTextChanges) {
  auto id = [&](const std::string& on) { return only(AssertLoads(with(on))).id; };
  EXPECT_EQ(id("{every: 1s}"), id("{every: 1000ms, overlap: allow}"));
  EXPECT_NE(id("{every: 1s}"), id("{every: 2s}"));
  EXPECT_NE(id("{cron: \"0 1 * * *\"}"), id("{cron: \"0 1 * * *\", zone: Asia/Tokyo}"));
}

TEST_F(ReadTriggers, RefusesTwoWithOneId) {
  AssertErrors(with("every: 1s\n  - every: 1s"),
               "5:5: the trigger every 1s stands twice; take one away, or give each an id");
  AssertErrors(with("{every: 1s, id: a}\n  - {every: 2s, id: a}"),
               "5:5: two triggers have the id 'a'");
}

TEST_F(ReadTriggers, RefusesWhatIsNoTrigger) {
  AssertErrors(
      with("cal"),
      "4:5: 'on' of the flow: found 'cal', expected a trigger: cron, every, at, after or call; "
      "did you mean 'call'?");
  AssertErrors(
      with("[call]"),
      "4:5: 'on' of the flow: found a list, expected a trigger: cron, every, at, after or call");
  AssertErrors(
      with("{evry: 1s}"),
      "4:5: 'on' of the flow: expected a trigger: cron, every, at, after or call; did you mean "
      "'every'?");
  AssertErrors(
      with("{every: 1s, call: {}}"),
      "4:5: one trigger has several of cron, every, at, after and call; write one list item for "
      "each");
  AssertErrors(
      with("{call: {x: 1}}"),
      "4:12: 'call': found a map, expected nothing: the params of a run come with the call");
}

TEST_F(ReadTriggers, RefusesTriggersThatAreNotBuilt) {
  AssertErrors(
      with("topic: signups"),
      "4:5: the trigger 'topic' is not available in this version; use after: {dataset: ...} "
      "or call");
}

TEST_F(ReadTriggers, ReadsOneInstantInItsZone) {
  auto const flow = AssertLoads(with("{at: \"2026-07-01 02:00\", zone: Europe/Paris, jitter: 5m}"));
  ASSERT_TRUE(flow);
  EXPECT_EQ(only(flow).kind, Trigger::Kind::kAt);
  EXPECT_EQ(only(flow).text, "at 2026-07-01T00:00:00Z");
  EXPECT_EQ(only(flow).jitter, Duration::seconds(300));
  auto const same = AssertLoads(with("{at: 2026-07-01T02:00:00+02:00}"));
  ASSERT_TRUE(same);
  EXPECT_EQ(only(same).id, only(flow).id);
  AssertErrors(with("{every: 1s, jitter: 2s}"),
               "4:25: 'jitter' of every: found 2s, expected at most the period");
  AssertErrors(with("{at: soon}"),
               "4:10: 'at': found 'soon', expected an instant, such as 2026-03-01T02:00:00Z, or "
               "local time, such as 2026-03-01 02:00");
}

TEST_F(ReadTriggers, RefusesKeysOfOtherTriggers) {
  AssertErrors(
      with("{every: 1s, zone: UTC}"),
      "4:17: 'zone' does not apply to every trigger, which is of kind every; it is for cron, at");
  AssertErrors(with("{after: g, missed: lost}"),
               "4:16: 'missed' does not apply to after trigger, which is of kind after; it is for "
               "cron, every, at");
  AssertErrors(
      with("{every: 1s, ovrlap: skip}"),
      "4:17: unknown key 'ovrlap' in every trigger; did you mean 'overlap'? expected one of: "
      "every, id, jitter, missed, overlap, with");
}

TEST_F(ReadTriggers, RefusesBadCron) {
  AssertErrors(
      with("{cron: \"61 * * * *\"}"),
      "4:12: 'cron': minute field, column 1: found '61', expected a number from 0 to 59, "
      "'*', 'H'. Elsewhere: debian refuses it too; busybox logs an error and fills the field");
  AssertErrors(
      with("{cron: \"* * * * *\", dialect: quartz, zone: Nowhere, days: some, dst: maybe}"),
      "4:34: 'dialect' of cron trigger: the dialect quartz (Quartz CronExpression) is not one "
      "of a flow: write the same in tidemill, and compare the ticks with 'tidemill cron explain'; "
      "expected one of: debian, tidemill\n"
      "4:48: 'zone' of cron trigger: 'Nowhere' is not a zone; expected a name of the IANA "
      "database, such as UTC or Europe/Paris\n"
      "4:63: 'days' of cron trigger: days: found 'some', expected one of: any, all\n"
      "4:74: 'dst' of cron trigger: dst: found 'maybe', expected one of: two_phase, skip, twice, "
      "once");
  AssertErrors(
      with("{cron: \"0 0 1 * 1\"}"),
      "4:12: 'cron': day-of-month field, column 5, and day-of-week field, column 9: found '1' and "
      "'1', both restricted; expected 'days: any' (either of them) or 'days: all' (both together) "
      "with the schedule. Elsewhere: any in debian, cronie, vixie4, busybox and robfig; all in "
      "fcron; refused by Quartz and AWS");
  AssertLoads(with("{cron: \"0 0 1 * 1\", days: any}"));
  AssertErrors(with("{cron: \"@reboot\"}"),
               "4:12: 'cron': '@reboot' has no ticks and starts nothing here; expected a schedule");
}

TEST_F(ReadTriggers, RefusesBadAfter) {
  AssertErrors(with("after: f"),
               "4:12: 'after': flow 'f' comes after itself and would run without end; name another "
               "flow");
  AssertErrors(with("after: {}"),
               "4:12: 'after': expected one of 'flow: NAME' and 'dataset: NAME'");
  AssertErrors(with("after: {flow: g, dataset: d}"),
               "4:12: 'after': expected one of 'flow: NAME' and 'dataset: NAME'");
  AssertErrors(
      with("after: {flow: g, state: broken}"),
      "4:29: 'state' of 'after': found 'broken', expected one of: succeeded, failed, done");
  AssertErrors(with("after: {dataset: d, state: done}"),
               "4:32: 'state' of 'after' is for a flow; a dataset has none");
  AssertErrors(
      with("{after: g, overlap: skip}"),
      "4:25: 'overlap' of an after trigger: found 'skip', expected queue or allow: what comes "
      "after a run is owed");
}

TEST_F(ReadTriggers, RefusesBadMissed) {
  AssertErrors(
      with("{every: 1s, missed: within(soon)}"),
      "4:25: 'missed' of every trigger: found 'within(soon)', expected within(duration), such "
      "as within(1h), at most 3660d");
  AssertErrors(
      with("{every: 1s, missed: last}"),
      "4:25: 'missed' of every trigger: found 'last', expected one of: lost, latest, all(n), "
      "within(duration)");
}

TEST_F(ReadTriggers, ChecksTheParamsThatATriggerGives) {
  std::string const params =
      "flow: f\nparams: {id: string, n: {type: integer, default: 1}}\n"
      "tasks: {a: {shell: x}}\non: ";
  AssertErrors(
      params + "{every: 1s}\n",
      "4:5: the every trigger gives no value for the param 'id', which has no default; add "
      "with: {id: ...}");
  AssertErrors(params + "{every: 1s, with: {id: 5, m: 1, n: x}}\n",
               "4:28: param 'id': found 5, expected text in quotes\n"
               "4:31: the flow has no param 'm'; did you mean 'n'? it has: id, n\n"
               "4:40: param 'n': found \"x\", expected a whole number of at most 64 bits");
  AssertErrors(params + "{every: 1s, with: {id: \"{{ n }}\"}}\n",
               "4:32: 'n': params cannot be read here");
  auto const flow = AssertLoads(params + "{every: 1s, with: {id: \"{{ run.scheduled_at }}\"}}\n");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->triggers.at(0).with.size(), 1u);
  AssertLoads(params + "call\n");
}

TEST_F(ReadTriggers, RefusesTooMany) {
  std::string on = "{every: 1s}";
  for (int i = 2; i < 200; ++i) on += "\n  - {every: " + std::to_string(i) + "s}";
  AssertErrors(with(on), "4:3: 'on' of the flow: 199 triggers; at most 100 are accepted");
}

}  // namespace
}  // namespace tidemill::flow
