// Runs as JSON: what the API and the CLI show. Pure.
#pragma once

#include <vector>

#include "base/json.h"
#include "run/instance.h"
#include "task/waiting.h"

namespace tidemill::server {

// {"run","flow","key","state","cause":{...},"params","created",...}
Json run_summary(const run::RunRow& row);
// The summary with "tasks": one entry a task and item, with state, times, value and attempts; what
// a running one waits for is in "waiting_for".
Json run_detail(const run::StoredRun& stored, const std::vector<run::AttemptRow>& attempts,
                const std::vector<task::Waiting>& waiting = {});
// {task: value} of a stored run, without its flow.
Json run_output(const run::StoredRun& stored);

}  // namespace tidemill::server
