// Tasks with for_each: their items.
#include <fmt/format.h>

#include "run/worker.h"

namespace tidemill::run {

void Worker::spread(flow::TaskIndex index, std::vector<Json> list) {
  TaskNode& node = run_.task(index);
  const flow::Task& task = run_.flow->task(index);
  node.list = std::move(list);
  int32_t const width = static_cast<int32_t>(node.list.size());
  node.whole.row.width = width;
  node.open_items = width;
  // A list that is made anew goes on with the numbers of the attempts before.
  for (size_t i = node.list.size(); i < node.items.size(); ++i) {
    node.last_attempt = std::max(node.last_attempt, node.items[i].row.attempt);
  }
  node.items.resize(node.list.size());
  for (int32_t i = 0; i < width; ++i) {
    Node& item = node.items[static_cast<size_t>(i)];
    Attempt const last = std::max(item.row.attempt, node.last_attempt);
    item.row = {};
    item.row.attempt = last;
    item.row.run = run_.row.id;
    item.row.task = index;
    item.row.item = Item(i);
    item.row.name = task.name;
    item.row.state = TaskState::kWaiting;
  }
  node.whole.row.state = TaskState::kRunning;
  node.whole.row.started = step_.now.wall;
  if (width == 0) {
    succeed({index, kWhole}, flow::TaskValue::of_list({}), {}, {});
    return;
  }
  if (!task.is_pure()) write_row(node.whole);
  for (int32_t i = 0; i < width; ++i) make_ready({index, Item(i)});
}

void Worker::item_ended(flow::TaskIndex index) {
  TaskNode& node = run_.task(index);
  if (--node.open_items > 0) return;
  std::vector<flow::TaskValuePtr> values;
  std::string first_error;
  int failed = 0;
  bool cancelled = false;
  for (const Node& item : node.items) {
    if (item.row.state == TaskState::kSucceeded) {
      values.push_back(item.value);
    } else if (item.row.state == TaskState::kSkipped) {
      values.push_back(flow::TaskValue::missing());
    } else {
      if (failed++ == 0)
        first_error = fmt::format("item {}: {}", item.row.item.value, item.row.error);
      cancelled = cancelled || item.row.state == TaskState::kCancelled;
      values.push_back(flow::TaskValue::missing());
    }
  }
  TaskRef const ref{index, kWhole};
  if (failed == 0) {
    succeed(ref, flow::TaskValue::of_list(values), {}, {});
  } else if (cancelled) {
    settle(ref, TaskState::kCancelled, {});
  } else {
    settle(ref, TaskState::kFailed,
           {Code::kInvalid,
            fmt::format("{} of {} items failed; {}", failed, node.items.size(), first_error),
            {}});
  }
}

}  // namespace tidemill::run
