#include "io/sim/queue.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace tidemill::io {

void SimQueue::post(Owner owner, Source source, Callback callback) {
  sides_[static_cast<size_t>(owner)].ready[static_cast<size_t>(source)].push_back(
      std::move(callback));
}

size_t SimQueue::waiting(Source source) const {
  size_t count = 0;
  for (const auto& side : sides_) count += side.ready[static_cast<size_t>(source)].size();
  return count;
}

TimerHandle SimQueue::after(Owner owner, Duration delay, Callback callback) {
  ++last_timer_.value;
  const int64_t longest = INT64_MAX - elapsed_.us;
  const int64_t due = elapsed_.us + std::clamp<int64_t>(delay.us, 0, longest);
  sides_[static_cast<size_t>(owner)].elapsed.add(due, last_timer_, std::move(callback));
  return last_timer_;
}

TimerHandle SimQueue::at(Time when, Callback callback) {
  ++last_timer_.value;
  const int64_t due = std::max(when.us, now().wall.us);
  sides_[static_cast<size_t>(Owner::kServer)].wall.add(due, last_timer_, std::move(callback));
  return last_timer_;
}

void SimQueue::cancel(TimerHandle timer) {
  for (auto& side : sides_) {
    if (side.elapsed.cancel(timer) || side.wall.cancel(timer)) return;
  }
}

void SimQueue::step_clock(Duration by) {
  wall_base_ = wall_base_ + by;
  for (const auto& callback : step_callbacks_) post(Owner::kServer, Source::kLoop, callback);
}

void SimQueue::drop_server() {
  TIDEMILL_CHECK(depth_ == 0);
  // What is dropped may cancel or post while it is destroyed: it is taken out first.
  const Side dropped = std::exchange(sides_[static_cast<size_t>(Owner::kServer)], Side{});
  step_callbacks_.clear();
}

bool SimQueue::step(Elapsed until) { return run_ready() || run_timer(until); }

bool SimQueue::step_source(Source source) {
  for (auto& side : sides_) {
    auto& ready = side.ready[static_cast<size_t>(source)];
    if (ready.empty()) continue;
    Callback callback = std::move(ready.front());
    ready.pop_front();
    run(std::move(callback));
    return true;
  }
  return false;
}

void SimQueue::pass_to(Elapsed instant) {
  if (instant <= elapsed_) return;
  elapsed_ = instant;
  entries_at_this_instant_ = 0;
}

bool SimQueue::run_ready() {
  std::array<std::deque<Callback>*, 2 * kSources> fronts;
  size_t count = 0;
  for (auto& side : sides_) {
    for (auto& ready : side.ready) {
      if (!ready.empty()) fronts[count++] = &ready;
    }
  }
  if (count == 0) return false;
  auto& chosen = *fronts[count == 1 ? 0 : bits_.next() % count];
  Callback callback = std::move(chosen.front());
  chosen.pop_front();
  run(std::move(callback));
  return true;
}

bool SimQueue::run_timer(Elapsed until) {
  // The wall timers' instants on the monotonic clock; those that a step made overdue are due now.
  std::array<TimerQueue*, 4> queues;
  size_t count = 0;
  int64_t earliest = INT64_MAX;
  for (auto& side : sides_) {
    for (TimerQueue* queue : {&side.elapsed, &side.wall}) {
      auto due = queue->earliest_us();
      if (!due) continue;
      if (queue == &side.wall) due = std::max(*due - wall_base_.us, elapsed_.us);
      if (*due < earliest) count = 0;
      if (*due <= earliest) queues[count++] = queue;
      earliest = std::min(earliest, *due);
    }
  }
  if (count == 0 || earliest > until.us) return false;
  pass_to(Elapsed{earliest});
  TimerQueue* chosen = queues[count == 1 ? 0 : bits_.next() % count];
  const bool is_wall = chosen == &sides_[0].wall || chosen == &sides_[1].wall;
  auto callback = chosen->take_due(is_wall ? now().wall.us : elapsed_.us, TimerHandle{INT64_MAX});
  TIDEMILL_CHECK(callback.has_value());
  run(std::move(*callback));
  return true;
}

void SimQueue::run(Callback callback) {
  TIDEMILL_CHECK(++entries_at_this_instant_ <= kMaxEntriesAtOneInstant);
  ++depth_;
  callback();
  --depth_;
}

}  // namespace tidemill::io
