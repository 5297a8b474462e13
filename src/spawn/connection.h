// The server's end of a conversation, as the spawner sees it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "spawn/poller.h"
#include "spawn/protocol.h"

namespace tidemill::spawn {

// One thread. Sends are buffered; what is long is made piece by piece as the other side reads.
class Connection {
 public:
  Connection(Fd socket, Poller& poller, std::function<void()> ready);
  ~Connection();

  // Reads what is there. False when the connection has ended.
  bool receive();
  Result<std::optional<Frame>> next_frame() { return frames_.next(); }
  void send(std::string frame);
  // Calls `make` when there is room; an empty frame is left out. Keeps the order of all sends.
  void send_later(std::function<std::string()> make);
  // False when the connection is of no more use.
  bool flush();

  bool welcomed = false;

 private:
  Fd socket_;
  Poller& poller_;
  FrameReader frames_;
  std::string out_;
  size_t sent_ = 0;
  std::deque<std::function<std::string()>> later_;
  bool wants_write_ = false;
};

// Listens on a Unix socket of mode 0600 and lets in only this user's processes.
class Door {
 public:
  static Result<Door> open(const std::string& path);
  int fd() const { return socket_.get(); }
  // Nothing if nobody waits or the visitor is not of this user.
  Fd accept();

 private:
  Fd socket_;
};

}  // namespace tidemill::spawn
