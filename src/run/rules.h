// Trigger rules: may a task run, given how what it needs has ended? The names and the answers are
// Airflow's.
#pragma once

#include "flow/flow.h"

namespace tidemill::run {

// How many of the needed tasks are in which state. An optional task that failed counts as a
// success.
struct Upstream {
  int total = 0;
  int succeeded = 0;
  int failed = 0;  // failed or cancelled
  int upstream_failed = 0;
  int skipped = 0;
  int done() const { return succeeded + failed + upstream_failed + skipped; }
};

enum class Verdict { kWait, kRun, kSkip, kUpstreamFailed };

Verdict judge(flow::Rule rule, const Upstream& upstream);

}  // namespace tidemill::run
