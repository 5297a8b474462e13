#include "run/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "run/items.h"
#include "run/worker.h"

namespace tidemill::run {
namespace {

bool has_failed(TaskState state) {
  return state == TaskState::kFailed || state == TaskState::kUpstreamFailed ||
         state == TaskState::kCancelled;
}

bool is_cleared(const Node& node) {
  return node.row.state == TaskState::kRunning && node.row.error_code == kClearedCode;
}

// Every task that comes after one of `seeds`, and these.
std::set<flow::TaskIndex> with_followers(const flow::Flow& flow, std::set<flow::TaskIndex> seeds) {
  std::vector<flow::TaskIndex> open(seeds.begin(), seeds.end());
  while (!open.empty()) {
    flow::TaskIndex const index = open.back();
    open.pop_back();
    for (flow::TaskIndex child : flow.task(index).children) {
      if (seeds.insert(child).second) open.push_back(child);
    }
  }
  return seeds;
}

// Of a mapped task: its list stands as long as nothing that the list can come from is made again.
bool keeps_list(const Instance& run, flow::TaskIndex index, const std::set<flow::TaskIndex>& set) {
  const flow::Task& task = run.flow->task(index);
  return std::none_of(task.needs.begin(), task.needs.end(),
                      [&](flow::TaskIndex need) { return set.contains(need); });
}

Cleared cleared_task(const Instance& run, flow::TaskIndex index, bool only_failed_items) {
  const TaskNode& node = run.task(index);
  Cleared cleared{index, node.whole.row.state, node.whole.row.attempt, only_failed_items, {}};
  if (!node.is_mapped()) return cleared;
  for (const Node& item : node.items) {
    if (only_failed_items && !has_failed(item.row.state)) continue;
    cleared.items.push_back(item.row.item);
  }
  return cleared;
}

// Into the state in which it has not begun. An attempt that is being made by the compute threads is
// given up: its number is used.
void reset(Instance& run, Worker& worker, TaskRef ref, Step& step) {
  Node& node = run.node(ref.task, ref.item);
  TaskRow& row = node.row;
  bool const had_begun = node.has_row || is_final(row.state);
  bool const was_evaluated =
      is_final(row.state) && !node.has_row && row.width < 0 &&
      (row.state == TaskState::kSucceeded || row.state == TaskState::kFailed);
  if (was_evaluated && row.attempt.value == 0) row.attempt = Attempt(1);
  if (row.state == TaskState::kReady) {
    step.actions.push_back(Released{ref});
    if (run.flow->task(ref.task).is_pure()) row.attempt = Attempt(row.attempt.value + 1);
  }
  row.state = TaskState::kWaiting;
  row.width = -1;
  row.failures = 0;
  row.started.reset();
  row.ended.reset();
  row.due.reset();
  row.error_code.clear();
  row.error.clear();
  node.value = nullptr;
  node.stopping = {};
  if (had_begun) worker.write_row(node);
}

// True if an attempt is under way, which ends first.
bool stop_or_reset(Instance& run, Worker& worker, TaskRef ref, const std::string& reason,
                   Step& step) {
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state != TaskState::kRunning) {
    bool const is_fresh = node.row.state == TaskState::kWaiting && node.row.failures == 0;
    if (!is_fresh) reset(run, worker, ref, step);
    return false;
  }
  node.row.error_code = kClearedCode;
  node.row.error = reason;
  worker.write_row(node);
  node.stopping = {Code::kDenied, reason, {}};  // resume() tells it
  return true;
}

void recount_open(TaskNode& node) {
  node.open_items = 0;
  for (const Node& item : node.items) node.open_items += item.is_final() ? 0 : 1;
}

// A mapped task: all of its items, and then its list; or some items.
void clear_mapped(Instance& run, Worker& worker, const Cleared& cleared, const std::string& reason,
                  Step& step) {
  TaskNode& node = run.task(cleared.task);
  bool is_stopping = false;
  for (Item item : cleared.items) {
    is_stopping |= stop_or_reset(run, worker, {cleared.task, item}, reason, step);
  }
  if (!cleared.keeps_list && !is_stopping) {
    reset(run, worker, {cleared.task, kWhole}, step);
    return;
  }
  TaskRow& row = node.whole.row;
  row.state = TaskState::kRunning;
  row.ended.reset();
  row.error_code = cleared.keeps_list ? "" : kClearedCode;
  row.error = cleared.keeps_list ? "" : reason;
  node.whole.value = nullptr;
  recount_open(node);
  worker.write_row(node.whole);
}

// The run is open, and counts what is open in it.
void reopen_row(Instance& run, Step& step) {
  run.is_cancelling = false;
  run.open_tasks = 0;
  for (const TaskNode& node : run.tasks) run.open_tasks += node.whole.is_final() ? 0 : 1;
  recount(run);
  if (!is_final(run.row.state)) return;
  run.row.state = RunState::kRunning;
  run.row.finished.reset();
  run.row.error_code.clear();
  run.row.error.clear();
  step.row_changed = true;
}

// What could not run, or was skipped, because of how `index` had ended: it may run now.
std::vector<flow::TaskIndex> judged_again(const Instance& run, flow::TaskIndex index) {
  std::set<flow::TaskIndex> seen;
  std::vector<flow::TaskIndex> open = {index};
  while (!open.empty()) {
    flow::TaskIndex const at = open.back();
    open.pop_back();
    for (flow::TaskIndex child : run.flow->task(at).children) {
      TaskState const state = run.task(child).whole.row.state;
      if (state != TaskState::kUpstreamFailed && state != TaskState::kSkipped) continue;
      if (seen.insert(child).second) open.push_back(child);
    }
  }
  return {seen.begin(), seen.end()};
}

// The attempts of a marked task that are under way end now, as far as the run is concerned: the
// number of the mark fences what they still say.
void abandon(Instance& run, Worker& worker, TaskRef ref, const std::string& reason, Step& step) {
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state == TaskState::kReady) step.actions.push_back(Released{ref});
  if (node.row.state != TaskState::kRunning || node.row.attempt.value == 0) return;
  step.actions.push_back(Released{ref});
  step.actions.push_back(Stop{ref, node.row.attempt});
  node.row.error_code = code_name(Code::kDenied);
  node.row.error = reason;
  worker.write_attempt(node, {});
}

