// Wraps Boost.Beast's parser; no type of it leaves this file.
#include <fmt/format.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"
#include "server/http.h"

namespace tidemill::server {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

}  // namespace

class HttpParser::Impl {
 public:
  explicit Impl(HttpLimits limits) : limits_(limits) { restart(); }

  void feed(std::string_view bytes) { buffer_.append(bytes); }

  tl::expected<std::optional<Request>, Failure> next() {
    boost::beast::error_code ec;
    while (!buffer_.empty() && !parser_->is_done()) {
      size_t const used = parser_->put(boost::asio::buffer(buffer_.data(), buffer_.size()), ec);
      buffer_.erase(0, used);
      if (ec == http::error::need_more) {
        if (buffer_.size() > limits_.header_bytes && !parser_->is_header_done()) {
          return tl::unexpected<Failure>({431, "the header is too large"});
        }
        if (used == 0) return std::optional<Request>();
        continue;
      }
      if (ec) return tl::unexpected<Failure>(failure(ec));
      if (parser_->is_header_done() && !is_checked_) {
        if (auto refused = check_length()) return tl::unexpected<Failure>(std::move(*refused));
        is_checked_ = true;
        parser_->eager(true);
      }
      if (used == 0) break;
    }
    if (!parser_->is_done()) return std::optional<Request>();
    return take();
  }

  bool wants_continue() const {
    return parser_->is_header_done() && !parser_->is_done() &&
           parser_->get()[http::field::expect] == "100-continue";
  }
  bool is_idle() const { return buffer_.empty() && !parser_->got_some(); }

 private:
  void restart() {
    parser_.emplace();
    parser_->eager(false);  // the header alone, so that it is looked at before the body is read
    is_checked_ = false;
    parser_->header_limit(limits_.header_bytes);
    parser_->body_limit(limits_.body_bytes);
  }

  // One plain statement of the body's length, or none. Beast's reader of chunks ends the process on
  // some malformed ones, and codings that it does not know would leave the length open to guesses.
  std::optional<Failure> check_length() const {
    int lengths = 0;
    for (const auto& field : parser_->get()) {
      std::string const name =
          to_lower_ascii({field.name_string().data(), field.name_string().size()});
      std::string const value(field.value());
      if (name == "transfer-encoding") {
        return Failure{411, "Transfer-Encoding is not accepted; send a Content-Length"};
      }
      if (name != "content-length") continue;
      if (++lengths > 1 || value.empty() ||
          value.find_first_not_of("0123456789") != std::string::npos) {
        return Failure{400, "the Content-Length must be given once, as one number"};
      }
    }
    return std::nullopt;
  }

  Failure failure(const boost::beast::error_code& ec) const {
    if (ec == http::error::body_limit) {
      return {413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)};
    }
    if (ec == http::error::header_limit) {
      return {431, fmt::format("the header is larger than {} bytes", limits_.header_bytes)};
    }
    return {400, "not a valid HTTP/1.1 request: " + ec.message()};
  }

  tl::expected<std::optional<Request>, Failure> take() {
    auto message = parser_->release();
    restart();
    Request request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    request.keep_alive = message.keep_alive();
    int hosts = 0;
    for (const auto& field : message) {
      std::string name = to_lower_ascii({field.name_string().data(), field.name_string().size()});
      hosts += name == "host" ? 1 : 0;
      request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    if (message.version() == 11 && hosts != 1) {
      return tl::unexpected<Failure>({400, "an HTTP/1.1 request needs one Host header"});
    }
    request.body = std::move(message.body());
    return std::optional<Request>(std::move(request));
  }

  // Beast's parser with "has anything arrived" made visible.
  class Counted : public Parser {
   public:
    bool got_some() const { return Parser::got_some(); }
  };

  HttpLimits limits_;
  std::optional<Counted> parser_;
  bool is_checked_ = false;  // what the header says of the body's length is acceptable
  std::string buffer_;
};

HttpParser::HttpParser(HttpLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;
void HttpParser::feed(std::string_view bytes) { impl_->feed(bytes); }
tl::expected<std::optional<Request>, HttpParser::Failure> HttpParser::next() {
  return impl_->next();
}
bool HttpParser::wants_continue() const { return impl_->wants_continue(); }
bool HttpParser::is_idle() const { return impl_->is_idle(); }

}  // namespace tidemill::server
