// One attempt in the spawner. For attempts.cc only.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "spawn/attempts.h"

namespace tidemill::spawn {

struct Attempts::Attempt {
  enum class State { kStarting, kRunning, kEnding } state = State::kStarting;
  enum class Origin { kHere, kEarlierSpawner, kEarlierBoot } origin = Origin::kHere;
  enum class Kind { kProgram, kPython } kind = Kind::kProgram;

  io::ProcessId id;
  std::vector<std::pair<std::string, std::string>> env;  // until it is started
  std::string folder;
  std::string output_path;
  OutputLog output;
  Cgroup cgroup;
  pid_t leader = 0;
  uint64_t leader_ticks = 0;
  std::optional<Elapsed> stop;  // asked to end; when it is killed
  std::vector<Attempts::OnStarted> waiting;
  io::ProcessExit exit;
};

inline Fd open_folder(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// A copy that is not one of the descriptors a child gets.
inline Fd above_standard(int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 10)); }

}  // namespace tidemill::spawn
