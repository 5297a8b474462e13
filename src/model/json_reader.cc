#include "model/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace tidemill::model {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Rounds to nearest even; too large becomes infinite, too small zero.
float to_float(std::string_view token) {
  float value = 0;
  const auto result = std::from_chars(token.data(), token.data() + token.size(), value);
  if (result.ec == std::errc{}) return value;
  double wide = 0;  // only its size matters here
  const auto again = std::from_chars(token.data(), token.data() + token.size(), wide);
  const bool negative = token.front() == '-';
  bool large = std::fabs(wide) > 1;
  if (again.ec != std::errc{}) {
    const size_t e = token.find_first_of("eE");
    large = e == std::string_view::npos || token[e + 1] != '-';
  }
  const float size = large ? std::numeric_limits<float>::infinity() : 0.0f;
  return negative ? -size : size;
}

double to_double(std::string_view token) {
  double value = 0;
  const auto result = std::from_chars(token.data(), token.data() + token.size(), value);
  if (result.ec == std::errc{}) return value;
  const size_t e = token.find_first_of("eE");
  const bool large = e == std::string_view::npos || token[e + 1] != '-';
  const double size = large ? std::numeric_limits<double>::infinity() : 0.0;
  return token.front() == '-' ? -size : size;
}

}  // namespace

tl::unexpected<Error> JsonReader::error(std::string_view expected) const {
  if (at_ >= text_.size()) {
    return fail(Code::kInvalid,
                fmt::format("byte {}: the file ends where {} is expected: it is cut", text_.size(),
                            expected));
  }
  return fail(Code::kInvalid, fmt::format("byte {}: expected {}, found \"{}\"", at_, expected,
                                          printable(text_.substr(at_, 20), 40)));
}

char JsonReader::peek() {
  while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::consume(char c) {
  if (peek() != c || at_ >= text_.size()) return false;
  ++at_;
  return true;
}

Status JsonReader::word(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return error("a JSON value");
  at_ += word.size();
  return {};
}

Status JsonReader::deeper() {
  if (++depth_ <= kDocumentDepth) return {};
  return fail(Code::kInvalid, fmt::format("byte {}: nested deeper than {} levels; no model is", at_,
                                          kDocumentDepth));
}

Status JsonReader::object(const std::function<Status(std::string_view name)>& member) {
  if (!consume('{')) return error("an object");
  TIDEMILL_TRY(deeper());
  MemberNames names;
  if (!consume('}')) {
    do {
      const size_t start = (peek(), at_);
      TIDEMILL_TRY_LET(name, text(kMemberNameBytes));
      if (!names.add(name)) {
        return fail(Code::kInvalid,
                    fmt::format("byte {}: the name \"{}\" occurs twice in one object", start,
                                printable(name, 60)));
      }
      if (!consume(':')) return error("\":\"");
      TIDEMILL_TRY(member(name));
    } while (consume(','));
    if (!consume('}')) return error("\",\" or \"}\"");
  }
  if (!names.distinct()) {
    return fail(Code::kInvalid,
                fmt::format("a name occurs twice in the object that ends at byte {}", at_));
  }
  --depth_;
  return {};
}

Status JsonReader::array(const std::function<Status(size_t index)>& element) {
  if (!consume('[')) return error("an array");
  TIDEMILL_TRY(deeper());
  if (!consume(']')) {
    size_t index = 0;
    do {
      TIDEMILL_TRY(element(index++));
    } while (consume(','));
    if (!consume(']')) return error("\",\" or \"]\"");
  }
  --depth_;
  return {};
}

template <class Element>
Status JsonReader::elements(Element element) {
  if (!consume('[')) return error("an array of numbers");
  if (consume(']')) return {};
  for (;;) {
    peek();
    failure_ = "a number";
    if (!element()) return error(failure_);
    if (at_ < text_.size() && text_[at_] == ',') {
      ++at_;
    } else if (consume(']')) {
      return {};
    } else if (!consume(',')) {
      return error("\",\" or \"]\"");
    }
  }
}

bool JsonReader::number(std::string_view& token) {
  const char* const begin = text_.data() + at_;
  const char* const end = text_.data() + text_.size();
  const char* p = begin;
  if (p != end && *p == '-') ++p;
  if (p == end || !is_digit(*p)) return false;
  if (*p == '0') {
    ++p;
  } else {
    while (p != end && is_digit(*p)) ++p;
  }
  if (p != end && *p == '.') {
    if (++p == end || !is_digit(*p)) return false;
    while (p != end && is_digit(*p)) ++p;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (p == end || !is_digit(*p)) return false;
    while (p != end && is_digit(*p)) ++p;
  }
  token = std::string_view(begin, static_cast<size_t>(p - begin));
  at_ += token.size();
  return true;
}

bool JsonReader::float_literal(float& value) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::pair<std::string_view, float> words[] = {
      {"NaN", std::numeric_limits<float>::quiet_NaN()},
      {"Infinity", kInfinity},
      {"-Infinity", -kInfinity},
  };
  for (const auto& [word, meaning] : words) {
    if (text_.substr(at_, word.size()) != word) continue;
    at_ += word.size();
    value = meaning;
    return true;
  }
  return false;
}

