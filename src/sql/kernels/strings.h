// Text functions of SQL over UTF-8. Positions count characters (code points) from 1, as in DuckDB,
// but for substr_grapheme and reverse, which keep grapheme clusters whole. Malformed bytes count as
// one character each; nothing here fails on them. All functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::sql::kernels {

// Longest text that a function may make; beyond it is an error, so that repeat cannot eat the
// memory.
inline constexpr size_t kMaxTextBytes = size_t{1} << 30;

int64_t length(std::string_view text);           // characters
int64_t length_grapheme(std::string_view text);  // grapheme clusters
inline int64_t strlen(std::string_view text) { return static_cast<int64_t>(text.size()); }
inline int64_t bit_length(std::string_view text) { return strlen(text) * 8; }

// Simple (one to one) case mapping of Unicode, with 'ß' to 'ẞ' in upper.
std::string upper(std::string_view text);
std::string lower(std::string_view text);

// substr(text, start [, count]): start 0 is before the first character, a negative start counts
// from the end, a negative count takes what is before start. The result is a view into `text`.
std::string_view substr(std::string_view text, int64_t start);
std::string_view substr(std::string_view text, int64_t start, int64_t count);
// text[begin:end], both inclusive, negative from the end; nothing means open.
std::string_view slice(std::string_view text, std::optional<int64_t> begin,
                       std::optional<int64_t> end);
// text[at]: one character, "" outside.
std::string_view character_at(std::string_view text, int64_t at);
std::string_view left(std::string_view text, int64_t count);
std::string_view right(std::string_view text, int64_t count);

// Without a set: blanks of Unicode. With a set: each character of it.
std::string_view trim(std::string_view text);
std::string_view ltrim(std::string_view text);
std::string_view rtrim(std::string_view text);
std::string_view trim(std::string_view text, std::string_view set);
std::string_view ltrim(std::string_view text, std::string_view set);
std::string_view rtrim(std::string_view text, std::string_view set);

// Error: "Invalid Input Error: Insufficient padding in LPAD." if pad is "" and is needed.
Result<std::string> lpad(std::string_view text, int64_t count, std::string_view pad);
Result<std::string> rpad(std::string_view text, int64_t count, std::string_view pad);
Result<std::string> repeat(std::string_view text, int64_t count);
std::string reverse(std::string_view text);
std::string replace(std::string_view text, std::string_view from, std::string_view to);
std::string translate(std::string_view text, std::string_view from, std::string_view to);

// 1-based position in characters of the first `needle`, 0 if there is none, 1 for "".
int64_t position(std::string_view text, std::string_view needle);
bool contains(std::string_view text, std::string_view needle);
bool starts_with(std::string_view text, std::string_view prefix);
bool ends_with(std::string_view text, std::string_view suffix);

// Part `index` from 1, negative from the end, "" outside.
std::string_view split_part(std::string_view text, std::string_view separator, int64_t index);
// An empty separator splits into characters.
std::vector<std::string_view> string_split(std::string_view text, std::string_view separator);
// Joins what is not null; nothing is returned if `separator` is null (SQL decides that before).
std::string concat_ws(std::string_view separator,
                      std::span<const std::optional<std::string_view>> parts);

int32_t ascii(std::string_view text);    // first code point, 0 for ""
int32_t unicode(std::string_view text);  // first code point, -1 for ""
Result<std::string> chr(int64_t code);

// levenshtein and the jaro functions compare characters; damerau_levenshtein, hamming and jaccard
// compare bytes, as DuckDB does. hamming needs equal lengths, jaccard texts that are not empty.
Result<int64_t> levenshtein(std::string_view a, std::string_view b);
Result<int64_t> damerau_levenshtein(std::string_view a, std::string_view b);
Result<int64_t> hamming(std::string_view a, std::string_view b);
Result<double> jaccard(std::string_view a, std::string_view b);
Result<double> jaro_similarity(std::string_view a, std::string_view b);
Result<double> jaro_winkler_similarity(std::string_view a, std::string_view b);

std::string md5(std::string_view text);           // 32 hexadecimal digits
std::string sha256(std::string_view text);        // 64
std::string sha1(std::string_view text);          // 40
std::string to_hex_upper(std::string_view text);  // hex('a') = '61'
std::string to_base64(std::string_view bytes);

}  // namespace tidemill::sql::kernels
