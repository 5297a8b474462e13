// A call's rendered parts as an HTTP request. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/http_client.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

// What a product's request looks like once its expressions are evaluated.
struct Rendered {
  std::string path;  // begins with '/'; what came from expressions is percent-encoded already
  std::vector<std::pair<std::string, std::string>> query;  // plain; encoded here
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> body;  // JSON
};

// Refused as kInvalid, with nothing sent: a path with dot segments or blanks, control characters in
// a header, a body over 1 MiB, a missing secret or idempotency key. The timeouts are the product's.
Result<io::HttpRequest> build_request(const Spec& spec, const Product& product,
                                      const Rendered& rendered, std::string_view secret,
                                      std::string_view idempotency_key);

}  // namespace tidemill::vendor
