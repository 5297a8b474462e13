// Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over "id.timestamp.body".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::notify {

// The value of `webhook-signature`: "v1,<base64>". The secret is "whsec_<base64 of the key>", or
// any other text, which is the key itself.
Result<std::string> webhook_signature(std::string_view secret, std::string_view id, Time at,
                                      std::string_view body);

}  // namespace tidemill::notify
