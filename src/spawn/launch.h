// Makes one child process from the spawner.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tidemill::spawn {

struct LaunchSpec {
  std::vector<std::string> argv;  // a name without a slash is looked up in PATH of `env`
  std::vector<std::pair<std::string, std::string>> env;
  std::string folder;       // working directory; empty keeps the spawner's
  int output_fd = -1;       // becomes standard output and error
  int channel_fd = -1;      // becomes descriptor 3, if given
  int cgroup_fd = -1;       // the folder of the cgroup to live in, if given
  uint64_t open_files = 0;  // the soft limit of descriptors; 0 keeps the spawner's
};

struct Launched {
  pid_t pid = 0;        // a child to wait for, in any case
  std::string failure;  // why the program does not run; the child then ends with status 127
};

// The child has its own session, standard input from /dev/null, no blocked signals, and no
// descriptor but the named ones. Memory is shared with the child until it runs its program (vfork),
// so the cost does not depend on the size of this process. `unavailable` if no process could be
// made at all.
Result<Launched> launch(const LaunchSpec& spec);

}  // namespace tidemill::spawn
