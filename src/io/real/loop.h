// The event loop of the running server.
#pragma once

#include <functional>
#include <memory>

#include "io/loop.h"

namespace tidemill::io {

struct Readiness {
  bool readable = false;  // also when the other end has closed, or the descriptor has failed
  bool writable = false;
};

// Tells when a descriptor can be read or written, level-triggered. Does not own the descriptor,
// which must stay open as long as this lives. Loop thread only; destroyed before the loop is.
// Destroying it drops the callback.
class DescriptorWatch {
 public:
  virtual ~DescriptorWatch() = default;
  // What to wait for from now on; nothing to begin with.
  virtual void want(Readiness interest) = 0;
};

// One thread runs it: the one that calls run(). It sleeps in the kernel until something happens.
// Wall timers follow the wall clock by timerfd, which also tells of every step of it.
class RealLoop final : public Loop {
 public:
  RealLoop();
  ~RealLoop() override;
  RealLoop(const RealLoop&) = delete;
  RealLoop& operator=(const RealLoop&) = delete;

  void post(Callback callback) override;
  TimerHandle after(Duration delay, Callback callback) override;
  TimerHandle at(Time when, Callback callback) override;
  void cancel(TimerHandle timer) override;
  void on_clock_step(Callback callback) override;
  void run() override;
  // A stop before run() makes that run() return at once.
  void stop() override;

  // `callback` may destroy the watch.
  std::unique_ptr<DescriptorWatch> watch_descriptor(int descriptor,
                                                    std::function<void(Readiness)> callback);
  // Calls back on the loop's thread each time the process gets `signal_number`.
  void on_signal(int signal_number, Callback callback);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemill::io
