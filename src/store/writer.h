// The writing connection: one transaction a call. Store lane only (or before it starts).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/files.h"
#include "io/sqlite.h"
#include "run/rows.h"

namespace tidemill::store {

class Writer {
 public:
  static Result<std::unique_ptr<Writer>> open(const std::string& folder, io::Files& files,
                                              const std::string& vfs = "");

  Status write(const run::Changes& changes);
  // Counts this start and takes over every open run.
  Result<run::Epoch> take_epoch();
  // Moves the WAL into the file when it has grown.
  Status checkpoint_if_large();

 private:
  struct Statements {
    io::Statement begin, commit, rollback;
    io::Statement insert_run, update_run, insert_key, upsert_task, insert_attempt, insert_chain;
    io::Statement upsert_trigger, insert_dataset, purge_keys, insert_token, delete_token;
  };
  Writer(io::Connection connection, std::string folder, io::Files& files)
      : connection_(std::move(connection)), folder_(std::move(folder)), files_(files) {}
  Status prepare();
  Status write_rows(const run::Changes& changes);
  Status write_runs(const run::Changes& changes);
  Status write_tasks(const run::Changes& changes);
  Status write_rest(const run::Changes& changes);
  // A value over the limit goes to values/<sha256>; the row holds "@<sha256>".
  Result<std::string> place_value(const std::string& value);

  io::Connection connection_;
  std::string folder_;
  io::Files& files_;
  Statements statements_;
};

// The value of a row, wherever it stands.
Result<std::string> fetch_value(std::string stored, const std::string& folder, io::Files& files);

}  // namespace tidemill::store
