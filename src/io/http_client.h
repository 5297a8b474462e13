// Outgoing HTTP. Every request to the outside goes through here, so the address rules are kept
// here.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "base/time.h"

namespace tidemill::io {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https; no userinfo
  HttpHeaders headers;
  std::string body;
  Duration timeout = Duration::seconds(10);         // the whole attempt: name, connect, send, body
  Duration connect_timeout = Duration::seconds(1);  // name, TCP and TLS
  Duration stall_timeout = Duration::seconds(5);    // no byte once headers arrived
  size_t max_response_bytes = 2u << 20;
  // Loopback, private and other special addresses are refused unless this is set. Every resolved
  // address is checked, and the connection goes to a checked one (no second look-up).
  enum class Private { kRefused, kAllowed } private_addresses = Private::kRefused;
  std::string unix_socket;  // if given, connects to it in place of the URL's host
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;
  Duration took;
  std::string header(std::string_view lower_case_name) const;  // "" if missing
};

// Why there is no response. Tells what may be repeated (vendors: classification).
struct HttpFailure {
  enum class Kind {
    kInvalid,      // the URL or the request is wrong: nothing was sent
    kDenied,       // a refused address: nothing was sent
    kUnreachable,  // name, connect or TLS handshake failed: nothing was asked
    kTls,          // the certificate is not acceptable: nothing was asked
    kTimeout,      // no complete answer in time after the request was sent: outcome unknown
    kReset,        // the connection broke after the request was sent: outcome unknown
    kTruncated,    // closed before all bytes of the body
    kTooLarge,     // headers, body or decompression ratio over a cap
    kCancelled,
  } kind;
  std::string message;
};

using HttpOutcome = tl::expected<HttpResponse, HttpFailure>;
using HttpHandle = StrongInt<struct HttpHandleTag>;

// Loop thread only. Keeps connections alive and reuses them; no redirects are followed.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // `done` is called once, later, on the loop's thread.
  virtual HttpHandle send(HttpRequest request, std::function<void(HttpOutcome)> done) = 0;
  // `done` is called with kCancelled.
  virtual void cancel(HttpHandle handle) = 0;
};

}  // namespace tidemill::io
