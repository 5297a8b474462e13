// What every HttpClient refuses before anything is sent. Pure.
#pragma once

#include <optional>

#include "io/http_client.h"

namespace tidemill::io {

// Checks what can be known before anything is sent: method, headers, URL, time left, and the
// address if the host is one.
std::optional<HttpFailure> check_request(const HttpRequest& request);

}  // namespace tidemill::io
