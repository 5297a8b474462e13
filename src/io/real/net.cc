#include "io/real/net.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "io/real/descriptor.h"
#include "io/real/errors.h"
#include "io/real/loop.h"
#include "io/real/socket_address.h"
#include "io/real/stream.h"

namespace tidemill::io {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr int kBacklog = 1024;
constexpr int kAcceptsATurn = 64;
constexpr Duration kAcceptPause = Duration::millis(100);
constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

// A socket's path, with the folder held open while a long path is reached through it.
struct UnixAddress {
  SocketAddress address;
  Descriptor folder;
};

Result<UnixAddress> to_unix_address(const std::string& path) {
  UnixAddress out;
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof local.sun_path) {
    const size_t slash = path.find_last_of('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    out.folder = Descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!out.folder.is_open()) return fail_system(errno, "open the folder of socket", path);
    const auto file_name = slash == std::string::npos ? path : path.substr(slash + 1);
    name = fmt::format("/proc/self/fd/{}/{}", out.folder.number(), file_name);
  }
  if (name.size() >= sizeof local.sun_path || name.empty()) {
    return fail_system(ENAMETOOLONG, "use as a socket", path);
  }
  std::memcpy(local.sun_path, name.c_str(), name.size() + 1);
  std::memcpy(&out.address.storage, &local, sizeof local);
  out.address.size = sizeof local;
  return out;
}

std::optional<uint32_t> uid_of_peer(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials.uid;
}

std::unique_ptr<Stream> unix_stream(RealLoop& loop, Descriptor socket,
                                    const std::shared_ptr<std::string>& buffer) {
  const auto uid = uid_of_peer(socket.number());
  std::string peer = uid ? fmt::format("uid {}", *uid) : "unknown uid";
  return make_stream(loop, std::move(socket), std::move(peer), uid, buffer);
}

std::unique_ptr<Stream> tcp_stream(RealLoop& loop, Descriptor socket, const SocketAddress& from,
                                   const std::shared_ptr<std::string>& buffer) {
  const int on = 1;
  // Only latency depends on it.
  (void)setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return make_stream(loop, std::move(socket), address_text(from), std::nullopt, buffer);
}

class RealListener final : public Listener {
 public:
  RealListener(RealLoop& loop, Descriptor socket, std::string address, Net::OnAccept on_accept,
               std::shared_ptr<std::string> buffer)
      : loop_(loop),
        socket_(std::move(socket)),
        address_(std::move(address)),
        on_accept_(std::make_shared<Net::OnAccept>(std::move(on_accept))),
        buffer_(std::move(buffer)),
        watch_(loop.watch_descriptor(socket_.number(), [this](Readiness) { accept_some(); })) {
    watch_->want({.readable = true});
  }
  ~RealListener() override {
    *alive_ = false;
    loop_.cancel(pause_);
    remove_own_path();
  }
  RealListener(const RealListener&) = delete;
  RealListener& operator=(const RealListener&) = delete;

  std::string address() const override { return address_; }

  // The path is removed at the end, if it is still this listener's.
  void own_path(std::string path, const struct stat& info) {
    path_ = std::move(path);
    path_inode_ = info.st_ino;
  }

