// Reads of committed state. Each object is one connection: one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/files.h"
#include "io/sqlite.h"
#include "store/history/run_record.h"
#include "store/store.h"

namespace tidemill::store {

class Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const std::string& folder, io::Files& files,
                                              const std::string& vfs = "");

  Result<std::optional<StoredKey>> find_key(const flow::FlowName& flow, const run::Key& key);
  Result<std::optional<run::StoredRun>> load_run(const run::RunId& id);
  Result<std::vector<run::AttemptRow>> attempts_of(const run::RunId& id);
  Result<std::vector<run::RunRow>> list_runs(const RunFilter& filter);
  Result<std::vector<run::RunId>> open_run_ids();
  Result<std::vector<run::KeyRow>> skipped_keys(const flow::FlowName& flow, size_t limit);
  Result<std::vector<run::TriggerRow>> triggers();
  Result<std::vector<run::DatasetRow>> last_datasets();
  Result<std::vector<run::AlertRow>> list_alerts();
  Result<std::vector<run::TokenRow>> list_tokens();
  io::Connection& connection() { return connection_; }

  // For the move into history: finished runs, the longest finished first.
  struct Finished {
    run::RunId id;
    Time finished;
  };
  Result<std::vector<Finished>> finished_runs(Time until, size_t limit);
  // How many runs are finished; counts no further than `limit`.
  Result<size_t> count_finished(size_t limit);
  // All rows of a finished run; nothing if it is open or not here.
  Result<std::optional<RunRecord>> record_of(const run::RunId& id);
  Result<std::optional<Time>> oldest_open_run();
  // A damaged file as words; "" if it is sound. Reads all of it.
  Result<std::string> check_integrity();

 private:
  Status in_snapshot(const std::function<Status()>& read);
  Reader(io::Connection connection, std::string folder, io::Files& files)
      : connection_(std::move(connection)), folder_(std::move(folder)), files_(files) {}
  Result<std::vector<run::TaskRow>> tasks_of(const run::RunId& id);
  Result<std::vector<run::ChainRow>> chains_of(const run::RunId& id);

  io::Connection connection_;
  std::string folder_;
  io::Files& files_;
  io::Statement find_key_;
  io::Statement load_run_;
  io::Statement tasks_;
  io::Statement chains_;
  io::Statement attempts_;
};

// A run of history with its values.
Result<run::StoredRun> stored_run(const RunRecord& record, const std::string& folder,
                                  io::Files& files);
Result<std::vector<run::AttemptRow>> attempts_in(const RunRecord& record);

}  // namespace tidemill::store
