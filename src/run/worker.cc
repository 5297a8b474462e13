// What comes next: judging tasks, releasing them, ending the run.
#include "run/worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "run/branch.h"
#include "run/control.h"
#include "run/items.h"

namespace tidemill::run {

void Worker::work() {
  while (!pending_.empty()) {
    TaskRef const ref = pending_.front();
    pending_.pop_front();
    if (ref.item == kWhole) {
      judge_task(ref.task);
    } else {
      judge_item(ref);
    }
  }
  if (run_.open_tasks == 0 && !is_final(run_.row.state)) finish();
}

void Worker::judge_task(flow::TaskIndex index) {
  TaskNode& node = run_.task(index);
  const flow::Task& task = run_.flow->task(index);
  bool const by_item = is_grouped(*run_.flow, task);
  if (by_item && node.whole.row.state == TaskState::kRunning) {
    for (const Node& item : node.items) judge_item({index, item.row.item});
    return;
  }
  if (node.whole.row.state != TaskState::kWaiting) return;
  TaskRef const ref{index, kWhole};
  // A teardown is owed to its setup, also by a run that is cancelled.
  if (run_.is_cancelling && !task.is_teardown()) {
    settle(ref, TaskState::kCancelled, {});
    return;
  }
  Verdict const verdict = decide(by_item ? flow::Rule::kAllSuccess : task.rule, node.upstream);
  if (is_allowed(ref, verdict)) release(index);
}

// Whether the verdict lets it run. If it can no longer run, it is settled.
bool Worker::is_allowed(TaskRef ref, Verdict verdict) {
  bool const is_moot = verdict == Verdict::kSkip || verdict == Verdict::kUpstreamFailed;
  if (run_.is_cancelling && is_moot) {
    settle(ref, TaskState::kCancelled, {});
  } else if (verdict == Verdict::kSkip) {
    settle(ref, TaskState::kSkipped, {Code::kInvalid, "what it needs was skipped", {}});
  } else if (verdict == Verdict::kUpstreamFailed) {
    settle(ref, TaskState::kUpstreamFailed, {Code::kInvalid, failed_needs(ref), {}});
  }
  return verdict == Verdict::kRun;
}

std::string Worker::failed_needs(TaskRef ref) const {
  const flow::Task& task = run_.flow->task(ref.task);
  for (flow::TaskIndex need : task.needs) {
    bool const by_item = ref.item != kWhole && is_inner_need(*run_.flow, task, need);
    const TaskNode& other = run_.task(need);
    TaskState const state = by_item && other.is_mapped()
                                ? other.items[static_cast<size_t>(ref.item.value)].row.state
                                : other.whole.row.state;
    if (state == TaskState::kFailed || state == TaskState::kUpstreamFailed ||
        state == TaskState::kCancelled) {
      return fmt::format("task {} {}", run_.flow->task(need).name,
                         state == TaskState::kCancelled ? "was cancelled" : "failed");
    }
  }
  return "what it needs failed";
}

// Evaluates `when`; a task that is not wanted is settled.
bool Worker::is_wanted(TaskRef ref, const flow::Scope& scope) {
  const flow::Task& task = run_.flow->task(ref.task);
  if (!task.when) return true;
  auto const wanted = scope.evaluate_bool(*task.when);
  if (!wanted) {
    settle(ref, TaskState::kFailed, wanted.error().in("when"));
    return false;
  }
  if (*wanted) return true;
  settle(ref, TaskState::kSkipped, {Code::kInvalid, "its `when` is not true", {}});
  return false;
}

// The rule allows it: `when` and `for_each` decide what is done.
void Worker::release(flow::TaskIndex index) {
  const flow::Task& task = run_.flow->task(index);
  TaskRef const ref{index, kWhole};
  flow::Scope scope;
  Machine::fill_scope(run_, ref, scope);
  // In a mapped group `when` is decided by item.
  if (!is_grouped(*run_.flow, task) && !is_wanted(ref, scope)) return;
  if (!task.is_mapped()) {
    make_ready(ref);
    return;
  }
  auto list = item_list(run_, task, scope);
  if (!list) {
    settle(ref, TaskState::kFailed, list.error().in("for_each"));
    return;
  }
  spread(index, std::move(*list));
}

void Worker::make_ready(TaskRef ref) {
  if (is_held(run_, ref)) return;
  Node& node = run_.node(ref.task, ref.item);
  node.row.state = TaskState::kReady;
  if (run_.flow->task(ref.task).is_pure()) {
    step_.actions.push_back(Evaluate{ref});
  } else {
    step_.actions.push_back(Request{ref});
  }
}

void Worker::whole_ended(flow::TaskIndex index, TaskState state) {
  const flow::Task& task = run_.flow->task(index);
  --run_.open_tasks;
  if (state == TaskState::kFailed && task.optional) {
    run_.task(index).whole.value = flow::TaskValue::missing();
  }
  if (state == TaskState::kSucceeded) {
    if (task.is_branch) skip_not_chosen(index);
    for (const flow::Write& write : task.writes) {
      step_.actions.push_back(Wrote{write.dataset, task.name});
    }
  }
  for (flow::TaskIndex child : task.children) {
    const flow::Task& other = run_.flow->task(child);
    if (is_inner_need(*run_.flow, other, index)) continue;  // told by item
    count_end(upstream_for(run_, child, index), *run_.flow, other, index, state);
    consider(child);
  }
}

// The children that a branch did not choose are skipped, whatever their rule.
void Worker::skip_not_chosen(flow::TaskIndex branch) {
  auto const skipped = not_chosen(*run_.flow, branch, *run_.task(branch).whole.value);
  if (!skipped) return;  // succeed() has looked
  for (flow::TaskIndex child : *skipped) {
    if (run_.task(child).whole.row.state != TaskState::kWaiting) continue;
    settle({child, kWhole}, TaskState::kSkipped,
           {Code::kInvalid,
            fmt::format("the branch {} did not choose it", run_.flow->task(branch).name),
            {}});
  }
}

// The run fails if any task failed that is not optional, whatever ran after it.
void Worker::finish() {
  RunRow& row = run_.row;
  row.finished = step_.now.wall;
  row.state = RunState::kSucceeded;
  if (row.error_code == code_name(Code::kTooLate)) {
    row.state = RunState::kFailed;
  } else if (run_.is_cancelling) {
    row.state = RunState::kCancelled;
  } else {
    for (const TaskNode& node : run_.tasks) {
      const flow::Task& task = run_.flow->task(node.whole.row.task);
      TaskState const state = node.whole.row.state;
      if (state == TaskState::kFailed && !task.optional && task.fails_run) {
        row.state = RunState::kFailed;
        row.error_code = node.whole.row.error_code;
        row.error = fmt::format("task {}: {}", task.name, node.whole.row.error);
        break;
      }
    }
  }
  // What a cancelled run had not done is still not done, whatever was marked since.
  bool const is_left = std::any_of(run_.tasks.begin(), run_.tasks.end(), [](const TaskNode& node) {
    return node.whole.row.state == TaskState::kCancelled;
  });
  if (row.state == RunState::kSucceeded && is_left) row.state = RunState::kCancelled;
  step_.row_changed = true;
  step_.actions.push_back(Finished{});
}

}  // namespace tidemill::run
