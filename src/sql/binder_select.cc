// The clauses of SELECT, VALUES and set operations.
#include "base/text.h"
#include "sql/binder.h"
#include "sql/lexer.h"
#include "sql/operators.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

const std::vector<Type>& BoundQuery::types() const { return plan->types; }

std::shared_ptr<PlanNode> make_node(PlanKind kind, std::vector<PlanPtr> inputs,
                                    std::vector<Type> types) {
  auto node = std::make_shared<PlanNode>();
  node->kind = kind;
  node->inputs = std::move(inputs);
  node->types = std::move(types);
  return node;
}

std::vector<Type> types_of(const std::vector<BoundPtr>& exprs) {
  std::vector<Type> types;
  for (const BoundPtr& expr : exprs) types.push_back(expr->type);
  return types;
}

PlanPtr project(PlanPtr input, const std::vector<BoundPtr>& exprs) {
  auto node = make_node(PlanKind::kProject, {std::move(input)}, types_of(exprs));
  node->program = Program(exprs);
  return node;
}

PlanPtr Binder::filter(PlanPtr input, BoundPtr condition) const {
  std::vector<Type> types = input->types;
  auto node = make_node(PlanKind::kFilter, {std::move(input)}, std::move(types));
  node->program = Program({std::move(condition)});
  return node;
}

// Without NULLS FIRST or LAST nulls come last, in both directions.
SortKey Binder::sort_key(const OrderItem& item) const {
  return {item.is_descending, item.nulls == NullsOrder::kFirst};
}

Status Binder::bind_ctes(const SelectNode& select) {
  for (const CteNode& cte : select.ctes) {
    Binder inner(state_, nullptr, ctes_);
    inner.depth_ = depth_ + 1;
    TIDEMILL_TRY_LET(query, inner.bind_select(*cte.query));
    if (cte.column_aliases.size() > query.names.size()) {
      return fail(sql_error("Binder Error", cte.query->at,
                            fmt::format("{} has {} columns, found names for {}", cte.name,
                                        query.names.size(), cte.column_aliases.size())));
    }
    std::copy(cte.column_aliases.begin(), cte.column_aliases.end(), query.names.begin());
    ctes_.push_back({cte.name, state_.plan.ctes.size(), query.names, query.types()});
    state_.plan.ctes.push_back(query.plan);
  }
  return {};
}

Result<BoundQuery> Binder::bind_select(const SelectNode& select) {
  if (depth_ > kMaxNesting) {
    return fail(sql_error("Binder Error", select.at, "queries are nested too deep"));
  }
  TIDEMILL_TRY(bind_ctes(select));
  switch (select.kind) {
    case SelectKind::kSelect:
      return bind_core(select);
    case SelectKind::kValues:
      return bind_values(select);
    case SelectKind::kSetOperation:
      return bind_set_operation(select);
  }
  return fail(Code::kInternal, "a query of no known kind");
}

Result<BoundQuery> Binder::bind_core(const SelectNode& select) {
  select_ = &select;
  if (select.from) {
    TIDEMILL_TRY_LET(from, bind_from(*select.from));
    plan_ = from.plan;
    scope_ = std::move(from.scope);
  } else {
    plan_ = make_node(PlanKind::kOneRow, {}, {});
  }
  width_ = plan_->types.size();
  if (select.where) {
    clause_ = Clause::kWhere;
    TIDEMILL_TRY_LET(where, bind(*select.where));
    TIDEMILL_TRY_LET(condition, bind_cast(where, Kind::kBool, false, select.where->at));
    flush_subqueries();
    plan_ = filter(plan_, condition);
  }
  TIDEMILL_TRY(bind_items(select));
  TIDEMILL_TRY(bind_group_by(select));
  TIDEMILL_TRY(bind_filters(select));
  TIDEMILL_TRY(bind_order_by(select));
  flush_subqueries();
  if (is_aggregated_) TIDEMILL_TRY(aggregate());
  if (having_) plan_ = filter(plan_, having_);
  TIDEMILL_TRY(compute_windows());
  if (qualify_) plan_ = filter(plan_, qualify_);
  return finish_core(select);
}

