// SELECT, FROM, VALUES, WITH and set operations.
#include <set>

#include "base/text.h"
#include "sql/parser.h"
#include "sql/statement.h"

namespace tidemill::sql {

Result<SelectPtr> Parser::parse_statement() {
  if (!at_select()) return unexpected("SELECT, WITH, VALUES or FROM");
  TIDEMILL_TRY_LET(select, parse_select());
  while (take_sign(";")) continue;
  if (peek().kind != TokenKind::kEnd) {
    return unexpected(at_select() ? "one statement only" : "the end of the statement");
  }
  return std::move(select);
}

bool Parser::at_select() const {
  size_t ahead = 0;
  while (at_sign("(", ahead)) ++ahead;
  return at_word("select", ahead) || (at_word("with", ahead) && ahead == 0) ||
         at_word("values", ahead) || (at_word("with", ahead)) || (at_word("from", ahead));
}

Result<SelectPtr> Parser::parse_select() {
  TIDEMILL_TRY(enter());
  std::vector<CteNode> ctes;
  if (at_word("with")) TIDEMILL_TRY(parse_ctes(ctes));
  TIDEMILL_TRY_LET(body, parse_set_operation(0));
  SelectPtr select = std::move(body);
  TIDEMILL_TRY(parse_order_and_limit(select));
  if (!ctes.empty()) {
    for (CteNode& own : select->ctes) ctes.push_back(std::move(own));
    select->ctes = std::move(ctes);
  }
  leave();
  return select;
}

Status Parser::parse_ctes(std::vector<CteNode>& out) {
  next();
  if (at_word("recursive")) return unexpected("WITH without RECURSIVE, which is not supported");
  do {
    CteNode cte;
    TIDEMILL_TRY_LET(name, expect_name("a name for the query"));
    cte.name = name;
    if (take_sign("(")) {
      do {
        TIDEMILL_TRY_LET(column, expect_name("a column name"));
        cte.column_aliases.push_back(column);
      } while (take_sign(","));
      TIDEMILL_TRY(expect_sign(")"));
    }
    TIDEMILL_TRY(expect_word("as"));
    if (!take_words({"not", "materialized"})) take_word("materialized");
    TIDEMILL_TRY(expect_sign("("));
    if (!at_select()) return unexpected("SELECT");
    TIDEMILL_TRY_LET(query, parse_select());
    cte.query = std::move(query);
    TIDEMILL_TRY(expect_sign(")"));
    out.push_back(std::move(cte));
  } while (take_sign(","));
  return {};
}

// Level 0: UNION and EXCEPT; level 1: INTERSECT, which binds tighter.
Result<SelectPtr> Parser::parse_set_operation(int level) {
  if (level == 2) return parse_select_primary();
  TIDEMILL_TRY_LET(first, parse_set_operation(level + 1));
  SelectPtr left = std::move(first);
  int count = 0;
  while (level == 0 ? (at_word("union") || at_word("except")) : at_word("intersect")) {
    if (++count > kMaxNesting) {
      return error_at(peek().at, fmt::format("found more than {} set operations in a row, expected "
                                             "fewer",
                                             kMaxNesting));
    }
    const Token& word = next();
    const std::string operation = word.lower;
    auto node = std::make_unique<SelectNode>();
    node->kind = SelectKind::kSetOperation;
    node->at = word.at;
    const bool is_all = take_word("all");
    if (!is_all) take_word("distinct");
    if (at_word("by")) return unexpected("a set operation by position; BY NAME is not supported");
    node->operation =
        operation == "union"    ? (is_all ? SetOperation::kUnionAll : SetOperation::kUnion)
        : operation == "except" ? (is_all ? SetOperation::kExceptAll : SetOperation::kExcept)
                                : (is_all ? SetOperation::kIntersectAll : SetOperation::kIntersect);
    TIDEMILL_TRY_LET(right, parse_set_operation(level + 1));
    node->left = std::move(left);
    node->right = std::move(right);
    left = std::move(node);
  }
  return left;
}

Result<SelectPtr> Parser::parse_select_primary() {
  if (at_sign("(")) {
    next();
    if (!at_select()) return unexpected("SELECT");
    TIDEMILL_TRY_LET(inner, parse_select());
    TIDEMILL_TRY(expect_sign(")"));
    return std::move(inner);
  }
  if (at_word("values")) return parse_values();
  if (at_word("from")) return parse_from_first();
  if (!at_word("select")) return unexpected("SELECT");
  return parse_select_core();
}

Result<SelectPtr> Parser::parse_select_core() {
  auto select = std::make_unique<SelectNode>();
  select->at = next().at;
  if (take_word("distinct")) {
    select->is_distinct = true;
    if (take_word("on")) {
      TIDEMILL_TRY(expect_sign("("));
      TIDEMILL_TRY(parse_expr_list(select->distinct_on));
      TIDEMILL_TRY(expect_sign(")"));
    }
  } else {
    take_word("all");
  }
  TIDEMILL_TRY(parse_items(*select));
  if (take_word("from")) {
    TIDEMILL_TRY_LET(from, parse_from());
    select->from = std::move(from);
  }
  TIDEMILL_TRY(parse_select_tail(*select));
  return select;
}

// FROM t [SELECT ...]: all columns without SELECT.
Result<SelectPtr> Parser::parse_from_first() {
  auto select = std::make_unique<SelectNode>();
  select->at = next().at;
  TIDEMILL_TRY_LET(from, parse_from());
  select->from = std::move(from);
  if (take_word("select")) {
    select->is_distinct = take_word("distinct");
    TIDEMILL_TRY(parse_items(*select));
  } else {
    select->items.push_back({make(ExprKind::kStar, select->at), ""});
  }
  TIDEMILL_TRY(parse_select_tail(*select));
  return select;
}

Status Parser::parse_select_tail(SelectNode& select) {
  if (take_word("where")) {
    TIDEMILL_TRY_LET(where, parse_expr());
    select.where = std::move(where);
  }
  if (at_word("group")) TIDEMILL_TRY(parse_group_by(select));
  if (take_word("having")) {
    TIDEMILL_TRY_LET(having, parse_expr());
    select.having = std::move(having);
  }
  if (take_word("window")) TIDEMILL_TRY(parse_named_windows(select));
  if (take_word("qualify")) {
    TIDEMILL_TRY_LET(qualify, parse_expr());
    select.qualify = std::move(qualify);
  }
  if (at_word("using") && at_word("sample", 1)) return unexpected("a query without USING SAMPLE");
  return {};
}

Status Parser::parse_group_by(SelectNode& select) {
  next();
  TIDEMILL_TRY(expect_word("by"));
  if (take_word("all")) {
    select.groups_all = true;
    return {};
  }
  for (const std::string_view word : {"rollup", "cube", "grouping"}) {
    if (at_word(word)) {
      return unexpected(fmt::format("expressions; GROUP BY {} is not supported", word));
    }
  }
  return parse_expr_list(select.group_by);
}

Status Parser::parse_named_windows(SelectNode& select) {
  do {
    TIDEMILL_TRY_LET(name, expect_name("a window's name"));
    TIDEMILL_TRY(expect_word("as"));
    TIDEMILL_TRY_LET(window, parse_window());
    select.windows.emplace_back(name, std::move(window));
  } while (take_sign(","));
  return {};
}

Status Parser::parse_order_and_limit(SelectPtr& select) {
  const bool has_tail = at_word("order") || at_word("limit") || at_word("offset");
  if (!has_tail) return {};
  if (!select->order.empty() || select->orders_all || select->limit || select->offset) {
    // A parenthesised query with an order or limit of its own: this one goes around it.
    auto outer = std::make_unique<SelectNode>();
    outer->at = select->at;
    outer->items.push_back({make(ExprKind::kStar, select->at), ""});
    outer->from = std::make_unique<FromNode>();
    outer->from->kind = FromKind::kQuery;
    outer->from->at = select->at;
    outer->from->query = std::move(select);
    select = std::move(outer);
  }
  if (take_words({"order", "by"})) {
    if (take_word("all")) {
      select->orders_all = true;
      TIDEMILL_TRY(parse_direction(select->order_all));
    } else {
      TIDEMILL_TRY(parse_order_list(select->order));
    }
  } else if (at_word("order")) {
    next();
    return unexpected("BY");
  }
  while (at_word("limit") || at_word("offset")) {
    const bool is_limit = next().lower == "limit";
    ExprPtr& target = is_limit ? select->limit : select->offset;
    if (target) return unexpected("one LIMIT and one OFFSET only");
    if (is_limit && take_word("all")) continue;
    TIDEMILL_TRY_LET(count, parse_other_operator());
    target = std::move(count);
    if (!is_limit && !take_word("rows")) take_word("row");
  }
  return {};
}

Result<SelectPtr> Parser::parse_values() {
  auto select = std::make_unique<SelectNode>();
  select->kind = SelectKind::kValues;
  select->at = next().at;
  do {
    TIDEMILL_TRY(expect_sign("("));
    std::vector<ExprPtr> row;
    TIDEMILL_TRY(parse_expr_list(row));
    TIDEMILL_TRY(expect_sign(")"));
    if (!select->rows.empty() && row.size() != select->rows.front().size()) {
      return error_at(peek().at,
                      fmt::format("found a row of {} values, expected {} as in the first "
                                  "row",
                                  row.size(), select->rows.front().size()));
    }
    select->rows.push_back(std::move(row));
  } while (take_sign(","));
  return select;
}

Status Parser::parse_items(SelectNode& select) {
  do {
    if (at_word("from") || peek().kind == TokenKind::kEnd || at_sign(")")) {
      if (!select.items.empty()) break;  // a comma behind the last column
    }
    TIDEMILL_TRY_LET(item, parse_item());
    select.items.push_back(std::move(item));
    if (select.items.size() > kMaxColumns) {
      return error_at(peek().at,
                      fmt::format("found more than {} columns, expected fewer", kMaxColumns));
    }
  } while (take_sign(","));
  return {};
}

Result<SelectItem> Parser::parse_item() {
  SelectItem item;
  if (peek().kind == TokenKind::kWord && !is_reserved(peek().lower) && at_sign(":", 1)) {
    item.alias = next().text;  // alias: expression
    next();
    TIDEMILL_TRY_LET(expr, parse_expr());
    item.expr = std::move(expr);
    return item;
  }
  TIDEMILL_TRY_LET(expr, parse_expr());
  item.expr = std::move(expr);
  if (take_word("as")) {
    const Token& name = peek();
    if (name.kind != TokenKind::kWord && name.kind != TokenKind::kQuoted &&
        name.kind != TokenKind::kString) {
      return unexpected("a column name behind AS");
    }
    item.alias = next().text;
  } else if (peek().kind == TokenKind::kQuoted ||
             (peek().kind == TokenKind::kWord && !is_reserved(peek().lower))) {
    item.alias = next().text;
  }
  return item;
}

// * [EXCLUDE (a, b)] [REPLACE (expr AS c)]
Result<ExprPtr> Parser::parse_star() {
  ExprPtr node = make(ExprKind::kStar, next().at);
  if (take_word("exclude") || take_word("except")) {
    const bool has_list = take_sign("(");
    do {
      TIDEMILL_TRY_LET(name, expect_name("a column to exclude"));
      node->names.push_back(name);
    } while (has_list && take_sign(","));
    if (has_list) TIDEMILL_TRY(expect_sign(")"));
  }
  node->excluded = node->names.size();
  if (take_word("replace")) {
    TIDEMILL_TRY(expect_sign("("));
    do {
      TIDEMILL_TRY_LET(expr, parse_expr());
      TIDEMILL_TRY(expect_word("as"));
      TIDEMILL_TRY_LET(name, expect_name("the column to replace"));
      node->args.push_back(std::move(expr));
      node->names.push_back(name);
    } while (take_sign(","));
    TIDEMILL_TRY(expect_sign(")"));
  }
  if (at_word("rename") || at_word("like") || at_word("similar")) {
    return unexpected("* with EXCLUDE or REPLACE only");
  }
  return node;
}

Result<std::unique_ptr<FromNode>> Parser::parse_from() {
  TIDEMILL_TRY_LET(first, parse_table());
  std::unique_ptr<FromNode> left = std::move(first);
  int count = 0;
  while (true) {
    auto join = std::make_unique<FromNode>();
    join->kind = FromKind::kJoin;
    join->at = peek().at;
    if (take_sign(",")) {
      join->join = JoinKind::kCross;
    } else if (!parse_join_kind(&join->join, &join->is_natural)) {
      return left;
    }
    if (++count > kMaxNesting) {
      return error_at(peek().at,
                      fmt::format("found more than {} joins, expected fewer", kMaxNesting));
    }
    TIDEMILL_TRY_LET(right, parse_table());
    join->left = std::move(left);
    join->right = std::move(right);
    if (join->join != JoinKind::kCross && !join->is_natural) {
      TIDEMILL_TRY(parse_join_condition(*join));
    }
    left = std::move(join);
  }
}

bool Parser::parse_join_kind(JoinKind* kind, bool* is_natural) {
  struct Form {
    std::string_view word;
    JoinKind kind;
  };
  static constexpr Form kForms[] = {
      {"left", JoinKind::kLeft},   {"right", JoinKind::kRight}, {"full", JoinKind::kFull},
      {"semi", JoinKind::kSemi},   {"anti", JoinKind::kAnti},   {"inner", JoinKind::kInner},
      {"cross", JoinKind::kCross},
  };
  const size_t start = at_;
  *is_natural = take_word("natural");
  *kind = JoinKind::kInner;
  for (const Form& form : kForms) {
    if (take_word(form.word)) {
      *kind = form.kind;
      take_word("outer");
      break;
    }
  }
  if (take_word("join")) return true;
  at_ = start;
  return false;
}

Status Parser::parse_join_condition(FromNode& join) {
  if (take_word("on")) {
    TIDEMILL_TRY_LET(on, parse_expr());
    join.on = std::move(on);
    return {};
  }
  if (!take_word("using")) return unexpected("ON or USING");
  TIDEMILL_TRY(expect_sign("("));
  do {
    TIDEMILL_TRY_LET(name, expect_name("a column name"));
    join.using_columns.push_back(name);
  } while (take_sign(","));
  return expect_sign(")");
}

Result<std::unique_ptr<FromNode>> Parser::parse_table() {
  auto table = std::make_unique<FromNode>();
  table->at = peek().at;
  take_word("lateral");
  if (at_sign("(")) {
    next();
    TIDEMILL_TRY(enter());
    if (at_select()) {
      table->kind = FromKind::kQuery;
      TIDEMILL_TRY_LET(query, parse_select());
      table->query = std::move(query);
    } else {
      TIDEMILL_TRY_LET(inner, parse_from());
      table = std::move(inner);
    }
    leave();
    TIDEMILL_TRY(expect_sign(")"));
  } else if (at_word("values") && at_sign("(", 1)) {
    table->kind = FromKind::kQuery;
    TIDEMILL_TRY_LET(query, parse_values());
    table->query = std::move(query);
  } else if (peek().kind == TokenKind::kString) {
    return error_at(peek().at, "found a file name, expected a table; give files as tables");
  } else {
    TIDEMILL_TRY_LET(name, expect_name("a table, a query in parentheses or VALUES"));
    table->name = name;
    if (at_sign(".")) {
      return error_at(peek().at, "found '.', expected a table name without a schema");
    }
    if (take_sign("(")) {
      table->kind = FromKind::kFunction;
      if (!at_sign(")")) TIDEMILL_TRY(parse_expr_list(table->args));
      TIDEMILL_TRY(expect_sign(")"));
    }
  }
  TIDEMILL_TRY(parse_table_alias(*table));
  return table;
}

Status Parser::parse_table_alias(FromNode& table) {
  static const std::set<std::string_view> stops = {
      "left", "right", "semi", "anti", "asof", "cross", "positional", "window", "tablesample"};
  const bool has_as = take_word("as");
  const Token& token = peek();
  const bool is_name = token.kind == TokenKind::kQuoted ||
                       (token.kind == TokenKind::kWord && !is_reserved(token.lower) &&
                        stops.count(token.lower) == 0);
  if (has_as && !is_name) return unexpected("a name behind AS");
  if (!is_name) return {};
  table.alias = next().text;
  if (!take_sign("(")) return {};
  do {
    TIDEMILL_TRY_LET(column, expect_name("a column name"));
    table.column_aliases.push_back(column);
  } while (take_sign(","));
  return expect_sign(")");
}

namespace {

void collect_tables(const SelectNode& select, std::vector<std::string> ctes,
                    std::vector<std::string>& out);

void collect_tables(const FromNode& from, const std::vector<std::string>& ctes,
                    std::vector<std::string>& out) {
  const auto same = [](std::string_view a) {
    return [lower = to_lower_ascii(a)](const std::string& b) { return to_lower_ascii(b) == lower; };
  };
  if (from.kind == FromKind::kTable) {
    const bool is_cte = std::any_of(ctes.begin(), ctes.end(), same(from.name));
    const bool is_known = std::any_of(out.begin(), out.end(), same(from.name));
    if (!is_cte && !is_known) out.push_back(from.name);
  }
  if (from.query) collect_tables(*from.query, ctes, out);
  if (from.left) collect_tables(*from.left, ctes, out);
  if (from.right) collect_tables(*from.right, ctes, out);
  if (from.on) {
    walk(*from.on, [&](const ExprNode& expr) {
      if (expr.query) collect_tables(*expr.query, ctes, out);
    });
  }
}

void collect_tables(const SelectNode& select, std::vector<std::string> ctes,
                    std::vector<std::string>& out) {
  for (const CteNode& cte : select.ctes) {
    collect_tables(*cte.query, ctes, out);
    ctes.push_back(cte.name);
  }
  const auto visit = [&](const ExprPtr& expr) {
    if (!expr) return;
    walk(*expr, [&](const ExprNode& node) {
      if (node.query) collect_tables(*node.query, ctes, out);
    });
  };
  if (select.from) collect_tables(*select.from, ctes, out);
  for (const SelectItem& item : select.items) visit(item.expr);
  for (const auto& row : select.rows) std::for_each(row.begin(), row.end(), visit);
  visit(select.where);
  std::for_each(select.group_by.begin(), select.group_by.end(), visit);
  visit(select.having);
  visit(select.qualify);
  for (const OrderItem& item : select.order) visit(item.expr);
  if (select.left) collect_tables(*select.left, ctes, out);
  if (select.right) collect_tables(*select.right, ctes, out);
}

}  // namespace

Result<Statement> Statement::parse(std::string_view text) {
  TIDEMILL_TRY_LET(tokens, tokenize(text));
  Parser parser(std::move(tokens));
  TIDEMILL_TRY_LET(root, parser.parse_statement());
  Statement statement;
  statement.root_ = std::move(root);
  statement.text_ = std::make_shared<const std::string>(text);
  statement.param_count_ = parser.param_count();
  return statement;
}

std::vector<std::string> Statement::table_names() const {
  std::vector<std::string> out;
  collect_tables(*root_, {}, out);
  return out;
}

int Statement::param_count() const { return param_count_; }

}  // namespace tidemill::sql
