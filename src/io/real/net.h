// Sockets that others open to us.
#pragma once

#include <memory>
#include <string>

#include "io/net.h"

namespace tidemill::io {

class RealLoop;

// Loop thread only. Listeners and streams must be destroyed before the loop; they may outlive this.
// - Callbacks never come from within read() or write(), and never after the stream is destroyed.
// - After close() a read or write under way answers `unavailable`, as does every later one.
// - No free descriptors: the listener pauses for 100 ms, and those who wait stay in its queue.
// - A Unix path longer than the system's 107 bytes is reached through its folder.
class RealNet final : public Net {
 public:
  explicit RealNet(RealLoop& loop);
  ~RealNet() override;

  Result<std::unique_ptr<Listener>> listen_tcp(const std::string& host, uint16_t port,
                                               OnAccept on_accept) override;
  Result<std::unique_ptr<Listener>> listen_unix(const std::string& path,
                                                OnAccept on_accept) override;
  Result<std::unique_ptr<Stream>> connect_unix(const std::string& path) override;

 private:
  RealLoop& loop_;
  // Where all streams read: its content is handed on within the same callback.
  std::shared_ptr<std::string> buffer_;
};

}  // namespace tidemill::io