Status Binder::bind_items(const SelectNode& select) {
  clause_ = Clause::kSelect;
  for (const SelectItem& item : select.items) {
    if (item.expr->kind == ExprKind::kStar) {
      TIDEMILL_TRY(bind_star(*item.expr));
      continue;
    }
    TIDEMILL_TRY_LET(bound, bind(*item.expr));
    std::string name = item.alias.empty() ? expression_text(*item.expr) : item.alias;
    items_.push_back(
        {item.alias.empty() ? nullptr : item.expr.get(), std::move(name), without_literal(bound)});
    if (items_.size() > kMaxColumns) {
      return fail(sql_error("Binder Error", item.expr->at,
                            fmt::format("found more than {} columns", kMaxColumns)));
    }
  }
  return {};
}

Status Binder::bind_star(const ExprNode& star) {
  std::vector<bool> excluded(star.excluded, false);
  size_t count = 0;
  for (size_t i = 0; i < scope_.size(); ++i) {
    const ScopeColumn column = scope_.columns()[i];
    if (star.qualifier.empty() ? column.is_hidden : !same_name(column.table, star.qualifier)) {
      continue;
    }
    bool is_excluded = false;
    for (size_t e = 0; e < star.excluded; ++e) {
      if (!same_name(star.names[e], column.name)) continue;
      is_excluded = excluded[e] = true;
    }
    ++count;
    if (is_excluded) continue;
    BoundPtr bound = scope_.column(i, star.at);
    for (size_t r = 0; r < star.args.size(); ++r) {
      if (!same_name(star.names[star.excluded + r], column.name)) continue;
      TIDEMILL_TRY_LET(replaced, bind(*star.args[r]));
      bound = without_literal(replaced);
    }
    items_.push_back({nullptr, column.name, bound});
  }
  for (size_t e = 0; e < star.excluded; ++e) {
    if (!excluded[e]) return fail(scope_.unknown(star.qualifier, star.names[e], star.at));
  }
  if (count > 0) return {};
  if (!star.qualifier.empty() && !scope_.has_table(star.qualifier)) {
    return fail(scope_.unknown(star.qualifier, "*", star.at));
  }
  return fail(sql_error("Binder Error", star.at,
                        "found '*' where FROM gives no columns, expected expressions"));
}

namespace {

// 1, 2, ... as a place in the SELECT list, or nothing.
std::optional<int64_t> ordinal(const ExprNode& expr) {
  if (expr.kind != ExprKind::kLiteral || !expr.is_number_literal) return {};
  const value::int128 n = expr.literal.as_int();
  return n > INT32_MAX ? INT32_MAX : static_cast<int64_t>(n);
}

Error bad_ordinal(std::string_view clause, int64_t n, size_t count, Position at) {
  return sql_error(
      "Binder Error", at,
      fmt::format("{} term out of range - should be between 1 and {}, found {}", clause, count, n));
}

}  // namespace

Status Binder::bind_group_by(const SelectNode& select) {
  clause_ = Clause::kGroupBy;
  if (select.groups_all) {
    for (const Item& item : items_) {
      bool has_aggregate = false;
      walk_bound(item.bound, [&](const BoundPtr& node) {
        has_aggregate = has_aggregate || node->kind == BoundKind::kAggregate;
      });
      if (!has_aggregate) groups_.push_back(item.bound);
    }
    is_aggregated_ = true;
  }
  for (const ExprPtr& expr : select.group_by) {
    is_aggregated_ = true;
    if (const auto n = ordinal(*expr)) {
      if (*n < 1 || *n > static_cast<int64_t>(items_.size())) {
        return fail(bad_ordinal("GROUP BY", *n, items_.size(), expr->at));
      }
      groups_.push_back(items_[static_cast<size_t>(*n - 1)].bound);
      continue;
    }
    BoundPtr alias;
    if (expr->kind == ExprKind::kColumn && expr->qualifier.empty()) {
      size_t index = 0;
      TIDEMILL_TRY_LET(found, scope_.find("", expr->name, expr->at, &index));
      for (const Item& item : items_) {
        const bool is_alias = item.expr != nullptr && same_name(item.name, expr->name);
        if (found != Scope::Found::kYes && is_alias && !alias) alias = item.bound;
      }
    }
    if (!alias) {
      TIDEMILL_TRY_LET(bound, bind(*expr));
      alias = without_literal(bound);
    }
    groups_.push_back(alias);
  }
  for (const BoundPtr& group : groups_) {
    Status status;
    walk_bound(group, [&](const BoundPtr& node) {
      if (node->kind == BoundKind::kAggregate || node->kind == BoundKind::kWindow) {
        status = fail(sql_error("Binder Error", select.at,
                                "GROUP BY cannot contain aggregates or window functions"));
      }
    });
    if (!status) return status;
  }
  return {};
}

