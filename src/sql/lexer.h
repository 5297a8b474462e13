// Cuts SQL text into tokens, with DuckDB's rules for operators, numbers and strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/ast.h"

namespace tidemill::sql {

enum class TokenKind {
  kWord,      // an identifier or keyword; text as written
  kQuoted,    // "identifier"; text without the quotes
  kInteger,   // digits, '_' taken out
  kDecimal,   // with a point
  kDouble,    // with an exponent
  kString,    // content
  kParam,     // $n; text is the number, or "" for ?
  kOperator,  // + <= || and so on
  kSign,      // ( ) [ ] { } , ; . : ::
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::string lower;  // of a word: lower case, for comparison with keywords
  Position at;
};

// The last token is kEnd. Fails on text over the limit, malformed UTF-8, an open string or comment,
// and characters that mean nothing.
Result<std::vector<Token>> tokenize(std::string_view text);

// An Error of DuckDB's class `kind` ("Parser Error", "Binder Error", ...) at a place.
Error sql_error(std::string_view kind, Position at, std::string message);

}  // namespace tidemill::sql
