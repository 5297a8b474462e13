// LIKE, ILIKE, GLOB and regular expressions. Each has a compiled form for constant patterns;
// compiled patterns are immutable and may be shared by threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::sql::kernels {

enum class LetterCase { kSensitive, kInsensitive };

// '%' is any text, '_' one character. Linear in practice, at worst |text| x |pattern|.
class LikePattern {
 public:
  // `escape` is "" (none) or one byte; LIKE without ESCAPE has none. Error for a longer escape or a
  // pattern that ends in it.
  static Result<LikePattern> compile(std::string_view pattern, std::string_view escape,
                                     LetterCase letter_case);
  bool matches(std::string_view text) const;

 private:
  enum class Shape { kGeneral, kEqual, kPrefix, kSuffix, kContains };
  struct Token {
    enum class Kind : uint8_t { kByte, kOne, kMany } kind;
    char byte = 0;
  };
  Shape shape_ = Shape::kGeneral;
  LetterCase letter_case_ = LetterCase::kSensitive;
  std::string literal_;
  std::vector<Token> tokens_;
};

// text GLOB pattern: '*', '?', '[a-z]', '[!a-z]', '\' escapes.
bool glob_matches(std::string_view text, std::string_view pattern);

// Option 'g' is for replacing only.
enum class RegexUse { kMatch, kReplace };

// A regular expression in RE2's syntax (linear time) with DuckDB's option letters: c (sensitive,
// default), i, l (literal), m, n, p (dot does not match a newline, default), s (it does), g
// (replace all).
class Regex {
 public:
  // Error: "Invalid Input Error: missing ): (ab".
  static Result<Regex> compile(std::string_view pattern, std::string_view options,
                               RegexUse use = RegexUse::kMatch);

  bool matches_somewhere(std::string_view text) const;  // regexp_matches, ~, ~*
  bool matches_whole(std::string_view text) const;      // regexp_full_match, SIMILAR TO
  // The group of the first match; "" without a match or where the group took no part. Group 0 is
  // all. Error if the group is not in 0..9; a group that the pattern lacks is "".
  Result<std::string> extract(std::string_view text, int64_t group) const;
  Result<std::vector<std::string>> extract_all(std::string_view text, int64_t group) const;
  // `replacement` may hold \0..\9. All matches with option g, else the first. Error if it names a
  // group that the pattern lacks.
  Result<std::string> replace(std::string_view text, std::string_view replacement) const;
  std::vector<std::string> split(std::string_view text) const;
  int group_count() const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

// Escapes what has a meaning in a regular expression.
std::string regexp_escape(std::string_view text);

}  // namespace tidemill::sql::kernels
