// Tasks with for_each: their items.
#include <fmt/format.h>

#include <map>

#include "run/control.h"
#include "run/items.h"
#include "run/worker.h"

namespace tidemill::run {

void Worker::spread(flow::TaskIndex index, std::vector<Json> list) {
  TaskNode& node = run_.task(index);
  const flow::Task& task = run_.flow->task(index);
  node.list = std::move(list);
  int32_t const width = static_cast<int32_t>(node.list.size());
  node.whole.row.width = width;
  node.open_items = width;
  node.active_items = 0;
  node.held_items.clear();
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
  recount_items(run_, node);
  if (width == 0) {
    succeed({index, kWhole}, flow::TaskValue::of_list({}), {}, {});
    return;
  }
  // Items of a mapped group depend on each other, so those of pure tasks keep their list too.
  bool const by_item = is_grouped(*run_.flow, task);
  if (!task.is_pure() || by_item) write_row(node.whole);
  for (int32_t i = 0; i < width; ++i) {
    if (by_item) {
      consider(TaskRef{index, Item(i)});
    } else {
      release_item({index, Item(i)});
    }
  }
}

// An item of a task in a mapped group: by the ends of the same item of the tasks that it needs.
void Worker::judge_item(TaskRef ref) {
  TaskNode& node = run_.task(ref.task);
  const flow::Task& task = run_.flow->task(ref.task);
  if (run_.node(ref.task, ref.item).row.state != TaskState::kWaiting) return;
  if (run_.is_cancelling && !task.is_teardown()) {
    settle(ref, TaskState::kCancelled, {});
    return;
  }
  if (!is_allowed(ref, decide(task.rule, item_upstream(node, ref.item)))) return;
  flow::Scope scope;
  Machine::fill_scope(run_, ref, scope);
  if (is_wanted(ref, scope)) release_item(ref);
}

void Worker::release_item(TaskRef ref) {
  if (is_held(run_, ref)) return;  // resume() comes by again, and counts anew
  TaskNode& node = run_.task(ref.task);
  auto const limit = run_.flow->task(ref.task).max_items_running;
  if (limit && node.active_items >= *limit) {
    node.held_items.push_back(ref.item.value);
    return;
  }
  ++node.active_items;
  make_ready(ref);
}

void Worker::tell_inner_children(TaskRef ref, TaskState state) {
  const flow::Task& task = run_.flow->task(ref.task);
  if (!is_grouped(*run_.flow, task)) return;
  size_t const position = static_cast<size_t>(ref.item.value);
  for (flow::TaskIndex child : task.children) {
    const flow::Task& other = run_.flow->task(child);
    TaskNode& node = run_.task(child);
    // One whose items are not known yet counts when they are.
    if (!is_inner_need(*run_.flow, other, ref.task) || position >= node.of_items.size()) continue;
    count_end(node.of_items[position], *run_.flow, other, ref.task, state);
    consider(TaskRef{child, ref.item});
  }
}

void Worker::item_ended(TaskRef ref, TaskState state, bool was_active) {
  TaskNode& node = run_.task(ref.task);
  tell_inner_children(ref, state);
  if (was_active) --node.active_items;
  auto const limit = run_.flow->task(ref.task).max_items_running;
  while (limit && node.active_items < *limit && !node.held_items.empty()) {
    TaskRef const next{ref.task, Item(node.held_items.front())};
    node.held_items.pop_front();
    if (run_.node(next.task, next.item).row.state == TaskState::kWaiting) release_item(next);
  }
  if (--node.open_items == 0) end_whole(ref.task);
}

// All items have ended: what became of the task.
void Worker::end_whole(flow::TaskIndex index) {
  TaskNode& node = run_.task(index);
  std::vector<flow::TaskValuePtr> values;
  std::map<TaskState, int> ends;
  std::string first_error;
  for (const Node& item : node.items) {
    ++ends[item.row.state];
    bool const succeeded = item.row.state == TaskState::kSucceeded;
    values.push_back(succeeded ? item.value : flow::TaskValue::missing());
    if (item.row.state == TaskState::kFailed && first_error.empty()) {
      first_error = fmt::format("item {}: {}", item.row.item.value, item.row.error);
    }
  }
  TaskRef const ref{index, kWhole};
  if (ends[TaskState::kCancelled] > 0) {
    settle(ref, TaskState::kCancelled, {});
  } else if (ends[TaskState::kFailed] > 0) {
    settle(ref, TaskState::kFailed,
           {Code::kInvalid,
            fmt::format("{} of {} items failed; {}", ends[TaskState::kFailed], node.items.size(),
                        first_error),
            {}});
  } else if (ends[TaskState::kUpstreamFailed] > 0) {
    settle(ref, TaskState::kUpstreamFailed, {Code::kInvalid, "what its items need failed", {}});
  } else if (ends[TaskState::kSucceeded] == 0) {
    settle(ref, TaskState::kSkipped, {Code::kInvalid, "all of its items were skipped", {}});
  } else {
    succeed(ref, flow::TaskValue::of_list(values), {}, {});
  }
}

}  // namespace tidemill::run
