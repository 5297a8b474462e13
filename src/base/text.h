// Text helpers that several rooms share.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill {

// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view text);

// `text` made safe to show in one line of a message: control and malformed bytes as \xNN, cut to
// `limit` bytes with "..." at the end.
std::string printable(std::string_view text, size_t limit);

// The valid word nearest to `word` (Levenshtein distance at most a third of its length, at least
// one), or "" if none is near. For "did you mean" in errors.
std::string nearest_word(std::string_view word, std::span<const std::string_view> valid);
std::string nearest_word(std::string_view word, const std::vector<std::string>& valid);

std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string to_lower_ascii(std::string_view text);

// True for names of flows, tasks, models, teams...: [A-Za-z_][A-Za-z0-9_-]*, at most 100 bytes.
bool is_name(std::string_view text);

}  // namespace tidemill
