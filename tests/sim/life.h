// One history from one seed: a random project, things that happen to it, and an end at which
// everything that was begun has come to its own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checks.h"
#include "outside.h"
#include "project.h"
#include "site.h"

namespace tidemill::sim {

class Life {
 public:
  explicit Life(uint64_t seed, Mutant mutant = {});

  // Lives it and checks it. What is broken; empty if nothing is.
  std::vector<Finding> live();
  const History& history() const { return site_.history; }
  const std::vector<std::string>& log() const { return site_.log.lines; }
  const io::SimDisk& disk() const { return site_.disk; }
  size_t runs() const { return runs_; }

 private:
  using Act = void (Life::*)();
  void act();
  void ask();
  void ask_again();
  void cancel();
  void wait_steps();
  void wait_long();
  void kill();
  void lose_power();
  void lose_spawner();
  void cut_spawner();
  void step_clock();
  void plan_disk_fault();
  void refuse_commits();
  void reload();
  void burst();

  void bury();   // what is left after a death, and the next start
  void start();  // until it stands
  void note_triggers();
  void drain();

  Dice dice_;
  run::AdmissionLimits limits_;
  Site site_;
  Outside outside_;
  Project project_;
  std::vector<std::pair<Act, int64_t>> acts_;  // with their weights
  bool dies_by_power_ = false;
  bool is_draining_ = false;
  bool is_over_ = false;  // the server does not start any more
  int64_t refusals_left_ = 0;
  std::map<std::string, std::string> broken_;  // flows whose file is broken: the bundle that stays
  std::map<std::pair<std::string, std::string>, Time> first_seen_;
  std::vector<Finding> on_the_way_;
  size_t runs_ = 0;
};

}  // namespace tidemill::sim
