#include "run/rules.h"

namespace tidemill::run {
namespace {

Verdict judge_all_success(const Upstream& up) {
  if (up.failed + up.upstream_failed > 0) return Verdict::kUpstreamFailed;
  if (up.skipped > 0) return Verdict::kSkip;
  return up.succeeded == up.total ? Verdict::kRun : Verdict::kWait;
}

Verdict judge_one_failed(const Upstream& up) {
  if (up.failed + up.upstream_failed > 0) return Verdict::kRun;
  return up.done() == up.total ? Verdict::kSkip : Verdict::kWait;
}

Verdict judge_none_failed(const Upstream& up) {
  if (up.failed + up.upstream_failed > 0) return Verdict::kUpstreamFailed;
  return up.done() == up.total ? Verdict::kRun : Verdict::kWait;
}

}  // namespace

Verdict judge(flow::Rule rule, const Upstream& up) {
  switch (rule) {
    case flow::Rule::kAllSuccess:
      return judge_all_success(up);
    case flow::Rule::kAllDone:
      return up.done() == up.total ? Verdict::kRun : Verdict::kWait;
    case flow::Rule::kOneFailed:
      return judge_one_failed(up);
    case flow::Rule::kNoneFailed:
      return judge_none_failed(up);
  }
  return Verdict::kWait;
}

}  // namespace tidemill::run
