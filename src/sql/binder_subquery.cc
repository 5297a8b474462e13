// Subqueries in expressions: constants of the run where they read nothing from outside, else a
// column that is computed row by row.
#include "sql/binder.h"
#include "sql/lexer.h"
#include "sql/operators.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

namespace {

SubqueryUse use_of(ExprKind kind) {
  if (kind == ExprKind::kExists) return SubqueryUse::kExists;
  return kind == ExprKind::kInQuery ? SubqueryUse::kMembers : SubqueryUse::kScalar;
}

// The query's single column as `type`.
Result<BoundQuery> cast_column(BoundQuery query, const Type& type, Position at) {
  if (query.types()[0] == type) return query;
  const BoundPtr column = bound_column(0, query.types()[0], query.names[0], at);
  TIDEMILL_TRY_LET(cast, bind_cast(column, type, false, at));
  query.plan = project(query.plan, {cast});
  return query;
}

}  // namespace

Result<BoundPtr> Binder::bind_subquery(const ExprNode& expr) {
  if (clause_ == Clause::kScalar) {
    return fail(
        sql_error("Binder Error", expr.at, "found a subquery, expected an expression without one"));
  }
  const SubqueryUse use = use_of(expr.kind);
  Binder inner(state_, this, ctes_);
  inner.depth_ = depth_ + 1;
  if (inner.depth_ > kMaxNesting) {
    return fail(sql_error("Binder Error", expr.at, "subqueries are nested too deep"));
  }
  TIDEMILL_TRY_LET(query, inner.bind_select(*expr.query));
  if (use != SubqueryUse::kExists && query.types().size() != 1) {
    return fail(
        sql_error("Binder Error", expr.at,
                  fmt::format("Subquery returns {} columns - expected 1", query.types().size())));
  }
  BoundPtr member;
  if (use == SubqueryUse::kMembers) {
    TIDEMILL_TRY_LET(bound, bind(*expr.args[0]));
    const BoundPtr column = bound_column(0, query.types()[0], "", expr.at);
    const auto type = comparison_type(bound, column, Comparison::kEquality);
    if (!type) {
      return fail(sql_error("Binder Error", expr.at,
                            fmt::format("Cannot compare values of type {} and {} in IN clause - an "
                                        "explicit cast is required",
                                        shown_type(bound), query.types()[0].name())));
    }
    TIDEMILL_TRY_LET(cast, bind_cast(bound, *type, false, expr.at));
    member = cast;
    TIDEMILL_TRY_LET(same, cast_column(query, *type, expr.at));
    query = same;
  }
  if (inner.captures_.empty()) return run_constant(expr, query, use, member);
  return correlated(expr, query, use, member, inner);
}

Result<BoundPtr> Binder::run_constant(const ExprNode& expr, BoundQuery query, SubqueryUse use,
                                      BoundPtr member) {
  const auto index =
      static_cast<uint32_t>(state_.catalog.params.size() + state_.plan.constants.size());
  const Type column = query.types().empty() ? Type() : query.types()[0];
  state_.plan.constants.push_back({query.plan, use, column});
  if (use == SubqueryUse::kScalar) return bound_other(BoundKind::kParam, index, column);
  if (use == SubqueryUse::kExists) {
    BoundPtr exists = bound_other(BoundKind::kParam, index, Kind::kBool);
    return expr.is_negated ? bind_not(exists, expr.at) : Result<BoundPtr>(exists);
  }
  CallOptions options;
  options.extra = std::make_shared<const Type>(column);
  options.folds = false;
  // The set stands as a pointer, which is as wide as a nested value.
  BoundPtr set = bound_other(BoundKind::kParam, index, Type::list(column));
  BoundPtr found = bound_call("in query", &member_rows, Kind::kBool, {std::move(member), set},
                              expr.at, std::move(options));
  return expr.is_negated ? bind_not(found, expr.at) : Result<BoundPtr>(found);
}

Result<BoundPtr> Binder::correlated(const ExprNode& expr, BoundQuery query, SubqueryUse use,
                                    BoundPtr member, const Binder& inner) {
  const bool is_plain_place = (clause_ == Clause::kWhere || clause_ == Clause::kSelect) &&
                              !in_aggregate_ && !in_window_ && !in_window_args_;
  if (!is_plain_place) {
    return fail(sql_error("Not implemented Error", expr.at,
                          "a subquery that reads columns from outside is supported in SELECT and "
                          "WHERE only; use a join"));
  }
  for (const BoundPtr& capture : inner.captures_) {
    if (capture->kind == BoundKind::kAggregate) {
      return fail(sql_error("Not implemented Error", expr.at,
                            "a subquery that reads an aggregate from outside is not supported"));
    }
  }
  CorrelatedSubquery subquery;
  subquery.plan = query.plan;
  subquery.use = use;
  subquery.is_negated = expr.is_negated;
  subquery.captures = Program(inner.captures_);
  subquery.capture_types = types_of(inner.captures_);
  if (member) {
    subquery.member = Program({member});
    subquery.member_type = member->type;
  }
  subquery.type = use == SubqueryUse::kScalar ? query.types()[0] : Type(Kind::kBool);
  const Type type = subquery.type;
  pending_.push_back(std::move(subquery));
  pending_types_.push_back(type);
  has_correlated_ = true;
  return bound_column(static_cast<uint32_t>(width_++), type, "subquery", expr.at);
}

void Binder::flush_subqueries() {
  if (pending_.empty()) return;
  std::vector<Type> types = plan_->types;
  types.insert(types.end(), pending_types_.begin(), pending_types_.end());
  auto node = make_node(PlanKind::kSubqueries, {plan_}, std::move(types));
  node->subqueries = std::move(pending_);
  plan_ = std::move(node);
  pending_.clear();
  pending_types_.clear();
}

}  // namespace tidemill::sql
