// A value of a flow file that may hold expressions: "{{ applicant_id }}", a list or a map of such.
// A text that is one expression keeps the expression's type; other texts become text.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "flow/scope.h"
#include "sql/expression.h"

namespace tidemill::flow {

inline constexpr size_t kMaxExpressions = 1'000;  // of one text

class Rendered {
 public:
  // A value without expressions.
  static Rendered constant(Json value);
  // From the text of a scalar. The error begins with "line L, column C: ", the place in `text`.
  static Result<Rendered> parse(std::string_view text);
  // A list or a map whose leaves may hold expressions; a constant if none does.
  static Rendered list(std::vector<Rendered> items);
  static Rendered map(std::vector<std::pair<std::string, Rendered>> entries);

  bool is_constant() const;
  // The value of a constant; null for others.
  const Json& constant_value() const { return constant_; }
  // Every name that an expression in it reads, as written; of a text with the place in that text.
  std::vector<sql::NameRef> references() const;
  // The literal texts between the expressions of a text: "a{{ x }}b" gives "a", "b"; "{{ x }}"
  // gives
  // "", "". A constant gives its text alone.
  std::vector<std::string> literals() const;

  enum class Encoding {
    kPlain,    // text as it is
    kPercent,  // every expression's text percent-encoded, for URLs
  };
  // JSON: typed where the whole text is one expression.
  Result<Json> json(const Scope& scope) const;
  // Text: NULL becomes "".
  Result<std::string> text(const Scope& scope, Encoding encoding = Encoding::kPlain) const;

 private:
  struct Piece {
    std::string literal;
    std::optional<sql::Expression> expression;
    std::vector<sql::NameRef> references;
  };
  bool is_one_expression() const { return pieces_.size() == 1 && pieces_[0].expression; }
  enum class Shape { kConstant, kText, kList, kMap } shape_ = Shape::kConstant;
  Json constant_;
  std::vector<Piece> pieces_;
  std::vector<std::pair<std::string, Rendered>> parts_;  // of a list with empty names
};

}  // namespace tidemill::flow
