// Rows of what people have ordered: pauses, backfills, deployments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/strong.h"
#include "base/time.h"

namespace tidemill::run {

// A flow of which no trigger starts a run, or a run in which nothing new starts. Who and when.
struct PauseRow {
  enum class What { kFlow, kRun } what = What::kFlow;
  std::string name;  // of the flow, or the run's id
  std::string by;
  Time at;
};

using BackfillId = StrongText<struct BackfillIdTag>;  // a ULID

enum class BackfillState { kRunning, kPaused, kCancelled, kDone };
std::string_view word(BackfillState state);
Result<BackfillState> backfill_state(std::string_view word);

// Runs of one flow for a list of keys, a few at a time. The list is made once; how far it has come
// changes with each commit that makes or ends one of its runs.
struct BackfillRow {
  BackfillId id;
  std::string flow;
  std::string by;
  Time created;
  Json spec;  // what was asked, and the list: run/backfill.h
  // What changes.
  BackfillState state = BackfillState::kRunning;
  std::optional<Time> finished;
  int64_t total = 0;
  int64_t next = 0;               // position in the list
  int64_t started = 0;            // runs made, or begun anew
  int64_t there = 0;              // left alone: a run had the key
  int64_t refused = 0;            // no run could be made
  int64_t succeeded = 0;          // of the started ones
  int64_t failed = 0;             // or cancelled
  std::string last_error;         // of the last that was refused or failed
  std::vector<std::string> open;  // runs that are under way
};

// Which versions of the flows are current, and who said so. The newest row holds.
struct DeploymentRow {
  int64_t number = 0;  // 1, 2, 3...; 0: none
  enum class Kind { kDeploy, kBack, kFollow } kind = Kind::kFollow;
  Time at;
  std::string by;
  std::string source;  // the folder, or GIT@REV with its commit
  Json flows;          // {flow: bundle}; of kFollow empty: the project's folder is the source
};
std::string_view word(DeploymentRow::Kind kind);
Result<DeploymentRow::Kind> deployment_kind(std::string_view word);

// The part of a turn's changes that is about them.
struct ControlChanges {
  std::vector<PauseRow> pauses;          // one that is there already is kept as it is
  std::vector<PauseRow> removed_pauses;  // by what and name
  std::vector<BackfillRow> new_backfills;
  std::vector<BackfillRow> backfills;  // changed ones: without their spec
  std::vector<DeploymentRow> deployments;
  bool empty() const {
    return pauses.empty() && removed_pauses.empty() && new_backfills.empty() && backfills.empty() &&
           deployments.empty();
  }
};

// What a starting engine reads of them.
struct ControlState {
  std::vector<PauseRow> pauses;
  std::vector<BackfillRow> backfills;  // running and paused ones
  DeploymentRow deployment;            // the newest
};

}  // namespace tidemill::run
