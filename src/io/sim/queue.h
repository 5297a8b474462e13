// The one queue of a simulation: everything that happens is an entry of it, in an order that the
// seed decides. Time passes only when nothing is left to do now.
//
//   now:    loop: a b c   store: d   read:   compute: e f     <- one of the fronts, by the seed
//   later:  elapsed timers, wall timers                       <- the earliest, when all are empty
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "io/loop.h"
#include "io/timer_queue.h"

namespace tidemill::io {

// SplitMix64 (S. Vigna, public domain): the same numbers on every machine.
class SeededBits {
 public:
  explicit SeededBits(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

// Single-threaded, like the whole simulation.
class SimQueue {
 public:
  using Callback = Loop::Callback;
  // The server's entries end with it; the world's (a process that runs on) outlive a restart.
  enum class Owner { kServer, kWorld };
  enum class Source { kLoop, kStore, kRead, kCompute, kDatabase, kBuild };
  static constexpr size_t kSources = 6;
  // Entries run without any time passing before the simulation is taken for an endless loop.
  static constexpr int64_t kMaxEntriesAtOneInstant = 10'000'000;

  SimQueue(uint64_t seed, Time start) : bits_(seed), wall_base_(start) {}
  SimQueue(const SimQueue&) = delete;
  SimQueue& operator=(const SimQueue&) = delete;

  Now now() const { return {Time{wall_base_.us + elapsed_.us}, elapsed_}; }

  void post(Owner owner, Source source, Callback callback);
  size_t waiting(Source source) const;
  TimerHandle after(Owner owner, Duration delay, Callback callback);
  TimerHandle at(Time when, Callback callback);
  void cancel(TimerHandle timer);
  void on_clock_step(Callback callback) { step_callbacks_.push_back(std::move(callback)); }

  // Sets the wall clock forward or back. The server is told as by Loop::on_clock_step.
  void step_clock(Duration by);
  // Forgets all that the server has queued, as its end by kill -9 does. Not from within an entry.
  void drop_server();

  // Runs one entry, after passing the time to it but not beyond `until`. False if there is none.
  bool step(Elapsed until);
  // Runs one entry of `source` that is ready now. False if there is none.
  bool step_source(Source source);
  // Time passes although nothing happens.
  void pass_to(Elapsed instant);

 private:
  struct Side {
    std::array<std::deque<Callback>, kSources> ready;
    TimerQueue elapsed;
    TimerQueue wall;
  };

  bool run_ready();
  bool run_timer(Elapsed until);
  void run(Callback callback);

  SeededBits bits_;
  Time wall_base_;  // what the wall clock showed when `elapsed_` was zero
  Elapsed elapsed_;
  std::array<Side, 2> sides_;
  std::vector<Callback> step_callbacks_;
  TimerHandle last_timer_;
  int64_t entries_at_this_instant_ = 0;
  int depth_ = 0;
};

}  // namespace tidemill::io
