#include "spawn/tree.h"

#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "base/text.h"
#include "spawn/system.h"

namespace tidemill::spawn {

namespace {

constexpr size_t kMaxEnvironmentBytes = 4u << 20;
constexpr size_t kMaxTreeSize = 100'000;

template <class T>
T number(std::string_view text) {
  T value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Names of a folder that are numbers.
std::vector<pid_t> numbered_entries(const std::string& folder) {
  std::vector<pid_t> numbers;
  DIR* open_folder = ::opendir(folder.c_str());
  if (open_folder == nullptr) return numbers;
  while (const dirent* entry = ::readdir(open_folder)) {
    const pid_t n = number<pid_t>(entry->d_name);
    if (n > 0) numbers.push_back(n);
  }
  ::closedir(open_folder);
  return numbers;
}

}  // namespace

std::optional<ProcessInfo> process_info(pid_t pid) {
  const std::string stat = read_small(fmt::format("/proc/{}/stat", pid), 1024);
  // The name of the program stands in parentheses and may contain anything.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string_view> fields =
      split(trim(std::string_view(stat).substr(name_end + 1)), ' ');
  constexpr size_t kState = 0, kParent = 1, kGroup = 2, kSession = 3, kStartTicks = 19;
  if (fields.size() <= kStartTicks) return std::nullopt;
  ProcessInfo info;
  info.pid = pid;
  info.zombie = fields[kState] == "Z" || fields[kState] == "X";
  info.parent = number<pid_t>(fields[kParent]);
  info.group = number<pid_t>(fields[kGroup]);
  info.session = number<pid_t>(fields[kSession]);
  info.start_ticks = number<uint64_t>(fields[kStartTicks]);
  return info;
}

std::vector<pid_t> all_processes() { return numbered_entries("/proc"); }

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  for (const pid_t thread : numbered_entries(fmt::format("/proc/{}/task", pid))) {
    const std::string path = fmt::format("/proc/{}/task/{}/children", pid, thread);
    const std::string listed = read_small(path, 4u << 20);
    for (const std::string_view child : split(trim(listed), ' ')) {
      if (const pid_t n = number<pid_t>(child); n > 0) children.push_back(n);
    }
  }
  return children;
}

std::vector<ProcessInfo> subtree(pid_t pid) {
  std::vector<ProcessInfo> found;
  std::vector<pid_t> open = {pid};
  while (!open.empty() && found.size() < kMaxTreeSize) {
    const pid_t next = open.back();
    open.pop_back();
    const std::optional<ProcessInfo> info = process_info(next);
    if (!info) continue;
    found.push_back(*info);
    for (const pid_t child : children_of(next)) open.push_back(child);
  }
  return found;
}

std::optional<std::string> marked_id(pid_t pid, const std::string& token) {
  const std::string environment =
      read_small(fmt::format("/proc/{}/environ", pid), kMaxEnvironmentBytes);
  bool ours = false;
  std::optional<std::string> id;
  for (const std::string_view variable : split(environment, '\0')) {
    const size_t equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = variable.substr(0, equals);
    if (name == kSpawnerVariable && variable.substr(equals + 1) == token) ours = true;
    if (name == kProcessVariable) id = std::string(variable.substr(equals + 1));
  }
  return ours ? id : std::nullopt;
}

void signal_process(const ProcessInfo& process, int signal) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!handle.open()) return;
  const std::optional<ProcessInfo> now = process_info(process.pid);
  if (!now || now->start_ticks != process.start_ticks) return;
  ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0);
}

}  // namespace tidemill::spawn
