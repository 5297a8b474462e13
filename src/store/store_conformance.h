// What every store must do, as tests over a factory. A store's own test file includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(StoreKind{"sqlite", make}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "store/store_bed.h"

namespace tidemill::store {

struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<StoreBed>()> make;
};
inline void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

class StoreConformance : public testing::TestWithParam<StoreKind> {
 protected:
  StoreConformance() : bed(GetParam().make()) {
    auto const recovered = bed->store().recover();
    EXPECT_TRUE(recovered);
    if (recovered) epoch = recovered->epoch;
  }

  run::RunRow run_row(const std::string& id, const std::string& key,
                      const std::string& flow = "f") const {
    run::RunRow row;
    row.id = run::RunId(id);
    row.flow = flow::FlowName(flow);
    row.bundle = flow::BundleId("b1");
    row.key = run::Key(key);
    row.epoch = epoch;
    row.cause = {"cron", "nightly", "", run::RunId(""), "", "cron"};
    row.params = Json::object().set("id", 7).set("name", "Zoë \"quoted\"\n");
    row.body_hash = "hash";
    row.created = {1'000'001};
    row.scheduled_at = {2'000'002};
    row.interval_start = {-3};
    row.interval_end = {4};
    row.deadline = Time{5};
    return row;
  }

  run::Changes new_run(const std::string& id, const std::string& key,
                       const std::string& flow = "f") const {
    run::Changes changes;
    changes.new_runs.push_back(run_row(id, key, flow));
    changes.keys.push_back(
        {flow::FlowName(flow), run::Key(key), run::RunId(id), Time{1'000'001}, ""});
    return changes;
  }

  static run::TaskRow task_row(const std::string& id, int32_t attempt,
                               run::TaskState state = run::TaskState::kRunning) {
    run::TaskRow row;
    row.run = run::RunId(id);
    row.task = flow::TaskIndex(0);
    row.name = "a";
    row.state = state;
    row.attempt = run::Attempt(attempt);
    return row;
  }

  static run::ChainRow chain_row(const std::string& id, int32_t number, std::string value) {
    run::ChainRow row;
    row.run = run::RunId(id);
    row.number = number;
    row.at = {9};
    run::ChainEntry entry;
    entry.task = flow::TaskIndex(1);
    entry.name = "pure";
    entry.value = std::move(value);
    row.entries.push_back(std::move(entry));
    return row;
  }

  std::optional<StoredKey> key_of(const std::string& key, const std::string& flow = "f") {
    auto found = bed->store().find_key(flow::FlowName(flow), run::Key(key));
    EXPECT_TRUE(found);
    return found ? *found : std::nullopt;
  }
  std::optional<run::StoredRun> load(const std::string& id) {
    auto found = bed->store().load_run(run::RunId(id));
    EXPECT_TRUE(found) << (found ? "" : found.error().text());
    return found ? *found : std::nullopt;
  }
  std::vector<std::string> ids(const RunFilter& filter) {
    std::vector<std::string> list;
    auto rows = bed->store().list_runs(filter);
    EXPECT_TRUE(rows);
    if (!rows) return list;
    for (const auto& row : *rows) list.push_back(row.id.value);
    return list;
  }

