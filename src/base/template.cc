#include "base/template.h"

#include <fmt/format.h>

#include "base/text.h"

namespace tidemill {
namespace {

// Where the "}}" stands that closes an expression starting at `from`, or npos. Quotes are SQL's.
size_t find_close(std::string_view text, size_t from) {
  char quote = 0;
  for (size_t i = from; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '\'' || text[i] == '"') {
      quote = text[i];
    } else if (text.substr(i, 2) == "}}") {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Result<Template> Template::parse(std::string_view text) {
  Template result;
  std::string literal;
  size_t literal_start = 0;
  auto flush = [&] {
    if (!literal.empty()) result.pieces.push_back({false, std::move(literal), literal_start});
    literal.clear();
  };
  size_t i = 0;
  while (i < text.size()) {
    if (text.substr(i, 4) == "{{{{") {
      if (literal.empty()) literal_start = i;
      literal += "{{";
      i += 4;
    } else if (text.substr(i, 2) == "{{") {
      size_t const close = find_close(text, i + 2);
      if (close == std::string_view::npos) {
        return fail(Code::kInvalid, fmt::format("'{}' opens an expression that is not closed; "
                                                "expected }}}} after it",
                                                printable(text.substr(i), 30)));
      }
      std::string_view const inside = text.substr(i + 2, close - i - 2);
      std::string_view const expression = trim(inside);
      if (expression.empty()) {
        return fail(Code::kInvalid, "'{{ }}' holds no expression; write a name in it");
      }
      flush();
      size_t const offset = static_cast<size_t>(expression.data() - text.data());
      result.pieces.push_back({true, std::string(expression), offset});
      i = close + 2;
    } else {
      if (literal.empty()) literal_start = i;
      literal += text[i++];
    }
  }
  flush();
  return result;
}

bool Template::has_expression() const {
  return std::any_of(pieces.begin(), pieces.end(),
                     [](const TemplatePiece& piece) { return piece.is_expression; });
}

bool Template::is_one_expression() const { return pieces.size() == 1 && pieces[0].is_expression; }

}  // namespace tidemill
