// The HTTP door: connections, authentication by the route table, dispatch.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "access/tokens.h"
#include "base/log.h"
#include "base/metrics.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/net.h"
#include "server/routes.h"

namespace tidemill::server {

struct ServerParts {
  io::Clock& clock;
  io::Loop& loop;
  io::Net& net;
  access::Tokens& tokens;
  Log& log;
  Metrics& metrics;
};

// Loop thread only. Destroying it closes every connection.
class Server {
 public:
  Server(ServerParts parts, Router router, uint32_t own_uid);
  ~Server();

  // Answers "127.0.0.1:PORT". Only loopback addresses are accepted, since there is no TLS.
  Result<std::string> listen_tcp(const std::string& host, uint16_t port);
  Status listen_unix(const std::string& path);
  void stop_listening();

  static constexpr size_t kMaxConnections = 4096;

 private:
  class Connection;
  enum class Door { kTcp, kUnix };
  void accepted(Door door, std::unique_ptr<io::Stream> stream);
  void dispatch(Request request, Door door, Respond respond);
  void closed(uint64_t id);

  ServerParts parts_;
  Router router_;
  uint32_t own_uid_;
  std::vector<std::unique_ptr<io::Listener>> listeners_;
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> connections_;
  uint64_t next_id_ = 1;
};

}  // namespace tidemill::server
