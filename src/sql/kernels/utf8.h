// Stepping through UTF-8. A malformed byte counts as one character of its own, so nothing here
// fails. Internal to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::sql::kernels {

// Bytes of the character at `at` (< text.size()): 1..4.
size_t character_size(std::string_view text, size_t at);
// The code point at `at`; of a malformed byte its value plus kMalformed.
inline constexpr char32_t kMalformed = 0x200000;
char32_t code_point_at(std::string_view text, size_t at, size_t size);
std::vector<char32_t> code_points(std::string_view text);
void append_code_point(std::string& out, char32_t code);

char32_t upper_of(char32_t code);
char32_t lower_of(char32_t code);

// Bytes of the grapheme cluster at `at`: a character with its marks, joined emoji, a flag, CR LF.
size_t grapheme_size(std::string_view text, size_t at);

}  // namespace tidemill::sql::kernels
