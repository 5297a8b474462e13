#include "io/sim/net.h"

#include <errno.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "io/address.h"
#include "io/real/errors.h"

namespace tidemill::io {

using Owner = SimQueue::Owner;
using Source = SimQueue::Source;

struct SimNet::State {
  SimQueue& queue;
  SeededBits bits;
  std::map<std::string, std::shared_ptr<OnAccept>> listeners;
  uint16_t next_port = 40000;
};

// One direction of a connection.
struct SimNet::Pipe {
  std::string bytes;
  bool write_end_closed = false;
  bool read_end_closed = false;
  std::function<void(Result<std::string_view>)> reader;
};

class SimNet::SimStream final : public Stream {
 public:
  SimStream(std::shared_ptr<State> state, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out,
            std::string peer, std::optional<uint32_t> uid)
      : state_(std::move(state)),
        in_(std::move(in)),
        out_(std::move(out)),
        peer_(std::move(peer)),
        uid_(uid) {}
  ~SimStream() override {
    in_->reader = nullptr;
    *alive_ = false;
    close();
  }
  SimStream(const SimStream&) = delete;
  SimStream& operator=(const SimStream&) = delete;

  void read(std::function<void(Result<std::string_view>)> done) override {
    TIDEMILL_CHECK(!in_->reader);
    in_->reader = std::move(done);
    deliver(state_, in_);
  }

  void write(std::string bytes, std::function<void(Status)> done) override {
    Status status;
    if (closed_) status = fail(closed());
    if (!closed_ && out_->read_end_closed) status = fail_system(EPIPE, "write to", peer_);
    if (status) out_->bytes += bytes;
    state_->queue.post(Owner::kServer, Source::kLoop,
                       [alive = alive_, done = std::move(done), status] {
                         if (*alive) done(status);
                       });
    deliver(state_, out_);
  }

  void close() override {
    closed_ = true;
    in_->read_end_closed = true;
    out_->write_end_closed = true;
    deliver(state_, in_);
    deliver(state_, out_);
  }

  std::string peer() const override { return peer_; }
  std::optional<uint32_t> peer_uid() const override { return uid_; }

 private:
  Error closed() const {
    return {Code::kUnavailable, "the connection with " + peer_ + " was closed here", {}};
  }

  // Later hands the reader, if there is one, what there is for it.
  static void deliver(const std::shared_ptr<State>& state, const std::shared_ptr<Pipe>& pipe) {
    state->queue.post(Owner::kServer, Source::kLoop, [state, pipe] {
      const bool ready = !pipe->bytes.empty() || pipe->write_end_closed || pipe->read_end_closed;
      if (!pipe->reader || !ready) return;
      const auto reader = std::exchange(pipe->reader, nullptr);
      if (pipe->read_end_closed) {
        return reader(fail(Code::kUnavailable, "the connection was closed here"));
      }
      size_t count = std::min<size_t>(pipe->bytes.size(), 64 * 1024);
      // One time in four a part only.
      if (count > 1 && state->bits.next() % 4 == 0) count = 1 + state->bits.next() % count;
      const std::string piece = pipe->bytes.substr(0, count);
      pipe->bytes.erase(0, count);
      reader(std::string_view(piece));
    });
  }

  std::shared_ptr<State> state_;
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  std::string peer_;
  std::optional<uint32_t> uid_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool closed_ = false;
};

class SimNet::SimListener final : public Listener {
 public:
  SimListener(std::shared_ptr<State> state, std::string address)
      : state_(std::move(state)), address_(std::move(address)) {}
  ~SimListener() override { state_->listeners.erase(address_); }
  SimListener(const SimListener&) = delete;
  SimListener& operator=(const SimListener&) = delete;
  std::string address() const override { return address_; }

 private:
  std::shared_ptr<State> state_;
  std::string address_;
};

SimNet::SimNet(SimQueue& queue, uint64_t seed)
    : state_(std::make_shared<State>(State{queue, SeededBits(seed), {}, 40000})) {}
SimNet::~SimNet() = default;

Result<std::unique_ptr<Stream>> SimNet::connect(const std::string& address) {
  const auto found = state_->listeners.find(address);
  if (found == state_->listeners.end()) return fail_system(ECONNREFUSED, "connect to", address);
  auto there = std::make_shared<Pipe>();
  auto back = std::make_shared<Pipe>();
  const bool is_unix = address.find('/') != std::string::npos;
  const auto uid = is_unix ? std::optional<uint32_t>(1000) : std::nullopt;
  const std::string client = fmt::format("127.0.0.1:{}", ++state_->next_port);
  auto client_end =
      std::make_unique<SimStream>(state_, back, there, is_unix ? "uid 1000" : address, uid);
  auto server_end = std::make_shared<std::unique_ptr<Stream>>(
      std::make_unique<SimStream>(state_, there, back, is_unix ? "uid 1000" : client, uid));
  state_->queue.post(Owner::kServer, Source::kLoop,
                     [weak = std::weak_ptr(found->second), server_end] {
                       if (const auto accept = weak.lock()) (*accept)(std::move(*server_end));
                     });
  return client_end;
}

Result<std::unique_ptr<Listener>> SimNet::listen_tcp(const std::string& host, uint16_t port,
                                                     OnAccept on_accept) {
  if (!parse_address(host)) {
    return fail(Code::kInvalid, fmt::format("cannot listen on \"{}\": expected an address like "
                                            "127.0.0.1 or ::1, not a name",
                                            host));
  }
  std::string address = fmt::format("{}:{}", host, port == 0 ? ++state_->next_port : port);
  if (state_->listeners.contains(address)) return fail_system(EADDRINUSE, "listen on", address);
  return add_listener(std::move(address), std::move(on_accept));
}

Result<std::unique_ptr<Listener>> SimNet::listen_unix(const std::string& path, OnAccept on_accept) {
  if (state_->listeners.contains(path)) {
    return fail(Code::kConflict, fmt::format("cannot listen on {}: another process listens there; "
                                             "stop it first",
                                             path));
  }
  return add_listener(path, std::move(on_accept));
}

Result<std::unique_ptr<Stream>> SimNet::connect_unix(const std::string& path) {
  return connect(path);
}

std::unique_ptr<Listener> SimNet::add_listener(std::string address, OnAccept on_accept) {
  state_->listeners[address] = std::make_shared<OnAccept>(std::move(on_accept));
  return std::make_unique<SimListener>(state_, std::move(address));
}

}  // namespace tidemill::io
