// FROM: tables, derived tables, table functions and joins.
#include "base/text.h"
#include "sql/binder.h"
#include "sql/function.h"
#include "sql/lexer.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

Result<Binder::From> Binder::bind_from(const FromNode& from) {
  switch (from.kind) {
    case FromKind::kTable:
      return bind_table(from);
    case FromKind::kQuery:
      return bind_derived(from);
    case FromKind::kFunction:
      return bind_table_function(from);
    case FromKind::kJoin:
      return bind_join(from);
  }
  return fail(Code::kInternal, "a FROM of no known kind");
}

Status Binder::rename(const FromNode& from, std::vector<std::string>& names) {
  if (from.column_aliases.size() > names.size()) {
    return fail(sql_error("Binder Error", from.at,
                          fmt::format("table \"{}\" has {} columns available but {} columns "
                                      "specified",
                                      from.alias, names.size(), from.column_aliases.size())));
  }
  std::copy(from.column_aliases.begin(), from.column_aliases.end(), names.begin());
  return {};
}

Error Binder::unknown_table(const FromNode& from) const {
  std::vector<std::string> names;
  for (const CteEntry& cte : ctes_) names.push_back(cte.name);
  for (const TableDef& table : state_.catalog.tables) names.push_back(table.name);
  std::string message = fmt::format("Table with name {} does not exist!", printable(from.name, 60));
  const std::string near = nearest_word(from.name, names);
  if (!near.empty()) {
    message += fmt::format(" Did you mean '{}'?", near);
  } else if (!names.empty() && names.size() <= 20) {
    message += " Known are " + join(names, ", ");
  }
  return sql_error("Catalog Error", from.at, message);
}

Binder::From Binder::from_query(std::string alias, std::vector<std::string> names,
                                const std::vector<Type>& types, PlanPtr plan) const {
  From out;
  out.plan = std::move(plan);
  out.scope.add_table(alias, false);
  for (size_t i = 0; i < names.size(); ++i) {
    ScopeColumn column;
    column.table = alias;
    column.name = std::move(names[i]);
    column.type = types[i];
    out.scope.add(std::move(column));
  }
  return out;
}

Result<Binder::From> Binder::bind_table(const FromNode& from) {
  for (size_t i = ctes_.size(); i-- > 0;) {
    const CteEntry& cte = ctes_[i];
    if (!same_name(cte.name, from.name)) continue;
    auto node = make_node(PlanKind::kCte, {}, cte.types);
    node->cte = cte.index;
    std::vector<std::string> names = cte.names;
    TIDEMILL_TRY(rename(from, names));
    return from_query(from.alias.empty() ? cte.name : from.alias, std::move(names), cte.types,
                      node);
  }
  const auto& tables = state_.catalog.tables;
  for (size_t t = 0; t < tables.size(); ++t) {
    const TableDef& table = tables[t];
    if (!same_name(table.name, from.name)) continue;
    From out;
    const std::string alias = from.alias.empty() ? table.name : from.alias;
    std::vector<Type> types;
    std::vector<std::string> names;
    for (const ColumnDef& column : table.columns) {
      types.push_back(column.type);
      names.push_back(column.name);
    }
    TIDEMILL_TRY(rename(from, names));
    auto node = make_node(PlanKind::kScan, {}, types);
    node->table = t;
    node->used_columns = std::make_shared<std::vector<bool>>(table.columns.size(), false);
    out.scope.add_table(alias, table.open);
    for (size_t i = 0; i < names.size(); ++i) {
      ScopeColumn column;
      column.table = alias;
      column.name = names[i];
      column.type = types[i];
      column.used = node->used_columns;
      column.used_index = i;
      out.scope.add(std::move(column));
    }
    out.plan = node;
    return out;
  }
  return fail(unknown_table(from));
}

Result<Binder::From> Binder::bind_derived(const FromNode& from) {
  Binder inner(state_, nullptr, ctes_);
  inner.depth_ = depth_ + 1;
  TIDEMILL_TRY_LET(query, inner.bind_select(*from.query));
  TIDEMILL_TRY(rename(from, query.names));
  const std::vector<Type> types = query.types();
  return from_query(from.alias.empty() ? "subquery" : from.alias, query.names, types, query.plan);
}