  static UpkeepSettings upkeep(Duration keep = Duration::seconds(200LL * 365 * 86'400)) {
    UpkeepSettings settings;
    settings.keep = keep;  // by default also what tests have finish in 1970
    settings.linger = Duration{};
    return settings;
  }
  // A run that has ended, with rows of every kind.
  void finish_run(const std::string& id, const std::string& key, const std::string& flow = "f",
                  run::RunState state = run::RunState::kSucceeded, Time created = {1'000'001}) {
    run::Changes changes = new_run(id, key, flow);
    run::RunRow& row = changes.new_runs[0];
    row.created = created;
    row.state = state;
    row.finished = created + Duration::seconds(1);
    row.error = state == run::RunState::kFailed ? "it broke" : "";
    changes.tasks.push_back(task_row(id, 2, run::TaskState::kSucceeded));
    changes.tasks[0].value = "{\"x\":1}";
    changes.chains.push_back(chain_row(id, 0, "{\"y\":2}"));
    run::AttemptRow attempt;
    attempt.run = run::RunId(id);
    attempt.attempt = run::Attempt(2);
    attempt.detail = Json::object().set("exit_code", 3);
    changes.attempts.push_back(attempt);
    ASSERT_TRUE(bed->commit(changes));
  }
  void expect_whole(const std::string& id) {
    auto const stored = load(id);
    ASSERT_TRUE(stored) << id;
    EXPECT_EQ(stored->row.id.value, id);
    EXPECT_EQ(stored->row.params, run_row(id, "k").params);
    ASSERT_EQ(stored->tasks.size(), 1u);
    EXPECT_EQ(stored->tasks[0].value, "{\"x\":1}");
    EXPECT_EQ(stored->tasks[0].attempt, run::Attempt(2));
    ASSERT_EQ(stored->chains.size(), 1u);
    EXPECT_EQ(stored->chains[0].entries.at(0).value, "{\"y\":2}");
    auto const attempts = bed->store().attempts_of(run::RunId(id));
    ASSERT_TRUE(attempts);
    ASSERT_EQ(attempts->size(), 1u);
    EXPECT_EQ((*attempts)[0].detail.int_or("exit_code", 0), 3);
  }
  void reopen(const std::string& id) {
    run::Changes changes;
    changes.runs.push_back(load(id)->row);
    changes.runs[0].state = run::RunState::kRunning;
    changes.runs[0].finished.reset();
    changes.runs[0].epoch = epoch;
    auto const done = bed->commit(changes);
    ASSERT_TRUE(done) << done.error().text();
  }

  std::unique_ptr<StoreBed> bed;
  run::Epoch epoch;
};

TEST_P(StoreConformance, ReadsBackEveryFieldOfARun) {
  run::Changes changes = new_run("01A", "cron:nightly/2026/0");
  ASSERT_TRUE(bed->commit(changes));
  run::RunRow changed = changes.new_runs[0];
  changed.state = run::RunState::kFailed;
  changed.started = Time{6};
  changed.finished = Time{7};
  changed.deadline = Time{8};
  changed.error_code = "invalid";
  changed.error = "task a: it's broken";
  run::Changes update;
  update.runs.push_back(changed);
  ASSERT_TRUE(bed->commit(update));
  bed->restart();
  auto const stored = load("01A");
  ASSERT_TRUE(stored);
  const run::RunRow& row = stored->row;
  EXPECT_EQ(row.flow.value, "f");
  EXPECT_EQ(row.bundle.value, "b1");
  EXPECT_EQ(row.key.value, "cron:nightly/2026/0");
  EXPECT_EQ(row.state, run::RunState::kFailed);
  EXPECT_EQ(row.cause.trigger, "cron");
  EXPECT_EQ(row.cause.trigger_id, "nightly");
  EXPECT_EQ(row.cause.origin, "cron");
  EXPECT_EQ(row.params, changes.new_runs[0].params);
  EXPECT_EQ(row.body_hash, "hash");
  EXPECT_EQ(row.created, Time{1'000'001});
  EXPECT_EQ(row.scheduled_at, Time{2'000'002});
  EXPECT_EQ(row.interval_start, Time{-3});
  EXPECT_EQ(row.interval_end, Time{4});
  EXPECT_EQ(row.deadline, Time{8});
  EXPECT_EQ(row.started, Time{6});
  EXPECT_EQ(row.finished, Time{7});
  EXPECT_EQ(row.error_code, "invalid");
  EXPECT_EQ(row.error, "task a: it's broken");
  EXPECT_FALSE(load("01B"));
}

TEST_P(StoreConformance, ReadsBackTasksAttemptsAndChains) {
  run::Changes changes = new_run("01A", "k");
  run::TaskRow task = task_row("01A", 3, run::TaskState::kRetrying);
  task.item = run::Item(4);
  task.failures = 2;
  task.width = 9;
  task.started = Time{1};
  task.ended = Time{2};
  task.due = Time{3};
  task.error_code = "unavailable";
  task.error = "no";
  task.value = "{\"x\":1}";
  changes.tasks.push_back(task);
  run::AttemptRow attempt;
  attempt.run = run::RunId("01A");
  attempt.item = run::Item(4);
  attempt.attempt = run::Attempt(3);
  attempt.state = run::TaskState::kFailed;
  attempt.started = {1};
  attempt.ended = {2};
  attempt.error_code = "unavailable";
  attempt.error = "no";
  attempt.detail = Json::object().set("exit_code", 3);
  changes.attempts.push_back(attempt);
  run::ChainRow chain = chain_row("01A", 0, "{\"y\":2}");
  chain.entries[0].item = run::Item(2);
  chain.entries[0].width = 5;
  chain.entries[0].state = run::TaskState::kSkipped;
  chain.entries[0].took = Duration::micros(17);
  chain.entries[0].error_code = "c";
  chain.entries[0].error = "its `when` is not true";
  chain.entries[0].detail = Json::object().set("model", "m");
  changes.chains.push_back(chain);
  ASSERT_TRUE(bed->commit(changes));
  bed->restart();
  auto const stored = load("01A");
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->tasks.size(), 1u);
  const run::TaskRow& row = stored->tasks[0];
  EXPECT_EQ(row.item, run::Item(4));
  EXPECT_EQ(row.name, "a");
  EXPECT_EQ(row.state, run::TaskState::kRetrying);
  EXPECT_EQ(row.attempt, run::Attempt(3));
  EXPECT_EQ(row.failures, 2);
  EXPECT_EQ(row.width, 9);
  EXPECT_EQ(row.started, Time{1});
  EXPECT_EQ(row.ended, Time{2});
  EXPECT_EQ(row.due, Time{3});
  EXPECT_EQ(row.error_code, "unavailable");
  EXPECT_EQ(row.error, "no");
  EXPECT_EQ(row.value, "{\"x\":1}");
  ASSERT_EQ(stored->chains.size(), 1u);
  ASSERT_EQ(stored->chains[0].entries.size(), 1u);
  EXPECT_EQ(stored->chains[0].at, Time{9});
  const run::ChainEntry& entry = stored->chains[0].entries[0];
  EXPECT_EQ(entry.task, flow::TaskIndex(1));
  EXPECT_EQ(entry.item, run::Item(2));
  EXPECT_EQ(entry.width, 5);
  EXPECT_EQ(entry.state, run::TaskState::kSkipped);
  EXPECT_EQ(entry.took, Duration::micros(17));
  EXPECT_EQ(entry.error, "its `when` is not true");
  EXPECT_EQ(entry.value, "{\"y\":2}");
  EXPECT_EQ(entry.detail, chain.entries[0].detail);
  auto const attempts = bed->store().attempts_of(run::RunId("01A"));
  ASSERT_TRUE(attempts);
  ASSERT_EQ(attempts->size(), 1u);
  EXPECT_EQ((*attempts)[0].attempt, run::Attempt(3));
  EXPECT_EQ((*attempts)[0].item, run::Item(4));
  EXPECT_EQ((*attempts)[0].detail, attempt.detail);
}

