// The state machine of one run: pure. It is given a run, an event and the time; it changes the run
// in memory and says what to write (Changes) and what to do (Actions). Nothing is done before what
// is written has been committed. If the commit fails, the run is thrown away and read again.
//
//   created ──► tasks without needs are ready ──► granted ──► running ──► ended ──► children
//   ready...
//                                                  └─ pure tasks: Evaluate, in the same turn
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "run/instance.h"

namespace tidemill::run {

// How an attempt has ended.
struct Outcome {
  enum class Kind { kSucceeded, kFailed, kUnknown, kSkipped } kind = Kind::kSucceeded;
  flow::TaskValuePtr value;
  Error error;
  Json detail;

  static Outcome success(flow::TaskValuePtr value, Json detail = {});
  static Outcome failure(Error error, Json detail = {});
  static Outcome unknown(std::string message);
  // Nothing was done, and that is no failure.
  static Outcome skipped(std::string reason, Json detail = {});
};

struct TaskRef {
  flow::TaskIndex task;
  Item item = kWhole;
  auto operator<=>(const TaskRef&) const = default;
};

// What the engine is asked to do, in order.
struct Evaluate {  // a pure task, now, before the commit
  TaskRef ref;
};
struct Request {  // a slot for a task that is ready; answer with grant()
  TaskRef ref;
};
struct Start {  // after the commit
  TaskRef ref;
  Attempt attempt;
};
struct Stop {  // after the commit
  TaskRef ref;
  Attempt attempt;
};
struct Released {  // a slot that was held is free
  TaskRef ref;
};
struct ArmRetry {  // call retry_due() with that time when it has come
  TaskRef ref;
  Time due;
};
struct ArmTimeout {  // call timed_out() after that time
  TaskRef ref;
  Attempt attempt;
  Duration after;
};
struct Wrote {  // a dataset was updated
  std::string dataset;
  std::string task;
};
struct Finished {};
using Action =
    std::variant<Evaluate, Request, Start, Stop, Released, ArmRetry, ArmTimeout, Wrote, Finished>;

// What one turn does to one run.
struct Step {
  Now now;
  Changes& changes;
  std::vector<Action> actions;
  std::vector<ChainEntry> chain;  // pure tasks that ended; finish_turn() makes the row of them
  bool row_changed = false;       // the run's own row: the engine writes it, as new or as changed
};

class Machine {
 public:
  // A run that is allowed to begin. Its new row is in step.changes already or in the store.
  static void begin(Instance& run, Step& step);
  // A run read from the store: tasks that could go on are made ready. Running attempts are left to
  // the engine, which asks each kind what became of them.
  static void resume(Instance& run, Step& step);

  static void evaluated(Instance& run, TaskRef ref, Outcome outcome, Duration took, Step& step);
  static void granted(Instance& run, TaskRef ref, Step& step);
  // An end of an attempt that is not the current one changes nothing; the answer is false.
  static bool ended(Instance& run, TaskRef ref, Attempt attempt, Outcome outcome, Step& step);
  static void retry_due(Instance& run, TaskRef ref, Time due, Step& step);
  static void timed_out(Instance& run, TaskRef ref, Attempt attempt, Step& step);
  static void deadline_passed(Instance& run, Step& step);
  static void cancel(Instance& run, std::string reason, Step& step);
  // A failed run is asked for again: its failed tasks get new attempts.
  static void reopen(Instance& run, Step& step);
  // Last, once in each turn: the row of the chain.
  static void finish_turn(Instance& run, Step& step);

  // Fills `scope` with what expressions of a task may read.
  static void fill_scope(const Instance& run, TaskRef ref, flow::Scope& scope);
};

// An instance of a new run, nothing begun.
Instance make_instance(std::shared_ptr<const flow::Flow> flow, RunRow row);
// An instance of what the store holds.
Result<Instance> restore_instance(std::shared_ptr<const flow::Flow> flow, StoredRun stored);
// {task: value} of every task that has one.
Json output_of(const Instance& run);
flow::RunFacts facts_of(const RunRow& row);

// Limits.
inline constexpr size_t kMaxItems = 10'000;

}  // namespace tidemill::run
