// Warm Python interpreters. One zygote per (interpreter, bundle, preload) imports the preload list
// once and then forks a child for each call; the worker itself is in python/tidemill_worker.
//
//   spawner --call + request file + output pipe--> spare child       (one socket pair per zygote)
//   spawner <--taken, pid------------------------- spare child       its parent: the spawner
//   spawner <--refused, why----------------------- zygote            it has threads, a bad preload
//
// Spares are forked before they are asked for, twice, so the spawner is their parent and waits for
// them: the exit status and the resources used are the kernel's own. The calls that nobody has
// taken when a zygote ends are handed back, to be run in fresh interpreters.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/processes.h"
#include "spawn/poller.h"

namespace tidemill::spawn {

struct PythonRequest {
  io::ProcessId id;
  io::PythonCall call;
  Fd request_file;     // see make_request_file
  int output_fd = -1;  // stays open until taken or handed back
};

// What the worker needs for one call, in memory: target, folder, input, ... as length-prefixed
// texts.
Result<Fd> make_request_file(const io::ProcessSpec& spec, const std::string& cgroup_path);

// The worker's files, written to `<data>/worker-<hash>` if they are not there. Answers the folder.
Result<std::string> install_worker(const std::string& data_folder);

// The words that begin a command line of the worker: interpreter, boot line, its folder, the folder
// for compiled files.
std::vector<std::string> worker_command(const std::string& interpreter,
                                        const std::string& worker_folder, std::string_view mode);

class Zygotes {
 public:
  struct Limits {
    size_t zygotes = 8;
    Duration idle = Duration::seconds(300);   // without a call: retired
    Duration taking = Duration::seconds(60);  // import of the preload list included
  };
  struct Events {
    std::function<void(const io::ProcessId&, pid_t)> taken;
    // To be run in a fresh interpreter.
    std::function<void(PythonRequest, const std::string& why)> handed_back;
  };
  Zygotes(Poller& poller, std::string token, uint64_t open_files, Limits limits, Events events);
  ~Zygotes();

  // `worker_folder` as install_worker gave it.
  void call(PythonRequest request, const std::string& worker_folder);
  bool owns(pid_t pid) const;
  // A child of the spawner that is about to be waited for. True if it was a zygote.
  bool before_reap(pid_t pid);
  // Reads what zygotes and spares have said so far.
  void drain_all();
  void tick(Elapsed now);
  std::optional<Elapsed> next_deadline() const;
  // Ends all zygotes; calls not yet taken are handed back.
  void retire_all();

 private:
  struct Zygote;
  using Key = std::string;
  Zygote* find_or_make(const Key& key, const PythonRequest& request, const std::string& folder);
  void make_room();
  void send_waiting(Zygote& zygote);
  void drain(const Key& key);
  void end(const Key& key, const std::string& why);
  void kill(Zygote& zygote);
  void remember_failure(const Key& key, const std::string& why);

  Poller& poller_;
  std::string token_;
  uint64_t open_files_;
  Limits limits_;
  Events events_;
  std::map<Key, std::unique_ptr<Zygote>> zygotes_;
  struct Failure {
    Elapsed until;
    std::string why;
  };
  std::map<Key, Failure> failures_;  // these keys run in fresh interpreters for a while
};

}  // namespace tidemill::spawn
