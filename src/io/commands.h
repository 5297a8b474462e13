// Short helper programs of the server itself (a password manager, pip): they end with it. User code
// runs under io/processes.h, never here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::io {

struct Command {
  std::vector<std::string> argv;  // the program by its path or by a name in PATH
  std::vector<std::pair<std::string, std::string>> env;  // the whole environment
  std::string folder = "/";
  Duration timeout = Duration::seconds(10);  // then the whole process group is killed
  std::string log_path;  // standard output and error are appended; "" : output is answered
  size_t output_limit = 1u << 20;
};

struct CommandEnd {
  int code = 0;        // exit status; 128 + the number of a signal
  std::string output;  // standard output, of a command without a log
  std::string error;   // standard error, its last part
};

// Thread-safe. Blocking: on a lane, never on the loop.
class Commands {
 public:
  virtual ~Commands() = default;
  // An error: it could not be started, or ran too long. An exit status is none.
  virtual Result<CommandEnd> run(const Command& command) = 0;
};

}  // namespace tidemill::io