Status JsonReader::floats(std::vector<float>& out, size_t limit) {
  out.clear();
  return elements([&] {
    float value = 0;
    std::string_view token;
    if (out.size() >= limit) {
      failure_ = "the end of the array: it is longer than anything allowed here";
      return false;
    }
    if (number(token)) {
      value = to_float(token);
    } else if (!float_literal(value)) {
      return false;
    }
    out.push_back(value);
    return true;
  });
}

Status JsonReader::doubles(std::vector<double>& out, size_t limit) {
  out.clear();
  return elements([&] {
    std::string_view token;
    float literal = 0;
    if (out.size() >= limit) {
      failure_ = "the end of the array: it is longer than anything allowed here";
      return false;
    }
    if (number(token)) {
      out.push_back(to_double(token));
    } else if (float_literal(literal)) {
      out.push_back(static_cast<double>(literal));
    } else {
      return false;
    }
    return true;
  });
}

Result<double> JsonReader::real() {
  peek();
  std::string_view token;
  if (!number(token)) return error("a number");
  return to_double(token);
}

Result<bool> JsonReader::boolean() {
  const bool value = peek() == 't';
  TIDEMILL_TRY(word(value ? "true" : "false"));
  return value;
}

bool JsonReader::skip_null() {
  if (peek() != 'n' || text_.substr(at_, 4) != "null") return false;
  at_ += 4;
  return true;
}

Status JsonReader::integers(std::vector<int32_t>& out, size_t limit) {
  out.clear();
  return elements([&] {
    if (out.size() >= limit) {
      failure_ = "the end of the array: it is longer than anything allowed here";
      return false;
    }
    int32_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, ec] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (ec == std::errc{}) {
      const bool zeros = *begin == '0' && end - begin > 1;
      const bool goes_on =
          end != text_.data() + text_.size() && (*end == '.' || *end == 'e' || *end == 'E');
      failure_ = "a whole number";
      if (zeros || goes_on) return false;
      at_ += static_cast<size_t>(end - begin);
    } else if (text_.substr(at_, 4) == "true") {
      value = 1;
      at_ += 4;
    } else if (text_.substr(at_, 5) == "false") {
      at_ += 5;
    } else {
      failure_ = "a whole number from -2147483648 to 2147483647";
      return false;
    }
    out.push_back(value);
    return true;
  });
}

Result<size_t> JsonReader::count_numbers() {
  size_t count = 0;
  TIDEMILL_TRY(elements([&] {
    std::string_view token;
    float ignored = 0;
    ++count;
    return number(token) || float_literal(ignored);
  }));
  return count;
}

Result<uint32_t> JsonReader::hex4() {
  uint32_t value = 0;
  const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 4 || ec != std::errc{} || end != digits.data() + 4) {
    return error("four hexadecimal digits");
  }
  at_ += 4;
  return value;
}

Status JsonReader::escape(std::string& out) {
  constexpr std::string_view kShort = "\"\\/bfnrt";
  constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
  if (at_ >= text_.size()) return error("the rest of a string");
  const char c = text_[at_];
  if (const size_t which = kShort.find(c); which != std::string_view::npos) {
    ++at_;
    out += kMeaning[which];
    return {};
  }
  if (c != 'u') return error("an escape");
  ++at_;
  TIDEMILL_TRY_LET(code, hex4());
  if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    TIDEMILL_TRY_LET(low, hex4());
    if (low < 0xDC00 || low > 0xDFFF) return error("the second half of a surrogate pair before");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
  } else if (code < 0x10000) {  // a lone surrogate ends as malformed UTF-8, which text() refuses
    out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)),
            static_cast<char>(0x80 | (code & 63))};
  } else {
    out += {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
            static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
  }
  return {};
}

Result<std::string> JsonReader::text(size_t limit) {
  if (!consume('"')) return error("a string");
  const size_t start = at_ - 1;
  std::string out;
  for (;;) {
    if (at_ >= text_.size()) return error("the end of a string");
    const char c = text_[at_];
    if (static_cast<unsigned char>(c) < 0x20) return error("a string without control characters");
    ++at_;
    if (c == '"') break;
    if (c == '\\') {
      TIDEMILL_TRY(escape(out));
    } else {
      out += c;
    }
    if (out.size() > limit) {
      return fail(Code::kInvalid,
                  fmt::format("byte {}: a string of more than {} bytes", start, limit));
    }
  }
  if (!is_utf8(out) || out.find('\0') != std::string::npos) {
    return fail(Code::kInvalid,
                fmt::format("byte {}: a string that is not UTF-8 or has a zero byte", start));
  }
  return out;
}

Result<std::string> JsonReader::text_or_number(size_t limit) {
  if (peek() == '"') return text(limit);
  std::string_view token;
  if (!number(token)) return error("a string or a number");
  return std::string(token.substr(0, limit));
}

Status JsonReader::skip() {
  switch (peek()) {
    case '{':
      return object([this](std::string_view) { return skip(); });
    case '[':
      return array([this](size_t) { return skip(); });
    case '"': {
      constexpr size_t kSkippedText = 1 << 20;
      TIDEMILL_TRY(text(kSkippedText));
      return {};
    }
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default: {
      std::string_view token;
      if (!number(token)) return error("a JSON value");
      return {};
    }
  }
}

Status JsonReader::end() {
  peek();
  if (at_ == text_.size()) return {};
  return error("the end of the file after the document");
}

}  // namespace tidemill::model
