// Makes sure that a data directory has a spawner. Called by the server.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "spawn/system.h"

namespace tidemill::spawn {

struct SpawnerProgram {
  std::string path;         // the tidemill program; run as `PATH spawner --data DIR`
  std::string data_folder;  // DIR; exists
};

struct NewSpawner {
  pid_t pid = 0;
  Fd ready;  // one line comes here when it serves or cannot; see run_spawner
};

// Starts one in a session of its own, with a small fixed environment, standard error appended to
// DIR/spawner.log. Does not wait. It is a child of this process until this process ends.
Result<NewSpawner> launch_spawner(const SpawnerProgram& program);

// Starts one if none answers and waits until it can be reached, a few milliseconds. Blocks at most
// `longest`. From any thread.
Status start_spawner(const SpawnerProgram& program, Duration longest = Duration::seconds(5));

}  // namespace tidemill::spawn
