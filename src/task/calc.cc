#include "task/calc.h"

#include <fmt/format.h>

namespace tidemill::task {
namespace {

constexpr size_t kBoundPerTask = 16;

bool same(const sql::TableDef& a, const sql::TableDef& b) {
  if (a.name != b.name || a.open != b.open || a.columns.size() != b.columns.size()) return false;
  for (size_t i = 0; i < a.columns.size(); ++i) {
    if (a.columns[i].name != b.columns[i].name || a.columns[i].type != b.columns[i].type) {
      return false;
    }
  }
  return true;
}

bool same(const sql::Catalog& a, const sql::Catalog& b) {
  if (a.tables.size() != b.tables.size() || a.params != b.params) return false;
  for (size_t i = 0; i < a.tables.size(); ++i) {
    if (!same(a.tables[i], b.tables[i])) return false;
  }
  return true;
}

sql::TableDef definition(std::string name, const value::Batch& table, bool open) {
  sql::TableDef def;
  def.name = std::move(name);
  def.open = open;
  def.columns.reserve(table.width());
  for (size_t i = 0; i < table.width(); ++i) {
    def.columns.push_back({table.name(i), table.column(i).type()});
  }
  return def;
}

}  // namespace

std::shared_ptr<const CalcEvaluator::Bound> CalcEvaluator::find(const flow::Task& task,
                                                                const sql::Catalog& catalog) {
  std::lock_guard lock(mutex_);
  auto const found = bound_.find(&task);
  if (found == bound_.end()) return nullptr;
  for (const auto& bound : found->second) {
    if (same(bound->catalog, catalog)) return bound;
  }
  return nullptr;
}

Result<flow::TaskValuePtr> CalcEvaluator::evaluate(const flow::Flow&, const flow::Task& task,
                                                   const flow::Scope& scope) {
  const auto& settings = std::get<flow::CalcSettings>(task.settings);
  sql::Catalog catalog;
  std::vector<const value::Batch*> tables;
  for (const std::string& name : settings.query.statement.table_names()) {
    auto const input = scope.find_table(name);
    if (!input) return fail(Code::kInternal, fmt::format("no input '{}'", name));
    catalog.tables.push_back(definition(name, *input->table, input->is_missing));
    tables.push_back(input->table);
  }
  std::vector<value::Value> params;
  for (const sql::Expression& expression : settings.query.params) {
    TIDEMILL_TRY_LET(value, scope.evaluate(expression));
    catalog.params.push_back(value.type());
    params.push_back(std::move(value));
  }
  auto bound = find(task, catalog);
  if (!bound) {
    auto query = sql::Query::bind(settings.query.statement, catalog);
    if (!query) {
      return fail(query.error().in(settings.query.path.empty() ? "calc" : settings.query.path));
    }
    bound = std::make_shared<const Bound>(Bound{std::move(catalog), std::move(*query)});
    std::lock_guard lock(mutex_);
    auto& list = bound_[&task];
    if (list.size() >= kBoundPerTask) list.erase(list.begin());
    list.push_back(bound);
  }
  auto result = bound->query.run(tables, params);
  if (!result) {
    return fail(result.error().in(settings.query.path.empty() ? "calc" : settings.query.path));
  }
  return flow::TaskValue::of_table(std::move(*result), settings.many);
}

void CalcEvaluator::forget(const flow::Flow& flow) {
  std::lock_guard lock(mutex_);
  for (const flow::Task& task : flow.tasks) bound_.erase(&task);
}

}  // namespace tidemill::task
