// Zstandard, for blocks of history.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tidemill::store {

std::string compress(std::string_view raw);
// `internal` if the bytes are not what compress() made of `raw_size` bytes.
Result<std::string> decompress(std::string_view stored, size_t raw_size);

}  // namespace tidemill::store
