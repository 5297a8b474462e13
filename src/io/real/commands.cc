#include "io/real/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "base/text.h"

namespace tidemill::io {
namespace {

constexpr size_t kErrorTail = 4096;

class Pipe {
 public:
  bool open() { return ::pipe2(ends_.data(), O_CLOEXEC) == 0; }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_end(size_t end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* argv, char* const* env, const char* folder, int output,
                         int error, int kept, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  int const null = ::open("/dev/null", O_RDONLY);
  // With a log, this is what tells the parent that the program has ended.
  if (kept >= 0) ::dup2(kept, 3);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(error, 2) < 0 ||
      ::chdir(folder) != 0) {
    ::_exit(126);
  }
  ::execvpe(argv[0], argv, env);
  ::_exit(127);
}

// Takes what is there; false at the end of the stream.
bool take(int from, std::string& into) {
  char buffer[8192];
  ssize_t const got = ::read(from, buffer, sizeof buffer);
  if (got > 0) into.append(buffer, static_cast<size_t>(got));
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Reads both streams until they end, the time is over or the output is too large.
Status collect(Pipe& output, Pipe& error, const Command& command, CommandEnd& end) {
  auto const deadline =
      std::chrono::steady_clock::now() + std::chrono::microseconds(command.timeout.us);
  std::array<bool, 2> open{true, true};
  while (open[0] || open[1]) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return fail(Code::kTooLate, fmt::format("{} ran longer than {}", command.argv[0],
                                              format_duration(command.timeout)));
    }
    std::array<pollfd, 2> ends{pollfd{open[0] ? output.read_end() : -1, POLLIN, 0},
                               pollfd{open[1] ? error.read_end() : -1, POLLIN, 0}};
    (void)::poll(ends.data(), ends.size(), static_cast<int>(std::min<int64_t>(left.count(), 1000)));
    if (ends[0].revents != 0) open[0] = take(output.read_end(), end.output);
    if (ends[1].revents != 0) open[1] = take(error.read_end(), end.error);
    if (end.error.size() > 2 * kErrorTail) end.error.erase(0, end.error.size() - kErrorTail);
    if (end.output.size() > command.output_limit) {
      return fail(Code::kExhausted, fmt::format("{} wrote more than {} bytes", command.argv[0],
                                                command.output_limit));
    }
  }
  return {};
}

}  // namespace

Result<CommandEnd> RealCommands::run(const Command& command) {
  if (command.argv.empty()) return fail(Code::kInvalid, "a command without a program");
  Pipe output;
  Pipe error;
  if (!output.open() || !error.open()) {
    return fail(Code::kExhausted, fmt::format("no pipe: {}", ::strerror(errno)));
  }
  int log = -1;
  if (!command.log_path.empty()) {
    log = ::open(command.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0) {
      return fail(Code::kUnavailable, fmt::format("{}: {}", command.log_path, ::strerror(errno)));
    }
  }
  std::vector<std::string> argv = command.argv;
  std::vector<std::string> env;
  for (const auto& [name, value] : command.env) env.push_back(name + "=" + value);
  auto const argv_pointers = pointers(argv);
  auto const env_pointers = pointers(env);
  pid_t const parent = ::getpid();
  pid_t const pid = ::fork();
  if (pid == 0) {
    become(argv_pointers.data(), env_pointers.data(), command.folder.c_str(),
           log >= 0 ? log : output.write_end(), log >= 0 ? log : error.write_end(),
           log >= 0 ? output.write_end() : -1, parent);
  }
  if (log >= 0) ::close(log);
  if (pid < 0) {
    return fail(Code::kExhausted,
                fmt::format("{} was not started: {}", command.argv[0], ::strerror(errno)));
  }
  output.close_end(1);
  error.close_end(1);
  CommandEnd end;
  Status const collected = collect(output, error, command, end);
  if (!collected) ::kill(-pid, SIGKILL);
  end.code = wait_for(pid);
  if (!collected) return fail(collected.error());
  if (end.code == 127 && end.output.empty() && end.error.empty()) {
    return fail(Code::kNotFound,
                fmt::format("{} could not be started; is it installed?", command.argv[0]));
  }
  return end;
}

}  // namespace tidemill::io
