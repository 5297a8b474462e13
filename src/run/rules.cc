#include "run/rules.h"

namespace tidemill::run {
namespace {

using flow::Rule;

// The state that a rule sets, or kWait if it sets none.
Verdict state_to_set(Rule rule, const Upstream& up) {
  bool const all_done = up.done() >= up.total;
  bool const any_failed = up.failed + up.upstream_failed > 0;
  auto when = [](bool holds, Verdict verdict) { return holds ? verdict : Verdict::kWait; };
  switch (rule) {
    case Rule::kAllSuccess:
      if (any_failed) return Verdict::kUpstreamFailed;
      if (up.skipped > 0) return Verdict::kSkip;
      return when(up.removed > 0 && up.succeeded > 0 && up.item >= up.succeeded, Verdict::kRemoved);
    case Rule::kAllFailed:
      return when(up.succeeded + up.skipped > 0, Verdict::kSkip);
    case Rule::kAllDoneMinOneSuccess:
      if (up.skipped > 0) return Verdict::kSkip;
      return when(all_done && up.succeeded == 0, Verdict::kUpstreamFailed);
    case Rule::kAllDoneSetupSuccess:
      if (!all_done || up.setups == 0) return Verdict::kWait;
      if (up.skipped_setups >= up.setups) return Verdict::kSkip;
      return when(up.succeeded_setups == 0, Verdict::kUpstreamFailed);
    case Rule::kOneSuccess:
      if (!all_done) return Verdict::kWait;
      if (up.done() == up.skipped) return Verdict::kSkip;
      return when(up.succeeded == 0, Verdict::kUpstreamFailed);
    case Rule::kOneFailed:
      return when(all_done && !any_failed, Verdict::kSkip);
    case Rule::kOneDone:
      return when(all_done && up.failed + up.succeeded == 0, Verdict::kSkip);
    case Rule::kNoneFailed:
      return when(any_failed, Verdict::kUpstreamFailed);
    case Rule::kNoneFailedMinOneSuccess:
      if (any_failed) return Verdict::kUpstreamFailed;
      if (up.skipped == up.total) return Verdict::kSkip;
      return when(all_done && up.succeeded == 0, Verdict::kUpstreamFailed);
    case Rule::kNoneSkipped:
      return when(up.skipped > 0, Verdict::kSkip);
    case Rule::kAllSkipped:
      return when(any_failed || up.succeeded > 0, Verdict::kSkip);
    case Rule::kAllDone:
    case Rule::kAlways:
      break;
  }
  return Verdict::kWait;
}

bool is_met(Rule rule, const Upstream& up) {
  bool const all_done = up.done() >= up.total;
  int const present = up.total - up.removed;
  switch (rule) {
    case Rule::kAllSuccess:
      return up.succeeded >= present;
    case Rule::kAllFailed:
      return up.failed + up.upstream_failed >= present;
    case Rule::kAllDone:
      return all_done;
    case Rule::kAllDoneMinOneSuccess:
      return all_done && up.skipped == 0 && up.succeeded > 0;
    case Rule::kAllDoneSetupSuccess:
      return all_done && (up.setups == 0 || up.succeeded_setups > 0);
    case Rule::kOneSuccess:
      return up.succeeded > 0;
    case Rule::kOneFailed:
      return up.failed + up.upstream_failed > 0;
    case Rule::kOneDone:
      return up.succeeded + up.failed > 0;
    case Rule::kNoneFailed:
      return up.succeeded + up.skipped >= present;
    case Rule::kNoneFailedMinOneSuccess:
      return up.succeeded + up.skipped >= present && up.succeeded > 0;
    case Rule::kNoneSkipped:
      return all_done && up.skipped == 0;
    case Rule::kAllSkipped:
      return up.skipped >= up.total;
    case Rule::kAlways:
      return true;
  }
  return false;
}

}  // namespace

Judgement judge(Rule rule, const Upstream& up, RuleOptions options) {
  if (up.total == 0) return {Verdict::kRun, true};
  bool const met = is_met(rule, up);
  Verdict const set = options.may_set ? state_to_set(rule, up) : Verdict::kWait;
  if (set == Verdict::kSkip && options.waits_for_past) return {Verdict::kWait, false};
  if (set != Verdict::kWait) return {set, met};
  return {met ? Verdict::kRun : Verdict::kWait, met};
}

Verdict decide(Rule rule, const Upstream& up) {
  Verdict const now = judge(rule, up, {}).verdict;
  // all_success skips as soon as one need was skipped, but a failure that comes later would have
  // had the say. All other early answers stand: they need one task that ended so, and it stays.
  bool const is_early = up.done() < up.total;
  if (rule == Rule::kAllSuccess && now == Verdict::kSkip && is_early) return Verdict::kWait;
  return now;
}

}  // namespace tidemill::run
