// Trigger rules: may a task run, given how what it needs has ended? The names and the answers are
// Airflow's (3.3), which tests/vectors/trigger_rules holds.
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
  int removed = 0;  // items that a shorter list no longer has
  // Of those, the setup tasks.
  int setups = 0;
  int succeeded_setups = 0;
  int skipped_setups = 0;
  int item = -1;  // of the asking task, if it is one of a mapped task
  int done() const { return succeeded + failed + upstream_failed + skipped + removed; }
};

enum class Verdict { kWait, kRun, kSkip, kUpstreamFailed, kRemoved };

struct RuleOptions {
  bool may_set = true;          // whether a state may be set; else the task only runs or waits
  bool waits_for_past = false;  // its past is not met: it is not skipped before it is
};

struct Judgement {
  Verdict verdict = Verdict::kWait;
  bool is_met = false;  // whether the rule lets it run, whatever the verdict sets
};

// Airflow's answer at this moment.
Judgement judge(flow::Rule rule, const Upstream& upstream, RuleOptions options);

// What becomes of a task of a run: the same answer, but given only once no need that is still open
// can change it. So it does not depend on the order in which needs end.
Verdict decide(flow::Rule rule, const Upstream& upstream);

}  // namespace tidemill::run