Status Binder::bind_filters(const SelectNode& select) {
  clause_ = Clause::kHaving;
  if (select.having) {
    is_aggregated_ = true;
    TIDEMILL_TRY_LET(bound, bind(*select.having));
    TIDEMILL_TRY_LET(condition, bind_cast(bound, Kind::kBool, false, select.having->at));
    having_ = condition;
  }
  if (select.qualify) {
    TIDEMILL_TRY_LET(bound, bind(*select.qualify));
    TIDEMILL_TRY_LET(condition, bind_cast(bound, Kind::kBool, false, select.qualify->at));
    qualify_ = condition;
  }
  return {};
}

Result<BoundPtr> Binder::bind_order_item(const ExprNode& expr) {
  if (const auto n = ordinal(expr)) {
    if (*n < 1 || *n > static_cast<int64_t>(items_.size())) {
      return fail(bad_ordinal("ORDER", *n, items_.size(), expr.at));
    }
    return items_[static_cast<size_t>(*n - 1)].bound;
  }
  if (expr.kind == ExprKind::kColumn && expr.qualifier.empty()) {
    for (const Item& item : items_) {
      if (item.expr != nullptr && same_name(item.name, expr.name)) return item.bound;
    }
  }
  TIDEMILL_TRY_LET(bound, bind(expr));
  return without_literal(bound);
}

Status Binder::bind_order_by(const SelectNode& select) {
  clause_ = Clause::kSelect;
  for (const OrderItem& item : select.order) {
    TIDEMILL_TRY_LET(key, bind_order_item(*item.expr));
    order_.push_back(key);
    sort_.push_back(sort_key(item));
  }
  if (select.orders_all) {
    for (const Item& item : items_) {
      order_.push_back(item.bound);
      sort_.push_back(sort_key(select.order_all));
    }
  }
  for (const ExprPtr& expr : select.distinct_on) {
    TIDEMILL_TRY_LET(key, bind_order_item(*expr));
    distinct_on_.push_back(key);
  }
  return {};
}

// An expression over the input becomes one over group keys and aggregates.
Result<BoundPtr> Binder::over_groups(const BoundPtr& expr) {
  Status status;
  const auto replace = [&](const BoundPtr& node) -> BoundPtr {
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (groups_[i]->key == node->key && !node->is_constant()) {
        return bound_column(static_cast<uint32_t>(i), node->type, node->name, node->at);
      }
    }
    if (node->kind == BoundKind::kAggregate) {
      const auto found =
          std::find_if(aggregates_.begin(), aggregates_.end(),
                       [&](const BoundPtr& known) { return known->key == node->key; });
      const auto index = static_cast<size_t>(found - aggregates_.begin());
      if (found == aggregates_.end()) aggregates_.push_back(node);
      return bound_column(static_cast<uint32_t>(groups_.size() + index), node->type, "", node->at);
    }
    if (node->kind == BoundKind::kWindow) return window_over_groups(node, status);
    if (node->kind == BoundKind::kColumn && status) {
      status =
          fail(sql_error("Binder Error", node->at,
                         fmt::format("column \"{}\" must appear in the GROUP BY clause or must "
                                     "be part of an aggregate function",
                                     node->name)));
    }
    return nullptr;
  };
  BoundPtr out = rewrite(expr, replace);
  if (!status) return fail(std::move(status).error());
  return out;
}

Status Binder::aggregate() {
  std::vector<BoundPtr*> users;
  for (Item& item : items_) users.push_back(&item.bound);
  for (BoundPtr& key : order_) users.push_back(&key);
  for (BoundPtr& key : distinct_on_) users.push_back(&key);
  if (having_) users.push_back(&having_);
  if (qualify_) users.push_back(&qualify_);
  for (BoundPtr* user : users) {
    TIDEMILL_TRY_LET(over, over_groups(*user));
    *user = over;
  }
  std::vector<BoundPtr> outputs = groups_;
  std::vector<Type> types = types_of(groups_);
  auto node = make_node(PlanKind::kAggregate, {plan_}, {});
  node->group_keys = groups_.size();
  for (const BoundPtr& call : aggregates_) {
    node->aggregates.push_back(call->aggregate);
    outputs.insert(outputs.end(), call->aggregate->args.begin(), call->aggregate->args.end());
    types.push_back(call->type);
  }
  node->program = Program(outputs);
  node->program_types = types_of(outputs);
  node->types = std::move(types);
  plan_ = std::move(node);
  return {};
}

