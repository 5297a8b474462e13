// Finds and signals the processes of an attempt, wherever they went.
//
// The spawner is sub-reaper, so whatever its tasks fork stays below it; a process whose parent died
// hangs directly under the spawner. Which attempt such an orphan belongs to is told by two
// variables that every task inherits (kSpawnerVariable, kProcessVariable), else by its session.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidemill::spawn {

inline constexpr std::string_view kProcessVariable = "TIDEMILL_PROCESS_ID";
inline constexpr std::string_view kSpawnerVariable = "TIDEMILL_SPAWNER";
// In place of an id: a zygote and what it has not yet given work to.
inline constexpr std::string_view kZygoteId = "-";

struct ProcessInfo {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  uint64_t start_ticks = 0;
  bool zombie = false;
};

std::optional<ProcessInfo> process_info(pid_t pid);
std::vector<pid_t> all_processes();
std::vector<pid_t> children_of(pid_t pid);
// `pid` and everything below it.
std::vector<ProcessInfo> subtree(pid_t pid);

// The id in the environment of a process that `token` marks as ours; nothing for a stranger.
std::optional<std::string> marked_id(pid_t pid, const std::string& token);

// Signals exactly that process: a reused number is noticed by the start time.
void signal_process(const ProcessInfo& process, int signal);

}  // namespace tidemill::spawn
