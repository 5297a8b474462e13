// What starts runs by itself: the clock, other flows, datasets.
#include <set>

#include "engine/test_support.h"

namespace tidemill::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kWork = "tasks: {work: {shell: x}}\n";
Time at(const char* text) { return *parse_rfc3339(text); }

TEST(Cron, RunsOncePerTickWithTheTicksOwnTimes) {
  EngineBed bed(1, at("2026-03-01T00:00:30Z"));
  bed.flow("c", std::string("on: [{cron: '*/20 * * * *', id: t}]\n") + kWork);
  bed.start();
  bed.world.run_for(Duration::seconds(3600));
  EXPECT_THAT(bed.keys("c"), ElementsAre("cron:t/2026-03-01T00:20/0", "cron:t/2026-03-01T00:40/0",
                                         "cron:t/2026-03-01T01:00/0"));
  auto const rows = bed.runs("c");
  EXPECT_EQ(format_rfc3339(rows[1].scheduled_at), "2026-03-01T00:40:00Z");
  EXPECT_EQ(format_rfc3339(rows[1].interval_start), "2026-03-01T00:20:00Z");
  EXPECT_EQ(format_rfc3339(rows[1].interval_end), "2026-03-01T00:40:00Z");
  EXPECT_EQ(rows[1].cause.trigger, "cron");
  EXPECT_EQ(rows[1].created, rows[1].scheduled_at);
}

// Zone, start, days, and how many ticks of "30 * * * *" and of "30 2 * * *" are due.
struct Change {
  const char* zone;
  const char* start;
  size_t hourly;
  size_t at_half_past_two;
};

