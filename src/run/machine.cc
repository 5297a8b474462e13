#include "run/machine.h"

#include <fmt/format.h>

#include <deque>

#include "base/check.h"
#include "run/items.h"

namespace tidemill::run {
namespace {

// One call of the machine. Tasks to be looked at stand in a queue, so that a long chain of skipped
// tasks needs no deep stack.
class Worker {
 public:
  Worker(Instance& run, Step& step) : run_(run), step_(step) {}

  void consider(flow::TaskIndex index) { pending_.push_back(index); }

  void work() {
    while (!pending_.empty()) {
      flow::TaskIndex const index = pending_.front();
      pending_.pop_front();
      judge_task(index);
    }
    if (run_.open_tasks == 0 && !is_final(run_.row.state)) finish();
  }

  // A node has come to its end. Writes it, and tells its children or its whole.
  void settle(TaskRef ref, TaskState state, Error error, Duration took = {}, Json detail = {}) {
    Node& node = run_.node(ref.task, ref.item);
    TIDEMILL_CHECK(!node.is_final());
    // Of a task that waits (again), the attempts before have their rows already.
    bool const ends_attempt = node.row.state == TaskState::kRunning;
    node.row.state = state;
    node.row.ended = step_.now.wall;
    node.row.due.reset();
    if (state != TaskState::kSucceeded) node.row.error_code = error_word(error, state);
    node.row.error = std::move(error.message);
    write_end(ref, node, ends_attempt, took, std::move(detail));
    if (ref.item == kWhole) {
      whole_ended(ref.task, state);
    } else {
      item_ended(ref.task);
    }
  }

  void succeed(TaskRef ref, flow::TaskValuePtr value, Duration took, Json detail) {
    Node& node = run_.node(ref.task, ref.item);
    node.value = std::move(value);
    node.row.error_code.clear();
    settle(ref, TaskState::kSucceeded, {}, took, std::move(detail));
  }

  void fail_attempt(TaskRef ref, Error error, Duration took, Json detail) {
    Node& node = run_.node(ref.task, ref.item);
    const flow::Retry& retry = run_.flow->task(ref.task).retry;
    ++node.row.failures;
    if (run_.is_cancelling || node.row.failures >= retry.attempts) {
      settle(ref, TaskState::kFailed, std::move(error), took, std::move(detail));
      return;
    }
    node.row.state = TaskState::kRetrying;
    node.row.ended = step_.now.wall;
    node.row.error_code = code_name(error.code);
    node.row.error = error.message;
    node.row.due = step_.now.wall + retry.wait_after(node.row.failures);
    // The row of an item has a meaning only with the row of its whole, which pure tasks lack so
    // far.
    Node& whole = run_.task(ref.task).whole;
    if (ref.item != kWhole && !whole.has_row) write_row(whole);
    write_row(node);
    step_.actions.push_back(ArmRetry{ref, *node.row.due});
  }

  // An attempt whose outcome nobody knows: at once the first time, then with growing waits, so that
  // what never answers is not asked without end. The row says that this attempt is over.
  void rerun(TaskRef ref, Outcome outcome) {
    Node& node = run_.node(ref.task, ref.item);
    int const unknowns = node.row.attempt.value - node.row.failures;
    node.row.state = TaskState::kRetrying;
    node.row.ended = step_.now.wall;
    node.row.error_code = code_name(Code::kUnknown);
    node.row.error = std::move(outcome.error.message);
    write_attempt(node, std::move(outcome.detail));
    Duration const wait =
        unknowns <= 1 ? Duration{} : run_.flow->task(ref.task).retry.wait_after(unknowns - 1);
    node.row.due = step_.now.wall + wait;
    write_row(node);
    if (unknowns <= 1) {
      make_ready(ref);
    } else {
      step_.actions.push_back(ArmRetry{ref, *node.row.due});
    }
  }

  void make_ready(TaskRef ref) {
    Node& node = run_.node(ref.task, ref.item);
    node.row.state = TaskState::kReady;
    if (run_.flow->task(ref.task).is_pure()) {
      step_.actions.push_back(Evaluate{ref});
    } else {
      step_.actions.push_back(Request{ref});
    }
  }

  void write_row(Node& node) {
    node.has_row = true;
    TaskRow row = node.row;
    if (node.value && node.row.state == TaskState::kSucceeded && !is_mapped_whole(node)) {
      row.value = node.value->dump();
    }
    step_.changes.tasks.push_back(std::move(row));
  }

  void stop_attempt(TaskRef ref, Node& node, Error reason) {
    if (node.stopping.message.empty()) node.stopping = std::move(reason);
    step_.actions.push_back(Stop{ref, node.row.attempt});
  }

 private:
  static bool is_mapped_whole(const Node& node) { return node.row.width >= 0; }

  static std::string error_word(const Error& error, TaskState state) {
    if (state == TaskState::kSkipped || error.message.empty()) return {};
    return std::string(code_name(error.code));
  }

