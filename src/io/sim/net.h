// Sockets of a simulation: in memory, in the same process.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "io/net.h"
#include "io/sim/queue.h"

namespace tidemill::io {

// Bytes arrive in pieces whose sizes the seed decides, as from a real socket. TCP listeners are
// reached by their address ("127.0.0.1:7070"), Unix ones by their path.
class SimNet final : public Net {
 public:
  explicit SimNet(SimQueue& queue, uint64_t seed);
  ~SimNet() override;

  // A client outside the server.
  Result<std::unique_ptr<Stream>> connect(const std::string& address);

  Result<std::unique_ptr<Listener>> listen_tcp(const std::string& host, uint16_t port,
                                               OnAccept on_accept) override;
  Result<std::unique_ptr<Listener>> listen_unix(const std::string& path,
                                                OnAccept on_accept) override;
  Result<std::unique_ptr<Stream>> connect_unix(const std::string& path) override;

 private:
  class SimListener;
  class SimStream;
  struct Pipe;
  struct State;

  std::unique_ptr<Listener> add_listener(std::string address, OnAccept on_accept);

  std::shared_ptr<State> state_;
};

}  // namespace tidemill::io
