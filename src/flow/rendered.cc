#include "flow/rendered.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/template.h"
#include "base/text.h"
#include "flow/expressions.h"
#include "flow/source_text.h"

namespace tidemill::flow {
namespace {

// A place within an expression as a place within the text around it.
Mark shifted(std::string_view text, size_t base, std::string_view expression, int line,
             int column) {
  return mark_of(text, base + offset_of(expression, line, column));
}

std::string text_of_json(const Json& json) {
  if (json.is_null()) return {};
  return json.is_string() ? json.as_string() : json.dump();
}

// RFC 3986: all but the unreserved characters.
void append_percent_encoded(std::string& out, std::string_view text) {
  for (char c : text) {
    bool const is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

std::string text_of_value(const value::Value& value) {
  if (value.is_null()) return {};
  return value.type().is_text() ? value.as_text() : value.to_text();
}

}  // namespace

Rendered Rendered::constant(Json value) {
  Rendered rendered;
  rendered.constant_ = std::move(value);
  return rendered;
}

Result<Rendered> Rendered::parse(std::string_view text) {
  auto const cut = Template::parse(text);
  if (!cut) {
    size_t const open = std::min(text.find("{{"), text.size());
    Mark const mark = mark_of(text, open);
    return fail(Code::kInvalid,
                fmt::format("line {}, column {}: {}", mark.line, mark.column, cut.error().message));
  }
  if (!cut->has_expression()) {
    std::string literal;
    for (const TemplatePiece& piece : cut->pieces) literal += piece.text;
    return constant(std::move(literal));
  }
  auto const expressions =
      std::count_if(cut->pieces.begin(), cut->pieces.end(),
                    [](const TemplatePiece& piece) { return piece.is_expression; });
  if (static_cast<size_t>(expressions) > kMaxExpressions) {
    return fail(
        Code::kInvalid,
        fmt::format("line 1, column 1: more than {} expressions in one text; make it shorter",
                    kMaxExpressions));
  }
  Rendered rendered;
  rendered.shape_ = Shape::kText;
  for (const TemplatePiece& piece : cut->pieces) {
    if (!piece.is_expression) {
      rendered.pieces_.push_back({piece.text, std::nullopt, {}});
      continue;
    }
    auto compiled = compile_expression(piece.text);
    if (!compiled) {
      std::string message = compiled.error().message;
      Mark const within = take_place(message);
      Mark const mark = shifted(text, piece.offset, piece.text, within.line, within.column);
      return fail(Code::kInvalid,
                  fmt::format("line {}, column {}: in '{{{{ {} }}}}': {}", mark.line, mark.column,
                              printable(piece.text, 60), message));
    }
    for (sql::NameRef& ref : compiled->references) {
      Mark const mark = shifted(text, piece.offset, piece.text, ref.line, ref.column);
      ref.line = mark.line;
      ref.column = mark.column;
    }
    rendered.pieces_.push_back(
        {{}, std::move(compiled->expression), std::move(compiled->references)});
  }
  return rendered;
}

Rendered Rendered::list(std::vector<Rendered> items) {
  Rendered rendered;
  rendered.shape_ = Shape::kList;
  for (Rendered& item : items) rendered.parts_.emplace_back(std::string(), std::move(item));
  if (!rendered.is_constant()) return rendered;
  Json::Array constants;
  for (auto& [name, part] : rendered.parts_) constants.push_back(std::move(part.constant_));
  return constant(Json(std::move(constants)));
}

Rendered Rendered::map(std::vector<std::pair<std::string, Rendered>> entries) {
  Rendered rendered;
  rendered.shape_ = Shape::kMap;
  rendered.parts_ = std::move(entries);
  if (!rendered.is_constant()) return rendered;
  Json::Object constants;
  for (auto& [name, part] : rendered.parts_) {
    constants.emplace_back(std::move(name), std::move(part.constant_));
  }
  return constant(Json(std::move(constants)));
}

bool Rendered::is_constant() const {
  if (shape_ == Shape::kConstant) return true;
  if (shape_ == Shape::kText) return false;
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const auto& part) { return part.second.is_constant(); });
}

std::vector<sql::NameRef> Rendered::references() const {
  std::vector<sql::NameRef> all;
  for (const Piece& piece : pieces_) {
    all.insert(all.end(), piece.references.begin(), piece.references.end());
  }
  for (const auto& [name, part] : parts_) {
    std::vector<sql::NameRef> const inner = part.references();
    all.insert(all.end(), inner.begin(), inner.end());
  }
  return all;
}

std::vector<std::string> Rendered::literals() const {
  if (shape_ == Shape::kConstant) return {text_of_json(constant_)};
  std::vector<std::string> literals(1);
  for (const Piece& piece : pieces_) {
    if (piece.expression) {
      literals.emplace_back();
    } else {
      literals.back() += piece.literal;
    }
  }
  return literals;
}

Result<Json> Rendered::json(const Scope& scope) const {
  switch (shape_) {
    case Shape::kConstant:
      return constant_;
    case Shape::kText: {
      if (is_one_expression()) return scope.evaluate_json(*pieces_[0].expression);
      TIDEMILL_TRY_LET(rendered, text(scope));
      return Json(std::move(rendered));
    }
    case Shape::kList: {
      Json::Array items;
      for (const auto& [name, part] : parts_) {
        TIDEMILL_TRY_LET(item, part.json(scope));
        items.push_back(std::move(item));
      }
      return Json(std::move(items));
    }
    case Shape::kMap: {
      Json::Object entries;
      for (const auto& [name, part] : parts_) {
        TIDEMILL_TRY_LET(entry, part.json(scope));
        entries.emplace_back(name, std::move(entry));
      }
      return Json(std::move(entries));
    }
  }
  return Json();
}

Result<std::string> Rendered::text(const Scope& scope, Encoding encoding) const {
  if (shape_ == Shape::kConstant) return text_of_json(constant_);
  if (shape_ != Shape::kText) {
    TIDEMILL_TRY_LET(document, json(scope));
    return text_of_json(document);
  }
  std::string out;
  for (const Piece& piece : pieces_) {
    if (!piece.expression) {
      out += piece.literal;
      continue;
    }
    TIDEMILL_TRY_LET(value, scope.evaluate(*piece.expression));
    std::string const shown = text_of_value(value);
    if (encoding == Encoding::kPercent) {
      append_percent_encoded(out, shown);
    } else {
      out += shown;
    }
  }
  return out;
}

}  // namespace tidemill::flow
