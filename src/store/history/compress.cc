// Wraps libzstd.
#include "store/history/compress.h"

#include <zstd.h>

#include "base/check.h"

namespace tidemill::store {
namespace {

constexpr int kLevel = 1;  // rows are texts that resemble each other: a higher level wins little

}  // namespace

std::string compress(std::string_view raw) {
  std::string stored(ZSTD_compressBound(raw.size()), '\0');
  size_t const size = ZSTD_compress(stored.data(), stored.size(), raw.data(), raw.size(), kLevel);
  TIDEMILL_CHECK(!ZSTD_isError(size));
  stored.resize(size);
  return stored;
}

Result<std::string> decompress(std::string_view stored, size_t raw_size) {
  std::string raw(raw_size, '\0');
  size_t const size = ZSTD_decompress(raw.data(), raw.size(), stored.data(), stored.size());
  if (ZSTD_isError(size) || size != raw_size) {
    return fail(Code::kInternal, "a compressed block does not have the size that it states");
  }
  return raw;
}

}  // namespace tidemill::store
