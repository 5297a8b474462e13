// A fixed number of slots and a bounded queue: one slow vendor holds only its own. Pure; whoever
// owns it arms the timers.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>

#include "base/strong.h"

namespace tidemill::vendor {

using CallId = StrongInt<struct CallIdTag>;  // in the order in which calls came

// Order of service: higher first, then first come. A call that is repeated keeps its place.
enum class Priority { kBackfill, kScheduled, kLive };

class Bulkhead {
 public:
  Bulkhead(int64_t slots, int64_t queue) : slots_(slots), queue_(queue) {}

  enum class Entry { kGranted, kQueued, kRefused };
  Entry enter(CallId call, Priority priority);
  // Gives a slot back. The waiter that has it now, if there is one.
  std::optional<CallId> leave();
  // A waiter goes away. False if it does not wait.
  bool abandon(CallId call, Priority priority);
  // New settings. Calls in flight keep their slots; waiters beyond the queue stay.
  void set(int64_t slots, int64_t queue);
  // A waiter for which set() made room, taken out of the queue; ask until there is none.
  std::optional<CallId> grant_next();

  int64_t in_flight() const { return in_flight_; }
  int64_t waiting() const { return static_cast<int64_t>(waiters_.size()); }

 private:
  struct Waiter {
    Priority priority;
    CallId call;
    std::strong_ordering operator<=>(const Waiter& other) const {
      if (priority != other.priority) return other.priority <=> priority;
      return call <=> other.call;
    }
  };
  int64_t slots_;
  int64_t queue_;
  int64_t in_flight_ = 0;
  std::set<Waiter> waiters_;
};

}  // namespace tidemill::vendor
