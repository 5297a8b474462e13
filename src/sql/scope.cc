#include "sql/scope.h"

#include "base/text.h"
#include "sql/lexer.h"

namespace tidemill::sql {

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool Scope::has_table(std::string_view name) const {
  for (const Table& table : tables_) {
    if (same_name(table.name, name)) return true;
  }
  return false;
}

void Scope::append(const Scope& right) {
  columns_.insert(columns_.end(), right.columns_.begin(), right.columns_.end());
  tables_.insert(tables_.end(), right.tables_.begin(), right.tables_.end());
}

Result<Scope::Found> Scope::find(std::string_view qualifier, std::string_view name, Position at,
                                 size_t* index) const {
  bool is_found = false;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const ScopeColumn& column = columns_[i];
    if (!same_name(column.name, name)) continue;
    if (qualifier.empty() ? column.is_hidden : !same_name(column.table, qualifier)) continue;
    if (is_found && qualifier.empty()) {
      return fail(
          sql_error("Binder Error", at,
                    fmt::format("column '{}' is ambiguous: it stands in {} and in {}; write "
                                "it as table.column",
                                printable(name, 60), columns_[*index].table, column.table)));
    }
    if (!is_found) *index = i;
    is_found = true;
  }
  if (is_found) return Found::kYes;
  for (const Table& table : tables_) {
    if (table.is_open && (qualifier.empty() || same_name(table.name, qualifier))) {
      return Found::kOpen;
    }
  }
  return Found::kNo;
}

Error Scope::unknown(std::string_view qualifier, std::string_view name, Position at) const {
  std::vector<std::string> names;
  if (!qualifier.empty() && !has_table(qualifier)) {
    for (const Table& table : tables_) names.push_back(table.name);
    const std::string near = nearest_word(qualifier, names);
    std::string message = fmt::format("no table '{}' in FROM", printable(qualifier, 60));
    if (!near.empty()) message += fmt::format("; did you mean '{}'?", near);
    return sql_error("Binder Error", at, message);
  }
  std::string where;
  for (const ScopeColumn& column : columns_) {
    if (qualifier.empty() || same_name(column.table, qualifier)) names.push_back(column.name);
  }
  if (!qualifier.empty()) {
    where = " in " + std::string(qualifier);
  } else if (tables_.size() == 1) {
    where = " in " + tables_[0].name;
  } else if (!tables_.empty()) {
    std::vector<std::string> tables;
    for (const Table& table : tables_) tables.push_back(table.name);
    where = " in any of " + join(tables, ", ");
  }
  std::string message = fmt::format("no column '{}'{}", printable(name, 60), where);
  const std::string near = nearest_word(name, names);
  if (!near.empty()) message += fmt::format("; did you mean '{}'?", near);
  return sql_error("Binder Error", at, message);
}

BoundPtr Scope::column(size_t index, Position at) const {
  const ScopeColumn& column = columns_[index];
  if (column.merged) return column.merged;
  if (column.is_null) return bound_constant(value::Value());
  if (column.used) (*column.used)[column.used_index] = true;
  return bound_column(static_cast<uint32_t>(index), column.type, column.name, at);
}

}  // namespace tidemill::sql
