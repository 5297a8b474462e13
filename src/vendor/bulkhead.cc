#include "vendor/bulkhead.h"

#include "base/check.h"

namespace tidemill::vendor {

Bulkhead::Entry Bulkhead::enter(CallId call, Priority priority) {
  if (in_flight_ < slots_ && waiters_.empty()) {
    ++in_flight_;
    return Entry::kGranted;
  }
  if (waiting() >= queue_) return Entry::kRefused;
  waiters_.insert({priority, call});
  return Entry::kQueued;
}

std::optional<CallId> Bulkhead::grant_next() {
  if (in_flight_ >= slots_ || waiters_.empty()) return std::nullopt;
  CallId const next = waiters_.begin()->call;
  waiters_.erase(waiters_.begin());
  ++in_flight_;
  return next;
}

std::optional<CallId> Bulkhead::leave() {
  TIDEMILL_CHECK(in_flight_ > 0);
  --in_flight_;
  return grant_next();
}

bool Bulkhead::abandon(CallId call, Priority priority) {
  return waiters_.erase({priority, call}) > 0;
}

void Bulkhead::set(int64_t slots, int64_t queue) {
  slots_ = slots;
  queue_ = queue;
}

}  // namespace tidemill::vendor
