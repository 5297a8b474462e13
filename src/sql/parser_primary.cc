// The primaries of expressions: literals, columns, calls and the forms with words of their own.
#include "base/text.h"
#include "sql/parser.h"
#include "value/decimal.h"
#include "value/number_text.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

Result<ExprPtr> Parser::parse_primary() {
  const Token& token = peek();
  switch (token.kind) {
    case TokenKind::kInteger:
    case TokenKind::kDecimal:
    case TokenKind::kDouble:
      return parse_number();
    case TokenKind::kString: {
      ExprPtr node = make(ExprKind::kLiteral, token.at);
      node->is_text_literal = true;
      node->literal = Value::text(next().text);
      return node;
    }
    case TokenKind::kParam:
      return parse_param();
    case TokenKind::kQuoted:
    case TokenKind::kWord:
      return parse_word();
    case TokenKind::kSign:
      if (token.text == "(") return parse_parenthesis();
      if (token.text == "[") return parse_list();
      if (token.text == "{") return parse_struct();
      return unexpected("an expression");
    case TokenKind::kOperator:
      if (token.text == "*") return parse_star();
      if (token.text == "@" || token.text == "!") {
        return error_at(token.at, fmt::format("the prefix operator {} is not supported, expected "
                                              "an expression",
                                              token.text));
      }
      return unexpected("an expression");
    case TokenKind::kEnd:
      break;
  }
  return unexpected("an expression");
}

Result<ExprPtr> Parser::parse_number() {
  const Token& token = next();
  ExprPtr node = make(ExprKind::kLiteral, token.at);
  if (token.kind == TokenKind::kInteger) {
    if (auto n = value::parse_integer<value::int128>(token.text)) {
      const Kind kind = *n <= INT32_MAX   ? Kind::kInt32
                        : *n <= INT64_MAX ? Kind::kInt64
                                          : Kind::kInt128;
      node->literal = Value::of_int(kind, *n);
      node->is_number_literal = true;
      return node;
    }
  } else if (token.kind == TokenKind::kDecimal) {
    if (auto literal = value::parse_decimal_literal(token.text)) {
      node->literal =
          Value::of_int(Type::decimal(literal->type.width, literal->type.scale), literal->unscaled);
      return node;
    }
  }
  auto parsed = value::parse_double(token.text);
  if (!parsed) {
    return error_at(token.at,
                    fmt::format("found the number {}, expected one that a DOUBLE can hold",
                                printable(token.text, 60)));
  }
  node->literal = Value::real(*parsed);
  node->name = token.text;
  return node;
}

Result<ExprPtr> Parser::parse_param() {
  const Token& token = next();
  ExprPtr node = make(ExprKind::kParam, token.at);
  if (token.text.empty()) {
    node->index = ++param_count_;
  } else {
    if (token.text.size() > 4 || token.text == "0") {
      return error_at(token.at, fmt::format("found ${}, expected $1 to $9999", token.text));
    }
    node->index = std::stoi(token.text);
    param_count_ = std::max(param_count_, node->index);
  }
  return node;
}

Result<ExprPtr> Parser::parse_parenthesis() {
  const Position at = next().at;
  if (at_select()) {
    TIDEMILL_TRY_LET(query, parse_select());
    TIDEMILL_TRY(expect_sign(")"));
    ExprPtr node = make(ExprKind::kQuery, at);
    node->query = std::move(query);
    return node;
  }
  TIDEMILL_TRY_LET(inner, parse_expr());
  if (at_sign(",")) {
    return error_at(peek().at, "found ',': rows in parentheses are not supported, expected ')'");
  }
  TIDEMILL_TRY(expect_sign(")"));
  return std::move(inner);
}

