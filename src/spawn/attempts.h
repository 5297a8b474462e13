// The attempts that the spawner knows: started, running, ending, ended and not yet acknowledged.
//
//   starting --process exists--> running --leader exits--> ending --no process is left--> ended
//                                                            ^                              |
//   journal of an earlier spawner --------------------------'      journal, then told <----'
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "spawn/cgroup.h"
#include "spawn/journal.h"
#include "spawn/output_log.h"
#include "spawn/poller.h"
#include "spawn/protocol.h"
#include "spawn/tree.h"
#include "spawn/zygotes.h"

struct rusage;

namespace tidemill::spawn {

struct AttemptsOptions {
  std::string data_folder;
  uint64_t open_files = 0;  // soft limit that tasks get
  int64_t log_limit_bytes = kMaxLogBytes;
  size_t most = 4096;  // attempts at once
  enum class Containment {
    kCgroupWhereAllowed,
    kMarksOnly
  } containment = Containment::kCgroupWhereAllowed;
  Zygotes::Limits zygotes;
};

// One thread. Times are the caller's.
class Attempts {
 public:
  using OnStarted = std::function<void(Started)>;  // `request` is left to the caller

  Attempts(AttemptsOptions options, Poller& poller, Journal journal);
  ~Attempts();

  // Takes over what the journal says was running under an earlier spawner: kills what is left of
  // it.
  void recover();
  // Answers once the process exists, or at once. A known id answers as its first start did.
  void start(io::ProcessSpec spec, OnStarted done);
  void stop(const io::ProcessId& id, Duration grace);
  void acknowledge(const io::ProcessId& id);

  // After SIGCHLD: waits for every child that has ended.
  void reap();
  // Kills, retries and retires what is due.
  void tick(Elapsed now);
  std::optional<Elapsed> next_deadline() const;
  // Exits that are durable since the last call.
  std::vector<io::ProcessExit> take_told();

  void stop_all(Duration grace);
  bool idle() const { return attempts_.empty() && ended_.empty(); }
  std::vector<io::ProcessId> running() const;
  // Durable and not yet acknowledged.
  std::vector<io::ProcessId> exited() const;
  // Nothing if it was acknowledged meanwhile.
  const io::ProcessExit* exit_of(const io::ProcessId& id) const;
  bool contained() const { return cgroups_.active(); }

 private:
  struct Attempt;
  Status check(const io::ProcessSpec& spec) const;
  Attempt& add(const io::ProcessSpec& spec, OutputLog log);
  Status start_python(Attempt& attempt, const io::ProcessSpec& spec);
  Status run(Attempt& attempt, std::vector<std::string> argv, int channel_fd);
  void run_fresh(PythonRequest request, const std::string& why);
  void exists(Attempt& attempt, pid_t pid);
  void drop(Attempt& attempt, const Error& error);
  Attempt* find(const std::string& id);
  Attempt* led_by(pid_t pid) const;
  void leader_ended(Attempt& attempt, int status, const rusage& used);
  void not_started(Attempt& attempt, const std::string& why);

  struct Surroundings;
  void sweep(Elapsed now);
  Surroundings look_around() const;
  std::vector<ProcessInfo> members(const Attempt& attempt, const Surroundings& around) const;
  enum class Owner { kThis, kOther, kNobody };
  Owner owner_of(pid_t orphan, const Attempt& attempt) const;
  void signal_tree(Attempt& attempt, int signal);
  void finish(Attempt& attempt);
  void record();

  AttemptsOptions options_;
  Poller& poller_;
  Journal journal_;
  Cgroups cgroups_;
  std::string boot_id_;
  std::string worker_folder_;
  std::map<std::string, std::unique_ptr<Attempt>> attempts_;
  std::unordered_map<pid_t, Attempt*> leaders_;  // of the running ones
  std::vector<io::ProcessExit> ended_;           // not yet durable
  std::vector<io::ProcessExit> told_;
  std::optional<Elapsed> retry_record_at_;
  std::optional<Elapsed> sweep_again_at_;
  Zygotes zygotes_;
};

}  // namespace tidemill::spawn
