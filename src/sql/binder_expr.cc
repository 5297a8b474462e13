// Expressions: from the parser's tree to bound ones.
#include "base/text.h"
#include "sql/binder.h"
#include "sql/function.h"
#include "sql/lexer.h"
#include "value/interval.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

std::string_view Binder::clause_name() const {
  switch (clause_) {
    case Clause::kWhere:
      return "WHERE";
    case Clause::kGroupBy:
      return "GROUP BY";
    case Clause::kOn:
      return "ON";
    case Clause::kScalar:
      return "an expression";
    default:
      return "this place";
  }
}

Result<std::vector<BoundPtr>> Binder::bind_all(const std::vector<ExprPtr>& exprs) {
  std::vector<BoundPtr> out;
  for (const ExprPtr& expr : exprs) {
    TIDEMILL_TRY_LET(bound, bind(*expr));
    out.push_back(std::move(bound));
  }
  return out;
}

Result<BoundPtr> Binder::bind(const ExprNode& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
      return bind_literal(expr);
    case ExprKind::kColumn:
      return bind_column_ref(expr);
    case ExprKind::kStar:
      return fail(sql_error("Binder Error", expr.at,
                            "found '*', expected an expression; '*' stands only in a SELECT list "
                            "and in count(*)"));
    case ExprKind::kParam:
      return bind_param(expr);
    case ExprKind::kFunction:
      return bind_call(expr);
    case ExprKind::kAnd:
    case ExprKind::kOr: {
      TIDEMILL_TRY_LET(args, bind_all(expr.args));
      return expr.kind == ExprKind::kAnd ? bind_and(std::move(args), expr.at)
                                         : bind_or(std::move(args), expr.at);
    }
    case ExprKind::kNot: {
      TIDEMILL_TRY_LET(arg, bind(*expr.args[0]));
      return bind_not(std::move(arg), expr.at);
    }
    case ExprKind::kIsNull:
    case ExprKind::kIsBool:
    case ExprKind::kDistinct:
      return bind_is(expr);
    case ExprKind::kCase:
      return bind_case_expr(expr);
    case ExprKind::kCast: {
      TIDEMILL_TRY_LET(arg, bind(*expr.args[0]));
      return bind_cast(std::move(arg), expr.type, expr.is_try, expr.at);
    }
    case ExprKind::kIn:
      return bind_in(expr);
    case ExprKind::kInQuery:
    case ExprKind::kExists:
    case ExprKind::kQuery:
      return bind_subquery(expr);
    case ExprKind::kBetween:
      return bind_between(expr);
    case ExprKind::kInterval:
      return bind_interval(expr);
    case ExprKind::kList: {
      TIDEMILL_TRY_LET(args, bind_all(expr.args));
      return bind_function("list_value", std::move(args), expr.at);
    }
    case ExprKind::kStruct:
      return bind_struct(expr);
    case ExprKind::kIndex: {
      TIDEMILL_TRY_LET(args, bind_all(expr.args));
      return bind_function("array_extract", std::move(args), expr.at);
    }
    case ExprKind::kSlice:
      return bind_slice(expr);
    case ExprKind::kTry: {
      TIDEMILL_TRY_LET(arg, bind(*expr.args[0]));
      return bind_try(std::move(arg), expr.at);
    }
  }
  return fail(Code::kInternal, "an expression of no known kind");
}

Result<BoundPtr> Binder::bind_literal(const ExprNode& expr) {
  const LiteralKind literal = expr.is_text_literal     ? LiteralKind::kText
                              : expr.is_number_literal ? LiteralKind::kInteger
                                                       : LiteralKind::kNone;
  return bound_constant(expr.literal, expr.at, literal);
}

Result<BoundPtr> Binder::bind_param(const ExprNode& expr) {
  const auto index = static_cast<size_t>(expr.index - 1);
  if (index >= state_.catalog.params.size()) {
    return fail(sql_error("Binder Error", expr.at,
                          fmt::format("found ${}, expected at most {} parameters", expr.index,
                                      state_.catalog.params.size())));
  }
  return bound_other(BoundKind::kParam, static_cast<uint32_t>(index), state_.catalog.params[index]);
}

Result<BoundPtr> Binder::resolve(std::string_view qualifier, std::string_view name, Position at,
                                 bool* is_found) {
  size_t index = 0;
  TIDEMILL_TRY_LET(found, scope_.find(qualifier, name, at, &index));
  *is_found = true;
  if (found == Scope::Found::kYes) return scope_.column(index, at);
  if (found == Scope::Found::kOpen) return bound_constant(Value(), at);
  if (outer_ != nullptr) {
    TIDEMILL_TRY_LET(value, outer_->resolve(qualifier, name, at, is_found));
    if (*is_found) return capture(std::move(value));
  }
  *is_found = false;
  return BoundPtr();
}

