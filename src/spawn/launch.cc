#include "spawn/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.h"
#include "spawn/clone_into.h"
#include "spawn/system.h"

namespace tidemill::spawn {

namespace {

constexpr size_t kChildStackBytes = 64u << 10;
constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

// What the child needs, prepared before it exists: it shares our memory and must not allocate.
struct ChildPlan {
  const LaunchSpec* spec;
  const char* program;
  char* const* argv;
  char* const* env;
  rlimit files;
  bool joins_cgroup;        // it was not born in it
  const char* failed_step;  // written by the child
  int failed_errno;
};

#if defined(__SANITIZE_ADDRESS__)
#define TIDEMILL_BARE __attribute__((no_sanitize("address", "undefined")))
#else
#define TIDEMILL_BARE
#endif

TIDEMILL_BARE int give_up(ChildPlan* plan, const char* step) {
  plan->failed_step = step;
  plan->failed_errno = errno;
  ::_exit(127);
}

TIDEMILL_BARE int run_child(void* argument) {
  ChildPlan* plan = static_cast<ChildPlan*>(argument);
  const LaunchSpec& spec = *plan->spec;
  ::signal(SIGPIPE, SIG_DFL);
  ::setsid();
  if (plan->joins_cgroup) {
    const int procs = ::openat(spec.cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0 || ::write(procs, "0", 1) != 1) return give_up(plan, "join its cgroup");
  }
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, 0) < 0) return give_up(plan, "open /dev/null");
  if (::dup2(spec.output_fd, 1) < 0 || ::dup2(spec.output_fd, 2) < 0) {
    return give_up(plan, "take its output");
  }
  if (spec.channel_fd >= 0 && ::dup2(spec.channel_fd, 3) < 0)
    return give_up(plan, "take its channel");
  ::close_range(spec.channel_fd >= 0 ? 4 : 3, ~0u, CLOSE_RANGE_CLOEXEC);
  if (!spec.folder.empty() && ::chdir(spec.folder.c_str()) != 0) {
    return give_up(plan, "enter its folder");
  }
  if (spec.open_files != 0) ::setrlimit(RLIMIT_NOFILE, &plan->files);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan->program, plan->argv, plan->env);
  return give_up(plan, "run");
}

std::string find_program(const LaunchSpec& spec) {
  const std::string& name = spec.argv.front();
  if (name.find('/') != std::string::npos) return name;
  std::string_view path = kDefaultPath;
  for (const auto& [variable, value] : spec.env) {
    if (variable == "PATH") path = value;
  }
  for (const std::string_view folder : split(path, ':')) {
    std::string candidate = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
    struct stat info{};
    if (::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return name;
}

std::string explain(const ChildPlan& plan) {
  const LaunchSpec& spec = *plan.spec;
  const char* reason = std::strerror(plan.failed_errno);
  if (std::string_view(plan.failed_step) != "run") {
    return fmt::format("cannot {}{}: {}", plan.failed_step,
                       spec.folder.empty() ? "" : " " + spec.folder, reason);
  }
  if (plan.failed_errno == ENOENT && spec.argv.front().find('/') == std::string::npos) {
    return fmt::format("cannot run {}: no such program in PATH", spec.argv.front());
  }
  const char* hint = plan.failed_errno == ENOEXEC  ? " (a script needs a first line #!interpreter)"
                     : plan.failed_errno == ENOENT ? " (or its interpreter is missing)"
                     : plan.failed_errno == E2BIG  ? " (arguments and environment are too large)"
                                                   : "";
  return fmt::format("cannot run {}: {}{}", plan.program, reason, hint);
}

}  // namespace

Result<Launched> launch(const LaunchSpec& spec) {
  const std::string program = find_program(spec);
  std::vector<char*> argv;
  for (const std::string& word : spec.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  variables.reserve(spec.env.size());
  for (const auto& [name, value] : spec.env) variables.push_back(name + "=" + value);
  std::vector<char*> env;
  for (std::string& variable : variables) env.push_back(variable.data());
  env.push_back(nullptr);

  ChildPlan plan{&spec, program.c_str(), argv.data(), env.data(), {}, false, nullptr, 0};
  ::getrlimit(RLIMIT_NOFILE, &plan.files);
  if (spec.open_files != 0) plan.files.rlim_cur = spec.open_files;

  const auto stack = std::make_unique<char[]>(kChildStackBytes);
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  int pid = -1;
  if (spec.cgroup_fd >= 0) {
    pid = clone_into_cgroup(run_child, stack.get(), kChildStackBytes, spec.cgroup_fd, &plan);
    plan.joins_cgroup = pid < 0;
  }
  if (pid < 0) {
    pid =
        ::clone(run_child, stack.get() + kChildStackBytes, CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
  }
  const int reason = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  if (pid < 0) return system_failure("make a process for", program);
  Launched launched;
  launched.pid = pid;
  if (plan.failed_step != nullptr) launched.failure = explain(plan);
  return launched;
}

}  // namespace tidemill::spawn
