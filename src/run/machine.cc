#include "run/machine.h"

#include <fmt/format.h>

#include "base/check.h"
#include "run/control.h"
#include "run/items.h"
#include "run/pairs.h"
#include "run/worker.h"

namespace tidemill::run {
namespace {

void stop_everything(Instance& run, Code code, std::string reason, Step& step) {
  if (is_final(run.row.state) || run.is_cancelling) return;
  run.is_cancelling = true;
  run.row.error_code = code == Code::kTooLate ? std::string(code_name(code)) : "cancelled";
  run.row.error = reason;
  step.row_changed = true;
  Worker worker(run, step);
  Error const error{code, std::move(reason), {}};
  auto stop_node = [&](TaskRef ref) {
    Node& node = run.node(ref.task, ref.item);
    if (node.is_final()) return;
    // What was set up is torn down all the same: a teardown goes on, or is judged at its time.
    if (run.flow->task(ref.task).is_teardown()) {
      if (ref.item == kWhole) worker.consider(ref.task);
      return;
    }
    if (node.row.state == TaskState::kRunning) {
      worker.stop_attempt(ref, node, error);
    } else {
      if (node.row.state == TaskState::kReady) step.actions.push_back(Released{ref});
      worker.settle(ref, TaskState::kCancelled, error);
    }
  };
  for (size_t t = 0; t < run.tasks.size(); ++t) {
    TaskNode& node = run.tasks[t];
    flow::TaskIndex const index(static_cast<int32_t>(t));
    if (!node.is_mapped()) {
      stop_node({index, kWhole});
      continue;
    }
    for (size_t i = 0; i < node.items.size(); ++i)
      stop_node({index, Item(static_cast<int32_t>(i))});
  }
  worker.work();
}

}  // namespace

Outcome Outcome::success(flow::TaskValuePtr value, Json detail) {
  return {Kind::kSucceeded, std::move(value), {}, std::move(detail)};
}
Outcome Outcome::failure(Error error, Json detail) {
  if (error.message.empty()) error.message = "failed without a message";
  return {Kind::kFailed, nullptr, std::move(error), std::move(detail)};
}
Outcome Outcome::unknown(std::string message) {
  return {Kind::kUnknown, nullptr, {Code::kUnknown, std::move(message), {}}, {}};
}

Outcome Outcome::skipped(std::string reason, Json detail) {
  return {Kind::kSkipped, nullptr, {Code::kInvalid, std::move(reason), {}}, std::move(detail)};
}

void Machine::begin(Instance& run, Step& step) {
  run.row.state = RunState::kRunning;
  run.row.started = step.now.wall;
  step.row_changed = true;
  resume(run, step);
}

void Machine::resume(Instance& run, Step& step) {
  Worker worker(run, step);
  // A run that is being cancelled: what still runs is stopped again.
  auto stop_again = [&](TaskRef ref) {
    Node& node = run.node(ref.task, ref.item);
    if (node.row.state == TaskState::kRunning && !node.stopping.message.empty()) {
      worker.stop_attempt(ref, node, node.stopping);
    }
  };
  for (TaskNode& node : run.tasks) {
    flow::TaskIndex const index = node.whole.row.task;
    if (!node.is_mapped()) {
      stop_again({index, kWhole});
      if (node.whole.row.state == TaskState::kRetrying) {
        step.actions.push_back(
            ArmRetry{{index, kWhole}, node.whole.row.due.value_or(step.now.wall)});
      }
      worker.consider(index);
      continue;
    }
    if (node.whole.is_final()) continue;
    recount_active(node);  // those that were held are released below
    bool const by_item = is_grouped(*run.flow, run.flow->task(index));
    if (by_item) worker.consider(index);
    for (const Node& item : node.items) {
      TaskRef const ref{index, item.row.item};
      stop_again(ref);
      if (item.row.state == TaskState::kWaiting && !by_item) worker.release_item(ref);
      if (item.row.state == TaskState::kRetrying) {
        step.actions.push_back(ArmRetry{ref, item.row.due.value_or(step.now.wall)});
      }
    }
  }
  worker.work();
}

void Machine::evaluated(Instance& run, TaskRef ref, Outcome outcome, Duration took, Step& step) {
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state != TaskState::kReady) return;
  Worker worker(run, step);
  node.row.state = TaskState::kRunning;
  node.row.attempt = Attempt(node.row.attempt.value + 1);
  node.row.started = step.now.wall;
  if (outcome.kind == Outcome::Kind::kSucceeded) {
    worker.succeed(ref, std::move(outcome.value), took, std::move(outcome.detail));
  } else {
    worker.fail_attempt(ref, std::move(outcome.error), took, std::move(outcome.detail));
  }
  worker.work();
}

