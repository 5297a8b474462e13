// Requests and responses of the HTTP API, and the parser that makes requests of bytes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/tokens.h"
#include "base/json.h"

namespace tidemill::server {

struct Request {
  std::string method;
  std::string target;                 // as sent
  std::vector<std::string> segments;  // of the path, percent-decoded
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  bool keep_alive = true;
  access::Principal principal;
  std::vector<std::string> captures;  // what the route's {names} matched

  std::string_view header(std::string_view lower_case_name) const;
  std::optional<std::string> query_value(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  static Response json(int status, const Json& body);
  static Response text(int status, std::string body);
  // {"error":{"code":...,"message":...}} with the status of the code.
  static Response error(const Error& error);
  static Response error(int status, const Error& error);
};

using Respond = std::function<void(Response)>;

int status_of(Code code);
std::string serialize(const Response& response, bool keep_alive);

// Splits a request target into segments and query. Refused: what is not origin form, "%2f", "%00",
// a backslash, "." and ".." and empty segments, malformed escapes.
Status parse_target(std::string_view target, Request& request);

struct HttpLimits {
  uint32_t header_bytes = 16u << 10;
  uint64_t body_bytes = 1u << 20;
};

// A stream of bytes to requests, one after another. Wraps Boost.Beast.
class HttpParser {
 public:
  explicit HttpParser(HttpLimits limits = {});
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  void feed(std::string_view bytes);
  // The next whole request; nothing if bytes are missing. An error ends the connection: its status
  // is `status`.
  struct Failure {
    int status = 400;
    std::string message;
  };
  tl::expected<std::optional<Request>, Failure> next();
  // The client waits for "100 Continue" before it sends the body.
  bool wants_continue() const;
  bool is_idle() const;  // between two requests

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemill::server
