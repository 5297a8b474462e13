// Outgoing HTTP by libcurl.
#pragma once

#include <functional>
#include <memory>

#include "io/http_client.h"

namespace tidemill::io {

class RealLoop;

// HTTP/1.1, and HTTP/2 where a TLS server offers it. Loop thread only; destroyed before the loop.
// - libcurl is set up at the first request, so a server that asks nothing pays nothing.
// - Connections are kept for 60 s of rest and 10 min of age, so that changes of names are followed.
// - Nothing is read from the environment (proxy, .netrc) and no body is decompressed.
// - A request of which a byte was sent is never repeated here, not even on a kept connection that
//   turns out to be closed: that is `kReset`, and the caller knows whether it may be repeated.
// - Destroying it drops the callbacks of requests under way. `done` may destroy it.
class RealHttpClient final : public HttpClient {
 public:
  static constexpr size_t kMaxRequests = 4096;           // under way at once
  static constexpr size_t kMaxHeaderBytes = 64u * 1024;  // of one response
  static constexpr long kMaxConnections = 256;           // kept alive

  explicit RealHttpClient(RealLoop& loop);
  ~RealHttpClient() override;

  HttpHandle send(HttpRequest request, std::function<void(HttpOutcome)> done) override;
  void cancel(HttpHandle handle) override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tidemill::io
