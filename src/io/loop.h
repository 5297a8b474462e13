// The event loop: one thread, callbacks in order, timers. Time stands still within a callback only
// as far as its caller keeps one `Now`; the loop itself does not freeze clocks.
#pragma once

#include <cstdint>
#include <functional>

#include "base/strong.h"
#include "base/time.h"

namespace tidemill::io {

using TimerHandle = StrongInt<struct TimerHandleTag>;

class Loop {
 public:
  using Callback = std::function<void()>;
  virtual ~Loop() = default;

  // Runs `callback` on the loop's thread, after what is queued. From any thread.
  virtual void post(Callback callback) = 0;

  // The rest: on the loop's thread only.
  // Runs once after `delay` of the monotonic clock.
  virtual TimerHandle after(Duration delay, Callback callback) = 0;
  // Runs once when the wall clock shows `when` or later; a step of the clock re-arms it.
  virtual TimerHandle at(Time when, Callback callback) = 0;
  // A timer that has run or does not exist is ignored.
  virtual void cancel(TimerHandle timer) = 0;
  // Called each time the wall clock was set (stepped), never for slewing.
  virtual void on_clock_step(Callback callback) = 0;

  // Runs until stop(). stop() may be called from any thread and from a signal-driven callback.
  virtual void run() = 0;
  virtual void stop() = 0;
};

}  // namespace tidemill::io
