// Backfills: runs for a range of ticks or a list of keys, a few at a time, behind live runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/backfill.h"
#include "run/control_rows.h"

namespace tidemill::engine {

struct BackfillRequest {
  std::string flow;
  std::optional<Time> from;  // a range of ticks: from <= tick < to
  std::optional<Time> to;
  std::string trigger;             // its id; "" : the only clock trigger
  std::vector<std::string> lines;  // or keys, one a line: run/backfill.h
  run::Reprocess reprocess = run::Reprocess::kNone;
  bool newest_first = false;
  int64_t max_running = 1;
  bool dry_run = false;
  std::string by;
};

// What was made of it, or would be.
struct BackfillAnswer {
  run::BackfillRow row;
  struct Planned {
    std::string key;
    std::optional<Time> scheduled_at;
    std::string what;  // "run", "leave (succeeded)", "again from the failed tasks", "again"
  };
  std::vector<Planned> planned;  // of a dry run, the first kMaxPlanned
};
inline constexpr size_t kMaxPlanned = 1'000;

struct OpenBackfill {
  run::BackfillRow row;
  run::BackfillSpec spec;
};

enum class BackfillOrder { kPause, kResume, kCancel };

}  // namespace tidemill::engine
