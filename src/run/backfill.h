// A backfill's list, and what is done about each entry of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/flow.h"
#include "run/rows.h"

namespace tidemill::run {

// One run that is wanted: of a tick, under the tick's own key; or for given params.
struct BackfillEntry {
  std::optional<Key> key;
  std::optional<Time> scheduled_at;
  std::optional<Time> interval_start;
  Json params = Json::object();
};

// What becomes of a key whose run has ended.
enum class Reprocess { kNone, kFailed, kAll };
Result<Reprocess> reprocess(std::string_view word);
std::string_view word(Reprocess reprocess);

struct BackfillSpec {
  std::string trigger;  // the id of the trigger whose ticks they are; "" : entries by params
  Reprocess reprocess = Reprocess::kNone;
  bool newest_first = false;
  int64_t max_running = 1;
  std::vector<BackfillEntry> entries;  // in the order in which they are run
};

Json dump_spec(const BackfillSpec& spec);
Result<BackfillSpec> parse_spec(const Json& json);

// Entries from lines: an object is the params of a run, other text the value of the flow's only
// param (or the only one that must be given). A line that is there twice is one entry.
Result<std::vector<BackfillEntry>> entries_of_lines(const flow::Flow& flow,
                                                    const std::vector<std::string>& lines);

// What is done about an entry whose key is known.
enum class EntryAction {
  kRun,          // a new run
  kLeave,        // its run is open, or stays as it is
  kFailedTasks,  // the run goes on from its failed tasks
  kAllTasks,     // the run is made again
};
// `state`: of the key's run; nothing: the key has no run (it is new, or its tick was not run).
EntryAction action_for(std::optional<RunState> state, Reprocess reprocess);

// Limits.
inline constexpr size_t kMaxBackfillEntries = 100'000;
inline constexpr int64_t kMaxBackfillRunning = 1'000;

}  // namespace tidemill::run
