#include "sql/lexer.h"

#include "base/text.h"

namespace tidemill::sql {

std::string at_text(Position at) { return fmt::format("line {}, column {}: ", at.line, at.column); }

Error sql_error(std::string_view kind, Position at, std::string message) {
  return Error{Code::kInvalid, at_text(at) + message, std::string(kind)};
}

namespace {

constexpr std::string_view kOperatorSigns = "+-*/<>=~!@#%^&|";
// A multi-sign operator may end in + or - only if it holds one of these.
constexpr std::string_view kSpecialSigns = "~!@#%^&|";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
bool is_word_part(char c) { return is_word_start(c) || is_digit(c) || c == '$'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    while (true) {
      TIDEMILL_TRY(skip_blanks());
      mark();
      if (at_ >= text_.size()) break;
      TIDEMILL_TRY(read_token());
    }
    add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void advance() {
    const char c = text_[at_++];
    if (c == '\n') {
      ++place_.line;
      place_.column = 1;
    } else if ((c & 0xC0) != 0x80) {
      ++place_.column;
    }
  }
  void advance(size_t n) {
    while (n-- > 0) advance();
  }
  void mark() { start_ = place_; }
  void add(TokenKind kind, std::string text) {
    Token token{kind, std::move(text), {}, start_};
    if (kind == TokenKind::kWord) token.lower = to_lower_ascii(token.text);
    tokens_.push_back(std::move(token));
  }
  tl::unexpected<Error> error(std::string message) const {
    return fail(sql_error("Parser Error", start_, std::move(message)));
  }

  Status skip_blanks() {
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
        advance();
      } else if (c == '-' && peek(1) == '-') {
        while (at_ < text_.size() && peek() != '\n') advance();
      } else if (c == '/' && peek(1) == '*') {
        TIDEMILL_TRY(skip_comment());
      } else {
        break;
      }
    }
    return {};
  }

