#include "io/sim/world.h"

#include <fmt/format.h>

#include <array>

namespace tidemill::io {

using Owner = SimQueue::Owner;
using Source = SimQueue::Source;

class SimWorld::SimClock final : public Clock {
 public:
  explicit SimClock(SimQueue& queue) : queue_(queue) {}
  Time wall() const override { return queue_.now().wall; }
  Elapsed elapsed() const override { return queue_.now().elapsed; }

 private:
  SimQueue& queue_;
};

class SimWorld::SimLoop final : public Loop {
 public:
  explicit SimLoop(SimQueue& queue) : queue_(queue) {}
  void post(Callback callback) override {
    queue_.post(Owner::kServer, Source::kLoop, std::move(callback));
  }
  TimerHandle after(Duration delay, Callback callback) override {
    return queue_.after(Owner::kServer, delay, std::move(callback));
  }
  TimerHandle at(Time when, Callback callback) override {
    return queue_.at(when, std::move(callback));
  }
  void cancel(TimerHandle timer) override { queue_.cancel(timer); }
  void on_clock_step(Callback callback) override { queue_.on_clock_step(std::move(callback)); }

  // Also ends when nothing is left that could ever call stop().
  void run() override {
    while (!stopped_ && queue_.step(Elapsed{INT64_MAX})) {
    }
    stopped_ = false;
  }
  void stop() override { stopped_ = true; }

 private:
  SimQueue& queue_;
  bool stopped_ = false;
};

class SimWorld::SimExecutor final : public Executor {
 public:
  explicit SimExecutor(SimQueue& queue) : queue_(queue) {}

  Status run(Lane lane, std::function<void()> work) override {
    const LaneSettings& settings = kLanes[static_cast<size_t>(lane)];
    if (stopped_) {
      return fail(Code::kUnavailable,
                  fmt::format("the server is stopping: no more work for lane {}", settings.name));
    }
    const size_t waiting = queue_.waiting(settings.source);
    if (waiting >= settings.queue) {
      return fail(
          Code::kExhausted,
          fmt::format("lane {} is full: {} pieces of work are waiting (its limit); try again",
                      settings.name, waiting));
    }
    queue_.post(Owner::kServer, settings.source, std::move(work));
    return {};
  }

  void stop() override {
    bool worked = true;
    while (worked) {
      worked = false;
      for (const auto& lane : kLanes) worked = queue_.step_source(lane.source) || worked;
    }
    stopped_ = true;
  }

  void restart() { stopped_ = false; }

 private:
  struct LaneSettings {
    const char* name;
    Source source;
    size_t queue;
  };
  // The same limits as on a real machine.
  static constexpr std::array<LaneSettings, 5> kLanes = {{
      {"store", Source::kStore, 1024},
      {"read", Source::kRead, 4096},
      {"compute", Source::kCompute, 4096},
      {"database", Source::kDatabase, 4096},
      {"build", Source::kBuild, 1024},
  }};

  SimQueue& queue_;
  bool stopped_ = false;
};

class SimWorld::SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t seed) : bits_(seed) {}
  uint64_t next() override { return bits_.next(); }

 private:
  SeededBits bits_;
};

// Each part has numbers of its own, so that one more draw in one does not shift all others.
SimWorld::SimWorld(uint64_t seed, Time start)
    : queue_(seed, start),
      files_(queue_),
      http_(queue_),
      processes_(queue_, files_),
      net_(queue_, seed ^ 0x6e6574),
      clock_(std::make_unique<SimClock>(queue_)),
      loop_(std::make_unique<SimLoop>(queue_)),
      executor_(std::make_unique<SimExecutor>(queue_)),
      random_(std::make_unique<SimRandom>(seed ^ 0x72616e646f6d)) {}
SimWorld::~SimWorld() = default;

Clock& SimWorld::clock() { return *clock_; }
Loop& SimWorld::loop() { return *loop_; }
Executor& SimWorld::executor() { return *executor_; }
Random& SimWorld::random() { return *random_; }

void SimWorld::run_for(Duration duration) {
  const Elapsed until = queue_.now().elapsed + duration;
  while (queue_.step(until)) {
  }
  queue_.pass_to(until);
}

void SimWorld::run_now() { run_for({}); }

void SimWorld::run_until_idle() {
  while (queue_.step(Elapsed{INT64_MAX})) {
  }
}

bool SimWorld::run_until(const std::function<bool()>& condition, Duration limit) {
  const Elapsed until = queue_.now().elapsed + limit;
  while (!condition()) {
    if (!queue_.step(until)) return false;
  }
  return true;
}

void SimWorld::kill_server() {
  processes_.forget_server();
  http_.drop_all();
  queue_.drop_server();
  executor_->restart();
}

void SimWorld::lose_power() {
  kill_server();
  processes_.lose();
  files_.lose_power();
}

}  // namespace tidemill::io
