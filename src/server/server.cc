#include "server/server.h"

#include <fmt/format.h>

namespace tidemill::server {
namespace {

constexpr Duration kIdleLimit = Duration::seconds(120);

}  // namespace

// One client. Requests are handled one after another, also when they are sent at once.
class Server::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, uint64_t id, Door door, std::unique_ptr<io::Stream> stream)
      : server_(&server), id_(id), door_(door), stream_(std::move(stream)) {}
  ~Connection() {
    if (server_ != nullptr && idle_timer_) server_->parts_.loop.cancel(*idle_timer_);
  }

  void begin() { read(); }

 private:
  void read() {
    arm_idle();
    stream_->read([weak = weak_from_this()](Result<std::string_view> bytes) {
      auto self = weak.lock();
      if (!self) return;
      if (!bytes || bytes->empty()) {
        self->close();
        return;
      }
      self->parser_.feed(*bytes);
      self->handle_next();
    });
  }

  void handle_next() {
    auto request = parser_.next();
    if (!request) {
      Response response =
          Response::error(request.error().status, {Code::kInvalid, request.error().message, {}});
      write(serialize(response, false), After::kClose);
      return;
    }
    if (!*request) {
      if (parser_.wants_continue() && !continued_) {
        continued_ = true;
        write("HTTP/1.1 100 Continue\r\n\r\n", After::kRead);
        return;
      }
      read();
      return;
    }
    continued_ = false;
    bool const keep_alive = (**request).keep_alive;
    disarm_idle();
    server_->dispatch(std::move(**request), door_,
                      [weak = weak_from_this(), keep_alive](const Response& response) {
                        auto self = weak.lock();
                        if (!self) return;
                        self->write(serialize(response, keep_alive),
                                    keep_alive ? After::kNext : After::kClose);
                      });
  }

  enum class After { kNext, kRead, kClose };
  void write(std::string bytes, After after) {
    stream_->write(std::move(bytes), [weak = weak_from_this(), after](const Status& written) {
      auto self = weak.lock();
      if (!self) return;
      if (!written || after == After::kClose) {
        self->close();
      } else if (after == After::kRead) {
        self->read();
      } else {
        self->handle_next();
      }
    });
  }

  void arm_idle() {
    disarm_idle();
    idle_timer_ = server_->parts_.loop.after(kIdleLimit, [weak = weak_from_this()] {
      if (auto self = weak.lock()) {
        self->idle_timer_.reset();
        self->close();
      }
    });
  }
  void disarm_idle() {
    if (idle_timer_) server_->parts_.loop.cancel(*idle_timer_);
    idle_timer_.reset();
  }

  void close() {
    if (server_ == nullptr) return;
    disarm_idle();
    Server* server = server_;
    server_ = nullptr;
    stream_->close();
    server->closed(id_);
  }

  Server* server_;
  uint64_t id_;
  Door door_;
  std::unique_ptr<io::Stream> stream_;
  HttpParser parser_;
  std::optional<io::TimerHandle> idle_timer_;
  bool continued_ = false;
};

Server::Server(ServerParts parts, Router router, uint32_t own_uid)
    : parts_(parts), router_(std::move(router)), own_uid_(own_uid) {}

Server::~Server() {
  listeners_.clear();
  connections_.clear();
}

Result<std::string> Server::listen_tcp(const std::string& host, uint16_t port) {
  if (host != "127.0.0.1" && host != "::1") {
    return fail(Code::kInvalid, fmt::format("--listen {}:{}: only 127.0.0.1 and ::1 are accepted, "
                                            "since this version has no TLS; put a proxy with TLS "
                                            "in front to be reached from elsewhere",
                                            host, port));
  }
  auto listener = parts_.net.listen_tcp(host, port, [this](std::unique_ptr<io::Stream> stream) {
    accepted(Door::kTcp, std::move(stream));
  });
  if (!listener) return fail(listener.error());
  std::string address = (*listener)->address();
  listeners_.push_back(std::move(*listener));
  return address;
}

Status Server::listen_unix(const std::string& path) {
  auto listener = parts_.net.listen_unix(path, [this](std::unique_ptr<io::Stream> stream) {
    accepted(Door::kUnix, std::move(stream));
  });
  if (!listener) return fail(listener.error());
  listeners_.push_back(std::move(*listener));
  return {};
}

void Server::stop_listening() { listeners_.clear(); }

void Server::accepted(Door door, std::unique_ptr<io::Stream> stream) {
  if (connections_.size() >= kMaxConnections) {
    parts_.metrics.counter("tidemill_connections_refused_total", "Connections over the limit")
        .add();
    return;
  }
  if (door == Door::kUnix) {
    auto const uid = stream->peer_uid();
    if (!uid || (*uid != own_uid_ && *uid != 0)) return;
  }
  uint64_t const id = next_id_++;
  auto connection = std::make_shared<Connection>(*this, id, door, std::move(stream));
  connections_[id] = connection;
  connection->begin();
}

// Destroyed in a turn of its own: a callback of it may be on the stack.
void Server::closed(uint64_t id) {
  auto const found = connections_.find(id);
  if (found == connections_.end()) return;
  auto connection = std::move(found->second);
  connections_.erase(found);
  parts_.loop.post([connection] {});
}

void Server::dispatch(Request request, Door door, Respond respond) {
  if (auto const parsed = parse_target(request.target, request); !parsed) {
    respond(Response::error(parsed.error()));
    return;
  }
  Router::Match match = router_.find(request);
  Auth const auth = match.route != nullptr ? match.route->auth : Auth::kToken;
  if (door == Door::kUnix) {
    request.principal = {"local", true};
  } else if (auth != Auth::kNone) {
    std::string_view const header = request.header("authorization");
    auto const principal = header.starts_with("Bearer ")
                               ? parts_.tokens.find(header.substr(7), parts_.clock.wall())
                               : std::nullopt;
    if (!principal) {
      Response response = Response::error(
          401, {Code::kDenied,
                "a token is needed: send 'Authorization: Bearer TOKEN'; make one with "
                "'tidemill token add NAME'",
                {}});
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      respond(std::move(response));
      return;
    }
    request.principal = *principal;
  }
  if (match.route == nullptr) {
    respond(
        match.path_is_known
            ? Response::error(
                  405, {Code::kInvalid, fmt::format("{} is not offered here", request.method), {}})
            : Response::error(404,
                              {Code::kNotFound, "there is no such route; see docs/api.md", {}}));
    return;
  }
  if (auth == Auth::kLocal && !request.principal.is_local) {
    respond(
        Response::error({Code::kDenied, "only over the Unix socket of the data directory", {}}));
    return;
  }
  request.captures = std::move(match.captures);
  match.route->handle(request, std::move(respond));
}

}  // namespace tidemill::server