Result<BoundQuery> Binder::finish_core(const SelectNode& select) {
  std::vector<BoundPtr> outputs;
  BoundQuery query;
  for (const Item& item : items_) {
    outputs.push_back(item.bound);
    query.names.push_back(item.name);
  }
  const size_t visible = outputs.size();
  // Keys of the order that are no items stand behind them until the sort is done.
  const auto place_of = [&](const BoundPtr& key) {
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i]->key == key->key) return i;
    }
    outputs.push_back(key);
    return outputs.size() - 1;
  };
  std::vector<size_t> sort_at;
  std::vector<size_t> distinct_at;
  for (const BoundPtr& key : order_) sort_at.push_back(place_of(key));
  for (const BoundPtr& key : distinct_on_) distinct_at.push_back(place_of(key));
  if (select.is_distinct && distinct_on_.empty() && outputs.size() > visible) {
    return fail(sql_error("Binder Error", select.at,
                          "for SELECT DISTINCT, ORDER BY expressions must appear in the select "
                          "list"));
  }
  PlanPtr plan = project(plan_, outputs);
  const auto columns = [&](const std::vector<size_t>& at) {
    std::vector<BoundPtr> out;
    for (const size_t i : at) {
      out.push_back(bound_column(static_cast<uint32_t>(i), plan->types[i], "", select.at));
    }
    return out;
  };
  const auto keyed = [&](PlanKind kind, const std::vector<BoundPtr>& keys) {
    auto node = make_node(kind, {plan}, plan->types);
    node->program = Program(keys);
    node->program_types = types_of(keys);
    return node;
  };
  if (select.is_distinct && distinct_on_.empty()) {
    std::vector<size_t> all(visible);
    for (size_t i = 0; i < visible; ++i) all[i] = i;
    plan = keyed(PlanKind::kDistinct, columns(all));
  }
  if (!sort_at.empty()) {
    auto node = keyed(PlanKind::kSort, columns(sort_at));
    node->sort = sort_;
    plan = node;
  }
  if (!distinct_at.empty()) plan = keyed(PlanKind::kDistinct, columns(distinct_at));
  TIDEMILL_TRY_LET(limited, apply_limit(select, plan));
  plan = limited;
  if (outputs.size() > visible) {
    std::vector<size_t> shown(visible);
    for (size_t i = 0; i < visible; ++i) shown[i] = i;
    plan = project(plan, columns(shown));
  }
  query.plan = plan;
  return query;
}

Result<PlanPtr> Binder::apply_limit(const SelectNode& select, PlanPtr plan) {
  if (!select.limit && !select.offset) return plan;
  std::vector<BoundPtr> bounds;
  for (const ExprPtr* part : {&select.limit, &select.offset}) {
    if (!*part) {
      bounds.push_back(bound_constant(Value::null(Kind::kInt64)));
      continue;
    }
    TIDEMILL_TRY_LET(bound, bind_scalar(state_, Scope(), **part));
    TIDEMILL_TRY_LET(count, bind_cast(bound, Kind::kInt64, false, (*part)->at));
    bounds.push_back(count);
  }
  auto node = make_node(PlanKind::kLimit, {plan}, plan->types);
  node->program = Program(bounds);
  return PlanPtr(node);
}

// ORDER BY and LIMIT behind VALUES and set operations: over the columns of the result.
Result<PlanPtr> Binder::order_and_limit(const SelectNode& select, const Scope& outputs,
                                        PlanPtr plan) {
  scope_ = outputs;
  clause_ = Clause::kOn;
  std::vector<BoundPtr> keys;
  std::vector<SortKey> sort;
  for (const OrderItem& item : select.order) {
    BoundPtr key;
    if (const auto n = ordinal(*item.expr)) {
      if (*n < 1 || *n > static_cast<int64_t>(outputs.size())) {
        return fail(bad_ordinal("ORDER", *n, outputs.size(), item.expr->at));
      }
      key = scope_.column(static_cast<size_t>(*n - 1), item.expr->at);
    } else {
      TIDEMILL_TRY_LET(bound, bind(*item.expr));
      key = without_literal(bound);
    }
    keys.push_back(key);
    sort.push_back(sort_key(item));
  }
  for (size_t i = 0; select.orders_all && i < outputs.size(); ++i) {
    keys.push_back(scope_.column(i, select.at));
    sort.push_back(sort_key(select.order_all));
  }
  if (!keys.empty()) {
    auto node = make_node(PlanKind::kSort, {plan}, plan->types);
    node->program = Program(keys);
    node->program_types = types_of(keys);
    node->sort = std::move(sort);
    plan = node;
  }
  return apply_limit(select, plan);
}

