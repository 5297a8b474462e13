// The rows that the store keeps: what recovery reads. Rows are the truth; everything in memory is
// made from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/strong.h"
#include "base/time.h"
#include "flow/flow.h"
#include "run/control_rows.h"

namespace tidemill::run {

using RunId = StrongText<struct RunIdTag>;  // a ULID: sorted by creation
using Key = StrongText<struct KeyTag>;      // the identity of a run within its flow
using Epoch = StrongInt<struct EpochTag>;   // which start of a scheduler owns a run
// The attempt's number: the fencing token of everything that it writes. 0: none yet.
using Attempt = Strong<struct AttemptTag, int32_t>;
// Which item of a mapped task; kWhole is the task itself.
using Item = Strong<struct ItemTag, int32_t>;
inline const Item kWhole{-1};

enum class RunState { kQueued, kRunning, kSucceeded, kFailed, kCancelled };
enum class TaskState {
  kWaiting,   // for what it needs; has no row
  kReady,     // waits for a slot; has no row
  kRunning,   // an attempt is under way
  kRetrying,  // waits for its next attempt; holds no slot
  kSucceeded,
  kFailed,
  kSkipped,         // its `when` was false, or its rule says so
  kUpstreamFailed,  // its rule can no longer be met
  kCancelled,
};

std::string_view word(RunState state);
std::string_view word(TaskState state);
Result<RunState> run_state(std::string_view word);
Result<TaskState> task_state(std::string_view word);
bool is_final(RunState state);
bool is_final(TaskState state);

// What made a run: for people, for counting, and for "by whom".
struct Cause {
  std::string trigger;     // cron, every, after, dataset, call, manual, sub
  std::string trigger_id;  // of a trigger of the flow
  std::string principal;   // who asked
  RunId parent;            // of a flow task
  std::string parent_task;
  // The trigger of the outermost run that led here: a decision of a sweep is "every".
  std::string origin;
};

struct RunRow {
  RunId id;
  flow::FlowName flow;
  flow::BundleId bundle;
  Key key;
  RunState state = RunState::kRunning;
  Epoch epoch;
  Cause cause;
  Json params;
  std::string body_hash;  // of the params: the same key with other params is a conflict
  Time created;
  Time scheduled_at;
  Time interval_start;
  Time interval_end;
  std::optional<Time> deadline;
  std::optional<Time> started;
  std::optional<Time> finished;
  std::string error_code;
  std::string error;
};

struct TaskRow {
  RunId run;
  flow::TaskIndex task;
  Item item = kWhole;
  std::string name;  // of the task, for people who read the table
  TaskState state = TaskState::kRunning;
  Attempt attempt;
  int32_t failures = 0;         // attempts that count against the retry limit
  int32_t width = -1;           // of the whole of a mapped task: how many items
  std::optional<Time> started;  // of the attempt
  std::optional<Time> ended;
  std::optional<Time> due;  // when a retry begins
  std::string error_code;
  std::string error;
  std::string value;  // flow::TaskValue::dump(); "" : none
};

// One attempt that has ended: history.
struct AttemptRow {
  RunId run;
  flow::TaskIndex task;
  Item item = kWhole;
  Attempt attempt;
  TaskState state = TaskState::kSucceeded;
  Time started;
  Time ended;
  std::string error_code;
  std::string error;
  Json detail;  // exit code, resources, HTTP status, model version...
};

// Pure tasks that were evaluated in one step. The whole chain is one row.
struct ChainEntry {
  flow::TaskIndex task;
  Item item = kWhole;
  std::string name;
  TaskState state = TaskState::kSucceeded;
  int32_t width = -1;
  Duration took;
  std::string error_code;
  std::string error;
  std::string value;
  Json detail;
};
struct ChainRow {
  RunId run;
  int32_t number = 0;  // within the run
  Time at;
  std::vector<ChainEntry> entries;
};

// (flow, key) is unique. A key without a run is a tick that was not run, and why.
struct KeyRow {
  flow::FlowName flow;
  Key key;
  std::optional<RunId> run;
  Time at;
  std::string reason;          // "skipped: the run before it is not finished"
  bool fills_skipped = false;  // the key may be there without a run, and gets this one
};

// How far a trigger has come. A tick at or below it is old.
struct TriggerRow {
  flow::FlowName flow;
  std::string trigger;
  Time low_water;
  std::string
      low_water_key;    // several ticks can be due at one instant: the last of them that is done
  int64_t skipped = 0;  // ticks of `every` that were not run
};

struct DatasetRow {
  std::string dataset;
  int64_t sequence = 0;
  RunId run;
  std::string task;
  Time at;
};

// Keys of a flow that are older than it remembers them. Those of open runs stay.
struct KeyPurge {
  flow::FlowName flow;
  Time before;
};

// A token's hash and how long it is good. What it may do is src/access's to say.
struct TokenRow {
  std::string name;
  std::string hash;
  Time created;
  Time expires;
};

// An alert that has not arrived yet.
struct AlertRow {
  std::string id;
  Time due;
  Json body;
};

inline constexpr int64_t kPurgedKeys = 1000;

// Everything that one turn of the engine writes, in one transaction.
struct Changes {
  std::vector<RunRow> new_runs;
  std::vector<RunRow> runs;    // changed ones; conditional on the epoch
  std::vector<KeyRow> keys;    // new ones; a key that exists fails the commit with `conflict`
  std::vector<TaskRow> tasks;  // conditional on the attempt: an older one changes nothing and fails
  std::vector<AttemptRow> attempts;
  std::vector<ChainRow> chains;
  std::vector<TriggerRow> triggers;
  std::vector<DatasetRow> datasets;
  std::vector<KeyPurge> purges;             // at most kPurgedKeys each
  std::vector<TokenRow> tokens;             // new ones; a name that exists is a `conflict`
  std::vector<std::string> removed_tokens;  // names
  ControlChanges control;
  std::vector<AlertRow> alerts;             // new and changed ones
  std::vector<std::string> removed_alerts;  // ids
  bool empty() const;
};

}  // namespace tidemill::run
