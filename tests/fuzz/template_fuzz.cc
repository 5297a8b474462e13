// Any text as a template: an error, or pieces that stand where they say.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tidemill;
  std::string_view const text(reinterpret_cast<const char*>(data), size);
  auto const parsed = Template::parse(text);
  if (!parsed) {
    if (parsed.error().message.empty()) std::abort();
    return 0;
  }
  size_t last = 0;
  for (const TemplatePiece& piece : parsed->pieces) {
    if (piece.offset < last || piece.offset > text.size()) std::abort();
    if (piece.is_expression) {
      if (piece.text.empty()) std::abort();
      if (text.substr(piece.offset, piece.text.size()) != piece.text) std::abort();
    }
    last = piece.offset;
  }
  return 0;
}
