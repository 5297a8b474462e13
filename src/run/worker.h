// One call of the machine: what Machine's functions share. Used by the machine only.
//
//   consider() a task -> judge_task(): its rule -> release(): `when`, `for_each` -> make_ready()
//   an end -> settle(): written, and its children (or the whole of its item) are considered
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "run/machine.h"

namespace tidemill::run {

class Worker {
 public:
  Worker(Instance& run, Step& step) : run_(run), step_(step) {}

  // Tasks to be looked at stand in a queue, so that a long chain of skipped tasks needs no deep
  // stack.
  void consider(flow::TaskIndex index) { pending_.push_back({index, kWhole}); }
  void consider(TaskRef ref) { pending_.push_back(ref); }
  // Looks at all that was considered; ends the run if nothing is open. Last in each call.
  void work();

  // A node has come to its end. Writes it, and tells its children or its whole.
  void settle(TaskRef ref, TaskState state, Error error, Duration took = {}, Json detail = {});
  void succeed(TaskRef ref, flow::TaskValuePtr value, Duration took, Json detail);
  // Fails, or waits for its next attempt.
  void fail_attempt(TaskRef ref, Error error, Duration took, Json detail);
  // An attempt whose outcome nobody knows is made again.
  void rerun(TaskRef ref, Outcome outcome);
  void make_ready(TaskRef ref);
  // An item that may run: at once, or when max_items_running allows.
  void release_item(TaskRef ref);
  void stop_attempt(TaskRef ref, Node& node, Error reason);

  void write_row(Node& node);
  void write_attempt(const Node& node, Json detail);

 private:
  void judge_task(flow::TaskIndex index);
  void judge_item(TaskRef ref);
  bool is_wanted(TaskRef ref, const flow::Scope& scope);
  void skip_not_chosen(flow::TaskIndex branch);
  bool is_allowed(TaskRef ref, Verdict verdict);
  std::string failed_needs(TaskRef ref) const;
  void release(flow::TaskIndex index);
  void spread(flow::TaskIndex index, std::vector<Json> list);
  void write_end(TaskRef ref, Node& node, bool ends_attempt, Duration took, Json detail);
  void tell_inner_children(TaskRef ref, TaskState state);
  void item_ended(TaskRef ref, TaskState state, bool was_active);
  void end_whole(flow::TaskIndex index);
  void whole_ended(flow::TaskIndex index, TaskState state);
  void finish();

  Instance& run_;
  Step& step_;
  std::deque<TaskRef> pending_;
};

}  // namespace tidemill::run
