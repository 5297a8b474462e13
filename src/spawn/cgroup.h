// One cgroup (version 2) an attempt, where this process may make them. What is in one cannot leave
// it unnoticed, so killing it leaves no descendant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "spawn/system.h"

namespace tidemill::spawn {

class Cgroup {
 public:
  Cgroup() = default;
  // Nothing is made; a path that does not exist behaves as an empty group.
  explicit Cgroup(std::string path) : path_(std::move(path)) {}
  bool exists() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  bool populated() const;
  std::vector<pid_t> members() const;
  void kill() const;
  void remove() const;

 private:
  std::string path_;
};

class Cgroups {
 public:
  // Groups are made below the cgroup of this process, in a folder named by `token`.
  static Cgroups where_allowed(const std::string& token);
  static Cgroups none() { return {}; }
  bool active() const { return !base_.empty(); }
  // The group of an attempt, made; an inactive one if it cannot be.
  Cgroup make(std::string_view id) const;
  // The group that an earlier spawner of this directory may have made.
  Cgroup find(std::string_view id) const;
  // True if the process lives in one of our groups.
  bool contains(pid_t pid) const;
  // When no task runs.
  void remove() const;

 private:
  std::string base_;          // in the file system
  std::string base_in_tree_;  // as /proc/<pid>/cgroup says it
};

}  // namespace tidemill::spawn
