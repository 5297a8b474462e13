#include "notify/signature.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace tidemill::notify {

Result<std::string> webhook_signature(std::string_view secret, std::string_view id, Time at,
                                      std::string_view body) {
  std::string key(secret);
  if (secret.starts_with("whsec_")) {
    auto const decoded = from_base64(secret.substr(6));
    if (!decoded) {
      return fail(Code::kInvalid,
                  "the webhook's secret begins with whsec_ and goes on with no base64");
    }
    key = *decoded;
  }
  std::string const signed_text = fmt::format("{}.{}.{}", id, at.seconds(), body);
  return "v1," + to_base64(hmac_sha256(key, signed_text));
}

}  // namespace tidemill::notify
