// Binds one SELECT: names to columns, functions to kernels, clauses to plan nodes. Private to this
// room.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sql/plan.h"
#include "sql/scope.h"

namespace tidemill::sql {

// A query that a FROM or WITH can read: its plan and the names of its columns.
struct BoundQuery {
  PlanPtr plan;
  std::vector<std::string> names;
  const std::vector<value::Type>& types() const;
};

struct CteEntry {
  std::string name;
  size_t index;  // in Plan::ctes
  std::vector<std::string> names;
  std::vector<value::Type> types;
};

// What all binders of one statement share.
struct BindState {
  const Catalog& catalog;
  Plan& plan;
};

class Binder {
 public:
  // `outer` is the binder of the query around a subquery, or null.
  Binder(BindState& state, Binder* outer, std::vector<CteEntry> ctes)
      : state_(state), outer_(outer), ctes_(std::move(ctes)) {}

  Result<BoundQuery> bind_select(const SelectNode& select);

  // Binds one scalar expression over a scope, without subqueries and aggregates.
  static Result<BoundPtr> bind_scalar(BindState& state, const Scope& scope, const ExprNode& expr);

 private:
  // --- FROM (binder_from.cc) ---
  struct From {
    PlanPtr plan;
    Scope scope;
  };
  Result<From> bind_from(const FromNode& from);
  Result<From> bind_table(const FromNode& from);
  Result<From> bind_derived(const FromNode& from);
  Result<From> bind_table_function(const FromNode& from);
  Result<From> bind_join(const FromNode& from);
  Status bind_using(const FromNode& from, From& left, From& right, PlanNode& join, Scope& scope);
  Status bind_on(const FromNode& from, const From& left, const From& right, PlanNode& join,
                 const Scope& scope);
  Status rename(const FromNode& from, std::vector<std::string>& names);
  Error unknown_table(const FromNode& from) const;
  From from_query(std::string alias, std::vector<std::string> names,
                  const std::vector<value::Type>& types, PlanPtr plan) const;

  // --- SELECT (binder_select.cc) ---
  struct Item {
    const ExprNode* expr;  // null for a column of a star
    std::string name;
    BoundPtr bound;
  };
  Result<BoundQuery> bind_core(const SelectNode& select);
  Result<BoundQuery> bind_values(const SelectNode& select);
  Result<BoundQuery> bind_set_operation(const SelectNode& select);
  Status bind_ctes(const SelectNode& select);
  Status bind_items(const SelectNode& select);
  Status bind_star(const ExprNode& star);
  Status bind_group_by(const SelectNode& select);
  Status bind_order_by(const SelectNode& select);
  Result<BoundPtr> bind_order_item(const ExprNode& expr);
  Status bind_filters(const SelectNode& select);
  Status aggregate();
  Status compute_windows();
  Result<BoundPtr> over_groups(const BoundPtr& expr);
  BoundPtr window_over_groups(const BoundPtr& node, Status& status);
  Result<BoundQuery> finish_core(const SelectNode& select);
  Result<PlanPtr> order_and_limit(const SelectNode& select, const Scope& outputs, PlanPtr plan);
  Result<PlanPtr> apply_limit(const SelectNode& select, PlanPtr plan);
  PlanPtr filter(PlanPtr input, BoundPtr condition) const;
  SortKey sort_key(const OrderItem& item) const;

  // --- Expressions (binder_expr.cc) ---
  Result<BoundPtr> bind(const ExprNode& expr);
  Result<BoundPtr> bind_literal(const ExprNode& expr);
  Result<BoundPtr> bind_column_ref(const ExprNode& expr);
  Result<BoundPtr> resolve(std::string_view qualifier, std::string_view name, Position at,
                           bool* is_found);
  Result<BoundPtr> capture(BoundPtr outer_value);
  Result<BoundPtr> bind_param(const ExprNode& expr);
  Result<BoundPtr> bind_call(const ExprNode& expr);
  Result<BoundPtr> bind_operator(const ExprNode& expr, std::vector<BoundPtr> args);
  Result<BoundPtr> bind_aggregate_call(const ExprNode& expr);
  Result<BoundPtr> bind_window_call(const ExprNode& expr);
  Result<std::shared_ptr<WindowCall>> bind_window_spec(const ExprNode& expr);
  Status bind_window_function(const ExprNode& expr, WindowCall& call);
  Result<const WindowNode*> named_window(const std::string& name, Position at) const;
  Result<BoundPtr> bind_case_expr(const ExprNode& expr);
  Result<BoundPtr> bind_in(const ExprNode& expr);
  Result<BoundPtr> bind_between(const ExprNode& expr);
  Result<BoundPtr> bind_is(const ExprNode& expr);
  Result<BoundPtr> bind_interval(const ExprNode& expr);
  Result<BoundPtr> bind_struct(const ExprNode& expr);
  Result<BoundPtr> bind_slice(const ExprNode& expr);
  Result<BoundPtr> bind_subquery(const ExprNode& expr);
  Result<BoundPtr> run_constant(const ExprNode& expr, BoundQuery query, SubqueryUse use,
                                BoundPtr member);
  Result<BoundPtr> correlated(const ExprNode& expr, BoundQuery query, SubqueryUse use,
                              BoundPtr member, const Binder& inner);
  Result<std::vector<BoundPtr>> bind_all(const std::vector<ExprPtr>& exprs);
  // Puts the correlated subqueries bound so far in front of what reads them.
  void flush_subqueries();

  enum class Clause { kNone, kWhere, kGroupBy, kOn, kSelect, kHaving, kScalar };
  std::string_view clause_name() const;

  BindState& state_;
  Binder* outer_;
  std::vector<CteEntry> ctes_;
  PlanPtr plan_;
  Scope scope_;
  size_t width_ = 0;  // columns of plan_, with those of subqueries
  Clause clause_ = Clause::kNone;
  bool in_aggregate_ = false;
  bool in_window_ = false;       // the next aggregate is called OVER a window
  bool in_window_args_ = false;  // within its arguments
  int depth_ = 0;                // of subqueries
  std::vector<Item> items_;
  std::vector<BoundPtr> groups_;
  std::vector<BoundPtr> aggregates_;
  BoundPtr having_;
  BoundPtr qualify_;
  std::vector<BoundPtr> order_;
  std::vector<SortKey> sort_;
  std::vector<BoundPtr> distinct_on_;
  bool is_aggregated_ = false;
  const SelectNode* select_ = nullptr;
  bool has_correlated_ = false;
  std::vector<CorrelatedSubquery> pending_;
  std::vector<value::Type> pending_types_;
  std::vector<BoundPtr> captures_;  // values of the outer binder that this query reads
};

std::shared_ptr<PlanNode> make_node(PlanKind kind, std::vector<PlanPtr> inputs,
                                    std::vector<value::Type> types);
PlanPtr project(PlanPtr input, const std::vector<BoundPtr>& exprs);
std::vector<value::Type> types_of(const std::vector<BoundPtr>& exprs);
BoundPtr without_literal(const BoundPtr& expr);
BoundPtr bound_window(std::shared_ptr<const WindowCall> call, Position at);

}  // namespace tidemill::sql