TEST(Cron, CrossesChangesOfTheClockAsTheScheduleSays) {
  for (Change const& change : {Change{"Europe/Berlin", "2026-03-28T00:00:00Z", 48, 2},
                               Change{"Europe/Berlin", "2026-10-24T00:00:00Z", 48, 2},
                               Change{"America/New_York", "2026-03-08T00:00:00Z", 48, 2},
                               Change{"Australia/Lord_Howe", "2026-04-04T00:00:00Z", 0, 2}}) {
    EngineBed bed(1, at(change.start));
    std::string const zone = std::string("zone: ") + change.zone + "\n";
    bed.flow("hourly", zone + "on: [{cron: '30 * * * *', id: t}]\n" + kWork);
    bed.flow("daily", zone + "on: [{cron: '30 2 * * *', id: t}]\n" + kWork);
    bed.start();
    // The engine fires exactly what the schedule lists.
    std::vector<std::string> expected;
    auto const& trigger =
        bed.engine->flows().current(flow::FlowName("hourly"))->flow->triggers.at(0);
    Time const end = at(change.start) + Duration::seconds(2 * 86'400);
    for (auto tick = trigger.schedule->next(at(change.start)); tick && tick->due <= end;
         tick = trigger.schedule->next(*tick)) {
      expected.push_back(format_rfc3339(tick->due));
    }
    for (int hour = 0; hour < 48; ++hour) {
      bed.world.run_for(Duration::seconds(3600));
      if (hour % 7 == 3) bed.restart();
    }
    EXPECT_EQ(bed.due("hourly"), expected) << change.zone;
    if (change.hourly > 0) {
      EXPECT_THAT(bed.due("hourly"), SizeIs(change.hourly)) << change.zone;
    }
    EXPECT_THAT(bed.due("daily"), SizeIs(change.at_half_past_two)) << change.zone;
    EXPECT_THAT(bed.skipped("hourly"), IsEmpty());
  }
}

TEST(Every, SkipsATickWhileARunIsOpenAndCountsIt) {
  EngineBed bed;
  bed.flow("sweep", std::string("on: [{every: 1s, id: t}]\n") + kWork);
  bed.behaviour["work"].takes = Duration::millis(2500);
  bed.start();
  bed.world.run_for(Duration::seconds(12));
  auto const due = bed.due("sweep");
  EXPECT_THAT(due, ElementsAre("2026-01-01T00:00:01Z", "2026-01-01T00:00:04Z",
                               "2026-01-01T00:00:07Z", "2026-01-01T00:00:10Z"));
  EXPECT_THAT(bed.skipped("sweep"), IsEmpty());
  bed.kill();
  auto reader = store::open_sqlite_reader(bed.folder.path(), bed.world.files());
  ASSERT_TRUE(reader);
}

TEST(At, RunsOnceAlsoAfterARestartAndWhenItWasMissed) {
  EngineBed bed;  // 2026-01-01
  bed.flow("a", std::string("on: [{at: 2026-01-01T00:01:00Z, id: one}, "
                            "{at: \"2026-01-01 01:10\", zone: Europe/Paris, id: two}, "
                            "{at: 2025-12-31T00:00:00Z, id: past}]\n") +
                    kWork);
  bed.start();
  bed.world.run_for(Duration::seconds(90));
  bed.restart();
  bed.world.run_for(Duration::seconds(90));
  EXPECT_THAT(bed.keys("a"), ElementsAre("at:one/2026-01-01T00:01:00Z"));
  bed.kill();
  bed.world.run_for(Duration::seconds(3600));
  bed.start();
  bed.world.run_for(Duration::seconds(60));
  EXPECT_THAT(bed.keys("a"),
              ElementsAre("at:one/2026-01-01T00:01:00Z", "at:two/2026-01-01T00:10:00Z"));
}

TEST(Jitter, ShiftsTheStartAndNeitherTheKeyNorTheTimesOfTheTick) {
  std::vector<Time> created;
  for (bool const restarts : {false, true}) {
    EngineBed bed;
    bed.flow("j", std::string("on: [{cron: '*/10 * * * *', id: t, jitter: 4m}]\n") + kWork);
    bed.start();
    for (int i = 0; i < 35; ++i) {
      bed.world.run_for(Duration::seconds(60));
      if (restarts && i % 8 == 2) bed.restart();
    }
    EXPECT_THAT(bed.keys("j"), ElementsAre("cron:t/2026-01-01T00:10/0", "cron:t/2026-01-01T00:20/0",
                                           "cron:t/2026-01-01T00:30/0"));
    std::vector<Time> starts;
    for (const auto& row : bed.runs("j")) {
      starts.push_back(row.created);
      Duration const late = row.created - row.scheduled_at;
      EXPECT_GE(late, Duration{});
      EXPECT_LE(late, Duration::seconds(4 * 60 + 1));
      EXPECT_EQ(row.interval_end - row.interval_start, Duration::seconds(600));
    }
    std::set<Duration> const distinct = {starts[0] - at("2026-01-01T00:10:00Z"),
                                         starts[1] - at("2026-01-01T00:20:00Z"),
                                         starts[2] - at("2026-01-01T00:30:00Z")};
    EXPECT_EQ(distinct.size(), 3u);
    if (!restarts) created = starts;
    for (size_t i = 0; i < starts.size(); ++i) {
      EXPECT_LE((starts[i] - created[i]).us / 1'000'000, 1);
    }
  }
}

TEST(Calendar, KeepsTicksToBusinessDays) {
  EngineBed bed(1, at("2026-01-01T00:00:00Z"));  // a Thursday
  bed.file("calendars/us.yaml", "holidays: [2026-01-01]\n");
  bed.flow("c", std::string("on: [{cron: '0 9 * * *', id: t, calendar: us}]\n") + kWork);
  bed.start();
  bed.world.run_for(Duration::seconds(5 * 86'400));
  EXPECT_THAT(bed.keys("c"), ElementsAre("cron:t/2026-01-02T09:00/0", "cron:t/2026-01-05T09:00/0"));
}

TEST(CronOverlap, SkipKeepsTheReasonUnderTheTicksOwnKey) {
  EngineBed bed;
  bed.flow("d", std::string("on: [{cron: '* * * * *', id: t}]\n") + kWork);
  bed.behaviour["work"].takes = Duration::seconds(90);
  bed.start();
  bed.world.run_for(Duration::seconds(5 * 60));
  EXPECT_THAT(bed.keys("d"), ElementsAre("cron:t/2026-01-01T00:01/0", "cron:t/2026-01-01T00:03/0",
                                         "cron:t/2026-01-01T00:05/0"));
  EXPECT_THAT(bed.skipped("d"),
              ElementsAre("cron:t/2026-01-01T00:02/0", "cron:t/2026-01-01T00:04/0"));
}

TEST(CronOverlap, ASkippedTickDoesNotBlockTheFlowsKey) {
  EngineBed bed;
  bed.flow("c", std::string("params: {day: {type: string, default: none}}\nkey: \"k-{{ day }}\"\n"
                            "on: [{cron: '* * * * *', id: t, with: {day: "
                            "\"{{ run.scheduled_at }}\"}}, call]\n") +
                    kWork);
  bed.behaviour["work"].takes = Duration::seconds(90);
  bed.start();
  bed.world.run_for(Duration::seconds(150));
  ASSERT_THAT(bed.keys("c"), SizeIs(1));
  std::string const day =
      bed.runs("c")[0].params.text_or("day", "");  // how the tick's time is written
  ASSERT_NE(day, "");
  std::string skipped_day = day;
  skipped_day.replace(skipped_day.find(":01:"), 4, ":02:");
  bed.behaviour["work"].takes = Duration::millis(1);
  bed.world.run_for(Duration::seconds(20));
  auto const asked = bed.call("c", Json::object().set("day", skipped_day));
  ASSERT_TRUE(asked->result) << asked->accepted->error().text();
}

TEST(CronOverlap, QueueRunsEveryTickOneAfterAnother) {
  EngineBed bed;
  bed.flow("c", std::string("on: [{cron: '* * * * *', id: t, overlap: queue}]\n") + kWork);
  bed.behaviour["work"].takes = Duration::seconds(90);
  bed.start();
  bed.world.run_for(Duration::seconds(4 * 60));
  EXPECT_EQ(bed.world.processes().running(), 1u);
  EXPECT_THAT(bed.runs("c"), SizeIs(4));
  EXPECT_THAT(bed.skipped("c"), IsEmpty());
  bed.restart();
  bed.behaviour["work"].takes = Duration::seconds(1);
  bed.world.run_for(Duration::seconds(150));
  for (const auto& row : bed.runs("c")) EXPECT_EQ(row.state, run::RunState::kSucceeded);
}

TEST(CronOverlap, AllowRunsThemBesideEachOther) {
  EngineBed bed;
  bed.flow("c", std::string("on: [{cron: '* * * * *', id: t, overlap: allow}]\n") + kWork);
  bed.behaviour["work"].takes = Duration::seconds(150);
  bed.start();
  bed.world.run_for(Duration::seconds(4 * 60));
  EXPECT_EQ(bed.world.processes().running(), 3u);
}

struct Missed {
  const char* policy;
  std::vector<std::string> runs;  // minutes
};

TEST(Missed, TicksOfADowntimeFollowThePolicyAndNoneDisappears) {
  for (const Missed& one :
       {Missed{"lost", {}}, Missed{"latest", {"10"}}, Missed{"all(3)", {"08", "09", "10"}},
        Missed{"all(50)", {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10"}},
        Missed{"within(2m)", {"09", "10"}}}) {
    EngineBed bed;
    bed.flow("c", std::string("on: [{cron: '* * * * *', id: t, overlap: allow, missed: ") +
                      one.policy + "}]\n" + kWork);
    bed.start();
    bed.world.run_for(Duration::seconds(30));
    bed.kill();
    bed.world.run_for(Duration::seconds(600));
    bed.start();  // at 00:10:30
    bed.world.run_for(Duration::seconds(5));
    std::vector<std::string> expected;
    for (const auto& minute : one.runs) expected.push_back("cron:t/2026-01-01T00:" + minute + "/0");
    EXPECT_EQ(bed.keys("c"), expected) << one.policy;
    EXPECT_THAT(bed.skipped("c"), SizeIs(10 - expected.size())) << one.policy;
    bed.world.run_for(Duration::seconds(60));
    EXPECT_THAT(bed.keys("c"), SizeIs(expected.size() + 1)) << one.policy;
  }
}

TEST(Missed, AYearOfAFastTriggerIsPassedOverAtOnce) {
  EngineBed bed;
  bed.flow("c", std::string("on: [{every: 50ms, id: t, missed: lost}]\n") + kWork);
  bed.start();
  bed.kill();
  bed.world.run_for(Duration::seconds(365LL * 86'400));
  bed.start();
  bed.world.run_for(Duration::millis(200));
  EXPECT_GE(bed.runs("c").size(), 1u);
  EXPECT_LE(bed.runs("c").size(), 6u);
}

TEST(ClockSteps, NeitherLoseNorRepeatATick) {
  EngineBed bed(1, at("2026-01-01T12:00:30Z"));
  bed.flow(
      "c",
      std::string("on: [{cron: '* * * * *', id: t, overlap: allow, missed: all(2000)}]\n") + kWork);
  bed.start();
  bed.world.run_for(Duration::seconds(120));
  EXPECT_THAT(bed.runs("c"), SizeIs(2));
  bed.world.step_clock(Duration::seconds(-3600));
  bed.world.run_for(Duration::seconds(1800));
  EXPECT_THAT(bed.runs("c"), SizeIs(2));  // all of this was done before
  bed.restart();
  bed.world.run_for(Duration::seconds(1800));
  EXPECT_THAT(bed.runs("c"), SizeIs(2));
  bed.world.run_for(Duration::seconds(60));
  EXPECT_THAT(bed.runs("c"), SizeIs(3));
  bed.world.step_clock(Duration::seconds(3600));
  bed.world.run_for(Duration::seconds(1));
  EXPECT_THAT(bed.runs("c"), SizeIs(63));
  std::set<std::string> unique;
  for (const auto& key : bed.keys("c")) EXPECT_TRUE(unique.insert(key).second) << key;
}

TEST(After, AFlowRunsOnceForEachRunOfAnotherThatEndsSo) {
  EngineBed bed;
  bed.flow("up",
           "on: [call]\nparams: {bad: boolean}\ntasks:\n"
           "  work: {shell: x, env: {BAD: \"{{ bad }}\"}}\n");
  for (const char* state : {"succeeded", "failed", "done"}) {
    bed.flow(state, std::string("on: [{after: {flow: up, state: ") + state + "}}]\n" + kWork);
  }
  bed.behave = [](const io::ProcessSpec& spec) {
    for (const auto& [name, value] : spec.env) {
      if (name == "BAD" && value == "true") return io::SimProcessResult{.exit_code = 1};
    }
    return io::SimProcessResult{};
  };
  bed.start();
  bed.call("up", Json::object().set("bad", false));
  bed.call("up", Json::object().set("bad", true));
  bed.world.run_for(Duration::seconds(5));
  auto const up = bed.keys("up");
  auto const ids = bed.runs("up");
  EXPECT_THAT(bed.keys("succeeded"), ElementsAre("after:" + ids[0].id.value));
  EXPECT_THAT(bed.keys("failed"), ElementsAre("after:" + ids[1].id.value));
  EXPECT_THAT(bed.keys("done"), SizeIs(2));
  EXPECT_EQ(bed.runs("done")[0].cause.parent, ids[0].id);
}

TEST(After, ADatasetStartsARunForEachUpdateAlsoAcrossRestarts) {
  EngineBed bed;
  bed.flow("writer",
           "on: [call]\ntasks:\n  a: {shell: x, writes: [d]}\n"
           "  b: {calc: select 1 as v, needs: a, writes: [d, other]}\n");
  bed.flow("reader", std::string("on: [{after: {dataset: d}}]\n") + kWork);
  bed.start();
  bed.call("writer");
  bed.restart();
  bed.call("writer");
  bed.world.run_for(Duration::seconds(1));
  EXPECT_THAT(bed.keys("reader"),
              ElementsAre("dataset:d/1", "dataset:d/2", "dataset:d/3", "dataset:d/4"));
}

TEST(After, AChainOfFlowsGoesOnOverAKillAtAnyStep) {
  for (int steps = 2; steps < 60; steps += 2) {
    EngineBed bed;
    bed.flow("a", std::string("on: [call]\n") + kWork);
    bed.flow("b", std::string("on: [{after: {flow: a}}]\n") + kWork);
    bed.flow("c", std::string("on: [{after: {flow: b}}]\n") + kWork);
    bed.start();
    auto const asked = bed.ask("a", Json::object(), "k");
    int left = steps;
    bed.world.run_until([&] { return --left <= 0; }, Duration::seconds(10));
    bool const was_accepted = asked->accepted && *asked->accepted;
    bed.restart();
    bed.world.run_for(Duration::seconds(5));
    if (was_accepted) {
      ASSERT_THAT(bed.runs("a"), SizeIs(1)) << steps;
    }
    size_t const expected = bed.runs("a").size();
    EXPECT_THAT(bed.runs("b"), SizeIs(expected)) << steps;
    EXPECT_THAT(bed.runs("c"), SizeIs(expected)) << steps;
    EXPECT_EQ(bed.engine->open_runs(), 0u) << steps;
    for (const auto& [id, count] : bed.starts) EXPECT_EQ(count, 1) << id;
  }
}

TEST(Deploy, ABrokenFileLeavesTheLastGoodVersionRunning) {
  EngineBed bed;
  bed.flow("c", std::string("on: [{every: 1s, id: t}]\n") + kWork);
  bed.start();
  bed.world.run_for(Duration::seconds(2));
  bed.flow("c", "on: [{every: never}]\n");
  bool is_loaded = false;
  bed.loader->load([&] { is_loaded = true; });
  bed.world.run_for(Duration::seconds(2));
  EXPECT_TRUE(is_loaded);
  ASSERT_THAT(bed.loader->statuses(), SizeIs(1));
  EXPECT_FALSE(bed.loader->statuses()[0].errors.empty());
  EXPECT_THAT(bed.runs("c"), SizeIs(4));
}

TEST(Deploy, AnOpenRunGoesOnWithItsOwnVersion) {
  EngineBed bed;
  bed.flow("c", "on: [call]\ntasks: {a: {shell: x}, old: {shell: x, needs: a}}\n");
  bed.behaviour["a"].takes = Duration::seconds(5);
  bed.start();
  bed.ask("c");
  bed.world.run_for(Duration::seconds(1));
  bed.flow("c", "on: [call]\ntasks: {a: {shell: x}, new: {shell: x, needs: a}}\n");
  bed.restart();
  bed.ask("c");
  bed.world.run_for(Duration::seconds(20));
  EXPECT_THAT(bed.started_tasks, ElementsAre("a", "a", "old", "new"));
}

TEST(Deploy, EveryoneWhoAsksForALoadIsTold) {
  EngineBed bed;
  bed.flow("c", kWork);
  bed.start();
  int told = 0;
  for (int i = 0; i < 3; ++i) bed.loader->load([&] { ++told; });
  bed.world.run_now();
  EXPECT_EQ(told, 3);
}

}  // namespace
}  // namespace tidemill::engine
