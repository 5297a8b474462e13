#include "sql/expression.h"

#include <atomic>

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
  expression.cache_ = std::make_shared<Cache>();
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

// Bound to tables of one shape. Most expressions are evaluated over the same shape again and again.
struct Expression::Prepared {
  struct Used {
    size_t table;
    size_t column;
    uint32_t index;  // in the scope
  };
  std::vector<TableDef> tables;
  BoundPtr bound;
  Program program;
  std::vector<Used> used;
  size_t width = 0;
};

struct Expression::Cache {
  std::atomic<std::shared_ptr<const Prepared>> last;
};

namespace {

using ScopeSpan = std::span<const std::pair<std::string_view, const Batch*>>;

bool has_shape(const std::vector<TableDef>& tables, ScopeSpan scope) {
  if (tables.size() != scope.size()) return false;
  for (size_t t = 0; t < scope.size(); ++t) {
    const Batch& batch = *scope[t].second;
    const TableDef& table = tables[t];
    if (table.name != scope[t].first || table.columns.size() != batch.width()) return false;
    for (size_t i = 0; i < batch.width(); ++i) {
      if (!(table.columns[i].type == batch.column(i).type())) return false;
      if (table.columns[i].name != batch.name(i)) return false;
    }
  }
  return true;
}

}  // namespace

Result<std::shared_ptr<const Expression::Prepared>> Expression::prepared(ScopeSpan scope) const {
  if (auto last = cache_->last.load(); last && has_shape(last->tables, scope)) return last;
  auto made = std::make_shared<Prepared>();
  for (const auto& [name, batch] : scope) {
    TableDef table{std::string(name), {}, false};
    for (size_t i = 0; i < batch->width(); ++i) {
      table.columns.push_back({batch->name(i), batch->column(i).type()});
    }
    made->tables.push_back(std::move(table));
  }
  TIDEMILL_TRY_LET(bound, bound_over(*root_, scope_of(made->tables)));
  made->bound = bound;
  made->program = Program({bound});
  std::vector<bool> is_used;
  walk_bound(bound, [&](const BoundPtr& node) {
    if (node->kind != BoundKind::kColumn) return;
    if (is_used.size() <= node->index) is_used.resize(node->index + 1);
    is_used[node->index] = true;
  });
  for (size_t t = 0; t < made->tables.size(); ++t) {
    for (size_t i = 0; i < made->tables[t].columns.size(); ++i, ++made->width) {
      if (made->width < is_used.size() && is_used[made->width]) {
        made->used.push_back({t, i, static_cast<uint32_t>(made->width)});
      }
    }
  }
  std::shared_ptr<const Prepared> shared = std::move(made);
  cache_->last.store(shared);
  return shared;
}

Result<Value> Expression::evaluate(ScopeSpan scope) const {
  TIDEMILL_TRY_LET(ready, prepared(scope));
  if (ready->bound->is_constant()) return ready->bound->constant;
  Arena arena;
  std::vector<Vec> columns(ready->width);
  for (const Prepared::Used& used : ready->used) {
    const Batch& batch = *scope[used.table].second;
    const Value value =
        batch.rows() > 0 ? batch.at(0, used.column) : Value::null(batch.column(used.column).type());
    columns[used.index] = constant_vec(arena, value);
  }
  const Plan plan;
  Execution execution{arena, plan, {}, {}, {}, {}, {}, {}};
  TIDEMILL_TRY_LET(out, ready->program.run(execution, columns, 1));
  return value_at(ready->bound->type, out[0], 0);
}

}  // namespace tidemill::sql