void Machine::granted(Instance& run, TaskRef ref, Step& step) {
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state != TaskState::kReady) {
    step.actions.push_back(Released{ref});
    return;
  }
  node.row.state = TaskState::kRunning;
  node.row.attempt = Attempt(node.row.attempt.value + 1);
  node.row.started = step.now.wall;
  node.row.ended.reset();
  node.row.due.reset();
  node.row.error_code.clear();
  node.row.error.clear();
  node.stopping = {};
  Worker(run, step).write_row(node);
  step.actions.push_back(Start{ref, node.row.attempt});
  if (auto const timeout = run.flow->task(ref.task).timeout) {
    step.actions.push_back(ArmTimeout{ref, node.row.attempt, *timeout});
  }
}

bool Machine::ended(Instance& run, TaskRef ref, Attempt attempt, Outcome outcome, Step& step) {
  if (!run.has_item(ref.task, ref.item)) return false;
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state != TaskState::kRunning || node.row.attempt != attempt) return false;
  step.actions.push_back(Released{ref});
  if (node.row.error_code == kClearedCode && !run.is_cancelling) {
    Control::cleared_attempt_ended(run, ref, std::move(outcome), step);
    return true;
  }
  Worker worker(run, step);
  bool const was_stopped = !node.stopping.message.empty();
  const flow::Task& task = run.flow->task(ref.task);
  bool const is_given_up = run.is_cancelling && !task.is_teardown();
  if (outcome.kind == Outcome::Kind::kSucceeded) {
    worker.succeed(ref, std::move(outcome.value), {}, std::move(outcome.detail));
  } else if (was_stopped && is_given_up) {
    worker.settle(ref, TaskState::kCancelled, node.stopping, {}, std::move(outcome.detail));
  } else if (outcome.kind == Outcome::Kind::kSkipped) {
    worker.settle(ref, TaskState::kSkipped, std::move(outcome.error), {},
                  std::move(outcome.detail));
  } else if (outcome.kind == Outcome::Kind::kUnknown && !was_stopped &&
             task.on_unknown == flow::OnUnknown::kRerun && !is_given_up) {
    worker.rerun(ref, std::move(outcome));
  } else {
    Error error = was_stopped ? node.stopping : std::move(outcome.error);
    bool const final_unknown = outcome.kind == Outcome::Kind::kUnknown && !was_stopped;
    if (final_unknown) {
      worker.settle(ref, TaskState::kFailed, std::move(error), {}, std::move(outcome.detail));
    } else {
      worker.fail_attempt(ref, std::move(error), {}, outcome.detail);
      if (node.row.state == TaskState::kRetrying)
        worker.write_attempt(node, std::move(outcome.detail));
    }
  }
  worker.work();
  return true;
}

void Machine::retry_due(Instance& run, TaskRef ref, Time due, Step& step) {
  if (!run.has_item(ref.task, ref.item)) return;
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state != TaskState::kRetrying) return;
  if (node.row.due.value_or(due) != due) return;  // a timer of an earlier wait
  Worker worker(run, step);
  worker.make_ready(ref);
  worker.work();
}

void Machine::timed_out(Instance& run, TaskRef ref, Attempt attempt, Step& step) {
  if (!run.has_item(ref.task, ref.item)) return;
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state != TaskState::kRunning || node.row.attempt != attempt) return;
  Duration const limit = run.flow->task(ref.task).timeout.value_or(Duration{});
  Worker(run, step).stop_attempt(
      ref, node,
      {Code::kTooLate,
       fmt::format("stopped: it ran longer than its timeout of {}", format_duration(limit)),
       {}});
}

void Machine::deadline_passed(Instance& run, Step& step) {
  stop_everything(run, Code::kTooLate, "the run passed its deadline", step);
}

void Machine::cancel(Instance& run, std::string reason, Step& step) {
  stop_everything(run, Code::kDenied, std::move(reason), step);
}