// A mapped task that is marked has no items any more; its value is what they have given.
void close_items(Instance& run, Worker& worker, TaskNode& task, const std::string& reason,
                 Step& step) {
  std::vector<flow::TaskValuePtr> values;
  for (Node& item : task.items) {
    TaskRef const ref{item.row.task, item.row.item};
    values.push_back(item.value ? item.value : flow::TaskValue::missing());
    if (item.is_final()) continue;
    abandon(run, worker, ref, reason, step);
    item.row.state = TaskState::kCancelled;
    item.row.ended = step.now.wall;
    item.row.due.reset();
    item.row.error = reason;
    worker.write_row(item);
  }
  if (!task.whole.value) task.whole.value = flow::TaskValue::of_list(values);
  task.whole.row.width = -1;
  task.open_items = 0;
}

void write_mark(Node& node, Worker& worker, const MarkOrder& order, const std::string& who,
                Step& step) {
  TaskRow& row = node.row;
  row.attempt = Attempt(row.attempt.value + 1);
  row.state = order.state;
  row.started = step.now.wall;
  row.ended = step.now.wall;
  row.due.reset();
  row.error_code.clear();
  row.error.clear();
  if (order.state == TaskState::kFailed) row.error_code = code_name(Code::kDenied);
  if (order.state != TaskState::kSucceeded) {
    row.error = fmt::format("marked {} by {}", word(order.state), who);
    node.value = nullptr;
  } else if (order.value) {
    node.value = order.value;
  }
  node.stopping = {};
  worker.write_row(node);
  AttemptRow attempt{row.run,      row.task,   row.item,       row.attempt, row.state,
                     *row.started, *row.ended, row.error_code, row.error,   {}};
  attempt.detail = Json::object().set("marked_by", who).set("marked", word(order.state));
  step.changes.attempts.push_back(std::move(attempt));
}

}  // namespace

bool is_held(const Instance& run, TaskRef ref) {
  return run.is_paused || (ref.item != kWhole && is_cleared(run.task(ref.task).whole));
}

std::vector<Cleared> Control::plan_clear(const Instance& run, const ClearOrder& order) {
  std::set<flow::TaskIndex> seeds(order.tasks.begin(), order.tasks.end());
  if (order.tasks.empty()) seeds.insert(run.flow->order.begin(), run.flow->order.end());
  if (order.only_failed) {
    std::erase_if(
        seeds, [&](flow::TaskIndex index) { return !has_failed(run.task(index).whole.row.state); });
  }
  std::set<flow::TaskIndex> const chosen =
      order.reach == ClearOrder::Reach::kOnly ? seeds : with_followers(*run.flow, seeds);
  std::vector<Cleared> plan;
  for (flow::TaskIndex index : run.flow->order) {
    if (!chosen.contains(index)) continue;
    const TaskNode& node = run.task(index);
    if (node.whole.row.state == TaskState::kWaiting || is_cleared(node.whole)) continue;
    bool const some_items = order.only_failed && seeds.contains(index) && node.is_mapped() &&
                            keeps_list(run, index, chosen);
    plan.push_back(cleared_task(run, index, some_items));
  }
  return plan;
}

