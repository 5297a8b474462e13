// Threads of the running server, one bounded queue a lane.
#pragma once

#include <functional>
#include <memory>

#include "io/executor.h"

namespace tidemill::io {

// Threads start at the first work that finds none idle, so an idle server has none. Compute threads
// run at nice +5, below the loop. All signals are blocked in them: the loop's thread takes signals.
// `run` may be called from any thread; `stop` and the destructor from none of the lanes'.
class RealExecutor final : public Executor {
 public:
  static constexpr size_t kStoreQueue = 1024;
  static constexpr size_t kReadQueue = 4096;
  static constexpr size_t kComputeQueue = 4096;
  static constexpr size_t kDatabaseQueue = 4096;
  static constexpr size_t kBuildQueue = 1024;

  // `compute_threads` 0 takes one a core.
  explicit RealExecutor(size_t compute_threads = 0);
  ~RealExecutor() override;
  RealExecutor(const RealExecutor&) = delete;
  RealExecutor& operator=(const RealExecutor&) = delete;

  Status run(Lane lane, std::function<void()> work) override;
  void stop() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemill::io
