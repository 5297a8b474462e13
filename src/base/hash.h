// Digests and text forms of bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tidemill {

// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

// SHA-256 over parts that arrive one after another. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes);
  std::string finish_hex();

 private:
  void* context_;
};

// A fast 64-bit hash with a stable value (XXH3), for checksums of files and for spreading.
uint64_t hash64(std::string_view bytes);

std::string to_hex(std::string_view bytes);
// Raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string to_base64(std::string_view bytes);  // with padding
// Refused: other characters than those of the standard alphabet, wrong padding.
Result<std::string> from_base64(std::string_view text);
std::string to_base64url(std::string_view bytes);  // without padding

}  // namespace tidemill
