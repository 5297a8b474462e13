// `tidemill doctor`: what of the machine is missing or unsafe, and what to do about it.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/run_commands.h"

namespace tidemill::cli {

// What one look at the machine has found.
struct Finding {
  std::string name;
  enum class State { kGood, kWarning, kBad } state = State::kGood;
  std::string found;
  std::string advice;  // "" : nothing is to be done
};

// 0, or 1 if something is unsafe.
int doctor(const Common& common, std::FILE* out);

// The parts, for tests.
// Of the line of /proc/self/mountinfo that holds the folder: the type of the file system, and
// options that give up safety.
Finding judge_mount(const std::string& mountinfo, const std::string& folder);
Finding judge_fsync(const std::vector<Duration>& times);
// Files that others may read.
Finding judge_secrets(const std::vector<std::string>& folders);

}  // namespace tidemill::cli