// A value of the query around this one becomes a capture of this query.
Result<BoundPtr> Binder::capture(BoundPtr outer_value) {
  if (outer_value->is_constant() || outer_value->kind == BoundKind::kParam) return outer_value;
  for (size_t i = 0; i < captures_.size(); ++i) {
    if (captures_[i]->key == outer_value->key) {
      return bound_other(BoundKind::kCapture, static_cast<uint32_t>(i), outer_value->type);
    }
  }
  const Type type = outer_value->type;
  captures_.push_back(std::move(outer_value));
  return bound_other(BoundKind::kCapture, static_cast<uint32_t>(captures_.size() - 1), type);
}

Result<BoundPtr> Binder::bind_column_ref(const ExprNode& expr) {
  bool is_found = false;
  TIDEMILL_TRY_LET(column, resolve(expr.qualifier, expr.name, expr.at, &is_found));
  if (is_found) return std::move(column);
  if (!expr.qualifier.empty()) {
    // column.field of a struct, a map or JSON.
    TIDEMILL_TRY_LET(base, resolve("", expr.qualifier, expr.at, &is_found));
    if (is_found) {
      return bind_function("struct_extract", {base, bound_constant(Value::text(expr.name))},
                           expr.at);
    }
  }
  if (clause_ != Clause::kGroupBy && clause_ != Clause::kOn && expr.qualifier.empty()) {
    // An alias of the SELECT list may be used by later items, WHERE, HAVING and QUALIFY.
    for (const Item& item : items_) {
      if (item.bound && item.expr != nullptr && same_name(item.name, expr.name)) return item.bound;
    }
    if (select_ != nullptr && clause_ == Clause::kWhere) {
      for (const SelectItem& item : select_->items) {
        if (!item.alias.empty() && same_name(item.alias, expr.name) && depth_ < kMaxNesting) {
          ++depth_;
          auto bound = bind(*item.expr);
          --depth_;
          return bound;
        }
      }
    }
  }
  return fail(scope_.unknown(expr.qualifier, expr.name, expr.at));
}

Result<BoundPtr> Binder::bind_call(const ExprNode& expr) {
  if (expr.window) return bind_window_call(expr);
  if (is_aggregate(expr.name) && !expr.is_operator) return bind_aggregate_call(expr);
  if (expr.filter || expr.is_distinct || !expr.order.empty()) {
    return fail(sql_error("Binder Error", expr.at,
                          fmt::format("{} is no aggregate: FILTER, DISTINCT and ORDER BY do not "
                                      "apply to it",
                                      expr.name)));
  }
  TIDEMILL_TRY_LET(args, bind_all(expr.args));
  if (expr.is_operator) return bind_operator(expr, std::move(args));
  return bind_function(expr.name, std::move(args), expr.at);
}

Result<BoundPtr> Binder::bind_operator(const ExprNode& expr, std::vector<BoundPtr> args) {
  static constexpr std::string_view kComparisons[] = {"=", "<>", "<", ">", "<=", ">="};
  const bool is_comparison = std::find(std::begin(kComparisons), std::end(kComparisons),
                                       expr.name) != std::end(kComparisons);
  if (is_comparison && args.size() == 2) {
    return bind_comparison(expr.name, std::move(args[0]), std::move(args[1]), expr.at);
  }
  // ~ with two sides is a match, with one the complement of bits.
  if (expr.name == "~" && args.size() == 1) return bind_bit_not(std::move(args[0]), expr.at);
  return bind_function(expr.name, std::move(args), expr.at);
}