TEST_P(StoreConformance, AKeyThatExistsIsAConflictAndNothingOfTheCommitIsWritten) {
  ASSERT_TRUE(bed->commit(new_run("01A", "k")));
  run::Changes second = new_run("01B", "other");
  second.tasks.push_back(task_row("01A", 1));
  second.chains.push_back(chain_row("01A", 0, "{}"));
  second.triggers.push_back({flow::FlowName("f"), "t", Time{5}, "k", 1});
  second.datasets.push_back({"d", 1, run::RunId("01A"), "a", Time{5}});
  second.tokens.push_back({"desk", "hash", Time{1}, Time{2}});
  second.keys.push_back({flow::FlowName("f"), run::Key("k"), run::RunId("01C"), Time{1}, ""});
  auto const done = bed->commit(second);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kConflict);
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(load("01B"));
    EXPECT_FALSE(key_of("other"));
    EXPECT_TRUE(load("01A")->tasks.empty());
    EXPECT_TRUE(load("01A")->chains.empty());
    EXPECT_TRUE(bed->store().list_tokens()->empty());
    EXPECT_EQ(*key_of("k")->row.run, run::RunId("01A"));
    bed->restart();
    auto const recovered = bed->store().recover();
    ASSERT_TRUE(recovered);
    EXPECT_TRUE(recovered->triggers.empty());
    EXPECT_TRUE(recovered->datasets.empty());
  }
  // The store is as good as before.
  EXPECT_TRUE(bed->commit(new_run("01D", "fresh")));
}

