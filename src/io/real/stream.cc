#include "io/real/stream.h"

#include <errno.h>
#include <sys/socket.h>

#include <array>

#include "base/check.h"
#include "io/real/errors.h"
#include "io/real/loop.h"

namespace tidemill::io {
namespace {

// Shared with the callbacks that are queued, so that they find out when the stream is gone.
struct Connection : std::enable_shared_from_this<Connection> {
  Connection(RealLoop& the_loop, Descriptor the_socket, std::string the_peer,
             std::shared_ptr<std::string> the_buffer)
      : loop(the_loop),
        socket(std::move(the_socket)),
        peer(std::move(the_peer)),
        buffer(std::move(the_buffer)),
        watch(loop.watch_descriptor(socket.number(), [this](Readiness ready) {
          const auto self = shared_from_this();
          if (ready.readable) receive();
          if (ready.writable) send();
        })) {}

  // Runs `step` later, unless the stream is gone by then.
  void later(void (Connection::*step)()) {
    loop.post([weak = weak_from_this(), step] {
      if (const auto self = weak.lock()) ((*self).*step)();
    });
  }

  void receive() {
    if (!read_done) return;
    if (!socket.is_open()) return finish_read(closed());
    ssize_t got = -1;
    do {
      got = recv(socket.number(), buffer->data(), buffer->size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return want({true, interest.writable});
    if (interest.readable) want({false, interest.writable});
    if (got < 0) return finish_read(fail_system(errno, "read from", peer));
    finish_read(std::string_view(buffer->data(), static_cast<size_t>(got)));
  }

  void send() {
    if (!write_done) return;
    if (!socket.is_open()) return finish_write(closed());
    while (sent < outgoing.size()) {
      const ssize_t n =
          ::send(socket.number(), outgoing.data() + sent, outgoing.size() - sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return want({interest.readable, true});
      if (n < 0) {
        const int reason = errno;
        if (interest.writable) want({interest.readable, false});
        return finish_write(fail_system(reason, "write to", peer));
      }
      sent += static_cast<size_t>(n);
    }
    if (interest.writable) want({interest.readable, false});
    finish_write({});
  }

  void finish_read(Result<std::string_view> result) {
    const auto self = shared_from_this();  // the callback may destroy the stream
    const auto done = std::exchange(read_done, nullptr);
    done(std::move(result));
  }

  void finish_write(Status result) {
    const auto self = shared_from_this();
    outgoing.clear();
    sent = 0;
    const auto done = std::exchange(write_done, nullptr);
    done(std::move(result));
  }

  void want(Readiness what) {
    interest = what;
    watch->want(what);
  }

  tl::unexpected<Error> closed() const {
    return fail(Code::kUnavailable, "the connection with " + peer + " was closed here");
  }

  void close() {
    if (!socket.is_open()) return;
    watch.reset();
    // Bytes that nobody reads make the kernel answer with a reset, which could overtake what was
    // written last: take what is there.
    shutdown(socket.number(), SHUT_WR);
    std::array<char, 4096> unread;
    for (int i = 0; i < 16; ++i) {
      if (recv(socket.number(), unread.data(), unread.size(), 0) <= 0) break;
    }
    socket.close();
    if (read_done) later(&Connection::receive);
    if (write_done) later(&Connection::send);
  }

  RealLoop& loop;
  Descriptor socket;
  std::string peer;
  std::shared_ptr<std::string> buffer;
  std::function<void(Result<std::string_view>)> read_done;
  std::function<void(Status)> write_done;
  std::string outgoing;
  size_t sent = 0;
  Readiness interest;
  std::unique_ptr<DescriptorWatch> watch;
};

class RealStream final : public Stream {
 public:
  RealStream(std::shared_ptr<Connection> connection, std::optional<uint32_t> peer_uid)
      : connection_(std::move(connection)), peer_uid_(peer_uid) {}
  ~RealStream() override {
    connection_->read_done = nullptr;
    connection_->write_done = nullptr;
    connection_->close();
  }
  RealStream(const RealStream&) = delete;
  RealStream& operator=(const RealStream&) = delete;

  void read(std::function<void(Result<std::string_view>)> done) override {
    TIDEMILL_CHECK(!connection_->read_done);
    connection_->read_done = std::move(done);
    connection_->later(&Connection::receive);
  }

  void write(std::string bytes, std::function<void(Status)> done) override {
    TIDEMILL_CHECK(!connection_->write_done);
    connection_->outgoing = std::move(bytes);
    connection_->write_done = std::move(done);
    connection_->later(&Connection::send);
  }

  void close() override { connection_->close(); }
  std::string peer() const override { return connection_->peer; }
  std::optional<uint32_t> peer_uid() const override { return peer_uid_; }

 private:
  std::shared_ptr<Connection> connection_;
  std::optional<uint32_t> peer_uid_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(RealLoop& loop, Descriptor socket, std::string peer,
                                    std::optional<uint32_t> peer_uid,
                                    std::shared_ptr<std::string> buffer) {
  return std::make_unique<RealStream>(
      std::make_shared<Connection>(loop, std::move(socket), std::move(peer), std::move(buffer)),
      peer_uid);
}

}  // namespace tidemill::io
