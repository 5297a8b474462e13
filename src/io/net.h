// Byte streams that others open to us: TCP on the loopback, Unix sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tidemill::io {

// One connection. Loop thread only. Destroying it closes it and drops its callbacks.
class Stream {
 public:
  virtual ~Stream() = default;
  // Calls `done` once with what has arrived (at most 64 KiB, valid within the call); an empty view
  // is the end of the stream. One read at a time.
  virtual void read(std::function<void(Result<std::string_view>)> done) = 0;
  // Sends all of `bytes`, then calls `done`. One write at a time.
  virtual void write(std::string bytes, std::function<void(Status)> done) = 0;
  virtual void close() = 0;
  // "127.0.0.1:40312", or "uid 1000" for a Unix socket.
  virtual std::string peer() const = 0;
  // The user at the other end of a Unix socket.
  virtual std::optional<uint32_t> peer_uid() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  // "127.0.0.1:7070" as bound, or the path.
  virtual std::string address() const = 0;
};

class Net {
 public:
  using OnAccept = std::function<void(std::unique_ptr<Stream>)>;
  virtual ~Net() = default;
  // `host` is an address, not a name. Port 0 takes a free one.
  virtual Result<std::unique_ptr<Listener>> listen_tcp(const std::string& host, uint16_t port,
                                                       OnAccept on_accept) = 0;
  // Replaces a stale socket file; mode 0600.
  virtual Result<std::unique_ptr<Listener>> listen_unix(const std::string& path,
                                                        OnAccept on_accept) = 0;
  virtual Result<std::unique_ptr<Stream>> connect_unix(const std::string& path) = 0;
};

}  // namespace tidemill::io
