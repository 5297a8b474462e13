#include "server/run_view.h"

#include <gtest/gtest.h>

#include "flow/task_value.h"

namespace tidemill::server {
namespace {

std::string dump(Json json) { return flow::TaskValue::of_json(std::move(json))->dump(); }

run::TaskRow task(int index, int item, const std::string& name, run::TaskState state,
                  const std::string& value = "") {
  run::TaskRow row;
  row.task = flow::TaskIndex(index);
  row.item = run::Item(item);
  row.name = name;
  row.state = state;
  row.attempt = run::Attempt(1);
  row.value = value;
  return row;
}

run::ChainRow chain(int number, int index, const std::string& name, run::TaskState state,
                    const std::string& value = "") {
  run::ChainRow row;
  row.number = number;
  run::ChainEntry entry;
  entry.task = flow::TaskIndex(index);
  entry.name = name;
  entry.state = state;
  entry.value = value;
  row.entries.push_back(std::move(entry));
  return row;
}

TEST(RunView, ShowsTasksInTheOrderOfTheFlowWhicheverRowsTheyComeFrom) {
  run::StoredRun stored;
  stored.row.id = run::RunId("01A");
  stored.row.error = "task b: no";
  stored.row.error_code = "invalid";
  stored.chains.push_back(chain(0, 2, "c", run::TaskState::kSkipped));
  stored.chains.push_back(chain(1, 0, "a", run::TaskState::kSucceeded, dump(Json(1))));
  stored.tasks.push_back(task(1, -1, "b", run::TaskState::kFailed));
  std::vector<run::AttemptRow> attempts(2);
  for (int i = 0; i < 2; ++i) {
    attempts[static_cast<size_t>(i)].task = flow::TaskIndex(1);
    attempts[static_cast<size_t>(i)].attempt = run::Attempt(i + 1);
  }
  Json const json = run_detail(stored, attempts);
  EXPECT_EQ(json.find("error")->text_or("message", ""), "task b: no");
  const auto& tasks = json.find("tasks")->as_array();
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[0].text_or("task", ""), "a");
  EXPECT_EQ(*tasks[0].find("value"), Json(1));
  EXPECT_EQ(tasks[1].text_or("task", ""), "b");
  EXPECT_EQ(tasks[1].find("attempts")->as_array().size(), 2u);
  EXPECT_EQ(tasks[2].text_or("state", ""), "skipped");
  EXPECT_TRUE(tasks[2].find("value")->is_null());
}

TEST(RunView, ARowOfATaskWinsOverTheChains) {
  run::StoredRun stored;
  stored.chains.push_back(chain(0, 0, "a", run::TaskState::kFailed));
  stored.tasks.push_back(task(0, -1, "a", run::TaskState::kSucceeded, dump(Json("second"))));
  EXPECT_EQ(run_output(stored).dump(), R"({"a":"second"})");
}

TEST(RunView, OutputGathersTheItemsOfMappedTasksInOrder) {
  run::StoredRun stored;
  stored.tasks.push_back(task(0, -1, "m", run::TaskState::kSucceeded));
  for (int item : {10, 2, 0, 1}) {
    stored.tasks.push_back(task(0, item, "m", run::TaskState::kSucceeded, dump(Json(item))));
  }
  EXPECT_EQ(run_output(stored).dump(), R"({"m":[0,1,2,10]})");
  stored.tasks[0].state = run::TaskState::kFailed;
  EXPECT_EQ(run_output(stored).dump(), "{}");
}

}  // namespace
}  // namespace tidemill::server
