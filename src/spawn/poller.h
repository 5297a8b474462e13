// The spawner's event loop: descriptors and what to do when they are ready.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/time.h"
#include "spawn/system.h"

namespace tidemill::spawn {

// One thread. Callbacks may watch and forget any descriptor, their own too.
class Poller {
 public:
  using Callback = std::function<void()>;
  enum class Wants { kRead, kReadAndWrite };
  Poller();

  void watch(int fd, Callback ready);
  void change(int fd, Wants wants);
  // Before the descriptor is closed.
  void forget(int fd);
  // Runs what is ready, after waiting at most that long (for ever, if nothing is given).
  void wait(std::optional<Duration> longest);

 private:
  Fd epoll_;
  std::unordered_map<int, std::shared_ptr<Callback>> callbacks_;
};

}  // namespace tidemill::spawn
