#include "sql/expression.h"

#include "sql/binder.h"
#include "sql/execution.h"
#include "sql/parser.h"
#include "sql/query.h"

namespace tidemill::sql {

using value::Batch;
using value::Type;
using value::Value;

namespace {

Scope scope_of(std::span<const TableDef> tables) {
  Scope scope;
  for (const TableDef& table : tables) {
    scope.add_table(table.name, table.open);
    for (const ColumnDef& definition : table.columns) {
      ScopeColumn column;
      column.table = table.name;
      column.name = definition.name;
      column.type = definition.type;
      scope.add(std::move(column));
    }
  }
  return scope;
}

Result<BoundPtr> bound_over(const ExprNode& root, const Scope& scope) {
  static const Catalog kNoTables;
  Plan plan;
  BindState state{kNoTables, plan};
  TIDEMILL_TRY_LET(bound, Binder::bind_scalar(state, scope, root));
  return without_literal(bound);
}

}  // namespace

Result<Expression> Expression::parse(std::string_view text) {
  TIDEMILL_TRY_LET(tokens, tokenize(text));
  Parser parser(std::move(tokens));
  TIDEMILL_TRY_LET(root, parser.parse_lone_expression());
  Status status;
  walk(*root, [&](const ExprNode& node) {
    if (!status) return;
    if (node.query) {
      status = fail(sql_error("Parser Error", node.at,
                              "found a subquery, expected an expression without one"));
    } else if (node.kind == ExprKind::kParam) {
      status = fail(sql_error("Parser Error", node.at,
                              "found a parameter, expected an expression without one"));
    }
  });
  if (!status) return fail(std::move(status).error());
  Expression expression;
  expression.root_ = std::move(root);
  expression.text_ = std::make_shared<const std::string>(text);
  return expression;
}

std::vector<NameRef> Expression::references() const {
  std::vector<NameRef> out;
  walk(*root_, [&](const ExprNode& node) {
    if (node.kind != ExprKind::kColumn) return;
    out.push_back({node.qualifier, node.name, node.at.line, node.at.column});
  });
  return out;
}

Result<Type> Expression::check(std::span<const TableDef> tables) const {
  TIDEMILL_TRY_LET(bound, bound_over(*root_, scope_of(tables)));
  return bound->type;
}

Result<Value> Expression::evaluate(
    std::span<const std::pair<std::string_view, const Batch*>> scope) const {
  std::vector<TableDef> tables;
  for (const auto& [name, batch] : scope) {
    TableDef table{std::string(name), {}, false};
    for (size_t i = 0; i < batch->width(); ++i) {
      table.columns.push_back({batch->name(i), batch->column(i).type()});
    }
    tables.push_back(std::move(table));
  }
  TIDEMILL_TRY_LET(bound, bound_over(*root_, scope_of(tables)));
  if (bound->is_constant()) return bound->constant;
  Arena arena;
  std::vector<Vec> columns;
  for (const auto& entry : scope) {
    const Batch& batch = *entry.second;
    for (size_t i = 0; i < batch.width(); ++i) {
      const Value value = batch.rows() > 0 ? batch.at(0, i) : Value::null(batch.column(i).type());
      columns.push_back(constant_vec(arena, value));
    }
  }
  const Plan plan;
  Execution execution{arena, plan, {}, {}, {}, {}, {}, {}};
  TIDEMILL_TRY_LET(out, Program({bound}).run(execution, columns, 1));
  return value_at(bound->type, out[0], 0);
}

}  // namespace tidemill::sql