// range(n), range(start, stop [, step]), generate_series likewise with the stop, unnest(list).
Result<Binder::From> Binder::bind_table_function(const FromNode& from) {
  const std::string name = to_lower_ascii(from.name);
  std::vector<BoundPtr> args;
  for (const ExprPtr& arg : from.args) {
    TIDEMILL_TRY_LET(bound, bind_scalar(state_, Scope(), *arg));
    args.push_back(bound);
  }
  const std::string alias = from.alias.empty() ? name : from.alias;
  std::vector<std::string> names{name == "unnest" ? "unnest" : name};
  if (!from.alias.empty()) names[0] = name;
  TIDEMILL_TRY(rename(from, names));
  if (name == "unnest" && args.size() == 1) {
    if (args[0]->type.kind() != Kind::kList) {
      return fail(sql_error("Binder Error", from.at, "unnest() can only be applied to lists"));
    }
    const std::vector<Type> types{args[0]->type.element()};
    auto node = make_node(PlanKind::kUnnest, {}, types);
    node->program = Program(args);
    return from_query(alias, std::move(names), types, node);
  }
  const bool is_range = name == "range" || name == "generate_series";
  if (!is_range || args.empty() || args.size() > 3) {
    return fail(
        sql_error("Catalog Error", from.at,
                  fmt::format("Table Function with name {} and {} arguments does not exist! "
                              "Known are range, generate_series and unnest",
                              printable(from.name, 60), args.size())));
  }
  if (args.size() == 1) args.insert(args.begin(), bound_constant(Value::bigint(0)));
  if (args.size() == 2) args.push_back(bound_constant(Value::bigint(1)));
  for (BoundPtr& arg : args) {
    if (!arg->type.is_integer() && !arg->is_null()) {
      return fail(sql_error("Binder Error", from.at,
                            fmt::format("{}: found {}, expected integers", name, shown_type(arg))));
    }
    TIDEMILL_TRY_LET(cast, bind_cast(arg, Kind::kInt64, false, from.at));
    arg = cast;
  }
  const std::vector<Type> types{Kind::kInt64};
  auto node = make_node(PlanKind::kRange, {}, types);
  node->program = Program(args);
  node->includes_stop = name == "generate_series";
  return from_query(alias, std::move(names), types, node);
}

namespace {

// Which sides a condition reads: 1 left, 2 right, 3 both, 0 none.
int sides_of(const BoundPtr& expr, size_t left_width) {
  int sides = 0;
  walk_bound(expr, [&](const BoundPtr& node) {
    if (node->kind == BoundKind::kColumn) sides |= node->index < left_width ? 1 : 2;
    if (node->kind == BoundKind::kCapture) sides |= 4;
  });
  return sides;
}

BoundPtr moved(const BoundPtr& expr, size_t by) {
  return rewrite(expr, [by](const BoundPtr& node) -> BoundPtr {
    if (node->kind != BoundKind::kColumn) return nullptr;
    return bound_column(node->index - static_cast<uint32_t>(by), node->type, node->name, node->at);
  });
}

struct JoinParts {
  std::vector<BoundPtr> left;
  std::vector<BoundPtr> right;
  std::vector<BoundPtr> rest;
};

}  // namespace

Result<Binder::From> Binder::bind_join(const FromNode& from) {
  TIDEMILL_TRY_LET(left, bind_from(*from.left));
  TIDEMILL_TRY_LET(right, bind_from(*from.right));
  std::vector<Type> types = left.plan->types;
  types.insert(types.end(), right.plan->types.begin(), right.plan->types.end());
  Scope scope = left.scope;
  scope.append(right.scope);
  auto node = make_node(PlanKind::kJoin, {left.plan, right.plan}, types);
  node->join = from.join;
  if (!from.using_columns.empty() || from.is_natural) {
    TIDEMILL_TRY(bind_using(from, left, right, *node, scope));
  } else if (from.on) {
    TIDEMILL_TRY(bind_on(from, left, right, *node, scope));
  }
  const bool keeps_left_only = from.join == JoinKind::kSemi || from.join == JoinKind::kAnti;
  if (keeps_left_only) {
    node->types = left.plan->types;
    return From{node, left.scope};
  }
  return From{node, std::move(scope)};
}

