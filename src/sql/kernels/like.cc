// LIKE, ILIKE and GLOB.
#include <algorithm>

#include "sql/kernels/pattern.h"
#include "sql/kernels/strings.h"
#include "sql/kernels/utf8.h"

namespace tidemill::sql::kernels {

Result<LikePattern> LikePattern::compile(std::string_view pattern, std::string_view escape,
                                         LetterCase letter_case) {
  if (escape.size() > 1) {
    return fail(
        Code::kInvalid,
        "Syntax Error: Invalid escape string. Escape string must be empty or one character.");
  }
  // Lowering keeps '%', '_' and the escape, but for an escape that is itself a capital letter.
  const bool fold = letter_case == LetterCase::kInsensitive;
  const std::string source = fold ? lower(pattern) : std::string(pattern);
  const std::string mark = fold ? lower(escape) : std::string(escape);
  LikePattern like;
  like.letter_case_ = letter_case;
  for (size_t i = 0; i < source.size(); ++i) {
    char c = source[i];
    const bool escaped = !mark.empty() && c == mark[0];
    if (escaped) {
      if (++i == source.size()) {
        return fail(Code::kInvalid,
                    "Syntax Error: Like pattern must not end with escape character!");
      }
      c = source[i];
    }
    if (!escaped && c == '%') {
      const bool again = !like.tokens_.empty() && like.tokens_.back().kind == Token::Kind::kMany;
      if (!again) like.tokens_.push_back({Token::Kind::kMany, 0});
    } else if (!escaped && c == '_') {
      like.tokens_.push_back({Token::Kind::kOne, 0});
    } else {
      like.tokens_.push_back({Token::Kind::kByte, c});
      like.literal_.push_back(c);
    }
  }
  const auto many = [&](size_t i) { return like.tokens_[i].kind == Token::Kind::kMany; };
  const size_t count = like.tokens_.size();
  const size_t wild = count - like.literal_.size();
  if (wild == 0) {
    like.shape_ = Shape::kEqual;
  } else if (wild == 1 && many(count - 1)) {
    like.shape_ = Shape::kPrefix;
  } else if (wild == 1 && many(0)) {
    like.shape_ = Shape::kSuffix;
  } else if (wild == 2 && many(0) && many(count - 1)) {
    like.shape_ = Shape::kContains;
  }
  return like;
}

bool LikePattern::matches(std::string_view text) const {
  std::string folded;
  if (letter_case_ == LetterCase::kInsensitive) {
    folded = lower(text);
    text = folded;
  }
  switch (shape_) {
    case Shape::kEqual:
      return text == literal_;
    case Shape::kPrefix:
      return text.starts_with(literal_);
    case Shape::kSuffix:
      return text.ends_with(literal_);
    case Shape::kContains:
      return text.find(literal_) != std::string_view::npos;
    case Shape::kGeneral:
      break;
  }
  // Only the last '%' is ever widened: what an earlier one took stays right.
  size_t at = 0;
  size_t token = 0;
  size_t retry_token = SIZE_MAX;
  size_t retry_at = 0;
  while (at < text.size()) {
    if (token < tokens_.size()) {
      const Token& wanted = tokens_[token];
      if (wanted.kind == Token::Kind::kMany) {
        retry_token = ++token;
        retry_at = at;
        continue;
      }
      if (wanted.kind == Token::Kind::kOne) {
        at += character_size(text, at);
        ++token;
        continue;
      }
      if (wanted.byte == text[at]) {
        ++at;
        ++token;
        continue;
      }
    }
    if (retry_token == SIZE_MAX) return false;
    retry_at += character_size(text, retry_at);
    at = retry_at;
    token = retry_token;
  }
  while (token < tokens_.size() && tokens_[token].kind == Token::Kind::kMany) ++token;
  return token == tokens_.size();
}

namespace {

// One element of a GLOB pattern at `at` against one character; moves `at` behind the element.
enum class GlobStep { kMatch, kMismatch, kMalformed };

GlobStep match_set(const std::vector<char32_t>& pattern, size_t& at, char32_t c) {
  ++at;  // behind '['
  bool negated = false;
  if (at < pattern.size() && pattern[at] == U'!') {
    negated = true;
    ++at;
  }
  bool found = false;
  for (bool first = true; at < pattern.size(); first = false) {
    const char32_t low = pattern[at];
    if (low == U']' && !first) {
      ++at;
      return found != negated ? GlobStep::kMatch : GlobStep::kMismatch;
    }
    if (at + 2 < pattern.size() && pattern[at + 1] == U'-' && pattern[at + 2] != U']') {
      found = found || (low <= c && c <= pattern[at + 2]);
      at += 3;
    } else {
      found = found || low == c;
      ++at;
    }
  }
  return GlobStep::kMalformed;  // no ']'
}

GlobStep match_one(const std::vector<char32_t>& pattern, size_t& at, char32_t c) {
  if (pattern[at] == U'[') return match_set(pattern, at, c);
  if (pattern[at] == U'?') {
    ++at;
    return GlobStep::kMatch;
  }
  if (pattern[at] == U'\\' && at + 1 < pattern.size()) ++at;
  return pattern[at++] == c ? GlobStep::kMatch : GlobStep::kMismatch;
}

}  // namespace

bool glob_matches(std::string_view text, std::string_view pattern) {
  const std::vector<char32_t> characters = code_points(text);
  const std::vector<char32_t> glob = code_points(pattern);
  size_t at = 0;
  size_t element = 0;
  size_t retry_element = SIZE_MAX;
  size_t retry_at = 0;
  while (at < characters.size()) {
    if (element < glob.size() && glob[element] == U'*') {
      retry_element = ++element;
      retry_at = at;
      continue;
    }
    if (element < glob.size()) {
      size_t next = element;
      const GlobStep step = match_one(glob, next, characters[at]);
      if (step == GlobStep::kMalformed) return false;
      if (step == GlobStep::kMatch) {
        ++at;
        element = next;
        continue;
      }
    }
    if (retry_element == SIZE_MAX) return false;
    at = ++retry_at;
    element = retry_element;
  }
  while (element < glob.size() && glob[element] == U'*') ++element;
  return element == glob.size();
}

}  // namespace tidemill::sql::kernels
