// Text with expressions in it: "id={{ applicant_id }}". Cut into pieces here; what an expression
// means is for others to say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill {

struct TemplatePiece {
  bool is_expression = false;
  std::string text;   // literal text, or the expression without its braces, trimmed
  size_t offset = 0;  // byte of the piece's text in the whole
};

struct Template {
  std::vector<TemplatePiece> pieces;

  // "{{" opens, "}}" closes (not within a quoted SQL string of the expression); "{{{{" stands for a
  // literal "{{". Refused: an expression that is empty or not closed.
  static Result<Template> parse(std::string_view text);
  bool has_expression() const;
  // The whole text is one expression: its typed value is meant, not its text.
  bool is_one_expression() const;
};

}  // namespace tidemill
