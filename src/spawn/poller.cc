#include "spawn/poller.h"

#include <sys/epoll.h>

#include <algorithm>
#include <climits>

#include "base/check.h"

namespace tidemill::spawn {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { TIDEMILL_CHECK(epoll_.open()); }

void Poller::watch(int fd, Callback ready) {
  callbacks_[fd] = std::make_shared<Callback>(std::move(ready));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  TIDEMILL_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Poller::change(int fd, Wants wants) {
  epoll_event event{};
  event.events = EPOLLIN | (wants == Wants::kReadAndWrite ? EPOLLOUT : 0u);
  event.data.fd = fd;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::forget(int fd) {
  if (callbacks_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Poller::wait(std::optional<Duration> longest) {
  constexpr int kEventsAtOnce = 64;
  epoll_event events[kEventsAtOnce];
  int timeout_ms = -1;
  if (longest) {
    timeout_ms = static_cast<int>(std::clamp<int64_t>((longest->us + 999) / 1000, 0, INT_MAX));
  }
  const int n = ::epoll_wait(epoll_.get(), events, kEventsAtOnce, timeout_ms);
  for (int i = 0; i < n; ++i) {
    const auto found = callbacks_.find(events[i].data.fd);
    if (found == callbacks_.end()) continue;
    const std::shared_ptr<Callback> callback = found->second;
    (*callback)();
  }
}

}  // namespace tidemill::spawn