void Machine::reopen(Instance& run, Step& step) {
  TIDEMILL_CHECK(is_final(run.row.state));
  Worker worker(run, step);
  run.is_cancelling = false;
  run.open_tasks = 0;
  auto reopen_node = [&](Node& node, TaskState state) {
    node.row.state = state;
    node.row.failures = 0;
    node.row.error_code.clear();
    node.row.error.clear();
    node.value = nullptr;
    worker.write_row(node);
  };
  auto is_open_again = [](TaskState state) {
    return state == TaskState::kFailed || state == TaskState::kUpstreamFailed ||
           state == TaskState::kCancelled;
  };
  std::vector<bool> again;
  for (const TaskNode& task : run.tasks) again.push_back(is_open_again(task.whole.row.state));
  std::vector<bool> const failed = again;
  add_pairs(*run.flow, again);
  for (size_t t = 0; t < run.tasks.size(); ++t) {
    TaskNode& task = run.tasks[t];
    if (!again[t]) continue;
    ++run.open_tasks;
    if (!task.is_mapped()) {
      reopen_node(task.whole, TaskState::kWaiting);
      continue;
    }
    reopen_node(task.whole, TaskState::kRunning);
    for (Node& item : task.items) {
      if (failed[t] && !is_open_again(item.row.state)) continue;
      ++task.open_items;
      reopen_node(item, TaskState::kWaiting);
    }
  }
  recount(run);
  run.row.state = RunState::kRunning;
  run.row.finished.reset();
  run.row.error_code.clear();
  run.row.error.clear();
  step.row_changed = true;
  resume(run, step);
}

void Machine::finish_turn(Instance& run, Step& step) {
  if (!step.chain.empty()) {
    ChainRow chain;
    chain.run = run.row.id;
    chain.number = run.chains++;
    chain.at = step.now.wall;
    chain.entries = std::move(step.chain);
    step.changes.chains.push_back(std::move(chain));
    step.chain.clear();
  }
}

void Machine::fill_scope(const Instance& run, TaskRef ref, flow::Scope& scope) {
  scope.add_params(run.flow->params, run.row.params);
  scope.add_run(facts_of(run.row));
  const flow::Task& task = run.flow->task(ref.task);
  for (flow::TaskIndex need : task.needs) {
    const TaskNode& other = run.task(need);
    bool const by_item = ref.item != kWhole && is_inner_need(*run.flow, task, need) &&
                         static_cast<size_t>(ref.item.value) < other.items.size();
    const Node& node = by_item ? other.items[static_cast<size_t>(ref.item.value)] : other.whole;
    flow::TaskValuePtr const value = node.value ? node.value : flow::TaskValue::missing();
    const std::string& name = run.flow->task(need).name;
    scope.add_task(name, value);
    // Within a group its tasks are known by their short names too.
    size_t const dot = name.rfind('.');
    if (dot != std::string::npos && task.name.starts_with(name.substr(0, dot + 1))) {
      scope.add_task(std::string_view(name).substr(dot + 1), value);
    }
  }
  if (ref.item != kWhole) {
    scope.add_item(run.task(ref.task).list[static_cast<size_t>(ref.item.value)]);
  }
}

Instance make_instance(std::shared_ptr<const flow::Flow> flow, RunRow row) {
  Instance run;
  run.flow = std::move(flow);
  run.row = std::move(row);
  run.tasks.resize(run.flow->tasks.size());
  run.open_tasks = static_cast<int32_t>(run.tasks.size());
  for (size_t i = 0; i < run.tasks.size(); ++i) {
    TaskRow& task = run.tasks[i].whole.row;
    task.run = run.row.id;
    task.task = flow::TaskIndex(static_cast<int32_t>(i));
    task.name = run.flow->tasks[i].name;
    task.state = TaskState::kWaiting;
  }
  recount(run);
  return run;
}

Json output_of(const Instance& run) {
  Json output = Json::object();
  for (const TaskNode& node : run.tasks) {
    if (node.whole.row.state != TaskState::kSucceeded || !node.whole.value) continue;
    output.set(node.whole.row.name, node.whole.value->json());
  }
  return output;
}

flow::RunFacts facts_of(const RunRow& row) {
  return {row.id.value,     row.flow.value,     row.key.value,   row.created,
          row.scheduled_at, row.interval_start, row.interval_end};
}

}  // namespace tidemill::run
