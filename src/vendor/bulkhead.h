// A fixed number of slots and a bounded queue: one slow vendor holds only its own. Pure; whoever
// owns it arms the timers.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "base/strong.h"

namespace tidemill::vendor {

using CallId = StrongInt<struct CallIdTag>;

// Order of service: higher first, then first come.
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
  int64_t waiting() const { return waiting_; }

 private:
  int64_t slots_;
  int64_t queue_;
  int64_t in_flight_ = 0;
  int64_t waiting_ = 0;
  std::map<Priority, std::deque<CallId>, std::greater<>> waiters_;
};

}  // namespace tidemill::vendor
