#include "store/fill.h"

#include <gmock/gmock.h>

#include "store/test_support.h"

namespace tidemill::store {
namespace {

// What is asked of a store with a past is answered from its newest part, whatever lies behind.
TEST(Fill, MakesRunsThatAreFoundEveryWay) {
  SqliteBed bed;
  FillOptions options;
  options.runs = 12'000;
  options.newest = bed.now() - Duration::seconds(60);
  auto const done = fill_with_finished_runs(bed.folder(), bed.files(), options);
  ASSERT_TRUE(done) << done.error().text();
  bed.restart();
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  EXPECT_TRUE(recovered->open_runs.empty());
  RunFilter filter;
  filter.flow = "past";
  filter.state = run::RunState::kFailed;
  filter.limit = 3;
  auto const failed = bed.store().list_runs(filter);
  ASSERT_TRUE(failed) << failed.error().text();
  ASSERT_EQ(failed->size(), 3u);
  EXPECT_EQ((*failed)[0].key.value, "cron:nightly/11999/0");
  EXPECT_EQ((*failed)[2].key.value, "cron:nightly/11899/0");
  filter.key_prefix = "cron:nightly/49/";
  auto const one = bed.store().list_runs(filter);
  ASSERT_TRUE(one);
  ASSERT_EQ(one->size(), 1u);
  auto const stored = bed.store().load_run((*one)[0].id);
  ASSERT_TRUE(stored && *stored);
  EXPECT_EQ((*stored)->tasks.at(0).name, "fetch");
  EXPECT_EQ((*stored)->chains.at(0).entries.at(0).name, "decide");
  auto const key = bed.store().find_key(flow::FlowName("past"), run::Key("cron:nightly/49/0"));
  ASSERT_TRUE(key && *key);
  EXPECT_EQ((*key)->state, run::RunState::kFailed);
}

}  // namespace
}  // namespace tidemill::store
