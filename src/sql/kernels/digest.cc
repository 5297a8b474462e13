// Digests and text forms of bytes, by OpenSSL.
#include <openssl/evp.h>

#include "base/hash.h"
#include "sql/kernels/strings.h"

namespace tidemill::sql::kernels {
namespace {

std::string digest_hex(std::string_view text, const EVP_MD* kind) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), bytes, &size, kind, nullptr);
  return tidemill::to_hex(std::string_view(reinterpret_cast<const char*>(bytes), size));
}

}  // namespace

std::string md5(std::string_view text) { return digest_hex(text, EVP_md5()); }
std::string sha1(std::string_view text) { return digest_hex(text, EVP_sha1()); }
std::string sha256(std::string_view text) { return sha256_hex(text); }

std::string to_hex_upper(std::string_view text) {
  std::string hex = tidemill::to_hex(text);
  for (char& c : hex) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return hex;
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

}  // namespace tidemill::sql::kernels