  void judge_task(flow::TaskIndex index) {
    TaskNode& node = run_.task(index);
    if (node.whole.row.state != TaskState::kWaiting) return;
    TaskRef const ref{index, kWhole};
    if (run_.is_cancelling) {
      settle(ref, TaskState::kCancelled, {});
      return;
    }
    switch (judge(run_.flow->task(index).rule, node.upstream)) {
      case Verdict::kWait:
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

  std::string failed_needs(flow::TaskIndex index) const {
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
  void release(flow::TaskIndex index) {
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

  void spread(flow::TaskIndex index, std::vector<Json> list) {
    TaskNode& node = run_.task(index);
    const flow::Task& task = run_.flow->task(index);
    node.list = std::move(list);
    int32_t const width = static_cast<int32_t>(node.list.size());
    node.whole.row.width = width;
    node.open_items = width;
    node.items.resize(node.list.size());
    for (int32_t i = 0; i < width; ++i) {
      Node& item = node.items[static_cast<size_t>(i)];
      item.row = {};
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

  void write_end(TaskRef ref, Node& node, bool ends_attempt, Duration took, Json detail) {
    const flow::Task& task = run_.flow->task(ref.task);
    bool const had_attempt = node.row.attempt.value > 0 && !is_mapped_whole(node);
    if (!node.has_row && (task.is_pure() || !had_attempt)) {
      ChainEntry entry;
      entry.task = ref.task;
      entry.item = ref.item;
      entry.name = task.name;
      entry.state = node.row.state;
      entry.width = node.row.width;
      entry.took = took;
      entry.error_code = node.row.error_code;
      entry.error = node.row.error;
      if (node.value && !is_mapped_whole(node)) entry.value = node.value->dump();
      entry.detail = std::move(detail);
      step_.chain.push_back(std::move(entry));
      return;
    }
    write_row(node);
    if (had_attempt && ends_attempt) write_attempt(node, std::move(detail));
  }

 public:
  void write_attempt(const Node& node, Json detail) {
    AttemptRow attempt;
    attempt.run = run_.row.id;
    attempt.task = node.row.task;
    attempt.item = node.row.item;
    attempt.attempt = node.row.attempt;
    attempt.state =
        node.row.state == TaskState::kSucceeded ? TaskState::kSucceeded : TaskState::kFailed;
    attempt.started = node.row.started.value_or(step_.now.wall);
    attempt.ended = step_.now.wall;
    attempt.error_code = node.row.error_code;
    attempt.error = node.row.error;
    attempt.detail = std::move(detail);
    step_.changes.attempts.push_back(std::move(attempt));
  }

 private:
  void item_ended(flow::TaskIndex index) {
    TaskNode& node = run_.task(index);
    if (--node.open_items > 0) return;
    std::vector<flow::TaskValuePtr> values;
    std::string first_error;
    int failed = 0;
    bool cancelled = false;
    for (const Node& item : node.items) {
      if (item.row.state == TaskState::kSucceeded) {
        values.push_back(item.value);
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

  void whole_ended(flow::TaskIndex index, TaskState state) {
    const flow::Task& task = run_.flow->task(index);
    --run_.open_tasks;
    bool const counts_as_success =
        state == TaskState::kSucceeded || (state == TaskState::kFailed && task.optional);
    if (state == TaskState::kFailed && task.optional) {
      run_.task(index).whole.value = flow::TaskValue::missing();
    }
    if (state == TaskState::kSucceeded) {
      for (const std::string& dataset : task.writes) {
        step_.actions.push_back(Wrote{dataset, task.name});
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
  void finish() {
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
    step_.row_changed = true;
    step_.actions.push_back(Finished{});
  }

  Instance& run_;
  Step& step_;
  std::deque<flow::TaskIndex> pending_;
};

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
  for (const TaskNode& node : run.tasks) {
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
    for (const Node& item : node.items) {
      TaskRef const ref{index, item.row.item};
      stop_again(ref);
      if (item.row.state == TaskState::kWaiting) worker.make_ready(ref);
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
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state != TaskState::kRunning || node.row.attempt != attempt) return false;
  step.actions.push_back(Released{ref});
  Worker worker(run, step);
  bool const was_stopped = !node.stopping.message.empty();
  if (outcome.kind == Outcome::Kind::kSucceeded) {
    worker.succeed(ref, std::move(outcome.value), {}, std::move(outcome.detail));
  } else if (was_stopped && run.is_cancelling) {
    worker.settle(ref, TaskState::kCancelled, node.stopping, {}, std::move(outcome.detail));
  } else if (outcome.kind == Outcome::Kind::kUnknown && !was_stopped &&
             run.flow->task(ref.task).on_unknown == flow::OnUnknown::kRerun && !run.is_cancelling) {
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

void Machine::retry_due(Instance& run, TaskRef ref, Step& step) {
  Node& node = run.node(ref.task, ref.item);
  if (node.row.state != TaskState::kRetrying) return;
  if (node.row.due && step.now.wall < *node.row.due) {  // a timer of an earlier wait
    step.actions.push_back(ArmRetry{ref, *node.row.due});
    return;
  }
  Worker worker(run, step);
  worker.make_ready(ref);
  worker.work();
}

void Machine::timed_out(Instance& run, TaskRef ref, Attempt attempt, Step& step) {
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
  for (TaskNode& task : run.tasks) {
    if (!is_open_again(task.whole.row.state)) continue;
    ++run.open_tasks;
    if (!task.is_mapped()) {
      reopen_node(task.whole, TaskState::kWaiting);
      continue;
    }
    reopen_node(task.whole, TaskState::kRunning);
    for (Node& item : task.items) {
      if (!is_open_again(item.row.state)) continue;
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
    const Node& node = run.task(need).whole;
    scope.add_task(run.flow->task(need).name, node.value ? node.value : flow::TaskValue::missing());
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
