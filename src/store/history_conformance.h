// What every store must do with runs that are finished for long, as further tests of
// StoreConformance.
#pragma once

#include "base/log.h"
#include "store/store_conformance.h"

namespace tidemill::store {

TEST_P(StoreConformance, AFinishedRunReadsTheSameOnceItIsHistory) {
  finish_run("01A", "k", "f", run::RunState::kFailed);
  expect_whole("01A");
  bed->keep_up(upkeep());
  for (int round = 0; round < 2; ++round) {
    expect_whole("01A");
    EXPECT_EQ(load("01A")->row.state, run::RunState::kFailed);
    EXPECT_EQ(load("01A")->row.error, "it broke");
    EXPECT_EQ(load("01A")->row.finished, Time{2'000'001});
    EXPECT_FALSE(load("01B"));
    auto const key = key_of("k");
    ASSERT_TRUE(key);
    EXPECT_EQ(*key->row.run, run::RunId("01A"));
    EXPECT_EQ(key->state, run::RunState::kFailed);
    EXPECT_EQ(key->body_hash, "hash");
    bed->restart();
    auto const recovered = bed->store().recover();
    ASSERT_TRUE(recovered);
    EXPECT_TRUE(recovered->open_runs.empty());
  }
}

TEST_P(StoreConformance, AnOpenRunIsNotHistory) {
  run::Changes changes = new_run("01A", "k");
  ASSERT_TRUE(bed->commit(changes));
  finish_run("01B", "other");
  bed->keep_up(upkeep());
  changes.new_runs[0].state = run::RunState::kSucceeded;
  changes.new_runs[0].finished = Time{9};
  run::Changes end;
  end.runs.push_back(changes.new_runs[0]);
  EXPECT_TRUE(bed->commit(end));
  bed->restart();
  EXPECT_EQ(load("01A")->row.state, run::RunState::kSucceeded);
}

TEST_P(StoreConformance, KeysOfHistoryAreStillUnique) {
  finish_run("01A", "k");
  bed->keep_up(upkeep());
  auto const done = bed->commit(new_run("01B", "k"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kConflict);
}

TEST_P(StoreConformance, ListsHistoryAndOpenRunsAsOne) {
  auto name = [](int i) { return fmt::format("01{:03}", i); };
  for (int i = 0; i < 40; ++i) {
    auto const state = i % 3 == 0 ? run::RunState::kFailed : run::RunState::kSucceeded;
    // Two days, so that there are two segments at least; the ids of one day lie between the
    // other's.
    finish_run(name(2 * i), fmt::format("{}:{}", i % 5 == 0 ? "cron" : "call", i),
               i % 2 == 0 ? "even" : "odd", state, Time{(i % 4 == 0 ? 86'400'000'000 : 0) + i});
  }
  std::vector<std::vector<std::string>> before;
  std::vector<RunFilter> filters;
  for (const char* flow : {"", "odd", "none"}) {
    for (int state = 0; state < 3; ++state) {
      for (const char* prefix : {"", "cron:", "call:1", "x"}) {
        RunFilter filter;
        filter.flow = flow;
        if (state == 1) filter.state = run::RunState::kFailed;
        if (state == 2) filter.state = run::RunState::kRunning;
        filter.key_prefix = prefix;
        filters.push_back(filter);
      }
    }
  }
  auto every_page = [&](RunFilter filter) {
    std::vector<std::string> all;
    filter.limit = 7;
    while (true) {
      auto const page = ids(filter);
      all.insert(all.end(), page.begin(), page.end());
      if (page.empty()) return all;
      filter.after = page.back();
    }
  };
  for (const RunFilter& filter : filters) before.push_back(every_page(filter));
  EXPECT_EQ(before[0].size(), 40u);
  bed->keep_up(upkeep());
  for (size_t i = 0; i < filters.size(); ++i) EXPECT_EQ(every_page(filters[i]), before[i]) << i;
  // Newer, older and between: open runs stand at their place.
  ASSERT_TRUE(bed->commit(new_run(name(999), "call:new", "odd")));
  ASSERT_TRUE(bed->commit(new_run(name(31), "call:old", "odd")));
  RunFilter page;
  page.limit = 2;
  EXPECT_THAT(ids(page), testing::ElementsAre(name(999), name(78)));
  page.after = name(34);
  page.limit = 3;
  EXPECT_THAT(ids(page), testing::ElementsAre(name(32), name(31), name(30)));
  page.limit = 0;
  EXPECT_TRUE(ids(page).empty());
}

TEST_P(StoreConformance, ARunOfHistoryIsReopenedAndFinishesOnceMore) {
  finish_run("01A", "a", "f", run::RunState::kFailed);
  finish_run("01B", "b");
  bed->keep_up(upkeep());
  bed->restart();
  epoch = bed->store().recover()->epoch;
  reopen("01A");
  EXPECT_EQ(load("01A")->row.state, run::RunState::kRunning);
  EXPECT_EQ(key_of("a")->state, run::RunState::kRunning);
  expect_whole("01A");
  EXPECT_THAT(ids({}), testing::ElementsAre("01B", "01A"));
  RunFilter failed;
  failed.state = run::RunState::kFailed;
  bed->restart();
  auto recovered = bed->store().recover();
  ASSERT_TRUE(recovered);
  ASSERT_EQ(recovered->open_runs.size(), 1u);
  run::Changes end;
  end.runs.push_back(recovered->open_runs[0].row);
  end.runs[0].state = run::RunState::kSucceeded;
  end.runs[0].finished = Time{9'000'000};
  ASSERT_TRUE(bed->commit(end));
  bed->keep_up(upkeep());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(load("01A")->row.state, run::RunState::kSucceeded);
    EXPECT_EQ(key_of("a")->state, run::RunState::kSucceeded);
    EXPECT_THAT(ids({}), testing::ElementsAre("01B", "01A"));
    EXPECT_TRUE(ids(failed).empty());
    expect_whole("01A");
    bed->restart();
    ASSERT_TRUE(bed->store().recover());
  }
}

TEST_P(StoreConformance, LargeValuesAreReadFromHistoryToo) {
  run::Changes changes = new_run("01A", "k");
  changes.new_runs[0].state = run::RunState::kSucceeded;
  changes.new_runs[0].finished = Time{9};
  run::TaskRow task = task_row("01A", 1, run::TaskState::kSucceeded);
  task.value = std::string(300u << 10, 'v');
  changes.tasks.push_back(task);
  changes.chains.push_back(chain_row("01A", 0, std::string(400u << 10, 'w')));
  ASSERT_TRUE(bed->commit(changes));
  bed->keep_up(upkeep());
  bed->restart();
  ASSERT_TRUE(bed->store().recover());
  bed->keep_up(upkeep());
  EXPECT_TRUE(load("01A")->tasks.at(0).value == task.value);
  EXPECT_EQ(load("01A")->chains.at(0).entries.at(0).value.size(), 400u << 10);
}

TEST_P(StoreConformance, WhatIsOlderThanIsKeptGoesAndItsKeyStays) {
  Time const recent = bed->now() - Duration::seconds(3 * 86'400);
  finish_run("01A", "old");
  finish_run("01B", "recent", "f", run::RunState::kSucceeded, recent);
  run::Changes datasets;
  for (int64_t i = 1; i <= 250; ++i) datasets.datasets.push_back({"d", i, {}, "a", Time{i}});
  ASSERT_TRUE(bed->commit(datasets));
  bed->keep_up(upkeep(Duration::seconds(10 * 86'400)));
  EXPECT_FALSE(load("01A"));
  EXPECT_THAT(ids({}), testing::ElementsAre("01B"));
  expect_whole("01B");
  EXPECT_EQ(bed->commit(new_run("01C", "old")).error().code, Code::kConflict);
  bed->restart();
  auto const recovered = bed->store().recover();
  ASSERT_TRUE(recovered);
  ASSERT_EQ(recovered->datasets.size(), 1u);
  EXPECT_EQ(recovered->datasets[0].sequence, 250);
}

}  // namespace tidemill::store
