#include "spawn/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tidemill::spawn {

namespace {
constexpr size_t kBufferBytes = 64u << 10;
constexpr size_t kRoomBytes = 256u << 10;       // below this, postponed frames are made
constexpr size_t kMostUnreadBytes = 64u << 20;  // a peer that never reads is given up
constexpr int kReadsATurn = 16;
}  // namespace

Connection::Connection(Fd socket, Poller& poller, std::function<void()> ready)
    : socket_(std::move(socket)), poller_(poller) {
  poller_.watch(socket_.get(), std::move(ready));
}

Connection::~Connection() { poller_.forget(socket_.get()); }

bool Connection::receive() {
  static char buffer[kBufferBytes];  // one thread, used within this call only
  for (int i = 0; i < kReadsATurn; ++i) {
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    frames_.add(std::string_view(buffer, static_cast<size_t>(n)));
    if (static_cast<size_t>(n) < sizeof buffer) return true;
  }
  return true;
}

void Connection::send(std::string frame) {
  if (later_.empty()) {
    out_ += frame;
  } else {
    send_later([frame = std::move(frame)] { return frame; });
  }
}

void Connection::send_later(std::function<std::string()> make) {
  later_.push_back(std::move(make));
}

bool Connection::flush() {
  while (true) {
    while (!later_.empty() && out_.size() - sent_ < kRoomBytes) {
      out_ += later_.front()();
      later_.pop_front();
    }
    if (sent_ == out_.size()) break;
    const ssize_t n = ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return false;
    if (n < 0) break;
    sent_ += static_cast<size_t>(n);
  }
  const bool pending = sent_ < out_.size();
  if (!pending) {
    out_.clear();
    if (out_.capacity() > kRoomBytes) out_.shrink_to_fit();
    sent_ = 0;
  } else if (sent_ > kRoomBytes) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  if (pending != wants_write_) {
    wants_write_ = pending;
    poller_.change(socket_.get(), pending ? Poller::Wants::kReadAndWrite : Poller::Wants::kRead);
  }
  return out_.size() - sent_ < kMostUnreadBytes;
}

Result<Door> Door::open(const std::string& path) {
  // Reached through its folder, since a socket's path may have 107 bytes only.
  const Fd folder(::open(parent_folder(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open()) return system_failure("open the folder of", path);
  const std::string near =
      fmt::format("/proc/self/fd/{}/{}", folder.get(), path.substr(path.rfind('/') + 1));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (near.size() >= sizeof address.sun_path) {
    return fail(Code::kInvalid, fmt::format("the name of the socket {} is too long", path));
  }
  std::memcpy(address.sun_path, near.c_str(), near.size());
  Door door;
  door.socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!door.socket_.open()) return system_failure("make the socket", path);
  ::unlink(path.c_str());  // whoever holds the lock owns the socket
  const mode_t before = ::umask(0177);
  const int bound =
      ::bind(door.socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0 || ::listen(door.socket_.get(), 16) != 0) {
    return system_failure("listen on", path);
  }
  return door;
}

Fd Door::accept() {
  Fd visitor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!visitor.open()) return {};
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(visitor.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (!known || (peer.uid != ::geteuid() && peer.uid != 0)) return {};
  return visitor;
}

}  // namespace tidemill::spawn
