// The store on SQLite: one writing connection on the store lane, which alone checkpoints; readers
// on connections of their own.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "io/executor.h"
#include "io/files.h"
#include "io/loop.h"
#include "store/store.h"

namespace tidemill::store {

struct SqliteStoreOptions {
  std::string folder;    // the data directory; meta.db, bundles/ and values/ stand in it
  std::string vfs = {};  // what SQLite keeps meta.db on; "" is the machine's disk
  // Called when a commit's fsync failed: nobody knows what the disk holds. Must end the process.
  std::function<void(const std::string& reason)> on_fsync_failure;
  // Called when another server has recovered this store since: no commit of this one will be taken
  // any more. Must end the process.
  std::function<void(const std::string& reason)> on_taken_over;
};

// Opens and migrates the store for writing. Blocking. The caller holds the lock of the folder.
Result<std::unique_ptr<Store>> open_sqlite_store(SqliteStoreOptions options, io::Loop& loop,
                                                 io::Executor& executor, io::Files& files,
                                                 Log& log);

// Opens an existing store only for reading: commit() and put_...() answer `denied`.
Result<std::unique_ptr<Store>> open_sqlite_reader(const std::string& folder, io::Files& files);

// Holds DIR/tidemill.lock until destroyed. `conflict` if another process has it.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace tidemill::store
