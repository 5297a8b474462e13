// Where runs are kept. commit() is the only write; what it answered is on the disk.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "flow/load.h"
#include "run/instance.h"
#include "run/rows.h"

namespace tidemill::io {
class Clock;
}

namespace tidemill::store {

struct StoredKey {
  run::KeyRow row;
  run::RunState state = run::RunState::kQueued;  // of its run, if it has one
  std::string body_hash;
};

// Everything that a starting engine reads.
struct Recovered {
  run::Epoch epoch;                       // the new one: this scheduler owns all open runs
  std::vector<run::StoredRun> open_runs;  // by id: in order of creation
  std::vector<run::TriggerRow> triggers;
  std::vector<run::DatasetRow> datasets;  // the last update of each
  run::ControlState control;
  std::vector<run::AlertRow> alerts;      // that have not arrived yet
};

struct RunFilter {
  std::string flow;  // "" : all
  std::optional<run::RunState> state;
  std::string key_prefix;
  std::string after;  // runs older than this id: the next page
  size_t limit = 100;
};

// How finished runs are kept.
struct UpkeepSettings {
  const io::Clock* clock = nullptr;
  Duration keep = Duration::seconds(400 * 86'400);  // of finished runs, task logs and values
  Duration linger = Duration::seconds(60);  // a finished run stays so long among the open ones
  size_t finished_rows = 20'000;            // but when there are more of them
  Duration every = Duration::seconds(5);
  // What the check of the store found, once after the start; "" : it is sound.
  std::function<void(const std::string& found)> on_checked;
};

// The writing half: loop thread only; callbacks on the loop's thread. The reading half: any thread,
// blocking, sees committed state only.
class Store {
 public:
  virtual ~Store() = default;

  // All or nothing. `conflict`: a key exists; `too_late`: a run is owned by another epoch or an
  // attempt is old; `exhausted`: the disk is full; in each case nothing was written. A failed fsync
  // does not come back from here: the process ends.
  virtual void commit(run::Changes changes, std::function<void(Status)> done) = 0;
  // Once, before the first commit. Blocking.
  virtual Result<Recovered> recover() = 0;
  // Bundles are written before a run names them. Blocking: loading is off the loop.
  virtual Status put_bundle(const flow::Bundle& bundle) = 0;
  virtual Result<flow::Bundle> get_bundle(const flow::BundleId& id) = 0;
  // The folder that holds a bundle's files, for tasks to run in.
  virtual std::string bundle_folder(const flow::BundleId& id) const = 0;

  // One indexed look-up, microseconds: also from the loop.
  virtual Result<std::optional<StoredKey>> find_key(const flow::FlowName& flow,
                                                    const run::Key& key) = 0;
  virtual Result<std::optional<run::StoredRun>> load_run(const run::RunId& id) = 0;
  virtual Result<std::vector<run::AttemptRow>> attempts_of(const run::RunId& id) = 0;
  virtual Result<std::vector<run::RunRow>> list_runs(const RunFilter& filter) = 0;
  virtual Result<std::vector<run::KeyRow>> skipped_keys(const flow::FlowName& flow,
                                                        size_t limit) = 0;
  virtual Result<std::vector<run::TokenRow>> list_tokens() = 0;

  // Begins the work in the background that keeps the store small: after recover(), once. Loop
  // thread. Readers find a run wherever it is.
  virtual void start_upkeep(UpkeepSettings settings) { (void)settings; }
  // Newest first, those that have ended too.
  virtual Result<std::vector<run::BackfillRow>> list_backfills(size_t limit) = 0;
  virtual Result<std::optional<run::BackfillRow>> find_backfill(const run::BackfillId& id) = 0;
  virtual Result<std::vector<run::DeploymentRow>> list_deployments(size_t limit) = 0;
};

}  // namespace tidemill::store
