#include "run/keys.h"

#include <gtest/gtest.h>

namespace tidemill::run {
namespace {

// These texts stand in stores of every age: they never change.
TEST(Keys, AreWrittenAsTheyAlwaysWere) {
  Time const due = Time::from_seconds(1'772'330'400);
  EXPECT_EQ(cron_key("nightly", "2026-03-01T02:00", 0).value, "cron:nightly/2026-03-01T02:00/0");
  EXPECT_EQ(cron_key("nightly", "2026-10-25T02:30", 1).value, "cron:nightly/2026-10-25T02:30/1");
  EXPECT_EQ(every_key("sweep", due).value, "every:sweep/2026-03-01T02:00:00Z");
  EXPECT_EQ(every_key("sweep", due + Duration::millis(50)).value,
            "every:sweep/2026-03-01T02:00:00.05Z");
  EXPECT_EQ(after_key(RunId("01J")).value, "after:01J");
  EXPECT_EQ(dataset_key("applications", 17).value, "dataset:applications/17");
  EXPECT_EQ(call_key("desk", "k-1").value, "call:desk/k-1");
  EXPECT_EQ(manual_key(RunId("01J")).value, "manual:01J");
  EXPECT_EQ(sub_key(RunId("01J"), "decide", kWhole).value, "sub:01J/decide");
  EXPECT_EQ(sub_key(RunId("01J"), "decide", Item(3)).value, "sub:01J/decide/3");
}

TEST(Keys, TheHashOfParamsTellsThemApart) {
  Json const a = Json::object().set("id", 1);
  EXPECT_EQ(body_hash(a), body_hash(Json::object().set("id", 1)));
  EXPECT_NE(body_hash(a), body_hash(Json::object().set("id", "1")));
  EXPECT_NE(body_hash(a), body_hash(Json::object()));
  EXPECT_EQ(body_hash(a).size(), 32u);
}

TEST(Rows, EveryStateHasAWordThatIsReadBack) {
  for (int i = 0; i <= static_cast<int>(RunState::kCancelled); ++i) {
    auto const state = static_cast<RunState>(i);
    EXPECT_EQ(run_state(word(state)), state);
  }
  for (int i = 0; i <= static_cast<int>(TaskState::kCancelled); ++i) {
    auto const state = static_cast<TaskState>(i);
    EXPECT_EQ(task_state(word(state)), state);
  }
  EXPECT_FALSE(run_state("done"));
  EXPECT_FALSE(task_state(""));
}

}  // namespace
}  // namespace tidemill::run
