// What people order about runs and flows, as the engine is asked for it. Answers come once the
// change is durable.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "run/control.h"

namespace tidemill::engine {

// The task of that name; `not_found` says which is near.
Result<flow::TaskIndex> task_index(const flow::Flow& flow, const std::string& name);

struct ClearRequest {
  run::RunId run;
  std::vector<std::string> tasks;  // none: all
  run::ClearOrder::Reach reach = run::ClearOrder::Reach::kDownstream;
  bool only_failed = false;
  bool dry_run = false;
  std::string by;
};

struct ClearAnswer {
  std::shared_ptr<const flow::Flow> flow;
  std::vector<run::Cleared> cleared;
};

struct MarkRequest {
  run::RunId run;
  std::string task;
  run::TaskState state = run::TaskState::kSucceeded;
  flow::TaskValuePtr value;
  std::string by;
};

struct MarkAnswer {
  run::TaskState before = run::TaskState::kWaiting;
  std::vector<std::string> released;  // tasks that go on because of it
};

}  // namespace tidemill::engine
