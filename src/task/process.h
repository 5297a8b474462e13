// `shell` and `python`: processes under the spawner, which outlive the server.
#pragma once

#include <map>
#include <set>
#include <string>

#include "io/clock.h"
#include "io/files.h"
#include "io/processes.h"
#include "task/work.h"

namespace tidemill::task {

struct ProcessSettings {
  std::string data_folder;     // tasklogs/ and outputs/ stand in it
  std::string project_folder;  // where shell commands run
  std::string path;            // PATH of tasks
  // The machine's boot, "" if it is not known. Within one boot the spawner's journal tells every
  // attempt that was begun, whatever was killed.
  std::string boot_id;
};

// Where an attempt's output stands, within the data directory.
std::string log_path(const Work& work);

class ProcessRunner final : public Runner {
 public:
  ProcessRunner(ProcessSettings settings, io::Processes& processes, io::Files& files);

  void start(const Work& work, const flow::Scope& scope, Done done) override;
  void stop(const Work& work) override;
  void recover(const Work& work, const flow::Scope& scope, Done done) override;
  void settled(const Work& work) override;
  // Before recover(): what the spawner knows. `ready` is called when the answer is here.
  void ask_spawner(std::function<void()> ready);
  // After the last recover(): what the spawner still has belongs to no attempt that is under way.
  // It is stopped, and its ends are acknowledged.
  void recovered();

 private:
  Result<io::ProcessSpec> spec_of(const Work& work, const flow::Scope& scope) const;
  Result<io::ProcessSpec> shell_spec(io::ProcessSpec spec, const Work& work,
                                     const flow::Scope& scope) const;
  Result<io::ProcessSpec> python_spec(io::ProcessSpec spec, const Work& work,
                                      const flow::Scope& scope) const;
  std::string output_path(const Work& work) const;
  std::string interpreter_path(const std::string& name) const;
  bool is_same_boot() const;
  void note_boot();
  void exited(const io::ProcessExit& exit);
  run::Outcome outcome_of(const io::ProcessExit& exit, const std::string& output_path) const;

  struct Open {
    Done done;
    std::string output_path;
  };
  ProcessSettings settings_;
  io::Processes& processes_;
  io::Files& files_;
  std::map<io::ProcessId, Open> open_;
  // Ends that came before somebody asked for them (recovery), and attempts that still run.
  std::map<io::ProcessId, io::ProcessExit> early_;
  std::set<io::ProcessId> running_;
  bool is_recovered_ = false;
  std::set<io::ProcessId> unsettled_;  // ended, and the end is not durable yet
  std::set<io::ProcessId> unknown_;    // of an earlier boot, and that is not durable yet
};

}  // namespace tidemill::task
