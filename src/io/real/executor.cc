#include "io/real/executor.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"

namespace tidemill::io {
namespace {

struct LaneSettings {
  const char* name;  // also the threads' name: at most 15 characters
  size_t threads;
  size_t queue;
  int nice;
};

struct LaneState {
  LaneSettings settings;
  std::deque<std::function<void()>> queue;
  std::condition_variable more;
  size_t idle = 0;
  std::vector<std::thread> threads;
};

size_t cores() { return std::max<size_t>(1, std::thread::hardware_concurrency()); }

}  // namespace

class RealExecutor::Impl {
 public:
  explicit Impl(size_t compute_threads) {
    lane(Lane::kStore).settings = {"store", 1, kStoreQueue, 0};
    lane(Lane::kRead).settings = {"read", 2, kReadQueue, 0};
    lane(Lane::kCompute).settings = {"compute", compute_threads ? compute_threads : cores(),
                                     kComputeQueue, 5};
    lane(Lane::kDatabase).settings = {"database", 16, kDatabaseQueue, 0};
    lane(Lane::kBuild).settings = {"build", 2, kBuildQueue, 5};
  }

  LaneState& lane(Lane name) { return lanes_[static_cast<size_t>(name)]; }

  Status run(Lane name, std::function<void()> work) {
    LaneState& to = lane(name);
    const std::lock_guard lock(mutex_);
    if (stopped_) {
      return fail(
          Code::kUnavailable,
          fmt::format("the server is stopping: no more work for lane {}", to.settings.name));
    }
    if (to.queue.size() >= to.settings.queue) {
      return fail(
          Code::kExhausted,
          fmt::format("lane {} is full: {} pieces of work are waiting (its limit); try again",
                      to.settings.name, to.queue.size()));
    }
    to.queue.push_back(std::move(work));
    if (to.idle >= to.queue.size()) {
      to.more.notify_one();
    } else if (to.threads.size() < to.settings.threads) {
      start_thread(to);
    } else {
      to.more.notify_one();
    }
    return {};
  }

  void stop() {
    std::vector<std::thread> ending;
    {
      std::unique_lock lock(mutex_);
      all_idle_.wait(lock, [this] { return running_ == 0 && nothing_queued(); });
      stopped_ = true;
      for (auto& lane : lanes_) {
        lane.more.notify_all();
        std::move(lane.threads.begin(), lane.threads.end(), std::back_inserter(ending));
        lane.threads.clear();
      }
    }
    for (auto& thread : ending) thread.join();
  }

 private:
  bool nothing_queued() const {
    return std::all_of(lanes_.begin(), lanes_.end(), [](auto& lane) { return lane.queue.empty(); });
  }

  // With all signals blocked while the thread is born, so that it inherits that.
  void start_thread(LaneState& lane) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    TIDEMILL_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    lane.threads.emplace_back([this, &lane] { serve(lane); });
    TIDEMILL_CHECK(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  }

  void serve(LaneState& lane) {
    pthread_setname_np(pthread_self(), lane.settings.name);
    // Raising one's own nice value cannot be refused; if it were, the work would still be right.
    if (lane.settings.nice != 0) setpriority(PRIO_PROCESS, gettid(), lane.settings.nice);
    std::unique_lock lock(mutex_);
    while (true) {
      lane.idle++;
      lane.more.wait(lock, [&] { return stopped_ || !lane.queue.empty(); });
      lane.idle--;
      if (lane.queue.empty()) return;
      auto work = std::move(lane.queue.front());
      lane.queue.pop_front();
      running_++;
      lock.unlock();
      work();
      work = nullptr;  // what it holds is destroyed outside the lock
      lock.lock();
      running_--;
      if (running_ == 0 && nothing_queued()) all_idle_.notify_all();
    }
  }

  // Work is handed over from any thread, so the queue itself needs the lock; it is held for a push
  // or a pop only. One lock for all lanes, since stop() asks about all of them at one instant.
  std::mutex mutex_;
  std::condition_variable all_idle_;
  std::array<LaneState, 5> lanes_;
  size_t running_ = 0;
  bool stopped_ = false;
};

RealExecutor::RealExecutor(size_t compute_threads)
    : impl_(std::make_unique<Impl>(compute_threads)) {}
RealExecutor::~RealExecutor() { impl_->stop(); }
Status RealExecutor::run(Lane lane, std::function<void()> work) {
  return impl_->run(lane, std::move(work));
}
void RealExecutor::stop() { impl_->stop(); }

}  // namespace tidemill::io