Status Binder::bind_using(const FromNode& from, From& left, From& right, PlanNode& join,
                          Scope& scope) {
  std::vector<std::string> columns = from.using_columns;
  if (from.is_natural) {
    for (const ScopeColumn& column : left.scope.columns()) {
      for (const ScopeColumn& other : right.scope.columns()) {
        if (same_name(column.name, other.name)) columns.push_back(column.name);
      }
    }
  }
  const size_t left_width = left.plan->types.size();
  std::vector<BoundPtr> left_keys;
  std::vector<BoundPtr> right_keys;
  for (const std::string& name : columns) {
    size_t left_at = 0;
    size_t right_at = 0;
    TIDEMILL_TRY_LET(in_left, left.scope.find("", name, from.at, &left_at));
    if (in_left != Scope::Found::kYes) return fail(left.scope.unknown("", name, from.at));
    TIDEMILL_TRY_LET(in_right, right.scope.find("", name, from.at, &right_at));
    if (in_right != Scope::Found::kYes) return fail(right.scope.unknown("", name, from.at));
    const BoundPtr a = left.scope.column(left_at, from.at);
    const BoundPtr b = right.scope.column(right_at, from.at);
    const auto type = comparison_type(a, b, Comparison::kEquality);
    if (!type) return fail(no_match("=", {a, b}, from.at));
    TIDEMILL_TRY_LET(left_key, bind_cast(a, *type, false, from.at));
    TIDEMILL_TRY_LET(right_key, bind_cast(b, *type, false, from.at));
    left_keys.push_back(left_key);
    right_keys.push_back(right_key);
    join.key_types.push_back(*type);
    // The unqualified name means whichever side has a value.
    scope.columns()[left_width + right_at].is_hidden = true;
    const bool needs_merge = from.join == JoinKind::kRight || from.join == JoinKind::kFull;
    if (needs_merge) {
      const BoundPtr right_value =
          bound_column(static_cast<uint32_t>(left_width + right_at), b->type, name, from.at);
      TIDEMILL_TRY_LET(merged, bind_function("coalesce", {a, right_value}, from.at));
      ScopeColumn& column = scope.columns()[left_at];
      column.merged = merged;
      column.type = merged->type;
    }
  }
  join.left_keys = Program(left_keys);
  join.right_keys = Program(right_keys);
  return {};
}

Status Binder::bind_on(const FromNode& from, const From& left, const From& right, PlanNode& join,
                       const Scope& scope) {
  const Scope outer_scope = std::exchange(scope_, scope);
  const Clause outer_clause = std::exchange(clause_, Clause::kOn);
  const size_t left_width = left.plan->types.size();
  (void)right;
  JoinParts parts;
  // The conditions that AND joins at the top; equalities between the sides become hash keys.
  std::vector<const ExprNode*> conditions;
  if (from.on->kind == ExprKind::kAnd) {
    for (const ExprPtr& part : from.on->args) conditions.push_back(part.get());
  } else {
    conditions.push_back(from.on.get());
  }
  for (const ExprNode* condition : conditions) {
    if (condition->kind == ExprKind::kFunction && condition->name == "=" &&
        condition->args.size() == 2) {
      TIDEMILL_TRY_LET(a, bind(*condition->args[0]));
      TIDEMILL_TRY_LET(b, bind(*condition->args[1]));
      const auto type = comparison_type(a, b, Comparison::kEquality);
      const int sides = sides_of(a, left_width) * 10 + sides_of(b, left_width);
      if (type && (sides == 12 || sides == 21)) {
        TIDEMILL_TRY_LET(x, bind_cast(sides == 12 ? a : b, *type, false, condition->at));
        TIDEMILL_TRY_LET(y, bind_cast(sides == 12 ? b : a, *type, false, condition->at));
        parts.left.push_back(x);
        parts.right.push_back(moved(y, left_width));
        join.key_types.push_back(*type);
        continue;
      }
    }
    TIDEMILL_TRY_LET(rest, bind(*condition));
    TIDEMILL_TRY_LET(truth, bind_cast(rest, Kind::kBool, false, condition->at));
    parts.rest.push_back(truth);
  }
  join.left_keys = Program(parts.left);
  join.right_keys = Program(parts.right);
  if (!parts.rest.empty()) {
    TIDEMILL_TRY_LET(all, bind_and(std::move(parts.rest), from.at));
    join.condition = Program({all});
  }
  scope_ = outer_scope;
  clause_ = outer_clause;
  return {};
}

}  // namespace tidemill::sql
