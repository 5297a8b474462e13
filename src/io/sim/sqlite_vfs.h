// SQLite on the simulated disk. A database that is opened through this VFS keeps its file, its WAL
// and the index of the WAL there.
#pragma once

#include <memory>
#include <string>

#include "io/sim/disk.h"

namespace tidemill::io {

// Known to SQLite under name() as long as it lives; every connection through it must be closed
// before. Times, random bits and waits of SQLite come from the simulation too.
class SimSqliteVfs {
 public:
  explicit SimSqliteVfs(SimDisk& disk);
  ~SimSqliteVfs();
  SimSqliteVfs(const SimSqliteVfs&) = delete;
  SimSqliteVfs& operator=(const SimSqliteVfs&) = delete;

  const std::string& name() const;

 private:
  struct Registered;
  std::unique_ptr<Registered> registered_;
};

}  // namespace tidemill::io
