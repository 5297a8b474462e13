// A whole simulated machine with one server on it, from one seed: clocks, loop, threads, disk,
// network, vendors and processes. The same seed and the same test give the same history.
//
//   SimWorld world(42);
//   world.http().set_handler(...);
//   auto server = Server(world.loop(), world.clock(), world.files(), ...);
//   world.run_for(Duration::seconds(10));
//   server.reset(); world.kill_server();          // kill -9; its processes run on
//   server = Server(...);                         // and finds what it left
#pragma once

#include <functional>
#include <memory>

#include "io/clock.h"
#include "io/executor.h"
#include "io/loop.h"
#include "io/random.h"
#include "io/sim/files.h"
#include "io/sim/http_client.h"
#include "io/sim/net.h"
#include "io/sim/processes.h"
#include "io/sim/queue.h"

namespace tidemill::io {

// Single-threaded: "threads" are entries of the queue, one piece of work at a time.
class SimWorld {
 public:
  // 2026-01-01T00:00:00Z unless told otherwise.
  explicit SimWorld(uint64_t seed, Time start = Time::from_seconds(1'767'225'600));
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  Clock& clock();
  Loop& loop();
  Executor& executor();
  Random& random();
  SimFiles& files() { return files_; }
  SimHttpClient& http() { return http_; }
  SimProcesses& processes() { return processes_; }
  SimNet& net() { return net_; }

  // Everything that happens within `duration`; then that much time has passed.
  void run_for(Duration duration);
  // Until nothing is left that is ready now; no time passes.
  void run_now();
  // Until nothing is left at all, timers included. Fails the check of SimQueue if that never is.
  void run_until_idle();
  // Until `condition` holds after some entry. False if it does not within `limit`.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  // Sets the wall clock.
  void step_clock(Duration by) { queue_.step_clock(by); }

  // Call both after the server's objects are destroyed, outside of any callback.
  // kill -9: what it had queued is gone; disk, processes and vendors go on.
  void kill_server();
  // The machine goes down: also the processes, the spawner and what was not synced.
  void lose_power();

 private:
  class SimClock;
  class SimLoop;
  class SimExecutor;
  class SimRandom;

  SimQueue queue_;
  SimFiles files_;
  SimHttpClient http_;
  SimProcesses processes_;
  SimNet net_;
  std::unique_ptr<SimClock> clock_;
  std::unique_ptr<SimLoop> loop_;
  std::unique_ptr<SimExecutor> executor_;
  std::unique_ptr<SimRandom> random_;
};

}  // namespace tidemill::io