 private:
  void accept_some() {
    // Held here, since the callback may destroy this listener.
    const auto alive = alive_;
    const auto on_accept = on_accept_;
    const auto buffer = buffer_;
    RealLoop& loop = loop_;
    for (int i = 0; i < kAcceptsATurn && *alive; ++i) {
      SocketAddress from;
      Descriptor socket(
          accept4(socket_.number(), from.pointer(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.is_open()) {
        if (errno == EAGAIN) return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          return pause();
        }
        continue;  // that connection is gone already; the next one may be fine
      }
      (*on_accept)(from.storage.ss_family == AF_UNIX
                       ? unix_stream(loop, std::move(socket), buffer)
                       : tcp_stream(loop, std::move(socket), from, buffer));
    }
  }

  // Those who wait stay in the kernel's queue until descriptors are free again.
  void pause() {
    watch_->want({});
    pause_ = loop_.after(kAcceptPause, [this] { watch_->want({.readable = true}); });
  }

  void remove_own_path() {
    struct stat info{};
    if (path_.empty() || ::lstat(path_.c_str(), &info) != 0) return;
    if (info.st_ino == path_inode_) ::unlink(path_.c_str());
  }

  RealLoop& loop_;
  Descriptor socket_;
  std::string address_;
  std::shared_ptr<Net::OnAccept> on_accept_;
  std::shared_ptr<std::string> buffer_;
  std::string path_;
  ino_t path_inode_ = 0;
  TimerHandle pause_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<DescriptorWatch> watch_;
};

// Removes a socket file that nobody listens on; refuses anything else at that path.
Status clear_stale_socket(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status{} : Status(fail_system(errno, "look at", path));
  }
  if (!S_ISSOCK(info.st_mode)) {
    return fail(Code::kConflict, fmt::format("cannot listen on {}: a file that is not a socket is "
                                             "there; move it away or choose another path",
                                             path));
  }
  TIDEMILL_TRY_LET(target, to_unix_address(path));
  const Descriptor probe(::socket(AF_UNIX, kSocketFlags, 0));
  if (!probe.is_open()) return fail_system(errno, "make a socket for", path);
  const bool answered =
      ::connect(probe.number(), target.address.pointer(), target.address.size) == 0;
  // EAGAIN: somebody listens and its queue is full.
  if (answered || errno == EAGAIN) {
    return fail(Code::kConflict, fmt::format("cannot listen on {}: another process listens there; "
                                             "stop it first",
                                             path));
  }
  if (errno != ECONNREFUSED) return fail_system(errno, "try the old socket", path);
  if (::unlink(path.c_str()) != 0) return fail_system(errno, "remove the old socket", path);
  return {};
}

}  // namespace

RealNet::RealNet(RealLoop& loop)
    : loop_(loop), buffer_(std::make_shared<std::string>(kReadBytes, '\0')) {}
RealNet::~RealNet() = default;

Result<std::unique_ptr<Listener>> RealNet::listen_tcp(const std::string& host, uint16_t port,
                                                      OnAccept on_accept) {
  const auto address = parse_address(host);
  if (!address) {
    return fail(Code::kInvalid, fmt::format("cannot listen on \"{}\": expected an address like "
                                            "127.0.0.1 or ::1, not a name",
                                            host));
  }
  SocketAddress bound = to_socket_address(*address, port);
  const std::string subject = address_text(bound);
  Descriptor socket(::socket(bound.storage.ss_family, kSocketFlags, 0));
  if (!socket.is_open()) return fail_system(errno, "make a socket for", subject);
  const int on = 1;
  // A port that only old connections still hold can be taken at once after a restart.
  if (setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.number(), bound.pointer(), bound.size) != 0 ||
      ::listen(socket.number(), kBacklog) != 0 ||
      getsockname(socket.number(), bound.pointer(), &bound.size) != 0) {
    return fail_system(errno, "listen on", subject);
  }
  return std::make_unique<RealListener>(loop_, std::move(socket), address_text(bound),
                                        std::move(on_accept), buffer_);
}

Result<std::unique_ptr<Listener>> RealNet::listen_unix(const std::string& path,
                                                       OnAccept on_accept) {
  TIDEMILL_TRY(clear_stale_socket(path));
  TIDEMILL_TRY_LET(target, to_unix_address(path));
  Descriptor socket(::socket(AF_UNIX, kSocketFlags, 0));
  if (!socket.is_open()) return fail_system(errno, "make a socket for", path);
  // The file gets its mode from the socket when it is bound, so nobody else can connect even for
  // an instant.
  struct stat info{};
  if (fchmod(socket.number(), 0600) != 0 ||
      ::bind(socket.number(), target.address.pointer(), target.address.size) != 0 ||
      ::listen(socket.number(), kBacklog) != 0 || ::lstat(path.c_str(), &info) != 0) {
    return fail_system(errno, "listen on", path);
  }
  auto listener =
      std::make_unique<RealListener>(loop_, std::move(socket), path, std::move(on_accept), buffer_);
  listener->own_path(path, info);
  return listener;
}

Result<std::unique_ptr<Stream>> RealNet::connect_unix(const std::string& path) {
  TIDEMILL_TRY_LET(target, to_unix_address(path));
  Descriptor socket(::socket(AF_UNIX, kSocketFlags, 0));
  if (!socket.is_open()) return fail_system(errno, "make a socket for", path);
  // A Unix socket connects at once or answers why not, also without blocking.
  if (::connect(socket.number(), target.address.pointer(), target.address.size) != 0) {
    return fail_system(errno, "connect to", path);
  }
  return unix_stream(loop_, std::move(socket), buffer_);
}

}  // namespace tidemill::io
