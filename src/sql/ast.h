// The tree that the parser makes and the binder reads. Private to this room.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sql/limits.h"
#include "value/type.h"
#include "value/value.h"

namespace tidemill::sql {

struct Position {
  int line = 1;
  int column = 1;
};
// "line L, column C: "
std::string at_text(Position at);

struct ExprNode;
struct SelectNode;
using ExprPtr = std::unique_ptr<ExprNode>;
using SelectPtr = std::unique_ptr<SelectNode>;

enum class ExprKind {
  kLiteral,   // literal, is_text_literal or is_number_literal
  kColumn,    // [qualifier.]name
  kStar,      // [qualifier.]* with exclude and replace; also count(*)
  kParam,     // index, from 1
  kFunction,  // name(args), operators too: "+", "=", "~~"; is_operator
  kAnd,       // args, two or more
  kOr,        //
  kNot,       // args[0]
  kIsNull,    // args[0] IS [NOT] NULL
  kIsBool,    // args[0] IS [NOT] TRUE / FALSE; literal tells which
  kDistinct,  // args[0] IS [NOT] DISTINCT FROM args[1]
  kCase,      // args: when, then, when, then, ..., else (may be null); operand in `operand`
  kCast,      // CAST(args[0] AS type); is_try
  kIn,        // args[0] [NOT] IN (args[1], ...)
  kInQuery,   // args[0] [NOT] IN (query)
  kExists,    // [NOT] EXISTS (query)
  kQuery,     // (query) as a scalar
  kBetween,   // args[0] [NOT] BETWEEN args[1] AND args[2]
  kInterval,  // INTERVAL args[0] name
  kList,      // [args...]
  kStruct,    // {names[i]: args[i]}
  kIndex,     // args[0][args[1]]
  kSlice,     // args[0][args[1]:args[2]], either may be null
  kTry,       // TRY(args[0])
};

enum class NullsOrder { kDefault, kFirst, kLast };

struct OrderItem {
  ExprPtr expr;
  bool is_descending = false;
  NullsOrder nulls = NullsOrder::kDefault;
};

enum class FrameUnit { kRows, kRange, kGroups };
enum class FrameEdge {
  kUnboundedPreceding,
  kPreceding,
  kCurrentRow,
  kFollowing,
  kUnboundedFollowing,
};

struct WindowNode {
  std::string base;  // the named window it starts from, or ""
  std::vector<ExprPtr> partition;
  std::vector<OrderItem> order;
  bool has_frame = false;
  FrameUnit unit = FrameUnit::kRange;
  FrameEdge start = FrameEdge::kUnboundedPreceding;
  FrameEdge end = FrameEdge::kCurrentRow;
  ExprPtr start_offset;
  ExprPtr end_offset;
};

struct ExprNode {
  ExprKind kind = ExprKind::kLiteral;
  Position at;
  int depth = 1;  // of the tree below
  std::string name;
  std::string qualifier;
  value::Value literal;
  bool is_text_literal = false;
  bool is_number_literal = false;  // an integer as written
  bool is_operator = false;
  bool is_negated = false;   // NOT IN, IS NOT NULL, ...
  bool is_distinct = false;  // f(DISTINCT ...)
  bool is_try = false;
  bool ignores_nulls = false;
  int index = 0;
  value::Type type;
  std::vector<ExprPtr> args;
  std::vector<std::string> names;  // struct fields; of a star: excluded columns, then replaced ones
  size_t excluded = 0;             // of a star: how many of `names` are excluded
  ExprPtr operand;
  ExprPtr filter;
  std::vector<OrderItem> order;
  std::unique_ptr<WindowNode> window;
  SelectPtr query;
};

struct SelectItem {
  ExprPtr expr;
  std::string alias;
};

enum class JoinKind { kInner, kLeft, kRight, kFull, kCross, kSemi, kAnti };
enum class FromKind { kTable, kQuery, kFunction, kJoin };

struct FromNode {
  FromKind kind = FromKind::kTable;
  Position at;
  std::string name;
  std::string alias;
  std::vector<std::string> column_aliases;
  std::vector<ExprPtr> args;  // of a table function
  SelectPtr query;
  JoinKind join = JoinKind::kInner;
  std::unique_ptr<FromNode> left;
  std::unique_ptr<FromNode> right;
  ExprPtr on;
  std::vector<std::string> using_columns;
  bool is_natural = false;
};

struct CteNode {
  std::string name;
  std::vector<std::string> column_aliases;
  SelectPtr query;
};

enum class SelectKind { kSelect, kValues, kSetOperation };
enum class SetOperation { kUnion, kUnionAll, kExcept, kExceptAll, kIntersect, kIntersectAll };

struct SelectNode {
  SelectKind kind = SelectKind::kSelect;
  Position at;
  std::vector<CteNode> ctes;
  bool is_distinct = false;
  std::vector<ExprPtr> distinct_on;
  std::vector<SelectItem> items;
  std::unique_ptr<FromNode> from;
  ExprPtr where;
  std::vector<ExprPtr> group_by;
  bool groups_all = false;
  ExprPtr having;
  ExprPtr qualify;
  std::vector<std::pair<std::string, std::unique_ptr<WindowNode>>> windows;
  std::vector<OrderItem> order;
  bool orders_all = false;
  OrderItem order_all;  // the direction of ORDER BY ALL; without expression
  ExprPtr limit;
  ExprPtr offset;
  std::vector<std::vector<ExprPtr>> rows;  // VALUES
  SetOperation operation = SetOperation::kUnionAll;
  SelectPtr left;
  SelectPtr right;
};

// The expression as DuckDB writes it; the name of a column without an alias.
std::string expression_text(const ExprNode& expr);

// Calls `visit` for each expression below `expr` and itself, subqueries left out.
template <class Visit>
void walk(const ExprNode& expr, Visit&& visit) {
  visit(expr);
  for (const ExprPtr& arg : expr.args) {
    if (arg) walk(*arg, visit);
  }
  if (expr.operand) walk(*expr.operand, visit);
  if (expr.filter) walk(*expr.filter, visit);
  for (const OrderItem& item : expr.order) walk(*item.expr, visit);
  if (expr.window) {
    for (const ExprPtr& part : expr.window->partition) walk(*part, visit);
    for (const OrderItem& item : expr.window->order) walk(*item.expr, visit);
  }
}

}  // namespace tidemill::sql