Result<BoundPtr> Binder::bind_aggregate_call(const ExprNode& expr) {
  if (clause_ == Clause::kWhere || clause_ == Clause::kGroupBy || clause_ == Clause::kOn ||
      clause_ == Clause::kScalar || clause_ == Clause::kNone) {
    return fail(
        sql_error("Binder Error", expr.at,
                  fmt::format("{} cannot contain aggregates: found {}", clause_name(), expr.name)));
  }
  if (in_aggregate_) {
    return fail(sql_error("Binder Error", expr.at, "aggregate function calls cannot be nested"));
  }
  // An aggregate OVER a window may have aggregates of the groups as arguments.
  const bool is_windowed = std::exchange(in_window_, false);
  in_aggregate_ = !is_windowed;
  in_window_args_ = is_windowed;
  AggregateRequest request;
  request.name = expr.name;
  request.at = expr.at;
  request.is_distinct = expr.is_distinct;
  request.ignores_nulls = expr.ignores_nulls;
  request.is_star = expr.args.size() == 1 && expr.args[0]->kind == ExprKind::kStar;
  auto args = request.is_star ? Result<std::vector<BoundPtr>>() : bind_all(expr.args);
  if (!args) return fail(std::move(args).error());
  request.args = *std::move(args);
  for (const OrderItem& item : expr.order) {
    TIDEMILL_TRY_LET(key, bind(*item.expr));
    const SortKey sort = sort_key(item);
    request.order.push_back({request.order_args.size(), sort.is_descending, sort.nulls_first});
    request.order_args.push_back(key);
  }
  if (expr.filter) {
    TIDEMILL_TRY_LET(condition, bind(*expr.filter));
    request.filter = condition;
  }
  in_aggregate_ = false;
  in_window_args_ = false;
  TIDEMILL_TRY_LET(call, bind_aggregate(std::move(request)));
  if (!is_windowed) is_aggregated_ = true;
  auto node = std::make_shared<Bound>();
  node->kind = BoundKind::kAggregate;
  node->type = call->type;
  node->aggregate = call;
  node->at = expr.at;
  std::vector<Key> keys;
  for (const BoundPtr& arg : call->args) keys.push_back(arg->key);
  std::string tag =
      fmt::format("aggregate {} {} {}", call->name, call->is_distinct, call->filter.has_value());
  for (const AggregateOrder& order : call->order) {
    tag += fmt::format(" {}{}", order.is_descending, order.nulls_first);
  }
  for (const double fraction : call->fractions) tag += fmt::format(" q{}", fraction);
  node->key = key_of(tag, keys);
  return BoundPtr(node);
}

namespace {

Error cannot_mix(std::string_view what, const std::string& a, const BoundPtr& b, Position at) {
  return sql_error("Binder Error", at,
                   fmt::format("Cannot mix values of type {} and {} in {} - an explicit cast is "
                               "required",
                               a, shown_type(b), what));
}

// The type of the results of a CASE.
Result<Type> case_type(const std::vector<BoundPtr>& results, Position at) {
  TypedSide side = side_of(results.back());
  for (size_t i = 0; i + 1 < results.size(); ++i) {
    const auto common = common_side(side, side_of(results[i]));
    if (!common) {
      return fail(cannot_mix("CASE expression", shown_type(results.back()), results[i], at));
    }
    side = *common;
  }
  return side.type;
}

}  // namespace

Result<BoundPtr> Binder::bind_case_expr(const ExprNode& expr) {
  std::vector<BoundPtr> conditions;
  std::vector<BoundPtr> results;
  BoundPtr operand;
  if (expr.operand) {
    TIDEMILL_TRY_LET(bound, bind(*expr.operand));
    operand = bound;
  }
  for (size_t i = 0; i + 1 < expr.args.size(); i += 2) {
    TIDEMILL_TRY_LET(when, bind(*expr.args[i]));
    auto condition = operand ? bind_comparison("=", operand, when, expr.args[i]->at)
                             : bind_cast(when, Kind::kBool, false, expr.args[i]->at);
    if (!condition) return condition;
    conditions.push_back(*condition);
    TIDEMILL_TRY_LET(then, bind(*expr.args[i + 1]));
    results.push_back(then);
  }
  BoundPtr otherwise = bound_constant(Value(), expr.at);
  if (expr.args.back()) {
    TIDEMILL_TRY_LET(bound, bind(*expr.args.back()));
    otherwise = bound;
  }
  results.push_back(otherwise);
  TIDEMILL_TRY_LET(type, case_type(results, expr.at));
  std::vector<BoundPtr> args;
  for (size_t i = 0; i < results.size(); ++i) {
    if (i < conditions.size()) args.push_back(conditions[i]);
    TIDEMILL_TRY_LET(result, bind_cast(results[i], type, false, results[i]->at));
    args.push_back(result);
  }
  return bind_case(std::move(args), type, expr.at);
}

Result<BoundPtr> Binder::bind_in(const ExprNode& expr) {
  TIDEMILL_TRY_LET(args, bind_all(expr.args));
  std::vector<BoundPtr> tests;
  for (size_t i = 1; i < args.size(); ++i) {
    TIDEMILL_TRY_LET(test, bind_comparison("=", args[0], args[i], expr.args[i]->at));
    tests.push_back(test);
  }
  auto member = tests.size() == 1 ? Result<BoundPtr>(tests[0]) : bind_or(std::move(tests), expr.at);
  if (!member || !expr.is_negated) return member;
  return bind_not(*member, expr.at);
}

