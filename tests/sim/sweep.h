// One fault at each call of the disk in a fixed short history, once and for ever after; then a new
// server on what is left.
#pragma once

#include <vector>

#include "checks.h"
#include "io/sim/disk.h"

namespace tidemill::sim {

struct SweepCase {
  int64_t at = 0;  // the number of the call; 0: none fails
  io::DiskFault fault = io::DiskFault::kNone;
  bool is_sticky = false;
  bool by_power = false;  // the death that ends it
};

struct SweepResult {
  std::vector<Finding> findings;
  int64_t calls = 0;  // of the disk, until the server was ended
};

SweepResult sweep(const SweepCase& one);

}  // namespace tidemill::sim
