#include "spawn/start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/json.h"
#include "spawn/spawner.h"

namespace tidemill::spawn {

namespace {

constexpr Duration kAskAgain = Duration::millis(5);

bool answers(const std::string& data_folder) {
  const Fd folder(::open(data_folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) return false;
  const std::string near = fmt::format("/proc/self/fd/{}/spawner.sock", folder.get());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, near.c_str(), near.size());
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// The line that the new spawner writes; empty if it ended without one or took too long.
std::string first_line(const Fd& ready, Elapsed until) {
  std::string line;
  while (line.find('\n') == std::string::npos) {
    const int64_t left_us = until.us - elapsed_time().us;
    pollfd wait{ready.get(), POLLIN, 0};
    if (left_us <= 0 || ::poll(&wait, 1, static_cast<int>(left_us / 1000 + 1)) <= 0) return "";
    char part[1024];
    const ssize_t n = ::read(ready.get(), part, sizeof part);
    if (n <= 0) return line;
    line.append(part, static_cast<size_t>(n));
  }
  return line;
}

class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace

Result<NewSpawner> launch_spawner(const SpawnerProgram& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_failure("make a pipe for", program.path);
  NewSpawner made;
  made.ready.reset(ends[0]);
  const Fd theirs(ends[1]);
  const std::string log = program.data_folder + "/spawner.log";
  SpawnSettings settings;
  ::posix_spawn_file_actions_addopen(&settings.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&settings.actions, theirs.get(), 1);
  ::posix_spawn_file_actions_addopen(&settings.actions, 2, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_addclosefrom_np(&settings.actions, 3);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&settings.attributes, &none);
  ::posix_spawnattr_setsigdefault(&settings.attributes, &all);
  ::posix_spawnattr_setflags(&settings.attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  // Nothing of the server's environment: it may hold secrets, and the marks of an outer spawner.
  const char* argv[] = {program.path.c_str(), "spawner", "--data", program.data_folder.c_str(),
                        nullptr};
  const char* env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", nullptr};
  errno = ::posix_spawn(&made.pid, program.path.c_str(), &settings.actions, &settings.attributes,
                        const_cast<char**>(argv), const_cast<char**>(env));
  if (errno != 0) return system_failure("start the spawner", program.path);
  return made;
}

Status start_spawner(const SpawnerProgram& program, Duration longest) {
  const Elapsed until = elapsed_time() + longest;
  std::string trouble;
  while (elapsed_time() < until) {
    if (answers(program.data_folder)) return {};
    TIDEMILL_TRY_LET(made, launch_spawner(program));
    const std::string line = first_line(made.ready, until);
    const Result<Json> report = parse_json(line);
    if (report && report->find("socket") != nullptr) return {};
    trouble = report ? report->text_or("error", "") : "it said nothing";
    int status = 0;
    if (line.empty() || ::waitpid(made.pid, &status, 0) != made.pid) break;
    // Another one holds the directory: it is about to answer, or about to go.
    if (!WIFEXITED(status) || WEXITSTATUS(status) != kSpawnerAlreadyRuns) break;
    ::poll(nullptr, 0, static_cast<int>(kAskAgain.us / 1000));
  }
  return fail(Code::kUnavailable,
              fmt::format("the spawner of {} cannot be reached: {}; see {}/spawner.log",
                          program.data_folder, trouble, program.data_folder));
}

}  // namespace tidemill::spawn