Result<ExprPtr> Parser::parse_word() {
  if (peek().kind == TokenKind::kWord) {
    bool is_special = false;
    TIDEMILL_TRY_LET(word, parse_special_word(&is_special));
    if (is_special) return std::move(word);
    TIDEMILL_TRY_LET(typed, parse_typed_literal(&is_special));
    if (is_special) return std::move(typed);
    if (at_sign("(", 1)) {
      TIDEMILL_TRY_LET(called, parse_special_call(&is_special));
      if (is_special) return std::move(called);
      if (!is_reserved(peek().lower)) return parse_function();
    }
    if (is_reserved(peek().lower)) return unexpected("an expression");
  } else if (at_sign("(", 1)) {
    return parse_function();
  }
  return parse_column();
}

// TRUE, FALSE, NULL, CASE, INTERVAL.
Result<ExprPtr> Parser::parse_special_word(bool* is_special) {
  const Token& token = peek();
  *is_special = true;
  if (token.lower == "true" || token.lower == "false" || token.lower == "null") {
    ExprPtr node = make(ExprKind::kLiteral, token.at);
    if (token.lower != "null") node->literal = Value::boolean(token.lower == "true");
    next();
    return node;
  }
  if (token.lower == "case") return parse_case();
  if (token.lower == "interval" && !at_sign(".", 1)) {
    const TokenKind after = peek(1).kind;
    if (after == TokenKind::kString || after == TokenKind::kInteger ||
        after == TokenKind::kDecimal || after == TokenKind::kDouble || after == TokenKind::kParam ||
        at_sign("(", 1) || at_operator("-", 1)) {
      return parse_interval();
    }
  }
  *is_special = false;
  return ExprPtr();
}

// Calls whose arguments have a grammar of their own.
Result<ExprPtr> Parser::parse_special_call(bool* is_special) {
  struct Form {
    std::string_view word;
    Result<ExprPtr> (Parser::*parse)();
  };
  static constexpr Form kForms[] = {
      {"extract", &Parser::parse_extract},   {"substring", &Parser::parse_substring},
      {"position", &Parser::parse_position}, {"trim", &Parser::parse_trim},
      {"exists", &Parser::parse_exists},
  };
  *is_special = true;
  if (at_word("cast")) return parse_cast(false);
  if (at_word("try_cast")) return parse_cast(true);
  for (const Form& form : kForms) {
    if (at_word(form.word)) return (this->*form.parse)();
  }
  *is_special = false;
  return ExprPtr();
}

Result<ExprPtr> Parser::parse_column() {
  const Token& first = next();
  ExprPtr node = make(ExprKind::kColumn, first.at);
  node->name = first.text;
  if (!at_sign(".")) return node;
  next();
  node->qualifier = std::move(node->name);
  if (at_operator("*")) {
    TIDEMILL_TRY_LET(star, parse_star());
    star->qualifier = node->qualifier;
    star->at = node->at;
    return std::move(star);
  }
  const Token& second = peek();
  if (second.kind != TokenKind::kWord && second.kind != TokenKind::kQuoted) {
    return unexpected("a column name behind '.'");
  }
  node->name = next().text;
  ExprPtr base = std::move(node);
  while (at_sign(".") && (peek(1).kind == TokenKind::kWord || peek(1).kind == TokenKind::kQuoted)) {
    const Position at = next().at;
    ExprPtr field = make(ExprKind::kLiteral, at);
    field->literal = Value::text(next().text);
    std::vector<ExprPtr> args;
    args.push_back(std::move(base));
    args.push_back(std::move(field));
    TIDEMILL_TRY_LET(part, checked(call("struct_extract", at, std::move(args), false)));
    base = std::move(part);
  }
  return base;
}

