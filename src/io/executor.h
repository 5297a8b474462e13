// Threads where work may block or take long. Each lane is a bounded queue with its own threads.
#pragma once

#include <functional>

#include "base/result.h"

namespace tidemill::io {

enum class Lane {
  kStore,     // one thread: the writing connection
  kRead,      // two threads: queries, log files, loading of files
  kCompute,   // a thread a core: larger calculations
  kDatabase,  // sixteen threads: statements on PostgreSQL, the command that knows secrets
  kBuild,     // two threads: environments of Python
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` on the lane. `work` answers by Loop::post. From any thread. Refused with
  // `exhausted` when the lane's queue is full; `work` is then not run.
  virtual Status run(Lane lane, std::function<void()> work) = 0;
  // Waits until every lane is idle and ends the threads. Work queued later is refused.
  virtual void stop() = 0;
};

}  // namespace tidemill::io
