#include "sql/kernels/utf8.h"

#include <algorithm>

#include "sql/kernels/character_table.h"

namespace tidemill::sql::kernels {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

char32_t mapped(char32_t code, const CaseRun* runs, size_t count) {
  const CaseRun* end = runs + count;
  const CaseRun* run = std::upper_bound(
      runs, end, code, [](char32_t wanted, const CaseRun& r) { return wanted < r.first; });
  if (run == runs) return code;
  --run;
  if (code > run->last || (code - run->first) % run->stride != 0) return code;
  return static_cast<char32_t>(static_cast<int64_t>(code) + run->delta);
}

bool extends(char32_t code) {
  const CharacterRange* end = kExtenders + kExtendersSize;
  const CharacterRange* range =
      std::upper_bound(kExtenders, end, code,
                       [](char32_t wanted, const CharacterRange& r) { return wanted < r.first; });
  return range != kExtenders && code <= (range - 1)->last;
}

constexpr char32_t kJoiner = 0x200D;
bool is_regional(char32_t code) { return code >= 0x1F1E6 && code <= 0x1F1FF; }
// Symbols that a joiner can bind; wider than the standard's list, which only matters after a
// joiner.
bool is_pictograph(char32_t code) {
  return (code >= 0x2190 && code <= 0x2BFF) || (code >= 0x1F000 && code <= 0x1FAFF);
}

}  // namespace

size_t character_size(std::string_view text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  size_t size = 1;
  if (first >= 0xF0 && first <= 0xF4) {
    size = 4;
  } else if (first >= 0xE0) {
    size = first < 0xF0 ? 3 : 1;
  } else if (first >= 0xC2) {
    size = 2;
  }
  if (at + size > text.size()) return 1;
  for (size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[at + i])) return 1;
  }
  return size;
}

char32_t code_point_at(std::string_view text, size_t at, size_t size) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  switch (size) {
    case 1:
      return byte(0) < 0x80 ? byte(0) : byte(0) + kMalformed;
    case 2:
      return (byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
    case 3:
      return (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    default:
      return (byte(0) & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 |
             (byte(3) & 0x3Fu);
  }
}

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> codes;
  codes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t size = character_size(text, at);
    codes.push_back(code_point_at(text, at, size));
    at += size;
  }
  return codes;
}

void append_code_point(std::string& out, char32_t code) {
  if (code >= kMalformed) {
    out.push_back(static_cast<char>(code - kMalformed));
  } else if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

char32_t upper_of(char32_t code) {
  if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 32 : code;
  return mapped(code, kUpper, kUpperSize);
}

char32_t lower_of(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  return mapped(code, kLower, kLowerSize);
}

size_t grapheme_size(std::string_view text, size_t at) {
  size_t size = character_size(text, at);
  char32_t last = code_point_at(text, at, size);
  if (last == '\r') return at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
  if (last < 0x20) return 1;
  bool flag_open = is_regional(last);
  while (at + size < text.size()) {
    const size_t next_size = character_size(text, at + size);
    const char32_t next = code_point_at(text, at + size, next_size);
    const bool joined = extends(next) || (last == kJoiner && is_pictograph(next)) ||
                        (flag_open && is_regional(next));
    if (!joined) break;
    flag_open = false;
    last = next;
    size += next_size;
  }
  return size;
}

}  // namespace tidemill::sql::kernels
