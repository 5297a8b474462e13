#include "sql/kernels/strings.h"

#include <algorithm>
#include <unordered_map>

#include "sql/kernels/utf8.h"

namespace tidemill::sql::kernels {
namespace {

constexpr int64_t kFar = int64_t{1} << 40;  // beyond every text; keeps sums of positions exact

int64_t clamp_position(int64_t n) { return std::clamp(n, -kFar, kFar); }

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Byte offset of character `index` (0-based) at or after byte `from`, at most the end.
size_t offset_of(std::string_view text, int64_t index, size_t from = 0) {
  size_t at = from;
  for (; index > 0 && at < text.size(); --index) at += character_size(text, at);
  return at;
}

// Characters [begin, end) of the text, 0-based; what lies outside is cut off.
std::string_view characters(std::string_view text, int64_t begin, int64_t end) {
  begin = std::max<int64_t>(begin, 0);
  if (end <= begin) return text.substr(0, 0);
  if (is_ascii(text)) {
    const auto size = static_cast<int64_t>(text.size());
    begin = std::min(begin, size);
    return text.substr(static_cast<size_t>(begin),
                       static_cast<size_t>(std::min(end, size) - begin));
  }
  const size_t first = offset_of(text, begin);
  const size_t last = offset_of(text, end - begin, first);
  return text.substr(first, last - first);
}

template <class Map>
std::string map_characters(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t size = character_size(text, at);
    append_code_point(out, map(code_point_at(text, at, size)));
    at += size;
  }
  return out;
}

// The space separators of Unicode: what trim without a set takes.
bool is_space_separator(char32_t code) {
  return code == 0x20 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

template <class Strip>
std::string_view strip_front(std::string_view text, Strip strip) {
  while (!text.empty()) {
    const size_t size = character_size(text, 0);
    if (!strip(code_point_at(text, 0, size))) break;
    text.remove_prefix(size);
  }
  return text;
}

template <class Strip>
std::string_view strip_back(std::string_view text, Strip strip) {
  size_t end = 0;  // behind the last character that stays
  for (size_t at = 0; at < text.size();) {
    const size_t size = character_size(text, at);
    const bool stays = !strip(code_point_at(text, at, size));
    at += size;
    if (stays) end = at;
  }
  return text.substr(0, end);
}

// Membership in a trim set.
class CharacterSet {
 public:
  explicit CharacterSet(std::string_view set) : codes_(code_points(set)) {
    std::sort(codes_.begin(), codes_.end());
  }
  bool operator()(char32_t code) const {
    return std::binary_search(codes_.begin(), codes_.end(), code);
  }

 private:
  std::vector<char32_t> codes_;
};

Error too_long(size_t bytes) {
  return {Code::kInvalid,
          fmt::format("Out of Range Error: Cannot create a string of size: '{}', the maximum "
                      "supported string size is: '{}'",
                      bytes, kMaxTextBytes),
          {}};
}

// `missing` characters of the repeated pad.
Result<std::string> padding(std::string_view pad, int64_t missing, std::string_view function) {
  if (pad.empty()) {
    return fail(Code::kInvalid,
                fmt::format("Invalid Input Error: Insufficient padding in {}.", function));
  }
  const int64_t pad_length = length(pad);
  if (static_cast<size_t>(missing / pad_length) >= kMaxTextBytes / pad.size()) {
    return fail(too_long(static_cast<size_t>(missing)));
  }
  std::string out;
  for (int64_t i = 0; i < missing / pad_length; ++i) out += pad;
  return out + std::string(characters(pad, 0, missing % pad_length));
}

}  // namespace

int64_t length(std::string_view text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) at += character_size(text, at);
  return count;
}

int64_t length_grapheme(std::string_view text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) at += grapheme_size(text, at);
  return count;
}

std::string upper(std::string_view text) { return map_characters(text, upper_of); }
std::string lower(std::string_view text) { return map_characters(text, lower_of); }

std::string_view substr(std::string_view text, int64_t start) { return substr(text, start, kFar); }

std::string_view substr(std::string_view text, int64_t start, int64_t count) {
  start = clamp_position(start);
  count = clamp_position(count);
  const int64_t begin = start < 0 ? length(text) + start : start - 1;
  return count >= 0 ? characters(text, begin, begin + count)
                    : characters(text, begin + count, begin);
}

std::string_view slice(std::string_view text, std::optional<int64_t> begin,
                       std::optional<int64_t> end) {
  const int64_t from = clamp_position(begin.value_or(1));
  const int64_t to = clamp_position(end.value_or(kFar));
  const int64_t size = from < 0 || to < 0 ? length(text) : 0;
  return characters(text, from < 0 ? size + from : from - 1, to < 0 ? size + to + 1 : to);
}

std::string_view character_at(std::string_view text, int64_t at) {
  at = clamp_position(at);
  const int64_t begin = at < 0 ? length(text) + at : at - 1;
  return characters(text, begin, begin + 1);
}

std::string_view left(std::string_view text, int64_t count) {
  count = clamp_position(count);
  return characters(text, 0, count < 0 ? length(text) + count : count);
}

std::string_view right(std::string_view text, int64_t count) {
  count = clamp_position(count);
  const int64_t size = length(text);
  return characters(text, count < 0 ? -count : size - count, size);
}

