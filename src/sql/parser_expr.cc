// The operators of expressions, by precedence. Primaries are in parser_primary.cc.
#include <set>

#include "base/text.h"
#include "sql/parser.h"

namespace tidemill::sql {

bool is_reserved(std::string_view lower) {
  static const std::set<std::string_view> words = {
      "all",    "and",   "any",       "as",      "asc",     "between",  "both",    "by",
      "case",   "cast",  "collate",   "cross",   "desc",    "distinct", "else",    "end",
      "except", "false", "fetch",     "for",     "from",    "full",     "group",   "having",
      "in",     "inner", "intersect", "is",      "isnull",  "join",     "lateral", "leading",
      "like",   "ilike", "limit",     "natural", "not",     "notnull",  "null",    "offset",
      "on",     "or",    "order",     "outer",   "qualify", "select",   "similar", "some",
      "then",   "to",    "trailing",  "true",    "union",   "using",    "when",    "where",
      "window", "with",
  };
  return words.count(lower) > 0;
}

const Token& Parser::peek(size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

const Token& Parser::next() {
  const Token& token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::at_word(std::string_view word, size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kWord && token.lower == word;
}

bool Parser::at_sign(std::string_view sign, size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kSign && token.text == sign;
}

bool Parser::at_operator(std::string_view text, size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kOperator && token.text == text;
}

bool Parser::take_word(std::string_view word) {
  if (!at_word(word)) return false;
  next();
  return true;
}

bool Parser::take_words(std::initializer_list<std::string_view> words) {
  size_t ahead = 0;
  for (const std::string_view word : words) {
    if (!at_word(word, ahead++)) return false;
  }
  at_ += words.size();
  return true;
}

bool Parser::take_sign(std::string_view sign) {
  if (!at_sign(sign)) return false;
  next();
  return true;
}

Status Parser::expect_word(std::string_view word) {
  if (take_word(word)) return {};
  std::string upper(word);
  for (char& c : upper) c = static_cast<char>(toupper(c));
  return unexpected(upper);
}

Status Parser::expect_sign(std::string_view sign) {
  if (take_sign(sign)) return {};
  return unexpected(fmt::format("'{}'", sign));
}

Result<std::string> Parser::expect_name(std::string_view what) {
  const Token& token = peek();
  if (token.kind == TokenKind::kQuoted) return next().text;
  if (token.kind == TokenKind::kWord && !is_reserved(token.lower)) return next().text;
  return unexpected(what);
}

tl::unexpected<Error> Parser::unexpected(std::string_view expected) const {
  const Token& token = peek();
  const std::string found =
      token.kind == TokenKind::kEnd ? "the end of the text" : "'" + printable(token.text, 40) + "'";
  return error_at(token.at, fmt::format("found {}, expected {}", found, expected));
}

tl::unexpected<Error> Parser::error_at(Position at, std::string message) const {
  return fail(sql_error("Parser Error", at, std::move(message)));
}

Status Parser::enter() {
  if (++nesting_ <= kMaxNesting) return {};
  return error_at(peek().at, fmt::format("found expressions nested deeper than {} levels, expected "
                                         "fewer; split the query with WITH",
                                         kMaxNesting));
}

ExprPtr Parser::make(ExprKind kind, Position at) const {
  auto node = std::make_unique<ExprNode>();
  node->kind = kind;
  node->at = at;
  return node;
}

ExprPtr Parser::call(std::string_view name, Position at, std::vector<ExprPtr> args,
                     bool is_operator) const {
  ExprPtr node = make(ExprKind::kFunction, at);
  node->name = name;
  node->is_operator = is_operator;
  node->args = std::move(args);
  return node;
}

// Sets the depth and refuses trees that recursion could not walk safely.
Result<ExprPtr> Parser::checked(ExprPtr expr) const {
  int depth = 0;
  for (const ExprPtr& arg : expr->args) {
    if (arg) depth = std::max(depth, arg->depth);
  }
  if (expr->operand) depth = std::max(depth, expr->operand->depth);
  expr->depth = depth + 1;
  if (expr->depth > kMaxTreeDepth) {
    return error_at(expr->at, fmt::format("found an expression of more than {} levels, expected "
                                          "fewer; split it with WITH",
                                          kMaxTreeDepth));
  }
  return expr;
}

namespace {

template <class... Args>
std::vector<ExprPtr> list_of(Args... args) {
  std::vector<ExprPtr> out;
  (out.push_back(std::move(args)), ...);
  return out;
}

}  // namespace

Result<ExprPtr> Parser::parse_lone_expression() {
  TIDEMILL_TRY_LET(expr, parse_expr());
  if (peek().kind != TokenKind::kEnd) return unexpected("the end of the expression");
  return std::move(expr);
}

Result<ExprPtr> Parser::parse_expr() {
  TIDEMILL_TRY(enter());
  TIDEMILL_TRY_LET(first, parse_and());
  if (at_word("or")) {
    ExprPtr node = make(ExprKind::kOr, first->at);
    node->args.push_back(std::move(first));
    while (take_word("or")) {
      TIDEMILL_TRY_LET(right, parse_and());
      node->args.push_back(std::move(right));
    }
    leave();
    return checked(std::move(node));
  }
  leave();
  return std::move(first);
}

Result<ExprPtr> Parser::parse_and() {
  TIDEMILL_TRY_LET(first, parse_not());
  if (!at_word("and")) return std::move(first);
  ExprPtr node = make(ExprKind::kAnd, first->at);
  node->args.push_back(std::move(first));
  while (take_word("and")) {
    TIDEMILL_TRY_LET(right, parse_not());
    node->args.push_back(std::move(right));
  }
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_not() {
  const Position at = peek().at;
  if (!at_word("not")) return parse_is();
  next();
  TIDEMILL_TRY(enter());
  TIDEMILL_TRY_LET(inner, parse_not());
  leave();
  ExprPtr node = make(ExprKind::kNot, at);
  node->args.push_back(std::move(inner));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_is() {
  TIDEMILL_TRY_LET(first, parse_match());
  TIDEMILL_TRY_LET(compared, parse_comparison(std::move(first)));
  ExprPtr left = std::move(compared);
  while (at_word("is") || at_word("isnull") || at_word("notnull")) {
    TIDEMILL_TRY_LET(tested, parse_is_tail(std::move(left)));
    TIDEMILL_TRY_LET(again, parse_comparison(std::move(tested)));
    left = std::move(again);
  }
  return left;
}

Result<ExprPtr> Parser::parse_is_tail(ExprPtr left) {
  const Position at = left->at;
  if (at_word("isnull") || at_word("notnull")) {
    ExprPtr node = make(ExprKind::kIsNull, at);
    node->is_negated = next().lower == "notnull";
    node->args.push_back(std::move(left));
    return checked(std::move(node));
  }
  next();
  const bool is_negated = take_word("not");
  if (take_words({"distinct", "from"})) {
    TIDEMILL_TRY_LET(right, parse_match());
    ExprPtr node = make(ExprKind::kDistinct, at);
    node->is_negated = is_negated;
    node->args = list_of(std::move(left), std::move(right));
    return checked(std::move(node));
  }
  ExprPtr node = make(ExprKind::kIsNull, at);
  if (take_word("true") || take_word("false")) {
    node->kind = ExprKind::kIsBool;
    node->literal = value::Value::boolean(tokens_[at_ - 1].lower == "true");
  } else if (!take_word("null") && !take_word("unknown")) {
    return unexpected("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM");
  }
  node->is_negated = is_negated;
  node->args.push_back(std::move(left));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_comparison(ExprPtr left) {
  static const std::set<std::string_view> signs = {"=", "==", "<>", "!=", "<", ">", "<=", ">="};
  const auto at_comparison = [this] {
    return peek().kind == TokenKind::kOperator && signs.count(peek().text) > 0;
  };
  if (!at_comparison()) return left;
  const Token& sign = next();
  const Position at = sign.at;
  std::string name = sign.text == "==" ? "=" : sign.text == "!=" ? "<>" : sign.text;
  TIDEMILL_TRY_LET(right, parse_match());
  if (at_comparison()) {
    return error_at(peek().at, fmt::format("found a second comparison '{}', expected AND between "
                                           "comparisons",
                                           peek().text));
  }
  return checked(call(name, at, list_of(std::move(left), std::move(right)), true));
}

Result<ExprPtr> Parser::parse_match() {
  TIDEMILL_TRY_LET(first, parse_other_operator());
  ExprPtr left = std::move(first);
  while (true) {
    const bool is_negated =
        at_word("not") && (at_word("between", 1) || at_word("in", 1) || at_word("like", 1) ||
                           at_word("ilike", 1) || at_word("similar", 1) || at_word("glob", 1));
    const size_t ahead = is_negated ? 1 : 0;
    const bool at_match = at_word("between", ahead) || at_word("in", ahead) ||
                          at_word("like", ahead) || at_word("ilike", ahead) ||
                          at_word("similar", ahead) || at_word("glob", ahead);
    if (!at_match) return left;
    if (is_negated) next();
    TIDEMILL_TRY_LET(matched, parse_match_tail(std::move(left), is_negated));
    left = std::move(matched);
  }
}

Result<ExprPtr> Parser::parse_match_tail(ExprPtr left, bool is_negated) {
  const Position at = left->at;
  if (take_word("between")) {
    if (at_word("symmetric")) return unexpected("BETWEEN without SYMMETRIC");
    TIDEMILL_TRY_LET(low, parse_other_operator());
    TIDEMILL_TRY(expect_word("and"));
    TIDEMILL_TRY_LET(high, parse_other_operator());
    ExprPtr node = make(ExprKind::kBetween, at);
    node->is_negated = is_negated;
    node->args = list_of(std::move(left), std::move(low), std::move(high));
    return checked(std::move(node));
  }
  if (take_word("in")) return parse_in(std::move(left), is_negated);
  if (take_word("like")) return parse_like(std::move(left), "~~", is_negated);
  if (take_word("ilike")) return parse_like(std::move(left), "~~*", is_negated);
  if (take_word("glob")) return parse_like(std::move(left), "~~~", is_negated);
  next();
  TIDEMILL_TRY(expect_word("to"));
  return parse_like(std::move(left), "similar to", is_negated);
}

Result<ExprPtr> Parser::parse_like(ExprPtr left, std::string_view name, bool is_negated) {
  const Position at = left->at;
  TIDEMILL_TRY_LET(pattern, parse_other_operator());
  std::vector<ExprPtr> args = list_of(std::move(left), std::move(pattern));
  if (take_word("escape")) {
    if (name != "~~" && name != "~~*") return unexpected("ESCAPE only behind LIKE and ILIKE");
    TIDEMILL_TRY_LET(escape, parse_other_operator());
    args.push_back(std::move(escape));
  }
  TIDEMILL_TRY_LET(node, checked(call(name, at, std::move(args), true)));
  if (!is_negated) return std::move(node);
  ExprPtr negated = make(ExprKind::kNot, at);
  negated->args.push_back(std::move(node));
  return checked(std::move(negated));
}

Result<ExprPtr> Parser::parse_in(ExprPtr left, bool is_negated) {
  ExprPtr node = make(ExprKind::kIn, left->at);
  node->is_negated = is_negated;
  node->args.push_back(std::move(left));
  if (!at_sign("(")) {
    // x IN list: membership of a list value.
    TIDEMILL_TRY_LET(list, parse_other_operator());
    std::vector<ExprPtr> args = list_of(std::move(list), std::move(node->args[0]));
    TIDEMILL_TRY_LET(member, checked(call("list_contains", node->at, std::move(args), false)));
    if (!is_negated) return std::move(member);
    ExprPtr negated = make(ExprKind::kNot, node->at);
    negated->args.push_back(std::move(member));
    return checked(std::move(negated));
  }
  next();
  if (at_select()) {
    node->kind = ExprKind::kInQuery;
    TIDEMILL_TRY_LET(query, parse_select());
    node->query = std::move(query);
  } else {
    TIDEMILL_TRY(parse_expr_list(node->args));
  }
  TIDEMILL_TRY(expect_sign(")"));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_other_operator() {
  static const std::set<std::string_view> known_low = {
      "+", "-", "*",  "/",  "//", "%",  "^",  "**", "=",
      "<", ">", "<=", ">=", "<>", "!=", "==", ":=", "=>"};
  ExprPtr left;
  if (at_operator("~")) {
    const Position at = next().at;
    TIDEMILL_TRY(enter());
    TIDEMILL_TRY_LET(operand, parse_sum());
    leave();
    TIDEMILL_TRY_LET(node, checked(call("~", at, list_of(std::move(operand)), true)));
    left = std::move(node);
  } else {
    TIDEMILL_TRY_LET(first, parse_sum());
    left = std::move(first);
  }
  while (peek().kind == TokenKind::kOperator && known_low.count(peek().text) == 0) {
    const Token& sign = next();
    const Position at = sign.at;
    const std::string name = sign.text;
    TIDEMILL_TRY_LET(right, parse_sum());
    TIDEMILL_TRY_LET(node,
                     checked(call(name, at, list_of(std::move(left), std::move(right)), true)));
    left = std::move(node);
  }
  return left;
}

Result<ExprPtr> Parser::parse_sum() {
  TIDEMILL_TRY_LET(first, parse_product());
  ExprPtr left = std::move(first);
  while (at_operator("+") || at_operator("-")) {
    const Token& sign = next();
    const Position at = sign.at;
    const std::string name = sign.text;
    TIDEMILL_TRY_LET(right, parse_product());
    TIDEMILL_TRY_LET(node,
                     checked(call(name, at, list_of(std::move(left), std::move(right)), true)));
    left = std::move(node);
  }
  return left;
}

Result<ExprPtr> Parser::parse_product() {
  TIDEMILL_TRY_LET(first, parse_power());
  ExprPtr left = std::move(first);
  while (at_operator("*") || at_operator("/") || at_operator("//") || at_operator("%")) {
    const Token& sign = next();
    const Position at = sign.at;
    const std::string name = sign.text;
    TIDEMILL_TRY_LET(right, parse_power());
    TIDEMILL_TRY_LET(node,
                     checked(call(name, at, list_of(std::move(left), std::move(right)), true)));
    left = std::move(node);
  }
  return left;
}

Result<ExprPtr> Parser::parse_power() {
  TIDEMILL_TRY_LET(first, parse_unary());
  ExprPtr left = std::move(first);
  while (at_operator("^") || at_operator("**")) {
    const Position at = next().at;
    TIDEMILL_TRY_LET(right, parse_unary());
    TIDEMILL_TRY_LET(node,
                     checked(call("**", at, list_of(std::move(left), std::move(right)), true)));
    left = std::move(node);
  }
  return left;
}

Result<ExprPtr> Parser::parse_unary() {
  if (!at_operator("-") && !at_operator("+")) return parse_postfix();
  const Token& sign = next();
  const Position at = sign.at;
  const std::string name = sign.text;
  TIDEMILL_TRY(enter());
  TIDEMILL_TRY_LET(operand, parse_unary());
  leave();
  return checked(call(name, at, list_of(std::move(operand)), true));
}

Result<ExprPtr> Parser::parse_postfix() {
  TIDEMILL_TRY_LET(first, parse_primary());
  ExprPtr base = std::move(first);
  while (true) {
    if (at_sign("::")) {
      ExprPtr node = make(ExprKind::kCast, next().at);
      TIDEMILL_TRY_LET(type, parse_cast_type());
      node->type = type;
      node->args.push_back(std::move(base));
      TIDEMILL_TRY_LET(cast, checked(std::move(node)));
      base = std::move(cast);
    } else if (at_sign("[")) {
      TIDEMILL_TRY_LET(part, parse_subscript(std::move(base)));
      base = std::move(part);
    } else if (at_sign(".") && base->kind != ExprKind::kColumn &&
               (peek(1).kind == TokenKind::kWord || peek(1).kind == TokenKind::kQuoted)) {
      const Position at = next().at;
      ExprPtr field = make(ExprKind::kLiteral, at);
      field->literal = value::Value::text(next().text);
      TIDEMILL_TRY_LET(part, checked(call("struct_extract", at,
                                          list_of(std::move(base), std::move(field)), false)));
      base = std::move(part);
    } else {
      return base;
    }
  }
}

Result<ExprPtr> Parser::parse_subscript(ExprPtr base) {
  const Position at = next().at;
  ExprPtr low;
  ExprPtr high;
  bool is_slice = false;
  if (!at_sign(":")) {
    TIDEMILL_TRY_LET(index, parse_expr());
    low = std::move(index);
  }
  if (take_sign(":")) {
    is_slice = true;
    if (!at_sign("]")) {
      TIDEMILL_TRY_LET(index, parse_expr());
      high = std::move(index);
    }
  }
  TIDEMILL_TRY(expect_sign("]"));
  ExprPtr node = make(is_slice ? ExprKind::kSlice : ExprKind::kIndex, at);
  node->args.push_back(std::move(base));
  node->args.push_back(std::move(low));
  if (is_slice) node->args.push_back(std::move(high));
  return checked(std::move(node));
}

}  // namespace tidemill::sql