Result<ExprPtr> Parser::parse_case() {
  ExprPtr node = make(ExprKind::kCase, next().at);
  if (!at_word("when")) {
    TIDEMILL_TRY_LET(operand, parse_expr());
    node->operand = std::move(operand);
  }
  if (!at_word("when")) return unexpected("WHEN");
  while (take_word("when")) {
    TIDEMILL_TRY_LET(condition, parse_expr());
    node->args.push_back(std::move(condition));
    TIDEMILL_TRY(expect_word("then"));
    TIDEMILL_TRY_LET(result, parse_expr());
    node->args.push_back(std::move(result));
  }
  if (take_word("else")) {
    TIDEMILL_TRY_LET(otherwise, parse_expr());
    node->args.push_back(std::move(otherwise));
  } else {
    node->args.push_back(nullptr);
  }
  TIDEMILL_TRY(expect_word("end"));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_cast(bool is_try) {
  ExprPtr node = make(ExprKind::kCast, next().at);
  node->is_try = is_try;
  TIDEMILL_TRY(expect_sign("("));
  TIDEMILL_TRY_LET(inner, parse_expr());
  TIDEMILL_TRY(expect_word("as"));
  TIDEMILL_TRY_LET(type, parse_cast_type());
  TIDEMILL_TRY(expect_sign(")"));
  node->type = type;
  node->args.push_back(std::move(inner));
  return checked(std::move(node));
}

// Puts the tokens of a type together as text, which value::parse_type reads.
Result<Type> Parser::parse_cast_type() {
  const Position at = peek().at;
  if (peek().kind != TokenKind::kWord && peek().kind != TokenKind::kQuoted) {
    return unexpected("a type name");
  }
  const bool is_quoted = peek().kind == TokenKind::kQuoted;
  const std::string first = next().text;
  std::string text = is_quoted ? "\"" + first + "\"" : first;
  if (at_word("precision")) text += " " + next().text;
  if (at_word("with") && at_word("time", 1) && at_word("zone", 2)) {
    at_ += 3;
    text += " with time zone";
  } else if (at_word("without") && at_word("time", 1) && at_word("zone", 2)) {
    at_ += 3;
  }
  if (at_sign("(")) {
    int depth = 0;
    do {
      if (peek().kind == TokenKind::kEnd) return unexpected("')'");
      if (at_sign("(")) ++depth;
      if (at_sign(")")) --depth;
      const bool quoted = peek().kind == TokenKind::kQuoted;
      const std::string part = next().text;
      text += quoted ? " \"" + part + "\"" : " " + part;
    } while (depth > 0);
  }
  while (at_sign("[") && at_sign("]", 1)) {
    at_ += 2;
    text += "[]";
  }
  auto type = value::parse_type(text);
  if (!type) return fail(sql_error("Catalog Error", at, type.error().message));
  return *type;
}

// DATE '2024-01-01': a type name directly before a string.
Result<ExprPtr> Parser::parse_typed_literal(bool* is_typed) {
  *is_typed = false;
  Kind kind;
  if (peek(1).kind != TokenKind::kString || !value::kind_of_name(peek().lower, &kind)) {
    return ExprPtr();
  }
  *is_typed = true;
  ExprPtr node = make(ExprKind::kCast, next().at);
  node->type = kind == Kind::kDecimal ? Type::decimal(18, 3) : Type(kind);
  ExprPtr literal = make(ExprKind::kLiteral, peek().at);
  literal->is_text_literal = true;
  literal->literal = Value::text(next().text);
  node->args.push_back(std::move(literal));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_interval() {
  static const std::vector<std::string_view> units = {
      "year",        "years",       "month",      "months",    "day",         "days",
      "hour",        "hours",       "minute",     "minutes",   "second",      "seconds",
      "week",        "weeks",       "quarter",    "quarters",  "decade",      "decades",
      "century",     "centuries",   "millennium", "millennia", "millisecond", "milliseconds",
      "microsecond", "microseconds"};
  ExprPtr node = make(ExprKind::kInterval, next().at);
  const bool is_negative = at_operator("-");
  if (is_negative) next();
  TIDEMILL_TRY_LET(amount, parse_primary());
  ExprPtr count = std::move(amount);
  if (is_negative) {
    std::vector<ExprPtr> args;
    args.push_back(std::move(count));
    count = call("-", node->at, std::move(args), true);
  }
  const bool is_string = count->is_text_literal;
  if (peek().kind == TokenKind::kWord &&
      std::find(units.begin(), units.end(), peek().lower) != units.end()) {
    node->name = next().lower;
  } else if (!is_string) {
    return unexpected("a unit such as DAY, MONTH or HOUR");
  }
  node->args.push_back(std::move(count));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_extract() {
  const Position at = next().at;
  TIDEMILL_TRY(expect_sign("("));
  const Token& part = peek();
  if (part.kind != TokenKind::kWord && part.kind != TokenKind::kString &&
      part.kind != TokenKind::kQuoted) {
    return unexpected("a part such as year, month or dow");
  }
  ExprPtr name = make(ExprKind::kLiteral, part.at);
  name->is_text_literal = true;
  name->literal = Value::text(next().text);
  TIDEMILL_TRY(expect_word("from"));
  TIDEMILL_TRY_LET(source, parse_expr());
  TIDEMILL_TRY(expect_sign(")"));
  std::vector<ExprPtr> args;
  args.push_back(std::move(name));
  args.push_back(std::move(source));
  return checked(call("date_part", at, std::move(args), false));
}

// substring(x FROM 2 FOR 3) or substring(x, 2, 3).
Result<ExprPtr> Parser::parse_substring() {
  const Position at = next().at;
  TIDEMILL_TRY(expect_sign("("));
  std::vector<ExprPtr> args;
  TIDEMILL_TRY_LET(text, parse_expr());
  args.push_back(std::move(text));
  if (take_word("from")) {
    TIDEMILL_TRY_LET(start, parse_expr());
    args.push_back(std::move(start));
  }
  if (take_word("for")) {
    if (args.size() == 1) {
      ExprPtr one = make(ExprKind::kLiteral, at);
      one->literal = Value::bigint(1);
      args.push_back(std::move(one));
    }
    TIDEMILL_TRY_LET(count, parse_expr());
    args.push_back(std::move(count));
  }
  if (args.size() == 1 && take_sign(",")) TIDEMILL_TRY(parse_expr_list(args));
  TIDEMILL_TRY(expect_sign(")"));
  return checked(call("substring", at, std::move(args), false));
}

Result<ExprPtr> Parser::parse_position() {
  const Position at = next().at;
  TIDEMILL_TRY(expect_sign("("));
  TIDEMILL_TRY_LET(needle, parse_other_operator());
  std::vector<ExprPtr> args;
  if (take_word("in")) {
    TIDEMILL_TRY_LET(text, parse_expr());
    args.push_back(std::move(text));
    args.push_back(std::move(needle));
  } else {
    args.push_back(std::move(needle));
    TIDEMILL_TRY(expect_sign(","));
    TIDEMILL_TRY(parse_expr_list(args));
  }
  TIDEMILL_TRY(expect_sign(")"));
  return checked(call("position", at, std::move(args), false));
}

// trim([BOTH | LEADING | TRAILING] [set] FROM x) or trim(x [, set]).
Result<ExprPtr> Parser::parse_trim() {
  const Position at = next().at;
  TIDEMILL_TRY(expect_sign("("));
  std::string name = "trim";
  if (take_word("leading")) {
    name = "ltrim";
  } else if (take_word("trailing")) {
    name = "rtrim";
  } else {
    take_word("both");
  }
  std::vector<ExprPtr> args;
  if (!at_word("from")) {
    TIDEMILL_TRY_LET(first, parse_expr());
    args.push_back(std::move(first));
  }
  if (take_word("from")) {
    TIDEMILL_TRY_LET(text, parse_expr());
    args.insert(args.begin(), std::move(text));
  } else if (take_sign(",")) {
    TIDEMILL_TRY(parse_expr_list(args));
  }
  TIDEMILL_TRY(expect_sign(")"));
  return checked(call(name, at, std::move(args), false));
}

Result<ExprPtr> Parser::parse_exists() {
  ExprPtr node = make(ExprKind::kExists, next().at);
  TIDEMILL_TRY(expect_sign("("));
  if (!at_select()) return unexpected("SELECT");
  TIDEMILL_TRY_LET(query, parse_select());
  TIDEMILL_TRY(expect_sign(")"));
  node->query = std::move(query);
  return node;
}

Result<ExprPtr> Parser::parse_list() {
  ExprPtr node = make(ExprKind::kList, next().at);
  if (!at_sign("]")) TIDEMILL_TRY(parse_expr_list(node->args));
  TIDEMILL_TRY(expect_sign("]"));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_struct() {
  ExprPtr node = make(ExprKind::kStruct, next().at);
  do {
    const Token& name = peek();
    if (name.kind != TokenKind::kWord && name.kind != TokenKind::kQuoted &&
        name.kind != TokenKind::kString) {
      return unexpected("a field name");
    }
    node->names.push_back(next().text);
    TIDEMILL_TRY(expect_sign(":"));
    TIDEMILL_TRY_LET(field, parse_expr());
    node->args.push_back(std::move(field));
  } while (take_sign(","));
  TIDEMILL_TRY(expect_sign("}"));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_function() {
  const Token& name = next();
  ExprPtr node = make(ExprKind::kFunction, name.at);
  node->name = to_lower_ascii(name.text);
  TIDEMILL_TRY(expect_sign("("));
  if (!at_sign(")")) TIDEMILL_TRY(parse_function_arguments(*node));
  TIDEMILL_TRY(expect_sign(")"));
  TIDEMILL_TRY(parse_function_tail(*node));
  if (node->name == "try" && node->args.size() == 1) node->kind = ExprKind::kTry;
  return checked(std::move(node));
}

Status Parser::parse_function_arguments(ExprNode& call_node) {
  if (take_word("distinct")) {
    call_node.is_distinct = true;
  } else {
    take_word("all");
  }
  if (at_operator("*")) {
    if (!at_sign(")", 1)) return unexpected("')' behind '*'");
    ExprPtr star = make(ExprKind::kStar, next().at);
    call_node.args.push_back(std::move(star));
    return {};
  }
  if (peek().kind == TokenKind::kWord && (at_operator(":=", 1) || at_operator("=>", 1))) {
    return error_at(peek(1).at, "arguments by name are not supported, expected them by position");
  }
  TIDEMILL_TRY(parse_expr_list(call_node.args));
  if (take_words({"ignore", "nulls"})) {
    call_node.ignores_nulls = true;
  } else {
    take_words({"respect", "nulls"});
  }
  if (take_words({"order", "by"})) TIDEMILL_TRY(parse_order_list(call_node.order));
  return {};
}

Status Parser::parse_function_tail(ExprNode& call_node) {
  if (take_words({"within", "group"})) {
    TIDEMILL_TRY(expect_sign("("));
    TIDEMILL_TRY(expect_word("order"));
    TIDEMILL_TRY(expect_word("by"));
    TIDEMILL_TRY_LET(item, parse_order_item());
    TIDEMILL_TRY(expect_sign(")"));
    if (item.is_descending) return unexpected("WITHIN GROUP in ascending order");
    call_node.args.insert(call_node.args.begin(), std::move(item.expr));
  }
  if (at_word("filter") && at_sign("(", 1)) {
    next();
    next();
    TIDEMILL_TRY(expect_word("where"));
    TIDEMILL_TRY_LET(filter, parse_expr());
    TIDEMILL_TRY(expect_sign(")"));
    call_node.filter = std::move(filter);
  }
  if (take_words({"ignore", "nulls"})) call_node.ignores_nulls = true;
  if (take_words({"respect", "nulls"})) call_node.ignores_nulls = false;
  if (take_word("over")) {
    if (at_sign("(")) {
      TIDEMILL_TRY_LET(window, parse_window());
      call_node.window = std::move(window);
    } else {
      TIDEMILL_TRY_LET(base, expect_name("a window's name or '('"));
      call_node.window = std::make_unique<WindowNode>();
      call_node.window->base = base;
    }
  }
  return {};
}

Result<std::unique_ptr<WindowNode>> Parser::parse_window() {
  TIDEMILL_TRY(expect_sign("("));
  auto window = std::make_unique<WindowNode>();
  const bool at_clause = at_word("partition") || at_word("order") || at_word("rows") ||
                         at_word("range") || at_word("groups") || at_sign(")");
  if (!at_clause) {
    TIDEMILL_TRY_LET(base, expect_name("PARTITION BY, ORDER BY, a frame or a window's name"));
    window->base = base;
  }
  if (take_words({"partition", "by"})) TIDEMILL_TRY(parse_expr_list(window->partition));
  if (take_words({"order", "by"})) TIDEMILL_TRY(parse_order_list(window->order));
  TIDEMILL_TRY(parse_frame(*window));
  TIDEMILL_TRY(expect_sign(")"));
  return window;
}

Status Parser::parse_frame(WindowNode& window) {
  if (take_word("rows")) {
    window.unit = FrameUnit::kRows;
  } else if (take_word("range")) {
    window.unit = FrameUnit::kRange;
  } else if (take_word("groups")) {
    window.unit = FrameUnit::kGroups;
  } else {
    return {};
  }
  window.has_frame = true;
  const bool is_between = take_word("between");
  TIDEMILL_TRY(parse_frame_edge(&window.start, &window.start_offset));
  if (is_between) {
    TIDEMILL_TRY(expect_word("and"));
    TIDEMILL_TRY(parse_frame_edge(&window.end, &window.end_offset));
  }
  if (at_word("exclude")) return unexpected("a frame without EXCLUDE");
  return {};
}

Status Parser::parse_frame_edge(FrameEdge* edge, ExprPtr* offset) {
  if (take_words({"current", "row"})) {
    *edge = FrameEdge::kCurrentRow;
    return {};
  }
  if (take_word("unbounded")) {
    if (take_word("preceding")) {
      *edge = FrameEdge::kUnboundedPreceding;
      return {};
    }
    TIDEMILL_TRY(expect_word("following"));
    *edge = FrameEdge::kUnboundedFollowing;
    return {};
  }
  TIDEMILL_TRY_LET(amount, parse_other_operator());
  *offset = std::move(amount);
  if (take_word("preceding")) {
    *edge = FrameEdge::kPreceding;
    return {};
  }
  TIDEMILL_TRY(expect_word("following"));
  *edge = FrameEdge::kFollowing;
  return {};
}

Status Parser::parse_expr_list(std::vector<ExprPtr>& out) {
  do {
    TIDEMILL_TRY_LET(item, parse_expr());
    out.push_back(std::move(item));
  } while (take_sign(","));
  return {};
}

Status Parser::parse_order_list(std::vector<OrderItem>& out) {
  do {
    TIDEMILL_TRY_LET(item, parse_order_item());
    out.push_back(std::move(item));
  } while (take_sign(","));
  return {};
}

Result<OrderItem> Parser::parse_order_item() {
  OrderItem item;
  TIDEMILL_TRY_LET(expr, parse_expr());
  item.expr = std::move(expr);
  TIDEMILL_TRY(parse_direction(item));
  return item;
}

Status Parser::parse_direction(OrderItem& item) {
  if (take_word("desc")) {
    item.is_descending = true;
  } else {
    take_word("asc");
  }
  if (take_words({"nulls", "first"})) item.nulls = NullsOrder::kFirst;
  if (take_words({"nulls", "last"})) item.nulls = NullsOrder::kLast;
  return {};
}

}  // namespace tidemill::sql
