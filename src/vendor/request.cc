#include "vendor/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace tidemill::vendor {
namespace {

constexpr size_t kMostBodyBytes = 1u << 20;
constexpr size_t kMostUrlBytes = 8u << 10;
constexpr size_t kMostKeyBytes = 255;

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7F); });
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Base64 of RFC 4648 §4, with padding, as Basic authorization wants it.
std::string base64(std::string_view bytes) {
  std::string text = to_base64url(bytes);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return text;
}

// HTTP clients resolve "." and ".." before they send: an id of ".." would ask something else.
bool has_dot_segment(std::string_view path) {
  for (std::string_view segment : split(path, '/')) {
    std::string plain = to_lower_ascii(segment);
    for (size_t at; (at = plain.find("%2e")) != std::string::npos;) plain.replace(at, 3, ".");
    if (plain == "." || plain == "..") return true;
  }
  return false;
}

Result<std::string> build_url(const Spec& spec, const Rendered& rendered) {
  const std::string& path = rendered.path;
  bool const clean = std::all_of(path.begin(), path.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7F && c != '?' && c != '#' && c != '\\';
  });
  if (!path.starts_with('/') || !clean || has_dot_segment(path)) {
    return fail(Code::kInvalid,
                fmt::format("the path is '{}', expected '/' and percent-encoded segments, "
                            "none of them '.' or '..'",
                            printable(path, 100)));
  }
  std::string url = spec.base_url + path;
  char separator = '?';
  for (const auto& [name, value] : rendered.query) {
    url += separator + percent_encoded(name) + '=' + percent_encoded(value);
    separator = '&';
  }
  if (url.size() > kMostUrlBytes) {
    return fail(Code::kInvalid, fmt::format("the URL has {} bytes, expected at most {}", url.size(),
                                            kMostUrlBytes));
  }
  return url;
}

Status add_auth(const Auth& auth, std::string_view secret, io::HttpHeaders& headers) {
  if (auth.kind == Auth::Kind::kNone) return {};
  if (secret.empty()) {
    return fail(Code::kInvalid,
                fmt::format("the secret '{}' is missing or empty; write it to secrets/{}",
                            auth.secret, auth.secret));
  }
  if (!is_plain(secret)) {
    return fail(Code::kInvalid, fmt::format("the secret '{}' holds control characters; it must be "
                                            "one line",
                                            auth.secret));
  }
  switch (auth.kind) {
    case Auth::Kind::kNone:
      break;
    case Auth::Kind::kBearer:
      headers.emplace_back("Authorization", fmt::format("Bearer {}", secret));
      break;
    case Auth::Kind::kHeader:
      headers.emplace_back(auth.header, std::string(secret));
      break;
    case Auth::Kind::kBasic:
      headers.emplace_back("Authorization", "Basic " + base64(secret));
      break;
  }
  return {};
}

bool has_header(const io::HttpHeaders& headers, std::string_view lower_case_name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return to_lower_ascii(header.first) == lower_case_name;
  });
}

Result<io::HttpHeaders> build_headers(const Spec& spec, const Product& product,
                                      const Rendered& rendered, std::string_view secret,
                                      std::string_view key) {
  io::HttpHeaders headers;
  for (const auto& [name, value] : rendered.headers) {
    if (!is_plain(value)) {
      return fail(Code::kInvalid,
                  fmt::format("the header '{}' would hold control characters", name));
    }
    headers.emplace_back(name, value);
  }
  if (!has_header(headers, "accept")) headers.emplace_back("Accept", "application/json");
  if (rendered.body && !has_header(headers, "content-type")) {
    headers.emplace_back("Content-Type", "application/json");
  }
  TIDEMILL_TRY(add_auth(spec.auth, secret, headers));
  if (product.idempotency == Idempotency::kKey) {
    if (key.empty() || key.size() > kMostKeyBytes || !is_plain(key)) {
      return fail(Code::kInvalid, "the idempotency key is missing, over 255 bytes or not text");
    }
    headers.emplace_back(product.key_header, std::string(key));
  }
  return headers;
}

}  // namespace

Result<io::HttpRequest> build_request(const Spec& spec, const Product& product,
                                      const Rendered& rendered, std::string_view secret,
                                      std::string_view idempotency_key) {
  if (rendered.body && rendered.body->size() > kMostBodyBytes) {
    return fail(Code::kInvalid, fmt::format("the body has {} bytes, expected at most {}",
                                            rendered.body->size(), kMostBodyBytes));
  }
  io::HttpRequest request;
  request.method = product.method;
  TIDEMILL_TRY_LET(url, build_url(spec, rendered));
  request.url = std::move(url);
  TIDEMILL_TRY_LET(headers, build_headers(spec, product, rendered, secret, idempotency_key));
  request.headers = std::move(headers);
  request.body = rendered.body.value_or("");
  request.timeout = product.timeout;
  request.connect_timeout = product.connect_timeout;
  request.stall_timeout = product.stall_timeout;
  request.max_response_bytes = product.max_bytes;
  request.private_addresses =
      spec.allow_private ? io::HttpRequest::Private::kAllowed : io::HttpRequest::Private::kRefused;
  return request;
}

}  // namespace tidemill::vendor
