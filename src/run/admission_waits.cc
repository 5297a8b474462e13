// What waits in admission, and for what: for `why`.
#include <algorithm>

#include "run/admission.h"

namespace tidemill::run {

std::optional<Admission::SlotWait> Admission::slot_wait(const RunId& run, TaskRef ref) const {
  for (const auto& [kind, slots] : slots_) {
    auto const waits = [&, &slots = slots](const RunId& id, TaskRef at) {
      auto const found = slots.waiting.find(id);
      return found != slots.waiting.end() && found->second.contains(at);
    };
    if (!waits(run, ref)) continue;
    SlotWait wait{kind == SlotKind::kProcess ? "processes" : "calls", 0, slots.held, limit(kind)};
    for (const Waiting& before : slots.queue) {
      if (before.run == run && before.ref == ref) break;
      wait.ahead += waits(before.run, before.ref) ? 1 : 0;
    }
    return wait;
  }
  return std::nullopt;
}

std::optional<Admission::QueueWait> Admission::queue_wait(const RunId& run) const {
  auto const arrival = arrivals_.find(run);
  if (arrival == arrivals_.end()) return std::nullopt;
  const FlowRuns& runs = flows_.at(arrival->second.flow);
  auto const at = std::find(runs.queue.begin(), runs.queue.end(), run);
  if (at == runs.queue.end()) return std::nullopt;
  QueueWait wait;
  wait.ahead = static_cast<size_t>(at - runs.queue.begin());
  wait.running.assign(runs.running.begin(), runs.running.end());
  wait.max_running = arrival->second.max_running;
  wait.is_serial = arrival->second.is_serial;
  return wait;
}

std::vector<RunId> Admission::running_runs(const flow::FlowName& flow) const {
  auto const found = flows_.find(flow);
  if (found == flows_.end()) return {};
  return {found->second.running.begin(), found->second.running.end()};
}

}  // namespace tidemill::run
