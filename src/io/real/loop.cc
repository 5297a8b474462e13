#include "io/real/loop.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <vector>

#include "base/check.h"
#include "io/real/clock.h"
#include "io/real/descriptor.h"
#include "io/timer_queue.h"

namespace tidemill::io {
namespace {

namespace asio = boost::asio;

// Asio waits for one event at a time; this asks again as long as there is interest.
class AsioWatch final : public DescriptorWatch {
 public:
  AsioWatch(asio::io_context& context, int descriptor, std::function<void(Readiness)> callback)
      : state_(std::make_shared<State>(context, descriptor, std::move(callback))) {}
  ~AsioWatch() override {
    state_->alive = false;
    // Gives the descriptor back open and unregistered; waits that are under way end as cancelled.
    if (state_->descriptor.is_open()) state_->descriptor.release();
  }
  AsioWatch(const AsioWatch&) = delete;
  AsioWatch& operator=(const AsioWatch&) = delete;

  void want(Readiness interest) override {
    state_->interest = interest;
    State::wait_as_wanted(state_);
  }

 private:
  struct State {
    State(asio::io_context& context, int fd, std::function<void(Readiness)> call)
        : descriptor(context), callback(std::move(call)) {
      boost::system::error_code error;
      descriptor.assign(fd, error);
      // Fails for no descriptor at all, which a process at its start must be able to get, and for
      // one that epoll cannot watch (a regular file).
      TIDEMILL_CHECK(!error);
    }

    static void wait_as_wanted(const std::shared_ptr<State>& state) {
      if (state->interest.readable && !state->waiting.readable) {
        state->waiting.readable = true;
        state->descriptor.async_wait(
            asio::posix::descriptor_base::wait_read,
            [state](boost::system::error_code) { came(state, {.readable = true}); });
      }
      if (state->interest.writable && !state->waiting.writable) {
        state->waiting.writable = true;
        state->descriptor.async_wait(
            asio::posix::descriptor_base::wait_write,
            [state](boost::system::error_code) { came(state, {.writable = true}); });
      }
    }

    static void came(const std::shared_ptr<State>& state, Readiness what) {
      if (what.readable) state->waiting.readable = false;
      if (what.writable) state->waiting.writable = false;
      if (!state->alive) return;
      const bool wanted = (what.readable && state->interest.readable) ||
                          (what.writable && state->interest.writable);
      if (wanted) state->callback(what);
      if (state->alive) wait_as_wanted(state);
    }

    asio::posix::stream_descriptor descriptor;
    std::function<void(Readiness)> callback;
    Readiness interest;
    Readiness waiting;
    bool alive = true;
  };
  std::shared_ptr<State> state_;
};

// A timerfd takes at most 292 years; a timer beyond this wakes early, finds nothing due and is
// armed again.
constexpr int64_t kFarthestUs = 8'000'000'000LL * 1'000'000;

// The timers of one clock on one timerfd.
class ClockTimers {
 public:
  ClockTimers(asio::io_context& context, clockid_t clock, TimerHandle& last_timer)
      : clock_(clock),
        descriptor_(timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC)),
        last_timer_(last_timer),
        watch_(context, descriptor_.number(), [this](Readiness) { fired(); }) {
    watch_.want({.readable = true});
  }

  TimerHandle add(int64_t due_us, Loop::Callback callback) {
    last_timer_.value++;
    const TimerHandle timer = last_timer_;
    timers_.add(std::max(due_us, now_us()), timer, std::move(callback));
    arm();
    return timer;
  }

  // The timerfd stays armed: waking once for nothing is cheaper than a system call for each cancel.
  bool cancel(TimerHandle timer) { return timers_.cancel(timer); }

  void on_step(Loop::Callback callback) {
    step_callbacks_.push_back(std::move(callback));
    arm();
  }

  int64_t now_us() const {
    return clock_ == CLOCK_REALTIME ? real_clock_.wall().us : real_clock_.elapsed().us;
  }

 private:
  void fired() {
    uint64_t expirations = 0;
    const ssize_t got = ::read(descriptor_.number(), &expirations, sizeof expirations);
    const bool stepped = got < 0 && errno == ECANCELED;
    if (got < 0 && !stepped) return;  // EAGAIN: woken for nothing
    armed_for_us_ = INT64_MAX;
    if (stepped) tell_step();
    run_due();
    arm();
  }

