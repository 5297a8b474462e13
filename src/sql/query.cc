#include "sql/query.h"

#include "sql/binder.h"
#include "sql/execution.h"

namespace tidemill::sql {

using value::Batch;
using value::Column;
using value::Kind;
using value::Type;
using value::Value;

namespace {

Column column_of(const Type& type, const Vec& vec, size_t rows) {
  Column column(type);
  column.reserve(rows);
  if (type.is_bytes()) {
    for (size_t row = 0; row < rows; ++row) {
      if (vec.state_at(row) == kValueState) {
        column.append_text(vec.at<std::string_view>(row));
      } else {
        column.append_null();
      }
    }
  } else if (type.is_nested()) {
    for (size_t row = 0; row < rows; ++row) column.append_nested(value_at(type, vec, row));
  } else if (vec.step == 1) {
    column.append_flat(vec.data, vec.state, rows);
  } else {
    for (size_t row = 0; row < rows; ++row) column.append_flat(vec.data, vec.state, 1);
  }
  return column;
}

Status check_inputs(const Plan& plan, std::span<const Batch* const> tables,
                    std::span<const Value> params) {
  if (tables.size() != plan.tables.size()) {
    return fail(Code::kInvalid, fmt::format("found {} tables, expected the {} of the catalog",
                                            tables.size(), plan.tables.size()));
  }
  if (params.size() > plan.params.size()) {
    return fail(Code::kInvalid,
                fmt::format("found {} parameters, expected {}", params.size(), plan.params.size()));
  }
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].is_null() || params[i].type() == plan.params[i]) continue;
    return fail(Code::kInvalid, fmt::format("parameter ${}: found type {}, expected {}", i + 1,
                                            params[i].type().name(), plan.params[i].name()));
  }
  return {};
}

// Errors of kernels say their class at the front of the message: it moves to the context.
Error with_class(Error error) {
  if (!error.context.empty()) return error;
  const size_t end = error.message.find(" Error: ");
  if (end == std::string::npos || end > 30) return error;
  error.context = error.message.substr(0, end + 6);
  error.message.erase(0, end + 8);
  return error;
}

}  // namespace

Result<Query> Query::bind(const Statement& statement, const Catalog& catalog) {
  for (const TableDef& table : catalog.tables) {
    if (table.columns.size() > kMaxColumns) {
      return fail(Code::kExhausted, fmt::format("table {}: found {} columns, expected at most {}",
                                                table.name, table.columns.size(), kMaxColumns));
    }
  }
  auto plan = std::make_shared<Plan>();
  plan->tables = catalog.tables;
  plan->params = catalog.params;
  BindState state{catalog, *plan};
  Binder binder(state, nullptr, {});
  auto bound = binder.bind_select(statement.root());
  if (!bound) return fail(with_class(std::move(bound).error()));
  plan->root = bound->plan;
  auto names = std::make_shared<Batch::Names>(bound->names);
  for (size_t i = 0; i < names->size(); ++i) {
    plan->columns.push_back({(*names)[i], bound->types()[i]});
  }
  plan->names = std::move(names);
  Query query;
  query.plan_ = std::move(plan);
  return query;
}

const std::vector<ColumnDef>& Query::columns() const { return plan_->columns; }

Result<Batch> Query::run(std::span<const Batch* const> tables,
                         std::span<const Value> params) const {
  TIDEMILL_TRY(check_inputs(*plan_, tables, params));
  Arena arena;
  Execution execution{arena, *plan_, tables, params, {}, {}, {}, {}};
  execution.param_vecs.resize(plan_->params.size() + plan_->constants.size());
  execution.cte_results.resize(plan_->ctes.size());
  auto relation = run_node(*plan_->root, execution);
  if (!relation) return fail(with_class(std::move(relation).error()));
  std::vector<Column> columns;
  columns.reserve(plan_->columns.size());
  for (size_t i = 0; i < plan_->columns.size(); ++i) {
    columns.push_back(column_of(plan_->columns[i].type, relation->columns[i], relation->rows));
  }
  return Batch(plan_->names, std::move(columns), relation->rows);
}

std::string_view error_class(const Error& error) {
  struct Class {
    std::string_view word;
    std::string_view name;
  };
  static constexpr Class kClasses[] = {
      {"Conversion Error", "ConversionException"},
      {"Out of Range Error", "OutOfRangeException"},
      {"Invalid Input Error", "InvalidInputException"},
      {"Binder Error", "BinderException"},
      {"Catalog Error", "CatalogException"},
      {"Parser Error", "ParserException"},
      {"Out of Memory Error", "OutOfMemoryException"},
      {"Not implemented Error", "NotImplementedException"},
      {"Constraint Error", "ConstraintException"},
  };
  for (const Class& entry : kClasses) {
    if (error.context.find(entry.word) != std::string::npos) return entry.name;
  }
  for (const Class& entry : kClasses) {
    if (error.message.starts_with(entry.word)) return entry.name;
  }
  return "";
}

}  // namespace tidemill::sql
