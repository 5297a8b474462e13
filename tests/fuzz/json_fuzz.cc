// Any bytes as JSON: a clear refusal, or a value that reads back as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tidemill;
  std::string_view const text(reinterpret_cast<const char*>(data), size);
  auto const value = parse_json(text, {.bytes = 1u << 20, .depth = 64});
  if (!value) {
    if (value.error().message.empty()) std::abort();
    return 0;
  }
  auto const again = parse_json(value->dump());
  if (!again || again->dump() != value->dump()) std::abort();
  auto const pretty = parse_json(value->pretty());
  if (!pretty || pretty->dump() != value->dump()) std::abort();
  return 0;
}