TEST_P(StoreConformance, TheSameKeyOfAnotherFlowIsAnotherKey) {
  ASSERT_TRUE(bed->commit(new_run("01A", "k", "f")));
  EXPECT_TRUE(bed->commit(new_run("01B", "k", "g")));
  EXPECT_EQ(*key_of("k", "g")->row.run, run::RunId("01B"));
  EXPECT_FALSE(key_of("k", "h"));
}

TEST_P(StoreConformance, FindsAKeyWithTheStateAndParamsOfItsRun) {
  ASSERT_TRUE(bed->commit(new_run("01A", "k")));
  auto const key = key_of("k");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->state, run::RunState::kRunning);
  EXPECT_EQ(key->body_hash, "hash");
  run::Changes skipped;
  skipped.keys.push_back({flow::FlowName("f"), run::Key("tick"), std::nullopt, Time{3}, "skipped"});
  ASSERT_TRUE(bed->commit(skipped));
  EXPECT_FALSE(key_of("tick")->row.run);
  EXPECT_EQ(key_of("tick")->row.reason, "skipped");
  auto const list = bed->store().skipped_keys(flow::FlowName("f"), 10);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ((*list)[0].key.value, "tick");
}

TEST_P(StoreConformance, ARunOfAnotherEpochIsNotChanged) {
  ASSERT_TRUE(bed->commit(new_run("01A", "k")));
  bed->restart();
  auto const recovered = bed->store().recover();  // another server has taken over
  ASSERT_TRUE(recovered);
  EXPECT_GT(recovered->epoch, epoch);
  ASSERT_EQ(recovered->open_runs.size(), 1u);
  run::Changes late;
  late.tasks.push_back(task_row("01A", 1));
  late.runs.push_back(run_row("01A", "k"));
  late.runs[0].state = run::RunState::kSucceeded;
  late.runs[0].finished = Time{5};
  auto const done = bed->commit(late);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kTooLate);
  EXPECT_EQ(load("01A")->row.state, run::RunState::kRunning);
  EXPECT_TRUE(load("01A")->tasks.empty());
  late.runs[0].epoch = recovered->epoch;
  EXPECT_TRUE(bed->commit(late));
}

TEST_P(StoreConformance, AnOlderAttemptChangesNothingAndFails) {
  run::Changes changes = new_run("01A", "k");
  changes.tasks.push_back(task_row("01A", 2));
  ASSERT_TRUE(bed->commit(changes));
  run::Changes late;
  late.tasks.push_back(task_row("01A", 1, run::TaskState::kSucceeded));
  auto const done = bed->commit(late);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kTooLate);
  EXPECT_EQ(load("01A")->tasks[0].attempt, run::Attempt(2));
  EXPECT_EQ(load("01A")->tasks[0].state, run::TaskState::kRunning);
  run::Changes same;
  same.tasks.push_back(task_row("01A", 2, run::TaskState::kSucceeded));
  EXPECT_TRUE(bed->commit(same));
}

TEST_P(StoreConformance, AnAttemptHasOneEnd) {
  run::Changes changes = new_run("01A", "k");
  run::AttemptRow attempt;
  attempt.run = run::RunId("01A");
  attempt.attempt = run::Attempt(1);
  changes.attempts.push_back(attempt);
  ASSERT_TRUE(bed->commit(changes));
  run::Changes again;
  again.attempts.push_back(attempt);
  EXPECT_EQ(bed->commit(again).error().code, Code::kConflict);
}

