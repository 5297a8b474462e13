// What waits in admission, and for what: for `why`.
#include <algorithm>

#include "run/admission.h"

namespace tidemill::run {

std::optional<Admission::SlotWait> Admission::slot_wait(const RunId& run, TaskRef ref) const {
  for (const auto& [kind, slots] : slots_) {
    auto const at = std::find_if(
        slots.queue.begin(), slots.queue.end(),
        [&](const Waiting& waiting) { return waiting.run == run && waiting.ref == ref; });
    if (at == slots.queue.end()) continue;
    return SlotWait{kind == SlotKind::kProcess ? "processes" : "calls",
                    static_cast<size_t>(at - slots.queue.begin()), slots.held, limit(kind)};
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