Result<BoundPtr> Binder::bind_between(const ExprNode& expr) {
  TIDEMILL_TRY_LET(args, bind_all(expr.args));
  TIDEMILL_TRY_LET(low, bind_comparison(">=", args[0], args[1], expr.at));
  TIDEMILL_TRY_LET(high, bind_comparison("<=", args[0], args[2], expr.at));
  TIDEMILL_TRY_LET(inside, bind_and({low, high}, expr.at));
  return expr.is_negated ? bind_not(inside, expr.at) : Result<BoundPtr>(inside);
}

Result<BoundPtr> Binder::bind_is(const ExprNode& expr) {
  TIDEMILL_TRY_LET(args, bind_all(expr.args));
  if (expr.kind == ExprKind::kIsNull) return bind_is_null(args[0], expr.is_negated, expr.at);
  const std::string_view sign = expr.is_negated == (expr.kind == ExprKind::kDistinct)
                                    ? "is not distinct from"
                                    : "is distinct from";
  if (expr.kind == ExprKind::kDistinct) return bind_comparison(sign, args[0], args[1], expr.at);
  TIDEMILL_TRY_LET(truth, bind_cast(args[0], Kind::kBool, false, expr.at));
  return bind_comparison(expr.is_negated ? "is distinct from" : "is not distinct from", truth,
                         bound_constant(expr.literal), expr.at);
}

Result<BoundPtr> Binder::bind_interval(const ExprNode& expr) {
  TIDEMILL_TRY_LET(amount, bind(*expr.args[0]));
  if (expr.name.empty()) return bind_cast(amount, Kind::kInterval, false, expr.at);
  const bool takes_fraction = expr.name.starts_with("second") || expr.name.starts_with("milli");
  const bool is_fraction = takes_fraction && expr.name != "millennium" && expr.name != "millennia";
  std::string unit = expr.name;
  if (unit == "century") {
    unit = "centuries";
  } else if (unit == "millennium") {
    unit = "millennia";
  } else if (!unit.ends_with("s") && unit != "millennia" && unit != "centuries") {
    unit += "s";
  }
  TIDEMILL_TRY_LET(number, bind_cast(amount, Kind::kDouble, false, expr.at));
  if (is_fraction) return bind_function("to_" + unit, {number}, expr.at);
  TIDEMILL_TRY_LET(cut, bind_function("trunc", {number}, expr.at));
  TIDEMILL_TRY_LET(whole, bind_cast(cut, Kind::kInt64, false, expr.at));
  return bind_function("to_" + unit, {whole}, expr.at);
}

namespace {

void pack_rows(const Call& call, size_t n) {
  const auto& types = *static_cast<const Type*>(call.extra);
  for (size_t row = 0; row < n; ++row) {
    std::vector<Value> items;
    uint8_t state = kValueState;
    for (size_t i = 0; i < call.arg_count; ++i) {
      if (call.args[i].state_at(row) == kFailedState) state = kFailedState;
      items.push_back(value_at(types.fields()[i].second, call.args[i], row));
    }
    call.out.state[row] = state;
    if (state == kFailedState) continue;
    call.out.values<const Value*>()[row] =
        call.context->arena.keep(Value::nested(types, std::move(items)));
  }
}

}  // namespace

Result<BoundPtr> Binder::bind_struct(const ExprNode& expr) {
  TIDEMILL_TRY_LET(args, bind_all(expr.args));
  Type::Fields fields;
  for (size_t i = 0; i < args.size(); ++i) {
    args[i] = without_literal(args[i]);
    fields.emplace_back(expr.names[i], args[i]->type);
  }
  const Type type = Type::structure(std::move(fields));
  CallOptions options;
  options.extra = std::make_shared<const Type>(type);
  return bound_call("struct_pack", &pack_rows, type, std::move(args), expr.at, std::move(options));
}

Result<BoundPtr> Binder::bind_slice(const ExprNode& expr) {
  std::vector<BoundPtr> args;
  for (const ExprPtr& arg : expr.args) {
    auto bound = arg ? bind(*arg) : Result<BoundPtr>(bound_constant(Value::null(Kind::kInt64)));
    if (!bound) return bound;
    args.push_back(*bound);
  }
  return bind_function("array_slice", std::move(args), expr.at);
}

BoundPtr without_literal(const BoundPtr& expr) {
  if (expr->literal == LiteralKind::kNone) return expr;
  return bound_constant(expr->constant, expr->at);
}

}  // namespace tidemill::sql
