// A random project: flows of all kinds with random graphs, and the triggers between them.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "io/sim/queue.h"
#include "site.h"

namespace tidemill::sim {

// Numbers of one part of a history, from its seed.
class Dice {
 public:
  explicit Dice(uint64_t seed) : bits_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(bits_.next() % static_cast<uint64_t>(n)); }
  bool one_in(int64_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[static_cast<size_t>(below(static_cast<int64_t>(list.size())))];
  }

 private:
  io::SeededBits bits_;
};

struct ClockTrigger {
  std::string flow;
  std::string id;
  std::string cron;  // "" : every
  std::string zone;
  Duration every;
};

struct Project {
  std::vector<std::string> callable;  // take {id}
  std::vector<ClockTrigger> clocks;
  Time start;
};

// Decides when the history begins (often beside a change of the clock) and writes nothing yet.
Time pick_start(Dice& dice);
// Writes every file of the project.
Project write_project(Dice& dice, Site& site);
// Writes flow `name` anew: the same name, other tasks.
void rewrite_flow(Dice& dice, Site& site, const std::string& name);
// The clock flows without their clocks: a history that is to end gets no new ticks.
void stop_clocks(const Project& project, Site& site);

}  // namespace tidemill::sim