TEST_P(StoreConformance, KeepsValuesOfEverySize) {
  std::string const sizes[] = {std::string(1, 'x'), std::string(256u << 10, 'y'),
                               std::string((256u << 10) + 1, 'z'), std::string(3u << 20, 'w')};
  int number = 0;
  for (const std::string& value : sizes) {
    std::string const id = "01" + std::to_string(number++);
    run::Changes changes = new_run(id, id);
    run::TaskRow task = task_row(id, 1, run::TaskState::kSucceeded);
    task.value = value;
    changes.tasks.push_back(task);
    changes.chains.push_back(chain_row(id, 0, value));
    ASSERT_TRUE(bed->commit(changes));
  }
  bed->restart();
  number = 0;
  for (const std::string& value : sizes) {
    auto const stored = load("01" + std::to_string(number++));
    ASSERT_TRUE(stored);
    EXPECT_TRUE(stored->tasks.at(0).value == value) << value.size();
    EXPECT_TRUE(stored->chains.at(0).entries.at(0).value == value) << value.size();
  }
}

TEST_P(StoreConformance, RecoversOpenRunsInOrderWithTriggersAndTheLastDatasets) {
  run::Changes changes = new_run("01C", "c");
  changes.new_runs[0].state = run::RunState::kQueued;
  run::Changes const b = new_run("01B", "b");
  run::Changes const a = new_run("01A", "a");
  changes.tasks.push_back(task_row("01C", 1));
  for (int64_t sequence = 1; sequence <= 3; ++sequence) {
    changes.datasets.push_back({"d", sequence, run::RunId("01C"), "a", Time{sequence}});
  }
  changes.datasets.push_back({"e", 1, run::RunId("01C"), "b", Time{1}});
  changes.triggers.push_back({flow::FlowName("f"), "t", Time{5}, "cron:t/5", 0});
  ASSERT_TRUE(bed->commit(changes));
  ASSERT_TRUE(bed->commit(b));
  ASSERT_TRUE(bed->commit(a));
  run::Changes moved;
  moved.triggers.push_back({flow::FlowName("f"), "t", Time{6}, "cron:t/6", 2});
  moved.runs.push_back(b.new_runs[0]);
  moved.runs[0].state = run::RunState::kSucceeded;
  moved.runs[0].finished = Time{9};
  ASSERT_TRUE(bed->commit(moved));
  bed->restart();
  auto const recovered = bed->store().recover();
  ASSERT_TRUE(recovered);
  ASSERT_EQ(recovered->open_runs.size(), 2u);
  EXPECT_EQ(recovered->open_runs[0].row.id, run::RunId("01A"));
  EXPECT_EQ(recovered->open_runs[1].row.id, run::RunId("01C"));
  EXPECT_EQ(recovered->open_runs[1].row.state, run::RunState::kQueued);
  EXPECT_EQ(recovered->open_runs[1].row.epoch, recovered->epoch);
  EXPECT_EQ(recovered->open_runs[1].tasks.size(), 1u);
  ASSERT_EQ(recovered->triggers.size(), 1u);
  EXPECT_EQ(recovered->triggers[0].low_water, Time{6});
  EXPECT_EQ(recovered->triggers[0].low_water_key, "cron:t/6");
  EXPECT_EQ(recovered->triggers[0].skipped, 2);
  ASSERT_EQ(recovered->datasets.size(), 2u);
  for (const auto& row : recovered->datasets) {
    EXPECT_EQ(row.sequence, row.dataset == "d" ? 3 : 1);
  }
}

TEST_P(StoreConformance, AReopenedRunIsRecovered) {
  run::Changes const changes = new_run("01A", "k");
  ASSERT_TRUE(bed->commit(changes));
  run::Changes ended;
  ended.runs.push_back(changes.new_runs[0]);
  ended.runs[0].state = run::RunState::kFailed;
  ended.runs[0].finished = Time{9};
  ASSERT_TRUE(bed->commit(ended));
  bed->restart();
  auto recovered = bed->store().recover();
  ASSERT_TRUE(recovered);
  EXPECT_TRUE(recovered->open_runs.empty());
  // A finished run belongs to nobody: whoever reopens it takes it over.
  run::Changes reopened;
  reopened.runs.push_back(load("01A")->row);
  reopened.runs[0].state = run::RunState::kRunning;
  reopened.runs[0].finished.reset();
  reopened.runs[0].epoch = recovered->epoch;
  auto const done = bed->commit(reopened);
  ASSERT_TRUE(done) << done.error().text();
  bed->restart();
  recovered = bed->store().recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->open_runs.size(), 1u);
}

