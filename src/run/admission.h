// What spans runs: which run may begin (overlap, max_running, queue) and which task may start
// (slots). Pure. It keeps sets of ids, not counters, so nothing can leak: a run that is forgotten
// holds nothing.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "run/machine.h"

namespace tidemill::run {

// Tasks of a kind share slots. A task that waits for a retry holds none.
enum class SlotKind { kProcess, kCall, kNone };
SlotKind slot_kind(flow::Kind kind);

struct AdmissionLimits {
  size_t processes = 32;  // shell and python attempts at once
  size_t calls = 512;     // http, vendor, sql and publish attempts at once
  size_t queued_calls =
      1'000;  // runs of one flow that wait when a call or a person asks for one more
  size_t queued_runs = 100'000;  // the same when another run or a trigger does
};

class Admission {
 public:
  explicit Admission(AdmissionLimits limits = {}) : limits_(limits) {}

  enum class Decision { kBegin, kQueue, kSkip, kFull };
  struct Arrival {
    flow::FlowName flow;
    std::string trigger;  // its id, or "" for manual and sub runs
    flow::Overlap overlap = flow::Overlap::kAllow;
    bool is_serial = false;  // `queue` of a clock trigger: one run of the trigger at a time
    std::optional<int64_t> max_running;
    bool is_asked = false;  // by a call or by hand: somebody hears the refusal
  };
  // Only an answer: nothing is held yet.
  Decision decide(const Arrival& arrival) const;
  // The run exists now: it runs, or it waits in the queue.
  void add(const RunId& run, const Arrival& arrival, bool is_queued);
  // The run has ended or is thrown away. Gives up every slot that it holds or waits for.
  void forget(const RunId& run);
  // Queued runs of the flow that may begin now, moved to running.
  std::vector<RunId> take_next(const flow::FlowName& flow);

  struct Waiting {
    RunId run;
    TaskRef ref;
  };
  // A task that is ready asks. True: it may start now. False: it waits.
  bool request(SlotKind kind, const RunId& run, TaskRef ref);
  // A slot was given back, or its waiter is no longer there.
  void release(SlotKind kind, const RunId& run, TaskRef ref);
  // Waiters that have a slot now.
  std::vector<Waiting> take_granted();
  // A task that runs already (recovery) holds its slot whatever the limit.
  void hold(SlotKind kind, const RunId& run, TaskRef ref);

  // What a task that is ready waits for; nothing if it waits for no slot.
  struct SlotWait {
    std::string_view what;  // "processes", "calls"
    size_t ahead = 0;       // tasks before it
    size_t held = 0;
    size_t limit = 0;
  };
  std::optional<SlotWait> slot_wait(const RunId& run, TaskRef ref) const;
  // What a queued run waits for.
  struct QueueWait {
    size_t ahead = 0;  // runs before it
    std::vector<RunId> running;
    std::optional<int64_t> max_running;
    bool is_serial = false;
  };
  std::optional<QueueWait> queue_wait(const RunId& run) const;
  std::vector<RunId> running_runs(const flow::FlowName& flow) const;

  size_t running(const flow::FlowName& flow) const;
  size_t queued(const flow::FlowName& flow) const;

 private:
  struct FlowRuns {
    std::set<RunId> running;
    std::deque<RunId> queue;
    std::map<std::string, std::set<RunId>> open_by_trigger;
    std::map<std::string, std::set<RunId>> running_by_trigger;
  };
  struct Slots {
    std::map<RunId, std::set<TaskRef>> holders;
    size_t held = 0;
    // Who waits, and in which order. An entry of the queue that is not in `waiting` has given up
    // and is passed over, so that nobody's end looks through what others wait for.
    std::unordered_map<RunId, std::set<TaskRef>> waiting;
    size_t waiting_count = 0;
    std::deque<Waiting> queue;
  };
  static bool give_up(Slots& slots, const RunId& run, TaskRef ref);
  static void tidy(Slots& slots);
  bool may_begin(const FlowRuns& runs, const Arrival& arrival) const;
  size_t limit(SlotKind kind) const;

  AdmissionLimits limits_;
  std::map<flow::FlowName, FlowRuns> flows_;
  std::map<RunId, Arrival> arrivals_;
  std::map<SlotKind, Slots> slots_;
};

}  // namespace tidemill::run
