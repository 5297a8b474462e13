// Tests of flows, as tests/*.yaml of a project has them: what goes in, what the world answers, and
// what is expected.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "flow/load.h"

namespace tidemill::cli {

// What a vendor or an address answers, once.
struct RecordedAnswer {
  int status = 200;
  std::string body;
  std::string fails;  // "timeout", "reset" or "unreachable" in place of an answer
  Duration takes = Duration::millis(1);
};

// How a shell or python task ends, or what an sql task finds, once.
struct RecordedResult {
  Json value;  // what it leaves, or the rows
  int exit_code = 0;
  std::string error;  // of an sql task, or of a Python function
  Duration takes = Duration::millis(1);
};

struct FlowCase {
  std::string name;
  std::string flow;
  Mark mark;
  Json params = Json::object();
  Time at = Time::from_seconds(1'767'225'600);  // 2026-01-01T00:00:00Z
  // In order of the calls; the last one is given again and again.
  std::map<std::string, std::vector<RecordedAnswer>> vendors;  // by vendor.product
  std::map<std::string, std::vector<RecordedAnswer>> http;     // by URL
  // By task, of another flow by flow.task.
  std::map<std::string, std::vector<RecordedResult>> tasks;
  std::map<std::string, Json> approvals;     // by task: {decision, by, comment, fields}
  std::map<std::string, std::string> files;  // that are there, for wait tasks
  Json expect = Json::object();              // {state, error, tasks, output, decision, published}
};

// Reads one file. `source` gives the files that answers name. Every mistake that can be found is in
// the answer.
tl::expected<std::vector<FlowCase>, std::vector<flow::FileError>> read_flow_cases(
    const flow::Source& source, const std::string& path);

}  // namespace tidemill::cli