namespace {

Scope scope_of(const BoundQuery& query) {
  Scope scope;
  for (size_t i = 0; i < query.names.size(); ++i) {
    ScopeColumn column;
    column.name = query.names[i];
    column.type = query.types()[i];
    scope.add(std::move(column));
  }
  return scope;
}

}  // namespace

Result<BoundQuery> Binder::bind_values(const SelectNode& select) {
  clause_ = Clause::kOn;
  const size_t width = select.rows.front().size();
  std::vector<BoundPtr> cells;
  for (const auto& row : select.rows) {
    TIDEMILL_TRY_LET(bound, bind_all(row));
    cells.insert(cells.end(), bound.begin(), bound.end());
  }
  BoundQuery query;
  std::vector<Type> types;
  for (size_t column = 0; column < width; ++column) {
    TypedSide side = side_of(cells[column]);
    for (size_t at = column + width; at < cells.size(); at += width) {
      const auto common = common_side(side, side_of(cells[at]));
      side = common ? *common : TypedSide{Type(Kind::kVarchar), LiteralKind::kNone, 0};
    }
    for (size_t at = column; at < cells.size(); at += width) {
      TIDEMILL_TRY_LET(cast, bind_cast(cells[at], side.type, false, cells[at]->at));
      cells[at] = cast;
    }
    types.push_back(side.type);
    query.names.push_back(fmt::format("col{}", column));
  }
  auto node = make_node(PlanKind::kValues, {}, std::move(types));
  node->width = width;
  node->program = Program(cells);
  query.plan = node;
  TIDEMILL_TRY_LET(plan, order_and_limit(select, scope_of(query), query.plan));
  query.plan = plan;
  return query;
}

Result<BoundQuery> Binder::bind_set_operation(const SelectNode& select) {
  BoundQuery sides[2];
  for (int i = 0; i < 2; ++i) {
    Binder inner(state_, outer_ == nullptr ? nullptr : outer_, ctes_);
    inner.depth_ = depth_ + 1;
    TIDEMILL_TRY_LET(query, inner.bind_select(i == 0 ? *select.left : *select.right));
    if (!inner.captures_.empty()) {
      return fail(sql_error("Not implemented Error", select.at,
                            "a set operation that reads columns from outside is not supported"));
    }
    sides[i] = query;
  }
  const size_t width = sides[0].types().size();
  if (sides[1].types().size() != width) {
    return fail(sql_error("Binder Error", select.at,
                          fmt::format("Set operations can only apply to expressions with the same "
                                      "number of result columns: found {} and {}",
                                      width, sides[1].types().size())));
  }
  std::vector<Type> types;
  for (size_t i = 0; i < width; ++i) {
    const auto common = common_side({sides[0].types()[i], LiteralKind::kNone, 0},
                                    {sides[1].types()[i], LiteralKind::kNone, 0});
    types.push_back(common ? common->type : Type(Kind::kVarchar));
  }
  std::vector<PlanPtr> inputs;
  for (const BoundQuery& side : sides) {
    std::vector<BoundPtr> casts;
    for (size_t i = 0; i < width; ++i) {
      const BoundPtr column =
          bound_column(static_cast<uint32_t>(i), side.types()[i], side.names[i], select.at);
      TIDEMILL_TRY_LET(cast, bind_cast(column, types[i], false, select.at));
      casts.push_back(cast);
    }
    inputs.push_back(project(side.plan, casts));
  }
  auto node = make_node(PlanKind::kSetOperation, std::move(inputs), std::move(types));
  node->operation = select.operation;
  BoundQuery query{node, sides[0].names};
  TIDEMILL_TRY_LET(plan, order_and_limit(select, scope_of(query), query.plan));
  query.plan = plan;
  return query;
}

Result<BoundPtr> Binder::bind_scalar(BindState& state, const Scope& scope, const ExprNode& expr) {
  Binder binder(state, nullptr, {});
  binder.scope_ = scope;
  binder.clause_ = Clause::kScalar;
  return binder.bind(expr);
}

}  // namespace tidemill::sql
