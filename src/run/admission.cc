#include "run/admission.h"

#include <algorithm>

namespace tidemill::run {

SlotKind slot_kind(flow::Kind kind) {
  switch (kind) {
    case flow::Kind::kShell:
    case flow::Kind::kPython:
      return SlotKind::kProcess;
    case flow::Kind::kHttp:
    case flow::Kind::kVendor:
    case flow::Kind::kSql:
    case flow::Kind::kPublish:
      return SlotKind::kCall;
    case flow::Kind::kCalc:
    case flow::Kind::kModel:
    case flow::Kind::kFlow:
    case flow::Kind::kWait:
    case flow::Kind::kApprove:
      return SlotKind::kNone;
  }
  return SlotKind::kNone;
}

bool Admission::may_begin(const FlowRuns& runs, const Arrival& arrival) const {
  if (arrival.max_running && static_cast<int64_t>(runs.running.size()) >= *arrival.max_running) {
    return false;
  }
  if (!arrival.is_serial) return true;
  auto const same = runs.running_by_trigger.find(arrival.trigger);
  return same == runs.running_by_trigger.end() || same->second.empty();
}

Admission::Decision Admission::decide(const Arrival& arrival) const {
  auto const found = flows_.find(arrival.flow);
  static const FlowRuns kNone;
  const FlowRuns& runs = found == flows_.end() ? kNone : found->second;
  if (arrival.overlap == flow::Overlap::kSkip) {
    auto const same = runs.open_by_trigger.find(arrival.trigger);
    if (same != runs.open_by_trigger.end() && !same->second.empty()) return Decision::kSkip;
  }
  if (may_begin(runs, arrival) && runs.queue.empty()) return Decision::kBegin;
  if (may_begin(runs, arrival) && !arrival.max_running && !arrival.is_serial) {
    return Decision::kBegin;
  }
  size_t const most = arrival.is_asked ? limits_.queued_calls : limits_.queued_runs;
  return runs.queue.size() >= most ? Decision::kFull : Decision::kQueue;
}

void Admission::add(const RunId& run, const Arrival& arrival, bool is_queued) {
  FlowRuns& runs = flows_[arrival.flow];
  arrivals_[run] = arrival;
  runs.open_by_trigger[arrival.trigger].insert(run);
  if (is_queued) {
    runs.queue.push_back(run);
  } else {
    runs.running.insert(run);
    runs.running_by_trigger[arrival.trigger].insert(run);
  }
}

void Admission::forget(const RunId& run) {
  auto const arrival = arrivals_.find(run);
  if (arrival != arrivals_.end()) {
    FlowRuns& runs = flows_[arrival->second.flow];
    if (runs.running.erase(run) == 0) {
      auto const queued = std::find(runs.queue.begin(), runs.queue.end(), run);
      if (queued != runs.queue.end()) runs.queue.erase(queued);
    }
    runs.open_by_trigger[arrival->second.trigger].erase(run);
    runs.running_by_trigger[arrival->second.trigger].erase(run);
    arrivals_.erase(arrival);
  }
  for (auto& [kind, slots] : slots_) {
    auto const held = slots.holders.find(run);
    if (held != slots.holders.end()) {
      slots.held -= held->second.size();
      slots.holders.erase(held);
    }
    if (auto const waiting = slots.waiting.find(run); waiting != slots.waiting.end()) {
      slots.waiting_count -= waiting->second.size();
      slots.waiting.erase(waiting);
      tidy(slots);
    }
  }
}

std::vector<RunId> Admission::take_next(const flow::FlowName& flow) {
  std::vector<RunId> begin;
  auto const found = flows_.find(flow);
  if (found == flows_.end()) return begin;
  FlowRuns& runs = found->second;
  for (auto it = runs.queue.begin(); it != runs.queue.end();) {
    const Arrival& arrival = arrivals_.at(*it);
    if (arrival.max_running && static_cast<int64_t>(runs.running.size()) >= *arrival.max_running) {
      break;
    }
    if (!may_begin(runs, arrival)) {
      ++it;
      continue;
    }
    runs.running.insert(*it);
    runs.running_by_trigger[arrival.trigger].insert(*it);
    begin.push_back(*it);
    it = runs.queue.erase(it);
  }
  return begin;
}

size_t Admission::limit(SlotKind kind) const {
  return kind == SlotKind::kProcess ? limits_.processes : limits_.calls;
}

bool Admission::request(SlotKind kind, const RunId& run, TaskRef ref) {
  if (kind == SlotKind::kNone) return true;
  Slots& slots = slots_[kind];
  if (slots.held >= limit(kind)) {
    if (slots.waiting[run].insert(ref).second) {
      ++slots.waiting_count;
      slots.queue.push_back({run, ref});
    }
    return false;
  }
  hold(kind, run, ref);
  return true;
}

void Admission::hold(SlotKind kind, const RunId& run, TaskRef ref) {
  if (kind == SlotKind::kNone) return;
  Slots& slots = slots_[kind];
  if (slots.holders[run].insert(ref).second) ++slots.held;
}

void Admission::release(SlotKind kind, const RunId& run, TaskRef ref) {
  if (kind == SlotKind::kNone) return;
  Slots& slots = slots_[kind];
  auto const held = slots.holders.find(run);
  if (held != slots.holders.end() && held->second.erase(ref) > 0) {
    --slots.held;
    if (held->second.empty()) slots.holders.erase(held);
    return;
  }
  if (give_up(slots, run, ref)) tidy(slots);
}

// False: it did not wait.
bool Admission::give_up(Slots& slots, const RunId& run, TaskRef ref) {
  auto const waiting = slots.waiting.find(run);
  if (waiting == slots.waiting.end() || waiting->second.erase(ref) == 0) return false;
  --slots.waiting_count;
  if (waiting->second.empty()) slots.waiting.erase(waiting);
  return true;
}

// Most of the queue has given up: only then is it looked through.
void Admission::tidy(Slots& slots) {
  constexpr size_t kFew = 64;
  if (slots.queue.size() <= 2 * slots.waiting_count + kFew) return;
  std::erase_if(slots.queue, [&](const Waiting& entry) {
    auto const waiting = slots.waiting.find(entry.run);
    return waiting == slots.waiting.end() || !waiting->second.contains(entry.ref);
  });
}

std::vector<Admission::Waiting> Admission::take_granted() {
  std::vector<Waiting> granted;
  for (auto& [kind, slots] : slots_) {
    while (!slots.queue.empty() && slots.held < limit(kind)) {
      Waiting next = std::move(slots.queue.front());
      slots.queue.pop_front();
      if (!give_up(slots, next.run, next.ref)) continue;
      hold(kind, next.run, next.ref);
      granted.push_back(std::move(next));
    }
  }
  return granted;
}

size_t Admission::running(const flow::FlowName& flow) const {
  auto const found = flows_.find(flow);
  return found == flows_.end() ? 0 : found->second.running.size();
}

size_t Admission::queued(const flow::FlowName& flow) const {
  auto const found = flows_.find(flow);
  return found == flows_.end() ? 0 : found->second.queue.size();
}

}  // namespace tidemill::run
