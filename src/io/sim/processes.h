// User code of a simulation: a function of the test decides what each process does.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/files.h"
#include "io/processes.h"
#include "io/sim/queue.h"

namespace tidemill::io {

// What a process does from its start to its end.
struct SimProcessResult {
  Duration takes = Duration::millis(1);
  int exit_code = 0;
  std::string output = {};  // JSON written to the spec's output_path at the end; "" writes nothing
  std::string log = {};     // appended to its log_path at the end
  std::string error = {};   // of a Python function
  std::optional<Error> refused = {};  // start() answers this, and there is no process
  enum class OnTerm { kEnds, kIgnores } on_term = OnTerm::kEnds;
};

// The spawner and what runs below it belong to the world: both go on while the server is down.
//
//   server stands   detach()            attach(), or on_exit() of a new server
//   exits are told  exits are kept      every exit not acknowledged is told (again)
class SimProcesses final : public Processes {
 public:
  using Script = std::function<SimProcessResult(const ProcessSpec&)>;

  SimProcesses(SimQueue& queue, Files& files) : queue_(queue), files_(files) {}

  // Without one, every process ends well after a millisecond.
  void set_script(Script script) { script_ = std::move(script); }
  // The connection to the spawner breaks. Starts and lists answer `unavailable`, stops and
  // acknowledgements are lost.
  void detach() { attached_ = false; }
  // The connection breaks and its client makes it again: what is asked meanwhile waits for
  // attach().
  void cut();
  void attach();
  // The server is gone: detached, and its callbacks are forgotten.
  void forget_server();
  // The spawner dies with its whole tree. Exits that it had recorded are still told. Of what ran
  // the next spawner tells kLost if it has the journal of this one, as within one boot; else
  // nothing.
  enum class Journal { kIsLost, kIsKept };
  void lose(Journal journal = Journal::kIsLost);
  size_t running() const;
  // Told of each end at the instant when it happens, also while no server listens; kLost for those
  // that end with the spawner.
  using Watcher = std::function<void(const ProcessId&, ProcessExit::How, int code)>;
  void set_watcher(Watcher watcher) { watcher_ = std::move(watcher); }
  // How often a process was started under this id.
  int starts(const ProcessId& id) const;

  void on_exit(std::function<void(const ProcessExit&)> callback) override;
  void on_lost(std::function<void()> callback) override { on_lost_ = std::move(callback); }
  void start(ProcessSpec spec, std::function<void(Result<int64_t>)> done) override;
  void stop(const ProcessId& id, Duration grace) override;
  void list(std::function<void(Result<ProcessList>)> done) override;
  void acknowledge(const ProcessId& id) override;

 private:
  struct Process {
    ProcessSpec spec;
    SimProcessResult result;
    int64_t number = 0;
    Time started;
    TimerHandle end_timer;
    std::optional<ProcessExit> exit;
  };

  void answer_later(std::function<void()> answer);
  void end(const ProcessId& id, ProcessExit::How how, int code);
  void leave_results(const Process& process);
  void tell(const ProcessId& id);

  SimQueue& queue_;
  Files& files_;
  Script script_;
  Watcher watcher_;
  bool attached_ = true;
  bool is_cut_ = false;
  std::vector<std::function<void()>> waiting_;  // asked while the connection was cut
  std::function<void(const ProcessExit&)> on_exit_;
  std::function<void()> on_lost_;
  std::map<ProcessId, Process> processes_;
  std::map<ProcessId, int> starts_;
  int64_t last_number_ = 1000;
};

}  // namespace tidemill::io
