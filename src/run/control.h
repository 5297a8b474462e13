// What people change about a run: tasks are cleared (made again), marked, held back. Pure, as the
// machine is: rows and actions come out of it, and nothing happens before they are committed.
//
//   clear   ended ──► waiting, and judged again; its attempts stay and their numbers go on
//           running ──► told to stop ──► ended ──► waiting
//   mark    any state ──► succeeded, failed or skipped, at once; what was skipped or could not run
//           because of it is judged again
//   pause   what runs goes on; nothing new starts
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/machine.h"

namespace tidemill::run {

// The error code of a running attempt that is stopped so that its task begins anew. It stands in
// the row, so that a server that is killed meanwhile still knows.
inline constexpr std::string_view kClearedCode = "cleared";

struct ClearOrder {
  std::vector<flow::TaskIndex> tasks;  // none: all
  enum class Reach { kDownstream, kOnly } reach = Reach::kDownstream;
  bool only_failed = false;  // of `tasks`, those that failed, could not run or were cancelled
};

// One task that would be cleared.
struct Cleared {
  flow::TaskIndex task;
  TaskState state = TaskState::kWaiting;  // as it is now
  Attempt attempt;                        // the last one
  bool keeps_list = false;                // of a mapped task: only `items` begin anew
  std::vector<Item> items;                // of a mapped task
};

struct MarkOrder {
  flow::TaskIndex task;
  TaskState state = TaskState::kSucceeded;  // or kFailed, kSkipped
  flow::TaskValuePtr value;                 // of kSucceeded; null: what it has
};

class Control {
 public:
  // What an order would clear, in the order of the graph. Tasks that wait already are not listed.
  static std::vector<Cleared> plan_clear(const Instance& run, const ClearOrder& order);
  // Does it. A run that has ended goes on; one that is being cancelled must not be given.
  static void clear(Instance& run, const std::vector<Cleared>& cleared, const std::string& who,
                    Step& step);
  // A running attempt that was cleared has come to its end, whatever it was.
  static void cleared_attempt_ended(Instance& run, TaskRef ref, Outcome outcome, Step& step);

  // Answers which tasks are judged again because of it.
  static std::vector<flow::TaskIndex> mark(Instance& run, const MarkOrder& order,
                                           const std::string& who, Step& step);

  static void pause(Instance& run, Step& step);
  static void unpause(Instance& run, Step& step);
};

// Whether the task may not start now although its rule lets it.
bool is_held(const Instance& run, TaskRef ref);

}  // namespace tidemill::run
