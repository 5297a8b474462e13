#include "vendor/bulkhead.h"

#include <algorithm>

#include "base/check.h"

namespace tidemill::vendor {

Bulkhead::Entry Bulkhead::enter(CallId call, Priority priority) {
  if (in_flight_ < slots_ && waiting_ == 0) {
    ++in_flight_;
    return Entry::kGranted;
  }
  if (waiting_ >= queue_) return Entry::kRefused;
  waiters_[priority].push_back(call);
  ++waiting_;
  return Entry::kQueued;
}

std::optional<CallId> Bulkhead::grant_next() {
  if (in_flight_ >= slots_) return std::nullopt;
  for (auto& [priority, line] : waiters_) {
    if (line.empty()) continue;
    CallId const next = line.front();
    line.pop_front();
    --waiting_;
    ++in_flight_;
    return next;
  }
  return std::nullopt;
}

std::optional<CallId> Bulkhead::leave() {
  TIDEMILL_CHECK(in_flight_ > 0);
  --in_flight_;
  return grant_next();
}

bool Bulkhead::abandon(CallId call, Priority priority) {
  auto const line = waiters_.find(priority);
  if (line == waiters_.end()) return false;
  auto const place = std::find(line->second.begin(), line->second.end(), call);
  if (place == line->second.end()) return false;
  line->second.erase(place);
  --waiting_;
  return true;
}

void Bulkhead::set(int64_t slots, int64_t queue) {
  slots_ = slots;
  queue_ = queue;
}

}  // namespace tidemill::vendor
