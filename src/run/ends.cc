// Ends of attempts and of tasks, and the rows that say so.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "run/branch.h"
#include "run/worker.h"

namespace tidemill::run {
namespace {

constexpr int kNoMoreTries = 99;

bool is_of(const flow::FailureKind& kind, const Error& error, std::optional<int64_t> exit_code) {
  if (kind.exit_code) return exit_code == *kind.exit_code;
  return kind.code == error.code && !exit_code;
}

// Whether a failure of this kind is tried again at all. The exit code says more than the class of
// the error, which is the same for all of them.
bool may_retry(const flow::Retry& retry, const Error& error, const Json& detail) {
  std::optional<int64_t> exit_code;
  const Json* found = detail.is_object() ? detail.find("exit_code") : nullptr;
  if (found != nullptr && found->is_int() && error.code != Code::kTooLate) {
    exit_code = found->as_int();
  }
  auto is_among = [&](const std::vector<flow::FailureKind>& kinds) {
    return std::any_of(kinds.begin(), kinds.end(), [&](const flow::FailureKind& kind) {
      return is_of(kind, error, exit_code);
    });
  };
  if (exit_code == kNoMoreTries || is_among(retry.not_on)) return false;
  return retry.on.empty() || is_among(retry.on);
}

bool is_mapped_whole(const Node& node) { return node.row.width >= 0; }

std::string error_word(const Error& error, TaskState state) {
  if (state == TaskState::kSkipped || error.message.empty()) return {};
  return std::string(code_name(error.code));
}

}  // namespace

// A node has come to its end. Writes it, and tells its children or its whole.
void Worker::settle(TaskRef ref, TaskState state, Error error, Duration took, Json detail) {
  Node& node = run_.node(ref.task, ref.item);
  TIDEMILL_CHECK(!node.is_final());
  // Of a task that waits (again), the attempts before have their rows already.
  bool const ends_attempt = node.row.state == TaskState::kRunning;
  bool const was_active = node.row.state != TaskState::kWaiting;
  node.row.state = state;
  node.row.ended = step_.now.wall;
  node.row.due.reset();
  if (state != TaskState::kSucceeded) node.row.error_code = error_word(error, state);
  node.row.error = std::move(error.message);
  write_end(ref, node, ends_attempt, took, std::move(detail));
  if (ref.item == kWhole) {
    whole_ended(ref.task, state);
  } else {
    item_ended(ref, state, was_active);
  }
}

void Worker::succeed(TaskRef ref, flow::TaskValuePtr value, Duration took, Json detail) {
  Node& node = run_.node(ref.task, ref.item);
  if (run_.flow->task(ref.task).is_branch) {
    auto const choice = not_chosen(*run_.flow, ref.task, *value);
    if (!choice) {
      settle(ref, TaskState::kFailed, choice.error(), took, std::move(detail));
      return;
    }
  }
  node.value = std::move(value);
  node.row.error_code.clear();
  settle(ref, TaskState::kSucceeded, {}, took, std::move(detail));
}

void Worker::fail_attempt(TaskRef ref, Error error, Duration took, Json detail) {
  Node& node = run_.node(ref.task, ref.item);
  const flow::Retry& retry = run_.flow->task(ref.task).retry;
  ++node.row.failures;
  bool const is_last = run_.is_cancelling && !run_.flow->task(ref.task).is_teardown();
  if (is_last || node.row.failures >= retry.attempts || !may_retry(retry, error, detail)) {
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
void Worker::rerun(TaskRef ref, Outcome outcome) {
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

void Worker::stop_attempt(TaskRef ref, Node& node, Error reason) {
  if (node.stopping.message.empty()) node.stopping = std::move(reason);
  step_.actions.push_back(Stop{ref, node.row.attempt});
}

void Worker::write_row(Node& node) {
  node.has_row = true;
  TaskRow row = node.row;
  if (node.value && node.row.state == TaskState::kSucceeded && !is_mapped_whole(node)) {
    row.value = node.value->dump();
  }
  step_.changes.tasks.push_back(std::move(row));
}

void Worker::write_end(TaskRef ref, Node& node, bool ends_attempt, Duration took, Json detail) {
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

void Worker::write_attempt(const Node& node, Json detail) {
  AttemptRow attempt;
  attempt.run = run_.row.id;
  attempt.task = node.row.task;
  attempt.item = node.row.item;
  attempt.attempt = node.row.attempt;
  TaskState const state = node.row.state;
  bool const is_good = state == TaskState::kSucceeded || state == TaskState::kSkipped;
  attempt.state = is_good ? state : TaskState::kFailed;
  attempt.started = node.row.started.value_or(step_.now.wall);
  attempt.ended = step_.now.wall;
  attempt.error_code = node.row.error_code;
  attempt.error = node.row.error;
  attempt.detail = std::move(detail);
  step_.changes.attempts.push_back(std::move(attempt));
}

}  // namespace tidemill::run
