// User code: processes that outlive the server. The real one is the spawner (src/spawn).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "base/time.h"

namespace tidemill::io {

// Names one attempt, for ever: "<run>/<task>[<index>].<attempt>".
using ProcessId = StrongText<struct ProcessIdTag>;

// A Python function called in a child of a warm interpreter, in place of argv.
struct PythonCall {
  std::string interpreter;  // path of python3
  std::string bundle;       // folder put first on sys.path; the zygote's identity with interpreter
  std::string target;       // "module:function"
  std::vector<std::string> preload;  // modules that the zygote imports
};

struct ProcessSpec {
  ProcessId id;
  std::vector<std::string> argv;                         // for a program
  std::optional<PythonCall> python;                      // or for a function
  std::vector<std::pair<std::string, std::string>> env;  // the whole environment
  std::string folder;                                    // working directory
  std::string input;                 // JSON of a Python function: arguments by name, "*" by place
  std::string log_path;              // standard output and error, readable while it runs
  std::string output_path;           // where it leaves its JSON result; also in TIDEMILL_OUTPUT
  std::vector<std::string> secrets;  // values masked in the log
};

struct ProcessExit {
  ProcessId id;
  enum class How { kExited, kSignalled, kLost } how = How::kExited;
  int code = 0;         // exit status or signal number
  std::string message;  // for kLost and for what could not be started: why
  std::string error;    // of a Python function: type, message and traceback
  Time started;
  Time ended;
  Duration user_cpu;
  Duration system_cpu;
  int64_t max_rss_bytes = 0;
};

struct ProcessList {
  std::vector<ProcessId> running;
  std::vector<ProcessExit> exited;  // and not yet acknowledged
};

// Loop thread only.
class Processes {
 public:
  virtual ~Processes() = default;
  // Called once for each exit until it is acknowledged; after a reconnect it may come again.
  virtual void on_exit(std::function<void(const ProcessExit&)> callback) = 0;
  // Called when the spawner is lost, with its whole tree, and when a new one stands ready.
  virtual void on_lost(std::function<void()> callback) = 0;
  // Answers with the process number once the process exists. `unavailable` if it certainly was not
  // started; `unknown` if nobody can say. A second start of the same id answers as the first did.
  virtual void start(ProcessSpec spec, std::function<void(Result<int64_t>)> done) = 0;
  // TERM to the whole tree, KILL after `grace`. Its exit comes as every exit does.
  virtual void stop(const ProcessId& id, Duration grace) = 0;
  virtual void list(std::function<void(Result<ProcessList>)> done) = 0;
  // The exit is durable here: the spawner may forget it.
  virtual void acknowledge(const ProcessId& id) = 0;
};

}  // namespace tidemill::io
