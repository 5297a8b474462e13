// A run as the store holds it, made into memory again.
#include <fmt/format.h>

#include "run/control.h"
#include "run/items.h"
#include "run/machine.h"

namespace tidemill::run {
namespace {

Status in_range(const Instance& run, flow::TaskIndex task, Item item) {
  if (task.value < 0 || static_cast<size_t>(task.value) >= run.tasks.size() || item.value < -1 ||
      item.value >= static_cast<int32_t>(kMaxItems)) {
    return fail(Code::kInternal, fmt::format("run {}: the store names task {} item {}, which its "
                                             "flow does not have",
                                             run.row.id.value, task.value, item.value));
  }
  return {};
}

Node& node_for(Instance& run, flow::TaskIndex index, Item item) {
  TaskNode& task = run.task(index);
  if (item == kWhole) return task.whole;
  size_t const position = static_cast<size_t>(item.value);
  if (task.items.size() <= position) task.items.resize(position + 1);
  return task.items[position];
}

Status apply_value(Node& node, const std::string& dump) {
  if (dump.empty()) return {};
  TIDEMILL_TRY_LET(value, flow::TaskValue::parse(dump));
  node.value = std::move(value);
  return {};
}

Status apply_chain(Instance& run, const ChainRow& chain) {
  for (const ChainEntry& entry : chain.entries) {
    TIDEMILL_TRY(in_range(run, entry.task, entry.item));
    Node& node = node_for(run, entry.task, entry.item);
    node.row.run = run.row.id;
    node.row.task = entry.task;
    node.row.item = entry.item;
    node.row.name = entry.name;
    node.row.state = entry.state;
    node.row.width = entry.width;
    node.row.ended = chain.at;
    node.row.error_code = entry.error_code;
    node.row.error = entry.error;
    TIDEMILL_TRY(apply_value(node, entry.value));
  }
  run.chains = std::max(run.chains, chain.number + 1);
  return {};
}

// The list of a mapped task is evaluated again from values that do not change.
Status restore_items(Instance& run, TaskNode& task) {
  flow::TaskIndex const index = task.whole.row.task;
  size_t const width = static_cast<size_t>(std::max(task.whole.row.width, 0));
  for (size_t i = width; i < task.items.size(); ++i) {
    task.last_attempt = std::max(task.last_attempt, task.items[i].row.attempt);
  }
  task.items.resize(width);
  task.open_items = 0;
  task.active_items = 0;
  task.held_items.clear();
  std::vector<flow::TaskValuePtr> values;
  for (size_t i = 0; i < width; ++i) {
    Node& item = task.items[i];
    item.row.run = run.row.id;
    item.row.task = index;
    item.row.item = Item(static_cast<int32_t>(i));
    item.row.name = task.whole.row.name;
    if (item.row.state == TaskState::kRunning && !item.has_row)
      item.row.state = TaskState::kWaiting;
    if (!item.is_final()) {
      ++task.open_items;
      task.active_items += item.row.state == TaskState::kWaiting ? 0 : 1;
    }
    values.push_back(item.value ? item.value : flow::TaskValue::missing());
  }
  if (task.whole.row.state == TaskState::kSucceeded) {
    task.whole.value = flow::TaskValue::of_list(values);
  }
  const flow::Task& definition = run.flow->task(index);
  flow::Scope scope;
  Machine::fill_scope(run, {index, kWhole}, scope);
  TIDEMILL_TRY_LET(list, item_list(run, definition, scope));
  task.list = std::move(list);
  if (task.list.size() != width) {
    return fail(Code::kInternal,
                fmt::format("run {}: task {} had {} items, its list now has {}", run.row.id.value,
                            definition.name, width, task.list.size()));
  }
  return {};
}

// That attempts were told to stop has no row of its own: in a run that is being cancelled, all
// were.
void mark_stopping(const Instance& run, TaskNode& task) {
  if (run.flow->task(task.whole.row.task).is_teardown()) return;  // these are not stopped
  bool const is_late = run.row.error_code == code_name(Code::kTooLate);
  Error const reason{is_late ? Code::kTooLate : Code::kDenied, run.row.error, {}};
  if (!task.is_mapped() && task.whole.row.state == TaskState::kRunning) {
    task.whole.stopping = reason;
  }
  for (Node& item : task.items) {
    if (item.row.state == TaskState::kRunning) item.stopping = reason;
  }
}

// So do the rows of attempts that were cleared.
void mark_cleared(Node& node) {
  if (node.row.state != TaskState::kRunning || node.row.error_code != kClearedCode) return;
  node.stopping = {Code::kDenied, node.row.error, {}};
}

}  // namespace

Result<Instance> restore_instance(std::shared_ptr<const flow::Flow> flow, StoredRun stored) {
  Instance run = make_instance(std::move(flow), std::move(stored.row));
  run.is_cancelling = !is_final(run.row.state) && !run.row.error_code.empty();
  for (const ChainRow& chain : stored.chains) TIDEMILL_TRY(apply_chain(run, chain));
  for (TaskRow& row : stored.tasks) {
    TIDEMILL_TRY(in_range(run, row.task, row.item));
    Node& node = node_for(run, row.task, row.item);
    std::string const dump = std::move(row.value);
    row.value.clear();
    node.row = std::move(row);
    node.has_row = true;
    node.value = nullptr;
    TIDEMILL_TRY(apply_value(node, dump));
  }
  run.open_tasks = 0;
  for (flow::TaskIndex index : run.flow->order) {
    TaskNode& task = run.task(index);
    if (task.is_mapped()) {
      TIDEMILL_TRY(restore_items(run, task));
    } else {
      // Items of a pure mapped task whose whole was not finished are done again; of others the
      // numbers of their attempts go on.
      for (Node& item : task.items) {
        if (!item.has_row) item = Node();
      }
    }
    if (!task.whole.is_final()) ++run.open_tasks;
    mark_cleared(task.whole);
    for (Node& item : task.items) mark_cleared(item);
    if (run.is_cancelling) mark_stopping(run, task);
    if (task.whole.row.state == TaskState::kFailed && run.flow->task(index).optional) {
      task.whole.value = flow::TaskValue::missing();
    }
  }
  recount(run);
  return run;
}

}  // namespace tidemill::run
