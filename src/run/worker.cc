// What comes next: judging tasks, releasing them, ending the run.
#include "run/worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "run/control.h"
#include "run/items.h"

namespace tidemill::run {

void Worker::work() {
  while (!pending_.empty()) {
    flow::TaskIndex const index = pending_.front();
    pending_.pop_front();
    judge_task(index);
  }
  if (run_.open_tasks == 0 && !is_final(run_.row.state)) finish();
}

void Worker::judge_task(flow::TaskIndex index) {
  TaskNode& node = run_.task(index);
  if (node.whole.row.state != TaskState::kWaiting) return;
  TaskRef const ref{index, kWhole};
  if (run_.is_cancelling) {
    settle(ref, TaskState::kCancelled, {});
    return;
  }
  switch (decide(run_.flow->task(index).rule, node.upstream)) {
    case Verdict::kWait:
    case Verdict::kRemoved:
      return;
    case Verdict::kSkip:
      settle(ref, TaskState::kSkipped, {Code::kInvalid, "what it needs was skipped", {}});
      return;
    case Verdict::kUpstreamFailed:
      settle(ref, TaskState::kUpstreamFailed, {Code::kInvalid, failed_needs(index), {}});
      return;
    case Verdict::kRun:
      release(index);
  }
}

std::string Worker::failed_needs(flow::TaskIndex index) const {
  for (flow::TaskIndex need : run_.flow->task(index).needs) {
    TaskState const state = run_.task(need).whole.row.state;
    if (state == TaskState::kFailed || state == TaskState::kUpstreamFailed ||
        state == TaskState::kCancelled) {
      return fmt::format("task {} {}", run_.flow->task(need).name,
                         state == TaskState::kCancelled ? "was cancelled" : "failed");
    }
  }
  return "what it needs failed";
}

// The rule allows it: `when` and `for_each` decide what is done.
void Worker::release(flow::TaskIndex index) {
  const flow::Task& task = run_.flow->task(index);
  TaskRef const ref{index, kWhole};
  flow::Scope scope;
  Machine::fill_scope(run_, ref, scope);
  if (task.when) {
    auto const wanted = scope.evaluate_bool(*task.when);
    if (!wanted) {
      settle(ref, TaskState::kFailed, wanted.error().in("when"));
      return;
    }
    if (!*wanted) {
      settle(ref, TaskState::kSkipped, {Code::kInvalid, "its `when` is not true", {}});
      return;
    }
  }
  if (!task.for_each && task.for_each_rows.empty()) {
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
  bool const counts_as_success =
      state == TaskState::kSucceeded || (state == TaskState::kFailed && task.optional);
  if (state == TaskState::kFailed && task.optional) {
    run_.task(index).whole.value = flow::TaskValue::missing();
  }
  if (state == TaskState::kSucceeded) {
    for (const flow::Write& write : task.writes) {
      step_.actions.push_back(Wrote{write.dataset, task.name});
    }
  }
  for (flow::TaskIndex child : task.children) {
    Upstream& upstream = run_.task(child).upstream;
    if (counts_as_success) {
      ++upstream.succeeded;
    } else if (state == TaskState::kSkipped) {
      ++upstream.skipped;
    } else if (state == TaskState::kUpstreamFailed) {
      ++upstream.upstream_failed;
    } else {
      ++upstream.failed;
    }
    consider(child);
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
      if (state == TaskState::kFailed && !task.optional) {
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
