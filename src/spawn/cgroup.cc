#include "spawn/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/hash.h"
#include "base/text.h"

namespace tidemill::spawn {

namespace {

constexpr std::string_view kUnified = "0::";

void write_small(const std::string& path, std::string_view text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.open()) (void)write_whole(fd.get(), text);
}

// The path of a process in the unified hierarchy: "0::/user.slice/..." without the "0::".
std::string path_in_tree(const std::string& cgroup_file) {
  const std::string content = read_small(cgroup_file, 64 << 10);
  for (const std::string_view line : split(content, '\n')) {
    if (line.substr(0, kUnified.size()) == kUnified) {
      return std::string(line.substr(kUnified.size()));
    }
  }
  return "";
}

// Where the unified hierarchy is mounted, or "".
std::string mount_point() {
  const std::string mounts = read_small("/proc/self/mountinfo", 1 << 20);
  for (const std::string_view line : split(mounts, '\n')) {
    if (line.find(" - cgroup2 ") == std::string_view::npos) continue;
    const std::vector<std::string_view> fields = split(line, ' ');
    if (fields.size() > 4 && fields[3] == "/") return std::string(fields[4]);
  }
  return "";
}

}  // namespace

bool Cgroup::populated() const {
  return read_small(path_ + "/cgroup.events", 4096).find("populated 1") != std::string::npos;
}

std::vector<pid_t> Cgroup::members() const {
  std::vector<pid_t> pids;
  const std::string content = read_small(path_ + "/cgroup.procs", 1 << 20);
  for (const std::string_view line : split(content, '\n')) {
    const pid_t pid = static_cast<pid_t>(std::atoi(std::string(line).c_str()));
    if (pid > 0) pids.push_back(pid);
  }
  return pids;
}

void Cgroup::kill() const { write_small(path_ + "/cgroup.kill", "1"); }

void Cgroup::remove() const {
  if (exists()) ::rmdir(path_.c_str());
}

Cgroups Cgroups::where_allowed(const std::string& token) {
  Cgroups groups;
  const std::string mount = mount_point();
  const std::string own = path_in_tree("/proc/self/cgroup");
  if (mount.empty() || own.empty()) return groups;
  const std::string home = mount + (own == "/" ? "" : own);
  // Moving a process needs the right to write the group that holds both ends of the move.
  if (::access((home + "/cgroup.procs").c_str(), W_OK) != 0) return groups;
  const std::string name = "/tidemill-" + token;
  const std::string base = home + name;
  if (::mkdir(base.c_str(), 0755) != 0 && errno != EEXIST) return groups;
  if (::access((base + "/cgroup.kill").c_str(), W_OK) != 0) {
    ::rmdir(base.c_str());
    return groups;
  }
  groups.base_ = base;
  groups.base_in_tree_ = (own == "/" ? "" : own) + name;
  return groups;
}

Cgroup Cgroups::find(std::string_view id) const {
  if (!active()) return {};
  return Cgroup(fmt::format("{}/{:016x}", base_, hash64(id)));
}

Cgroup Cgroups::make(std::string_view id) const {
  Cgroup group = find(id);
  if (group.exists() && ::mkdir(group.path().c_str(), 0755) != 0 && errno != EEXIST) return {};
  return group;
}

bool Cgroups::contains(pid_t pid) const {
  if (!active()) return false;
  const std::string path = path_in_tree(fmt::format("/proc/{}/cgroup", pid));
  return path.substr(0, base_in_tree_.size() + 1) == base_in_tree_ + "/";
}

void Cgroups::remove() const {
  if (active()) ::rmdir(base_.c_str());
}

}  // namespace tidemill::spawn
