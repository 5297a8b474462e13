#include "run/backfill.h"

#include <gmock/gmock.h>

#include "run/test_support.h"

namespace tidemill::run {
namespace {

using testing::HasSubstr;

constexpr const char* kFlow =
    "flow: f\nparams: { id: integer, note: { type: string, default: x } }\n"
    "tasks:\n  a: { shell: 'true' }\n";

TEST(Backfill, ALineIsTheParamThatMustBeGivenOrAnObject) {
  auto const entries =
      entries_of_lines(*load_text(kFlow), {"7", "", R"({"id":8,"note":"y"})", "7"});
  ASSERT_TRUE(entries) << entries.error().text();
  ASSERT_EQ(entries->size(), 2u) << "a line that is there twice is one entry";
  EXPECT_EQ((*entries)[0].params.dump(), R"({"id":7,"note":"x"})");
  EXPECT_EQ((*entries)[1].params.dump(), R"({"id":8,"note":"y"})");
  EXPECT_NE((*entries)[0].key, (*entries)[1].key);
}

TEST(Backfill, AWrongLineIsNamed) {
  auto const flow = load_text(kFlow);
  EXPECT_THAT(entries_of_lines(*flow, {"7", "seven"}).error().text(), HasSubstr("line 2"));
  auto const two =
      load_text("flow: f\nparams: { p: string, q: string }\ntasks:\n  a: { shell: 'x' }\n");
  EXPECT_THAT(entries_of_lines(*two, {"7"}).error().text(), HasSubstr("JSON object"));
}

TEST(Backfill, ASpecReadsBackAsItWasWritten) {
  BackfillSpec spec;
  spec.trigger = "nightly";
  spec.reprocess = Reprocess::kFailed;
  spec.newest_first = true;
  spec.max_running = 3;
  spec.entries.push_back(
      {Key("cron:nightly/2026-01-01T00:00/0"), Time{5}, Time{4}, Json::object()});
  spec.entries.push_back({std::nullopt, std::nullopt, std::nullopt, Json::object().set("id", 7)});
  auto const read = parse_spec(dump_spec(spec));
  ASSERT_TRUE(read);
  EXPECT_EQ(dump_spec(*read).dump(), dump_spec(spec).dump());
  EXPECT_EQ(read->entries[0].scheduled_at, Time{5});
  EXPECT_FALSE(parse_spec(Json::object()));
}

TEST(Backfill, OnlyWhatReprocessAllowsIsMadeAgain) {
  using enum EntryAction;
  EXPECT_EQ(action_for(std::nullopt, Reprocess::kNone), kRun);
  EXPECT_EQ(action_for(RunState::kRunning, Reprocess::kAll), kLeave);
  EXPECT_EQ(action_for(RunState::kSucceeded, Reprocess::kNone), kLeave);
  EXPECT_EQ(action_for(RunState::kFailed, Reprocess::kNone), kLeave);
  EXPECT_EQ(action_for(RunState::kSucceeded, Reprocess::kFailed), kLeave);
  EXPECT_EQ(action_for(RunState::kFailed, Reprocess::kFailed), kFailedTasks);
  EXPECT_EQ(action_for(RunState::kCancelled, Reprocess::kFailed), kFailedTasks);
  EXPECT_EQ(action_for(RunState::kSucceeded, Reprocess::kAll), kAllTasks);
}

}  // namespace
}  // namespace tidemill::run