TEST_P(StoreConformance, ListsRunsNewestFirstInPagesAndByFilter) {
  for (int i = 0; i < 7; ++i) {
    run::Changes changes =
        new_run("01" + std::to_string(i), "k%_" + std::to_string(i), i % 2 == 0 ? "even" : "odd");
    if (i < 3) changes.new_runs[0].state = run::RunState::kSucceeded;
    ASSERT_TRUE(bed->commit(changes));
  }
  using testing::ElementsAre;
  RunFilter page;
  page.limit = 3;
  EXPECT_THAT(ids(page), ElementsAre("016", "015", "014"));
  page.after = "014";
  EXPECT_THAT(ids(page), ElementsAre("013", "012", "011"));
  page.after = "011";
  EXPECT_THAT(ids(page), ElementsAre("010"));
  page.after = "010";
  EXPECT_TRUE(ids(page).empty());
  auto const filter = [](const std::string& flow, std::optional<run::RunState> state,
                         const std::string& key_prefix = "") {
    RunFilter filter;
    filter.flow = flow;
    filter.state = state;
    filter.key_prefix = key_prefix;
    return filter;
  };
  EXPECT_THAT(ids(filter("odd", {})), ElementsAre("015", "013", "011"));
  EXPECT_THAT(ids(filter("", run::RunState::kSucceeded)), ElementsAre("012", "011", "010"));
  EXPECT_THAT(ids(filter("even", run::RunState::kSucceeded)), ElementsAre("012", "010"));
  EXPECT_THAT(ids(filter("", {}, "k%_5")), ElementsAre("015"));
  EXPECT_TRUE(ids(filter("", {}, "%")).empty());
  EXPECT_TRUE(ids(filter("' OR 1=1 --", {})).empty());
}

TEST_P(StoreConformance, KeepsTokensByNameOnce) {
  run::Changes changes;
  changes.tokens.push_back({"desk", "h1", Time{1}, Time{2}});
  ASSERT_TRUE(bed->commit(changes));
  EXPECT_EQ(bed->commit(changes).error().code, Code::kConflict);
  bed->restart();
  auto tokens = bed->store().list_tokens();
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 1u);
  EXPECT_EQ((*tokens)[0].hash, "h1");
  EXPECT_EQ((*tokens)[0].expires, Time{2});
  run::Changes removed;
  removed.removed_tokens.push_back("desk");
  removed.removed_tokens.push_back("nobody");
  EXPECT_TRUE(bed->commit(removed));
  EXPECT_TRUE(bed->store().list_tokens()->empty());
}

TEST_P(StoreConformance, KeepsPausesUntilTheyAreRemoved) {
  using What = run::PauseRow::What;
  run::Changes changes;
  changes.control.pauses = {{What::kFlow, "f", "ann", Time{7}},
                            {What::kRun, "01A", "bob", Time{8}}};
  ASSERT_TRUE(bed->commit(changes));
  changes.control.pauses = {{What::kFlow, "f", "eve", Time{9}}};  // it stays as it is
  ASSERT_TRUE(bed->commit(changes));
  run::Changes removed;
  removed.control.removed_pauses = {{What::kRun, "01A", "", Time{}}};
  ASSERT_TRUE(bed->commit(removed));
  bed->restart();
  auto const recovered = bed->store().recover();
  ASSERT_TRUE(recovered);
  ASSERT_EQ(recovered->control.pauses.size(), 1u);
  EXPECT_EQ(recovered->control.pauses[0].by, "ann");
  EXPECT_EQ(recovered->control.pauses[0].at, Time{7});
}