  void tell_step() {
    const std::vector<Loop::Callback> callbacks = step_callbacks_;
    for (const auto& callback : callbacks) callback();
  }

  void run_due() {
    const int64_t now = now_us();
    const TimerHandle newer{last_timer_.value + 1};
    while (auto callback = timers_.take_due(now, newer)) (*callback)();
  }

  void arm() {
    const bool watch_steps = clock_ == CLOCK_REALTIME && !step_callbacks_.empty();
    if (timers_.empty() && !watch_steps) return;
    const int64_t due = std::min(timers_.earliest_us().value_or(kFarthestUs), kFarthestUs);
    if (due >= armed_for_us_) return;
    itimerspec spec{};
    spec.it_value.tv_sec = due / 1'000'000;
    spec.it_value.tv_nsec = due % 1'000'000 * 1000;
    // Zero would disarm it.
    if (spec.it_value.tv_sec == 0 && spec.it_value.tv_nsec == 0) spec.it_value.tv_nsec = 1;
    int flags = TFD_TIMER_ABSTIME;
    if (clock_ == CLOCK_REALTIME) flags |= TFD_TIMER_CANCEL_ON_SET;
    const int result = timerfd_settime(descriptor_.number(), flags, &spec, nullptr);
    // ECANCELED: the clock was stepped since the last read. The timer is armed all the same, and
    // the kernel has now forgotten the step, so it is told here.
    const bool stepped = result != 0 && errno == ECANCELED;
    TIDEMILL_CHECK(result == 0 || stepped);
    armed_for_us_ = due;
    if (stepped) add(0, [this] { tell_step(); });
  }

  clockid_t clock_;
  RealClock real_clock_;
  Descriptor descriptor_;
  TimerHandle& last_timer_;
  TimerQueue timers_;
  int64_t armed_for_us_ = INT64_MAX;
  std::vector<Loop::Callback> step_callbacks_;
  AsioWatch watch_;
};

}  // namespace

class RealLoop::Impl {
 public:
  struct Signal {
    Signal(asio::io_context& context, int number, Callback call)
        : set(context, number), callback(std::move(call)) {}
    asio::signal_set set;
    Callback callback;
  };

  void wait_for(Signal& signal) {
    signal.set.async_wait([this, &signal](boost::system::error_code error, int) {
      if (error) return;
      signal.callback();
      wait_for(signal);
    });
  }

  // One thread runs it: posts from that thread need no lock.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  TimerHandle last_timer;
  ClockTimers elapsed_timers{context, CLOCK_MONOTONIC, last_timer};
  ClockTimers wall_timers{context, CLOCK_REALTIME, last_timer};
  std::vector<std::unique_ptr<Signal>> signals;
};

RealLoop::RealLoop() : impl_(std::make_unique<Impl>()) {}
RealLoop::~RealLoop() = default;

void RealLoop::post(Callback callback) { asio::post(impl_->context, std::move(callback)); }

TimerHandle RealLoop::after(Duration delay, Callback callback) {
  auto& timers = impl_->elapsed_timers;
  const int64_t now = timers.now_us();
  const int64_t longest = INT64_MAX - now;
  return timers.add(now + std::clamp<int64_t>(delay.us, 0, longest), std::move(callback));
}

TimerHandle RealLoop::at(Time when, Callback callback) {
  return impl_->wall_timers.add(when.us, std::move(callback));
}

void RealLoop::cancel(TimerHandle timer) {
  if (!impl_->elapsed_timers.cancel(timer)) impl_->wall_timers.cancel(timer);
}

void RealLoop::on_clock_step(Callback callback) { impl_->wall_timers.on_step(std::move(callback)); }

void RealLoop::run() {
  impl_->context.run();
  impl_->context.restart();
}

void RealLoop::stop() { impl_->context.stop(); }

std::unique_ptr<DescriptorWatch> RealLoop::watch_descriptor(
    int descriptor, std::function<void(Readiness)> callback) {
  return std::make_unique<AsioWatch>(impl_->context, descriptor, std::move(callback));
}

void RealLoop::on_signal(int signal_number, Callback callback) {
  impl_->signals.push_back(
      std::make_unique<Impl::Signal>(impl_->context, signal_number, std::move(callback)));
  impl_->wait_for(*impl_->signals.back());
}

}  // namespace tidemill::io
