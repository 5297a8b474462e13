// A store under test.
#pragma once

#include "store/store.h"

namespace tidemill::store {

// One store on a disk of its own.
class StoreBed {
 public:
  virtual ~StoreBed() = default;
  virtual Store& store() = 0;
  virtual Time now() = 0;
  // Commits and waits for the answer.
  virtual Status commit(run::Changes changes) = 0;
  // Starts the upkeep and lets it work for a minute; once a start.
  virtual void keep_up(UpkeepSettings settings) = 0;
  // The process is killed and started again: only what is durable is left.
  virtual void restart() = 0;
};

}  // namespace tidemill::store
