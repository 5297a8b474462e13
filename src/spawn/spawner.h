// The spawner: the small process that starts user code and outlives the server.
#pragma once

#include <string>

#include "spawn/attempts.h"

namespace tidemill::spawn {

struct SpawnerOptions {
  std::string data_folder;  // exists; holds spawner.sock, spawner.lock, spawner.journal
  int64_t log_limit_bytes = kMaxLogBytes;
  AttemptsOptions::Containment containment = AttemptsOptions::Containment::kCgroupWhereAllowed;
  Zygotes::Limits zygotes;
};

inline constexpr int kSpawnerAlreadyRuns = 3;

// Serves until the server has said goodbye and no task runs, or until SIGTERM, which stops all
// tasks. Call it first thing in main, before threads or libraries are started: it takes over the
// process's signals, standard input and output. When it can be reached it writes one line to
// standard output,
// {"socket":PATH,"pid":N}; when it cannot serve, {"error":TEXT}. Later messages go to standard
// error. Answers the exit status: 0, 1 for an error, 3 if the data directory has a spawner already.
int run_spawner(const SpawnerOptions& options);

std::string socket_path(const std::string& data_folder);

}  // namespace tidemill::spawn
