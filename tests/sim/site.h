// A simulated machine with the server on it: the objects of `tidemill serve`, built as it builds
// them, on io/sim. What SQLite keeps stands on a disk of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/tokens.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/engine.h"
#include "engine/project_loader.h"
#include "happenings.h"
#include "io/sim/disk.h"
#include "io/sim/sqlite_vfs.h"
#include "io/sim/world.h"
#include "server/api.h"
#include "server/server.h"
#include "store/sqlite_store.h"
#include "task/tasks.h"
#include "vendor/client.h"

namespace tidemill::sim {

inline constexpr const char* kProjectFolder = "/project";
inline constexpr const char* kDataFolder = "/data";
inline constexpr const char* kSocket = "/data/tidemill.sock";

// What is broken on purpose in one history.
struct Mutant {
  engine::Sabotage engine;
  bool disk_lies = false;      // syncs answer and do nothing
  bool keys_are_free = false;  // no key is known, none is unique
  bool answers_first = false;  // the store answers before it has written
};

// The last lines of the server's log, for a person who replays a seed.
class KeptLog final : public Log {
 public:
  void write(LogLevel level, std::string_view line) override {
    if (level >= LogLevel::kWarn) lines.emplace_back(line);
  }
  std::vector<std::string> lines;
};

class Site {
 public:
  Site(uint64_t seed, Time start, run::AdmissionLimits limits, Mutant mutant);
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  // Starts the server and loads the project. False if it ended within, by a fault of the disk.
  bool start();
  bool is_up() const { return engine_ != nullptr; }
  // The server has ended by itself, or died within a call of the disk: kill() or lose_power() next.
  bool is_dying() const { return disk.is_dead(); }
  void kill();
  void lose_power();

  // Runs entries until `condition` holds, the server dies or `limit` has passed.
  void run(Duration limit, const std::function<bool()>& condition = nullptr);
  // So many entries of the queue, or until a second passes.
  void run_steps(int count);

  void file(const std::string& path, const std::string& text);
  Result<engine::FlowVersion> version(const flow::BundleId& bundle);
  engine::Engine& engine() { return *engine_; }
  engine::ProjectLoader& loader() { return *loader_; }
  store::Store& store() { return *store_; }
  Now now() { return world.clock().now(); }

  io::SimWorld world;
  io::SimDisk disk;
  io::SimSqliteVfs vfs;
  KeptLog log;
  History history;
  // Asked before each commit: an error is answered, and nothing is written.
  std::function<std::optional<Code>()> store_refuses;

 private:
  class Models;
  Status build();
  task::Tasks::Runners runners();
  void destroy();

  run::AdmissionLimits limits_;
  Mutant mutant_;
  int boots_ = 1;
  bool is_ready_ = false;
  std::unique_ptr<Models> compiler_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<task::ModelStore> models_;
  std::unique_ptr<vendor::Client> vendors_;
  std::unique_ptr<task::Tasks> tasks_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::ProjectLoader> loader_;
  access::Tokens tokens_;
  std::unique_ptr<server::Api> api_;
  std::unique_ptr<server::Server> server_;
};

}  // namespace tidemill::sim