void Control::clear(Instance& run, const std::vector<Cleared>& cleared, const std::string& who,
                    Step& step) {
  TIDEMILL_CHECK(!run.is_cancelling || is_final(run.row.state));
  Worker worker(run, step);
  std::string const reason = fmt::format("stopped: cleared by {}", who);
  for (const Cleared& one : cleared) {
    if (run.task(one.task).is_mapped()) {
      clear_mapped(run, worker, one, reason, step);
    } else {
      stop_or_reset(run, worker, {one.task, kWhole}, reason, step);
    }
  }
  reopen_row(run, step);
  Machine::resume(run, step);
}

void Control::cleared_attempt_ended(Instance& run, TaskRef ref, Outcome outcome, Step& step) {
  Node& node = run.node(ref.task, ref.item);
  Worker worker(run, step);
  AttemptRow attempt{node.row.run,       node.row.task,
                     node.row.item,      node.row.attempt,
                     TaskState::kFailed, node.row.started.value_or(step.now.wall),
                     step.now.wall,      std::string(kClearedCode),
                     node.row.error,     std::move(outcome.detail)};
  if (outcome.kind == Outcome::Kind::kSucceeded) {
    attempt.state = TaskState::kSucceeded;
    attempt.error_code.clear();
    attempt.error.clear();
  }
  step.changes.attempts.push_back(std::move(attempt));
  reset(run, worker, ref, step);
  TaskNode& task = run.task(ref.task);
  if (ref.item != kWhole && is_cleared(task.whole)) {
    bool const others_run = std::any_of(task.items.begin(), task.items.end(), [](const Node& item) {
      return item.row.state == TaskState::kRunning;
    });
    if (others_run) return;
    reset(run, worker, {ref.task, kWhole}, step);
  } else if (ref.item != kWhole) {
    --task.active_items;
    if (is_grouped(*run.flow, run.flow->task(ref.task))) {
      worker.consider(ref);
    } else {
      worker.release_item(ref);
    }
  }
  worker.consider(ref.task);
  worker.work();
}

std::vector<flow::TaskIndex> Control::mark(Instance& run, const MarkOrder& order,
                                           const std::string& who, Step& step) {
  Worker worker(run, step);
  TaskNode& task = run.task(order.task);
  std::string const reason =
      fmt::format("stopped: the task was marked {} by {}", word(order.state), who);
  std::vector<flow::TaskIndex> again = judged_again(run, order.task);
  if (task.is_mapped()) {
    close_items(run, worker, task, reason, step);
  } else {
    abandon(run, worker, {order.task, kWhole}, reason, step);
  }
  write_mark(task.whole, worker, order, who, step);
  for (flow::TaskIndex index : again) reset(run, worker, {index, kWhole}, step);
  bool const was_final = is_final(run.row.state);
  reopen_row(run, step);
  if (was_final) {
    Machine::resume(run, step);
  } else {
    for (flow::TaskIndex child : run.flow->task(order.task).children) worker.consider(child);
    for (flow::TaskIndex index : again) worker.consider(index);
    worker.work();
  }
  std::erase_if(again, [&](flow::TaskIndex index) {
    TaskState const state = run.task(index).whole.row.state;
    return state == TaskState::kUpstreamFailed || state == TaskState::kSkipped;
  });
  return again;
}

void Control::pause(Instance& run, Step& step) {
  run.is_paused = true;
  auto hold = [&](Node& node) {
    if (node.row.state != TaskState::kReady) return;
    TaskRef const ref{node.row.task, node.row.item};
    step.actions.push_back(Released{ref});
    if (run.flow->task(ref.task).is_pure()) node.row.attempt = Attempt(node.row.attempt.value + 1);
    node.row.state = TaskState::kWaiting;
  };
  for (TaskNode& task : run.tasks) {
    hold(task.whole);
    for (Node& item : task.items) hold(item);
    recount_active(task);
  }
}

void Control::unpause(Instance& run, Step& step) {
  run.is_paused = false;
  if (run.row.state == RunState::kRunning) Machine::resume(run, step);
}

}  // namespace tidemill::run