  Status skip_comment() {
    mark();
    int depth = 0;
    while (at_ < text_.size()) {
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        advance(2);
      } else if (peek() == '*' && peek(1) == '/') {
        advance(2);
        if (--depth == 0) return {};
      } else {
        advance();
      }
    }
    return error("found a comment that is never closed, expected */");
  }

  Status read_token() {
    const char c = peek();
    if ((c == 'E' || c == 'e') && peek(1) == '\'') return read_escaped();
    if (is_word_start(c)) return read_word();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number();
    if (c == '\'') return read_quoted('\'', TokenKind::kString);
    if (c == '"') return read_quoted('"', TokenKind::kQuoted);
    if (c == '$') return read_dollar();
    if (c == '?') {
      advance();
      add(TokenKind::kParam, "");
      return {};
    }
    if (kOperatorSigns.find(c) != std::string_view::npos) return read_operator();
    if (c == ':' && peek(1) == ':') {
      advance(2);
      add(TokenKind::kSign, "::");
      return {};
    }
    if (c == ':' && peek(1) == '=') {
      advance(2);
      add(TokenKind::kOperator, ":=");
      return {};
    }
    if (std::string_view("()[]{},;.:").find(c) != std::string_view::npos) {
      advance();
      add(TokenKind::kSign, std::string(1, c));
      return {};
    }
    return error(fmt::format("found '{}', which starts no SQL word, number or sign",
                             printable(text_.substr(at_, 1), 8)));
  }

  Status read_word() {
    const size_t start = at_;
    while (at_ < text_.size() && is_word_part(peek())) advance();
    add(TokenKind::kWord, std::string(text_.substr(start, at_ - start)));
    return {};
  }

  // Digits with single underscores between them.
  void read_digits(std::string& out) {
    while (is_digit(peek()) || (peek() == '_' && is_digit(peek(1)) && !out.empty())) {
      if (peek() != '_') out += peek();
      advance();
    }
  }

  Status read_number() {
    std::string digits;
    TokenKind kind = TokenKind::kInteger;
    read_digits(digits);
    if (peek() == '.') {
      kind = TokenKind::kDecimal;
      digits += '.';
      advance();
      read_digits(digits);
    }
    const bool has_sign = peek(1) == '+' || peek(1) == '-';
    if ((peek() == 'e' || peek() == 'E') && is_digit(peek(has_sign ? 2 : 1))) {
      kind = TokenKind::kDouble;
      digits += 'e';
      advance();
      if (has_sign) {
        digits += peek();
        advance();
      }
      read_digits(digits);
    }
    if (is_word_start(peek())) {
      return error(
          fmt::format("found '{}' directly behind the number {}, expected a blank or an "
                      "operator",
                      printable(text_.substr(at_, 1), 8), printable(digits, 40)));
    }
    add(kind, std::move(digits));
    return {};
  }

  Status read_quoted(char quote, TokenKind kind) {
    std::string out;
    advance();
    while (at_ < text_.size()) {
      if (peek() == quote && peek(1) == quote) {
        out += quote;
        advance(2);
      } else if (peek() == quote) {
        advance();
        if (kind == TokenKind::kQuoted && out.empty()) return error("found an empty name \"\"");
        add(kind, std::move(out));
        return {};
      } else {
        out += peek();
        advance();
      }
    }
    return error(fmt::format("found a {} that opens here and is never closed, expected {}",
                             quote == '"' ? "name" : "string", quote));
  }

  // E'...' with the escapes \n \t \r \b \f \\ \' and \xNN.
  Status read_escaped() {
    std::string out;
    advance(2);
    while (at_ < text_.size()) {
      if (peek() == '\'' && peek(1) == '\'') {
        out += '\'';
        advance(2);
      } else if (peek() == '\'') {
        advance();
        if (!is_utf8(out)) return error("found a string whose escapes make malformed UTF-8");
        add(TokenKind::kString, std::move(out));
        return {};
      } else if (peek() == '\\' && at_ + 1 < text_.size()) {
        advance();
        out += escape();
      } else {
        out += peek();
        advance();
      }
    }
    return error("found a string that opens here and is never closed, expected '");
  }

  char escape() {
    const char c = peek();
    advance();
    switch (c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'x': {
        int n = 0;
        for (int i = 0; i < 2 && isxdigit(static_cast<unsigned char>(peek())); ++i) {
          const char h = peek();
          n = n * 16 + (is_digit(h) ? h - '0' : (h | 0x20) - 'a' + 10);
          advance();
        }
        return static_cast<char>(n);
      }
      default:
        return c;
    }
  }

  Status read_dollar() {
    advance();
    std::string digits;
    if (is_digit(peek())) {
      read_digits(digits);
      add(TokenKind::kParam, std::move(digits));
      return {};
    }
    std::string tag = "$";
    while (is_word_start(peek()) || is_digit(peek())) {
      tag += peek();
      advance();
    }
    if (peek() != '$') {
      return error("found '$', expected a parameter such as $1 or a string such as $$text$$");
    }
    advance();
    tag += '$';
    const size_t end = text_.find(tag, at_);
    if (end == std::string_view::npos) {
      return error(fmt::format("found a string that opens with {} and is never closed", tag));
    }
    std::string content(text_.substr(at_, end - at_));
    advance(end + tag.size() - at_);
    add(TokenKind::kString, std::move(content));
    return {};
  }

  Status read_operator() {
    size_t length = 0;
    while (at_ + length < text_.size() &&
           kOperatorSigns.find(text_[at_ + length]) != std::string_view::npos) {
      const std::string_view rest = text_.substr(at_ + length, 2);
      if (length > 0 && (rest == "--" || rest == "/*")) break;
      ++length;
    }
    std::string_view sign = text_.substr(at_, length);
    const bool keeps_tail = sign.find_first_of(kSpecialSigns) != std::string_view::npos ||
                            sign == "->" || sign == "->>";
    while (sign.size() > 1 && !keeps_tail && (sign.back() == '+' || sign.back() == '-')) {
      sign.remove_suffix(1);
    }
    advance(sign.size());
    add(TokenKind::kOperator, std::string(sign));
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  Position place_;
  Position start_;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return fail(Error{Code::kExhausted,
                      fmt::format("line 1, column 1: found {} bytes of SQL, expected at most {}",
                                  text.size(), kMaxTextBytes),
                      "Parser Error"});
  }
  if (!is_utf8(text)) {
    size_t line = 1;
    for (const std::string_view part : split(text, '\n')) {
      if (!is_utf8(part)) break;
      ++line;
    }
    return fail(Error{Code::kInvalid,
                      fmt::format("line {}, column 1: found bytes that are not UTF-8, expected "
                                  "UTF-8 text",
                                  line),
                      "Parser Error"});
  }
  return Lexer(text).run();
}

}  // namespace tidemill::sql
