// The writing connection: one transaction a call. Store lane only (or before it starts).
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "io/files.h"
#include "io/sqlite.h"
#include "run/rows.h"
#include "store/history/history.h"

namespace tidemill::store {

class Writer {
 public:
  // `history`: where a run that is reopened comes back from.
  static Result<std::unique_ptr<Writer>> open(const std::string& folder, io::Files& files,
                                              History& history, const std::string& vfs = "");

  Status write(const run::Changes& changes);
  // Counts this start and takes over every open run.
  Result<run::Epoch> take_epoch();
  // A commit was refused because a later start has taken the store over.
  bool is_taken_over() const { return is_taken_over_; }
  // A finished run that stands in history, durably. Its rows go, its key remembers it. Not synced:
  // after a power failure the run may stand in both places, which is found as one.
  struct Moved {
    run::RunId id;
    Time finished;  // if it is another by now, the run was reopened and stays
    flow::FlowName flow;
    run::Key key;
    std::string state;
    std::string body_hash;
  };
  Status forget_moved(std::span<const Moved> runs);
  // Updates of datasets that are older; never the last of one. At most kPurgedKeys a call; answers
  // how many.
  Result<int64_t> purge_datasets(Time before);
  // Is the file named by a row of meta.db?
  Result<bool> names_value(const std::string& digest);

  // Moves the WAL into the file when it has grown.
  Status checkpoint_if_large();
  int64_t checkpoints() const { return checkpoints_; }

 private:
  struct Statements {
    io::Statement begin, commit, rollback;
    io::Statement insert_run, update_run, insert_key, upsert_task, insert_attempt, insert_chain;
    io::Statement delete_run, delete_tasks, delete_attempts, delete_chains, remember_key;
    io::Statement epoch, has_run, value_in_task, value_in_chain;
    io::Statement upsert_trigger, insert_dataset, purge_keys, insert_token, delete_token;
  };
  Writer(io::Connection connection, std::string folder, io::Files& files, History& history)
      : connection_(std::move(connection)),
        folder_(std::move(folder)),
        files_(files),
        history_(history) {}
  Status prepare();
  Status prepare_moves();
  Status check_epoch();
  Status update_run(const run::RunRow& row);
  Status delete_moved(std::span<const Moved> runs);
  // A run that was reopened: its rows, as they were. False: history does not have it either.
  Result<bool> bring_back(const run::RunId& id);
  Status write_rows(const run::Changes& changes);
  Status write_runs(const run::Changes& changes);
  Status write_tasks(const run::Changes& changes);
  Status write_rest(const run::Changes& changes);
  // A value over the limit goes to values/<sha256>; the row holds "@<sha256>".
  Result<std::string> place_value(const std::string& value);

  io::Connection connection_;
  std::string folder_;
  io::Files& files_;
  History& history_;
  Statements statements_;
  std::optional<run::Epoch> epoch_;  // once it was taken
  std::atomic<bool> is_taken_over_{false};
  int64_t checkpointed_pages_ = 0;  // that the WAL held when it was last moved
  int64_t checkpoints_ = 0;
};

// The value of a row, wherever it stands.
Result<std::string> fetch_value(std::string stored, const std::string& folder, io::Files& files);

}  // namespace tidemill::store
