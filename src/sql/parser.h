// Recursive-descent parser of SELECT and of single expressions. Private to this room.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "sql/ast.h"
#include "sql/lexer.h"

namespace tidemill::sql {

// Precedence, from loose to tight:
//   OR  AND  NOT  IS  comparison  BETWEEN/IN/LIKE  other operators  + -  * / // %  ^ **  unary  []
//   ::
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<SelectPtr> parse_statement();
  Result<ExprPtr> parse_lone_expression();
  int param_count() const { return param_count_; }

 private:
  // Tokens.
  const Token& peek(size_t ahead = 0) const;
  const Token& next();
  bool at_word(std::string_view word, size_t ahead = 0) const;
  bool at_sign(std::string_view sign, size_t ahead = 0) const;
  bool at_operator(std::string_view text, size_t ahead = 0) const;
  bool take_word(std::string_view word);
  bool take_words(std::initializer_list<std::string_view> words);
  bool take_sign(std::string_view sign);
  Status expect_word(std::string_view word);
  Status expect_sign(std::string_view sign);
  Result<std::string> expect_name(std::string_view what);
  tl::unexpected<Error> unexpected(std::string_view expected) const;
  tl::unexpected<Error> error_at(Position at, std::string message) const;
  Status enter();
  void leave() { --nesting_; }

  // Expressions, loosest first.
  Result<ExprPtr> parse_expr();
  Result<ExprPtr> parse_and();
  Result<ExprPtr> parse_not();
  Result<ExprPtr> parse_is();
  Result<ExprPtr> parse_is_tail(ExprPtr left);
  Result<ExprPtr> parse_comparison(ExprPtr left);
  Result<ExprPtr> parse_match();
  Result<ExprPtr> parse_match_tail(ExprPtr left, bool is_negated);
  Result<ExprPtr> parse_like(ExprPtr left, std::string_view name, bool is_negated);
  Result<ExprPtr> parse_in(ExprPtr left, bool is_negated);
  Result<ExprPtr> parse_other_operator();
  Result<ExprPtr> parse_sum();
  Result<ExprPtr> parse_product();
  Result<ExprPtr> parse_power();
  Result<ExprPtr> parse_unary();
  Result<ExprPtr> parse_postfix();
  Result<ExprPtr> parse_subscript(ExprPtr base);
  Result<ExprPtr> parse_primary();
  Result<ExprPtr> parse_parenthesis();
  Result<ExprPtr> parse_number();
  Result<ExprPtr> parse_param();
  Result<ExprPtr> parse_word();
  Result<ExprPtr> parse_special_word(bool* is_special);
  Result<ExprPtr> parse_special_call(bool* is_special);
  Result<ExprPtr> parse_column();
  Result<ExprPtr> parse_case();
  Result<ExprPtr> parse_cast(bool is_try);
  Result<ExprPtr> parse_interval();
  Result<ExprPtr> parse_extract();
  Result<ExprPtr> parse_substring();
  Result<ExprPtr> parse_position();
  Result<ExprPtr> parse_trim();
  Result<ExprPtr> parse_exists();
  Result<ExprPtr> parse_list();
  Result<ExprPtr> parse_struct();
  Result<ExprPtr> parse_function();
  Status parse_function_arguments(ExprNode& call);
  Status parse_function_tail(ExprNode& call);
  Result<std::unique_ptr<WindowNode>> parse_window();
  Status parse_frame(WindowNode& window);
  Status parse_frame_edge(FrameEdge* edge, ExprPtr* offset);
  Result<value::Type> parse_cast_type();
  Result<ExprPtr> parse_typed_literal(bool* is_typed);
  Status parse_expr_list(std::vector<ExprPtr>& out);
  Status parse_order_list(std::vector<OrderItem>& out);
  Result<OrderItem> parse_order_item();
  Status parse_direction(OrderItem& item);

  // Statements.
  Result<SelectPtr> parse_select();
  Status parse_ctes(std::vector<CteNode>& out);
  Result<SelectPtr> parse_set_operation(int level);
  Result<SelectPtr> parse_select_primary();
  Result<SelectPtr> parse_select_core();
  Result<SelectPtr> parse_from_first();
  Status parse_select_tail(SelectNode& select);
  Status parse_group_by(SelectNode& select);
  Status parse_named_windows(SelectNode& select);
  Status parse_order_and_limit(SelectPtr& select);
  Result<SelectPtr> parse_values();
  Status parse_items(SelectNode& select);
  Result<SelectItem> parse_item();
  Result<ExprPtr> parse_star();
  Result<std::unique_ptr<FromNode>> parse_from();
  Result<std::unique_ptr<FromNode>> parse_table();
  Status parse_table_alias(FromNode& table);
  bool parse_join_kind(JoinKind* kind, bool* is_natural);
  Status parse_join_condition(FromNode& join);
  bool at_select() const;

  ExprPtr make(ExprKind kind, Position at) const;
  ExprPtr call(std::string_view name, Position at, std::vector<ExprPtr> args,
               bool is_operator) const;
  Result<ExprPtr> checked(ExprPtr expr) const;

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
  int param_count_ = 0;
};

// Words that cannot be a name without quotes.
bool is_reserved(std::string_view lower);

}  // namespace tidemill::sql
