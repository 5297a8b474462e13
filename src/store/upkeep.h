// What the store does beside commits: finished runs move to history, small segments become larger
// ones, what is older than is kept goes.
//
//   read lane    rows of finished runs ──► a segment, synced
//   store lane   their rows leave meta.db, a few a transaction, between the commits of turns
//   read lane    merge; remove old days of history and of task logs
//   store lane   remove values that no run names any more
//
// One step at a time. Each is small, and a crash between any two loses nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "io/executor.h"
#include "io/files.h"
#include "io/loop.h"
#include "store/history/history.h"
#include "store/reader_pool.h"
#include "store/store.h"
#include "store/writer.h"

namespace tidemill::store {

struct UpkeepParts {
  std::string folder;
  io::Loop& loop;
  io::Executor& executor;
  io::Files& files;
  Log& log;
  History& history;
  Writer& writer;
  ReaderPool& readers;
  std::function<void(const std::string& reason)> on_fsync_failure;
};

// Loop thread only. Destroyed while the lanes are idle.
class Upkeep {
 public:
  Upkeep(UpkeepParts parts, UpkeepSettings settings)
      : parts_(std::move(parts)), settings_(settings), alive_(std::make_shared<bool>(true)) {}
  ~Upkeep() { *alive_ = false; }
  void start();

  // Limits.
  static constexpr size_t kRunsPerSegment = 1000;
  static constexpr size_t kBytesPerSegment = 16u << 20;
  static constexpr size_t kRunBytes = 1u << 30;  // a larger run stays in meta.db
  static constexpr size_t kRunsPerCommit = 32;
  static constexpr size_t kValuesPerStep = 8;

 private:
  struct Batch {
    std::vector<Writer::Moved> moved;
    bool is_full = false;  // more wait
  };
  struct Swept {
    std::vector<std::string> values;  // digests that history does not name
    bool has_more = false;
  };
  // Runs `work` on the lane and `then` with its answer on the loop; a failure ends this round.
  template <class T>
  void step(io::Lane lane, std::function<Result<T>()> work, std::function<void(T)> then);
  void after(Duration delay, void (Upkeep::*next)());
  void failed(const Error& error);

  void check();
  void move();
  Result<Batch> collect();
  void forget(std::shared_ptr<Batch> batch, size_t from);
  void tidy();
  Result<Swept> tidy_files();
  void sweep(std::shared_ptr<Swept> swept, size_t from);
  Result<bool> remove_unnamed(const Swept& swept, size_t from);
  void purge();
  Result<bool> remove_old_logs(const std::string& first_kept);

  UpkeepParts parts_;
  UpkeepSettings settings_;
  std::shared_ptr<bool> alive_;
  std::optional<Time> last_retention_;
};

}  // namespace tidemill::store
