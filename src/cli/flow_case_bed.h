// Runs tests of flows: the real engine, store, SQL and models on a simulated clock; processes,
// vendors, databases and people answer as the test says.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/flow_case.h"
#include "engine/flows.h"
#include "io/files.h"
#include "task/model_store.h"

namespace tidemill::cli {

// Every flow of the project, loaded once for all cases.
struct CaseProject {
  std::map<flow::FlowName, engine::FlowVersion> flows;  // without triggers of the clock
  task::ModelStore* models = nullptr;
  io::Files* files = nullptr;
  std::string scratch;  // a folder for the stores of cases
};

struct CaseResult {
  std::vector<std::string> differences;  // none: it passed
  Duration simulated;                    // what the run took on the simulated clock
};

// One case, in a folder of its own.
CaseResult run_flow_case(const CaseProject& project, const FlowCase& one, size_t number);

// The vendor.product that a request asks, of those that the flows use; "" if none.
std::string product_of(const std::vector<std::shared_ptr<const vendor::Spec>>& specs,
                       const std::string& method, const std::string& url);

}  // namespace tidemill::cli
