// Timers of one clock, ordered by due time and then by number; what the loops of real/ and sim/ are
// made of. Plain data: it reads no clock.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "io/loop.h"

namespace tidemill::io {

// Not thread-safe. add, cancel and take_due are O(log n).
class TimerQueue {
 public:
  void add(int64_t due_us, TimerHandle timer, Loop::Callback callback) {
    due_by_timer_.emplace(timer.value, due_us);
    timers_.emplace(std::make_pair(due_us, timer.value), std::move(callback));
  }

  // False if there is no such timer.
  bool cancel(TimerHandle timer) {
    const auto found = due_by_timer_.find(timer.value);
    if (found == due_by_timer_.end()) return false;
    timers_.erase({found->second, timer.value});
    due_by_timer_.erase(found);
    return true;
  }

  std::optional<int64_t> earliest_us() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first;
  }

  // Removes and returns the first timer that is due and older than `newer_than`, so that a callback
  // which arms an overdue timer does not keep its caller busy for ever.
  std::optional<Loop::Callback> take_due(int64_t now_us, TimerHandle newer_than) {
    if (timers_.empty()) return std::nullopt;
    const auto first = timers_.begin();
    if (first->first.first > now_us || first->first.second >= newer_than.value) return std::nullopt;
    Loop::Callback callback = std::move(first->second);
    due_by_timer_.erase(first->first.second);
    timers_.erase(first);
    return callback;
  }

  bool empty() const { return timers_.empty(); }

 private:
  std::map<std::pair<int64_t, int64_t>, Loop::Callback> timers_;
  std::unordered_map<int64_t, int64_t> due_by_timer_;
};

}  // namespace tidemill::io