TEST_P(StoreConformance, KeepsBackfillsAndHowFarTheyHaveCome) {
  run::BackfillRow row;
  row.id = run::BackfillId("01B");
  row.flow = "f";
  row.by = "ann";
  row.created = Time{3};
  row.spec = Json::object().set("list", Json::array().push("a"));
  row.total = 9;
  run::Changes changes;
  changes.control.new_backfills.push_back(row);
  ASSERT_TRUE(bed->commit(changes));
  row.next = 2;
  row.started = 2;
  row.failed = 1;
  row.last_error = "no";
  row.open = {"01R"};
  run::Changes changed;
  changed.control.backfills.push_back(row);
  ASSERT_TRUE(bed->commit(changed));
  bed->restart();
  auto const open = bed->store().recover()->control.backfills;
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0].spec.dump(), R"({"list":["a"]})");
  EXPECT_EQ(open[0].next, 2);
  EXPECT_EQ(open[0].open, std::vector<std::string>{"01R"});
  row.state = run::BackfillState::kDone;
  row.finished = Time{99};
  run::Changes done;
  done.control.backfills.push_back(row);
  ASSERT_TRUE(bed->commit(done));
  bed->restart();
  EXPECT_TRUE(bed->store().recover()->control.backfills.empty());
  auto const all = bed->store().list_backfills(10);
  ASSERT_TRUE(all && all->size() == 1u);
  EXPECT_EQ((*all)[0].finished, Time{99});
  auto const found = bed->store().find_backfill(row.id);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((**found).next, 2);
  auto const other = bed->store().find_backfill(run::BackfillId("01C"));
  EXPECT_TRUE(other && !*other);
}

TEST_P(StoreConformance, KeepsDeploymentsInTheirOrder) {
  using Kind = run::DeploymentRow::Kind;
  for (int number : {1, 2}) {
    run::Changes changes;
    changes.control.deployments.push_back({number, Kind::kDeploy, Time{number}, "ann", "/dir",
                                           Json::object().set("f", std::to_string(number))});
    ASSERT_TRUE(bed->commit(changes));
  }
  bed->restart();
  EXPECT_EQ(bed->store().recover()->control.deployment.flows.text_or("f", ""), "2");
  auto const all = bed->store().list_deployments(10);
  ASSERT_TRUE(all && all->size() == 2u);
  EXPECT_EQ((*all)[1].number, 1);
}

TEST_P(StoreConformance, ATickThatWasNotRunCanBeGivenARunOnce) {
  run::Changes missed;
  missed.keys.push_back(
      {flow::FlowName("f"), run::Key("k"), std::nullopt, Time{1}, "missed", false});
  ASSERT_TRUE(bed->commit(missed));
  run::Changes filled = new_run("01A", "k");
  filled.keys[0].fills_skipped = true;
  ASSERT_TRUE(bed->commit(filled));
  auto const key = bed->store().find_key(flow::FlowName("f"), run::Key("k"));
  ASSERT_TRUE(key && *key);
  EXPECT_EQ((*key)->row.run, run::RunId("01A"));
  EXPECT_EQ((*key)->row.reason, "");
  run::Changes twice = new_run("01B", "k");
  twice.keys[0].fills_skipped = true;
  EXPECT_EQ(bed->commit(twice).error().code, Code::kConflict);
}

TEST_P(StoreConformance, KeepsBundlesAsTheyWerePut) {
  flow::Bundle bundle;
  bundle.id = flow::BundleId("abc");
  bundle.files["flows/a.yaml"] = "flow: a\n";
  bundle.files["models/m/model.json"] = std::string("\0\xff bytes", 8);
  bundle.files["empty.sql"] = "";
  ASSERT_TRUE(bed->store().put_bundle(bundle));
  ASSERT_TRUE(bed->store().put_bundle(bundle));  // again: the same
  bed->restart();
  auto const read = bed->store().get_bundle(bundle.id);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->files, bundle.files);
  EXPECT_FALSE(bed->store().get_bundle(flow::BundleId("def")));
}

TEST_P(StoreConformance, AnEmptyCommitIsDone) { EXPECT_TRUE(bed->commit({})); }

TEST_P(StoreConformance, ReadersSeeWholeCommitsOnly) {
  // Two rows that are always equal, changed together: a reader never sees one without the other.
  run::Changes both = new_run("01A", "a");
  run::Changes const b = new_run("01B", "b");
  both.new_runs.push_back(b.new_runs[0]);
  both.keys.push_back(b.keys[0]);
  ASSERT_TRUE(bed->commit(both));
  EXPECT_EQ(ids({}).size(), 2u);
}

}  // namespace tidemill::store
