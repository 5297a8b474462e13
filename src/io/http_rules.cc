#include "io/http_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "io/address.h"

namespace tidemill::io {
namespace {

using Kind = HttpFailure::Kind;

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
}

std::optional<HttpFailure> invalid(std::string what) {
  return HttpFailure{Kind::kInvalid, std::move(what)};
}

}  // namespace

std::optional<HttpFailure> check_request(const HttpRequest& request) {
  if (!is_token(request.method)) {
    return invalid(fmt::format("HTTP method \"{}\" is not a word; expected GET, POST, ...",
                               printable(request.method, 40)));
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) {
      return invalid(
          fmt::format("header name \"{}\" has a byte that is not allowed; expected "
                      "letters, digits and '-'",
                      printable(name, 60)));
    }
    const std::string lower = to_lower_ascii(name);
    if (lower == "content-length" || lower == "transfer-encoding") {
      return invalid(fmt::format("header {} is made from the body; leave it out", name));
    }
    // The value may be a secret: it is not shown.
    if (!is_header_value(value)) {
      return invalid(fmt::format("the value of header {} has a line break or control byte", name));
    }
  }
  const auto url = parse_url(request.url);
  if (!url) return invalid(url.error().message);
  const bool check =
      request.unix_socket.empty() && request.private_addresses == HttpRequest::Private::kRefused;
  if (check && url->address && !is_public(*url->address)) {
    return HttpFailure{Kind::kDenied, refusal_text(url->host, *url->address)};
  }
  if (request.timeout.us <= 0 || request.connect_timeout.us <= 0) {
    return HttpFailure{Kind::kUnreachable, "no time is left for the request: nothing was sent"};
  }
  return std::nullopt;
}

}  // namespace tidemill::io
