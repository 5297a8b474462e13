#include "sql/ast.h"

#include <cctype>

#include "base/text.h"

namespace tidemill::sql {

namespace {

std::string inner_text(const ExprNode& expr);

std::string list_text(const std::vector<ExprPtr>& exprs, size_t from = 0) {
  std::string out;
  for (size_t i = from; i < exprs.size(); ++i) {
    if (i > from) out += ", ";
    out += exprs[i] ? inner_text(*exprs[i]) : "NULL";
  }
  return out;
}

std::string joined(const std::vector<ExprPtr>& exprs, std::string_view word) {
  std::string out = "(";
  for (size_t i = 0; i < exprs.size(); ++i) {
    if (i > 0) out += fmt::format(" {} ", word);
    out += inner_text(*exprs[i]);
  }
  return out + ")";
}

std::string literal_text(const ExprNode& expr) {
  if (expr.literal.is_null()) return "NULL";
  if (!expr.is_text_literal) return expr.name.empty() ? expr.literal.to_text() : expr.name;
  std::string out = "'";
  for (const char c : expr.literal.as_text()) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string call_text(const ExprNode& expr) {
  if (expr.is_operator && expr.args.size() == 2) {
    return fmt::format("({} {} {})", inner_text(*expr.args[0]), expr.name,
                       inner_text(*expr.args[1]));
  }
  if (expr.is_operator && expr.args.size() == 1) {
    const bool is_number =
        expr.args[0]->is_number_literal ||
        (expr.args[0]->kind == ExprKind::kLiteral && expr.args[0]->literal.type().is_numeric());
    return is_number ? expr.name + inner_text(*expr.args[0])
                     : fmt::format("({}({}))", expr.name, inner_text(*expr.args[0]));
  }
  if (expr.name == "count" && expr.args.size() == 1 && expr.args[0]->kind == ExprKind::kStar) {
    return expr.window ? "count_star() OVER (...)" : "count_star()";
  }
  std::string out = expr.name == "coalesce" ? "COALESCE" : expr.name;
  out += expr.is_distinct ? "(DISTINCT " : "(";
  out += list_text(expr.args);
  if (!expr.order.empty()) {
    out += " ORDER BY ";
    for (size_t i = 0; i < expr.order.size(); ++i) {
      if (i > 0) out += ", ";
      out += inner_text(*expr.order[i].expr);
      if (expr.order[i].is_descending) out += " DESC";
    }
  }
  out += ")";
  if (expr.filter) out += fmt::format(" FILTER (WHERE {})", inner_text(*expr.filter));
  if (expr.window) out += " OVER (...)";
  return out;
}

std::string case_text(const ExprNode& expr) {
  std::string out = "CASE ";
  if (expr.operand) out += " " + inner_text(*expr.operand);
  for (size_t i = 0; i + 1 < expr.args.size(); i += 2) {
    out += fmt::format(" WHEN ({}) THEN ({})", inner_text(*expr.args[i]),
                       inner_text(*expr.args[i + 1]));
  }
  return out + " ELSE " + (expr.args.back() ? inner_text(*expr.args.back()) : "NULL") + " END";
}

std::string struct_text(const ExprNode& expr) {
  std::string out = "struct_pack(";
  for (size_t i = 0; i < expr.args.size(); ++i) {
    if (i > 0) out += ", ";
    out += expr.names[i] + " := " + inner_text(*expr.args[i]);
  }
  return out + ")";
}

std::string inner_text(const ExprNode& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
      return literal_text(expr);
    case ExprKind::kColumn:
      return expr.qualifier.empty() ? expr.name : expr.qualifier + "." + expr.name;
    case ExprKind::kStar:
      return expr.qualifier.empty() ? "*" : expr.qualifier + ".*";
    case ExprKind::kParam:
      return fmt::format("${}", expr.index);
    case ExprKind::kFunction:
      return call_text(expr);
    case ExprKind::kAnd:
      return joined(expr.args, "AND");
    case ExprKind::kOr:
      return joined(expr.args, "OR");
    case ExprKind::kNot:
      return fmt::format("(NOT {})", inner_text(*expr.args[0]));
    case ExprKind::kIsNull:
      return fmt::format("({} IS {}NULL)", inner_text(*expr.args[0]),
                         expr.is_negated ? "NOT " : "");
    case ExprKind::kIsBool:
      return fmt::format("({} IS {}{})", inner_text(*expr.args[0]), expr.is_negated ? "NOT " : "",
                         expr.literal.as_bool() ? "TRUE" : "FALSE");
    case ExprKind::kDistinct:
      return fmt::format("({} IS {}DISTINCT FROM {})", inner_text(*expr.args[0]),
                         expr.is_negated ? "NOT " : "", inner_text(*expr.args[1]));
    case ExprKind::kCase:
      return case_text(expr);
    case ExprKind::kCast:
      return fmt::format("{}({} AS {})", expr.is_try ? "TRY_CAST" : "CAST",
                         inner_text(*expr.args[0]), expr.type.name());
    case ExprKind::kIn:
      return fmt::format("({} {}IN ({}))", inner_text(*expr.args[0]), expr.is_negated ? "NOT " : "",
                         list_text(expr.args, 1));
    case ExprKind::kInQuery:
      return fmt::format("({} {}IN (...))", inner_text(*expr.args[0]),
                         expr.is_negated ? "NOT " : "");
    case ExprKind::kExists:
      return "EXISTS(...)";
    case ExprKind::kQuery:
      return "(SELECT ...)";
    case ExprKind::kBetween:
      return fmt::format("({} {}BETWEEN {} AND {})", inner_text(*expr.args[0]),
                         expr.is_negated ? "NOT " : "", inner_text(*expr.args[1]),
                         inner_text(*expr.args[2]));
    case ExprKind::kInterval:
      return fmt::format("INTERVAL {} {}", inner_text(*expr.args[0]), expr.name);
    case ExprKind::kList:
      return fmt::format("list_value({})", list_text(expr.args));
    case ExprKind::kStruct:
      return struct_text(expr);
    case ExprKind::kIndex:
      return fmt::format("{}[{}]", inner_text(*expr.args[0]), inner_text(*expr.args[1]));
    case ExprKind::kSlice:
      return fmt::format("array_slice({})", list_text(expr.args));
    case ExprKind::kTry:
      return fmt::format("TRY({})", inner_text(*expr.args[0]));
  }
  return "?";
}

}  // namespace

std::string expression_text(const ExprNode& expr) {
  // The name of a column alone goes without its table.
  return expr.kind == ExprKind::kColumn ? expr.name : inner_text(expr);
}

}  // namespace tidemill::sql
