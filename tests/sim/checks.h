// The promises of a server, each as a function that reads what the store holds and what the world
// saw, and says what is broken with evidence. The numbers are those of docs/invariants.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/flow.h"
#include "happenings.h"
#include "outside.h"
#include "project.h"
#include "run/admission.h"
#include "run/instance.h"

namespace tidemill::sim {

struct Finding {
  int number = 0;
  std::string name;
  std::string evidence;
};

// A run as the store has it at the end.
struct KeptRun {
  run::StoredRun stored;
  std::vector<run::AttemptRow> attempts;
  std::shared_ptr<const flow::Flow> flow;
};

struct Evidence {
  const std::vector<Happening>* log = nullptr;
  const std::vector<std::shared_ptr<Question>>* questions = nullptr;
  std::map<std::string, KeptRun> runs;  // by id
  std::vector<run::KeyRow> keys;
  std::vector<run::TriggerRow> triggers;
  std::vector<ClockTrigger> clocks;
  // When each clock trigger was first seen in the store: ticks after that are accounted for.
  std::map<std::pair<std::string, std::string>, Time> first_seen;
  std::map<std::string, std::string> datasets;  // name -> text of its file
  run::AdmissionLimits limits;
  size_t open_runs = 0;
  size_t processes_left = 0;
  std::string integrity;  // what SQLite says of the file
};

struct Check {
  int number;
  const char* name;
  void (*run)(const Evidence& evidence, const Check& self, std::vector<Finding>& findings);
};
const std::vector<Check>& all_checks();

std::vector<Finding> check_all(const Evidence& evidence);

}  // namespace tidemill::sim