std::string_view ltrim(std::string_view text) { return strip_front(text, is_space_separator); }
std::string_view rtrim(std::string_view text) { return strip_back(text, is_space_separator); }
std::string_view trim(std::string_view text) { return ltrim(rtrim(text)); }
std::string_view ltrim(std::string_view text, std::string_view set) {
  return strip_front(text, CharacterSet(set));
}
std::string_view rtrim(std::string_view text, std::string_view set) {
  return strip_back(text, CharacterSet(set));
}
std::string_view trim(std::string_view text, std::string_view set) {
  return ltrim(rtrim(text, set), set);
}

Result<std::string> lpad(std::string_view text, int64_t count, std::string_view pad) {
  const int64_t size = length(text);
  if (count <= size) return std::string(characters(text, 0, count));
  TIDEMILL_TRY_LET(front, padding(pad, count - size, "LPAD"));
  return front + std::string(text);
}

Result<std::string> rpad(std::string_view text, int64_t count, std::string_view pad) {
  const int64_t size = length(text);
  if (count <= size) return std::string(characters(text, 0, count));
  TIDEMILL_TRY_LET(back, padding(pad, count - size, "RPAD"));
  return std::string(text) + back;
}

Result<std::string> repeat(std::string_view text, int64_t count) {
  if (text.empty() || count <= 0) return std::string();
  size_t bytes = 0;
  if (__builtin_mul_overflow(text.size(), static_cast<size_t>(count), &bytes)) bytes = SIZE_MAX;
  if (bytes > kMaxTextBytes) return fail(too_long(bytes));
  std::string out;
  out.reserve(bytes);
  for (int64_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string reverse(std::string_view text) {
  std::string out(text.size(), '\0');
  size_t end = text.size();
  for (size_t at = 0; at < text.size();) {
    const size_t size = grapheme_size(text, at);
    end -= size;
    std::copy_n(text.data() + at, size, out.data() + end);
    at += size;
  }
  return out;
}

std::string replace(std::string_view text, std::string_view from, std::string_view to) {
  if (from.empty()) return std::string(text);
  std::string out;
  size_t at = 0;
  for (size_t hit; (hit = text.find(from, at)) != std::string_view::npos; at = hit + from.size()) {
    out += text.substr(at, hit - at);
    out += to;
  }
  return out += text.substr(at);
}

std::string translate(std::string_view text, std::string_view from, std::string_view to) {
  const std::vector<char32_t> sources = code_points(from);
  const std::vector<char32_t> targets = code_points(to);
  std::unordered_map<char32_t, size_t> place;
  for (size_t i = 0; i < sources.size(); ++i) place.emplace(sources[i], i);  // the first one wins
  std::string out;
  for (const char32_t code : code_points(text)) {
    const auto found = place.find(code);
    if (found == place.end()) {
      append_code_point(out, code);
    } else if (found->second < targets.size()) {
      append_code_point(out, targets[found->second]);
    }
  }
  return out;
}

int64_t position(std::string_view text, std::string_view needle) {
  const size_t hit = text.find(needle);
  return hit == std::string_view::npos ? 0 : length(text.substr(0, hit)) + 1;
}

bool contains(std::string_view text, std::string_view needle) {
  return text.find(needle) != std::string_view::npos;
}
bool starts_with(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix);
}
bool ends_with(std::string_view text, std::string_view suffix) { return text.ends_with(suffix); }

std::string_view split_part(std::string_view text, std::string_view separator, int64_t index) {
  if (index == 0) return text.substr(0, 0);
  const std::vector<std::string_view> parts = string_split(text, separator);
  const auto count = static_cast<int64_t>(parts.size());
  if (index > count || index < -count) return text.substr(0, 0);
  return parts[static_cast<size_t>(index > 0 ? index - 1 : count + index)];
}

std::vector<std::string_view> string_split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  if (separator.empty() && !text.empty()) {
    for (size_t at = 0; at < text.size();) {
      const size_t size = character_size(text, at);
      parts.push_back(text.substr(at, size));
      at += size;
    }
    return parts;
  }
  if (text.empty()) return {text};
  size_t at = 0;
  for (size_t hit; (hit = text.find(separator, at)) != std::string_view::npos;
       at = hit + separator.size()) {
    parts.push_back(text.substr(at, hit - at));
  }
  parts.push_back(text.substr(at));
  return parts;
}

std::string concat_ws(std::string_view separator,
                      std::span<const std::optional<std::string_view>> parts) {
  std::string out;
  bool first = true;
  for (const auto& part : parts) {
    if (!part) continue;
    if (!first) out += separator;
    out += *part;
    first = false;
  }
  return out;
}

int32_t ascii(std::string_view text) { return text.empty() ? 0 : unicode(text); }

int32_t unicode(std::string_view text) {
  if (text.empty()) return -1;
  const char32_t code = code_point_at(text, 0, character_size(text, 0));
  return static_cast<int32_t>(code >= kMalformed ? code - kMalformed : code);
}

Result<std::string> chr(int64_t code) {
  if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return fail(Code::kInvalid,
                fmt::format("Invalid Input Error: Invalid UTF8 Codepoint {}", code));
  }
  std::string out;
  append_code_point(out, static_cast<char32_t>(code));
  return out;
}

}  // namespace tidemill::sql::kernels
