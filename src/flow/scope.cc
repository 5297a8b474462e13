#include "flow/scope.h"

#include <fmt/format.h>

#include "base/text.h"
#include "flow/params.h"
#include "value/json.h"

namespace tidemill::flow {
namespace {

value::Value instant(Time time) {
  return value::Value::of_int(value::Type(value::Kind::kTimestamp), time.us);
}

bool is_same_name(std::string_view a, std::string_view b) {
  return a == b || to_lower_ascii(a) == to_lower_ascii(b);
}

}  // namespace

const std::vector<std::string>& run_columns() {
  static const std::vector<std::string> kColumns = {
      "id", "flow", "key", "created", "scheduled_at", "interval_start", "interval_end"};
  return kColumns;
}

value::Batch run_table(const RunFacts& facts) {
  value::Type const text(value::Kind::kVarchar);
  value::Type const time(value::Kind::kTimestamp);
  const std::vector<std::string>& names = run_columns();
  std::vector<std::pair<std::string, value::Type>> columns;
  for (size_t i = 0; i < names.size(); ++i) columns.emplace_back(names[i], i < 3 ? text : time);
  value::Batch table = value::Batch::empty(std::move(columns));
  table.append_row({value::Value::text(facts.id), value::Value::text(facts.flow),
                    value::Value::text(facts.key), instant(facts.created),
                    instant(facts.scheduled_at), instant(facts.interval_start),
                    instant(facts.interval_end)});
  return table;
}

value::Batch item_table(const Json& item) {
  // A list as an item is one value, not rows.
  if (!item.is_array()) return table_of_json(item);
  value::Batch table = value::Batch::empty({{"value", value::Type(value::Kind::kJson)}});
  table.append_row({value::Value::bytes(value::Type(value::Kind::kJson), item.dump())});
  return table;
}

void Scope::own_table(std::string_view name, value::Batch table) {
  owned_.push_back(std::move(table));
  tables_.emplace_back(name, &owned_.back());
}

void Scope::add_params(const Json& params) { own_table("params", table_of_json(params)); }

void Scope::add_params(const std::vector<Param>& declared, const Json& params) {
  own_table("params", params_table(declared, params));
}

void Scope::add_run(const RunFacts& facts) { own_table("run", run_table(facts)); }

void Scope::add_item(const Json& item) { own_table("item", item_table(item)); }

void Scope::add_task(std::string_view name, TaskValuePtr value) {
  names_.emplace_back(name);
  if (value == nullptr || value->shape() == TaskValue::Shape::kMissing) {
    missing_.push_back(names_.back());
    values_.emplace_back(names_.back(), TaskValue::missing());
    return;
  }
  tables_.emplace_back(names_.back(), &value->table());
  values_.emplace_back(names_.back(), std::move(value));
}

std::optional<Scope::Input> Scope::find_table(std::string_view name) const {
  static const value::Batch kNothing;
  for (const auto& [known, table] : tables_) {
    if (is_same_name(known, name)) return Input{table, false};
  }
  for (std::string_view known : missing_) {
    if (is_same_name(known, name)) return Input{&kNothing, true};
  }
  return std::nullopt;
}

void Scope::add_table(std::string_view name, value::Batch table) {
  names_.emplace_back(name);
  own_table(names_.back(), std::move(table));
}

Result<value::Value> Scope::evaluate(const sql::Expression& expression) const {
  if (!missing_.empty()) return evaluate_with_missing(expression);
  return expression.evaluate(tables_);
}

// Every column that the expression reads of a missing task becomes a NULL.
Result<value::Value> Scope::evaluate_with_missing(const sql::Expression& expression) const {
  std::deque<value::Batch> nulls;
  Tables tables = tables_;
  std::vector<sql::NameRef> const references = expression.references();
  for (std::string_view name : missing_) {
    std::vector<std::pair<std::string, value::Type>> columns;
    for (const sql::NameRef& ref : references) {
      if (!is_same_name(ref.qualifier, name)) continue;
      bool const is_known = std::any_of(columns.begin(), columns.end(), [&](const auto& column) {
        return is_same_name(column.first, ref.name);
      });
      if (!is_known) columns.emplace_back(ref.name, value::Type());
    }
    if (columns.empty()) continue;
    nulls.push_back(value::Batch::empty(std::move(columns)));
    tables.emplace_back(name, &nulls.back());
  }
  return expression.evaluate(tables);
}

Result<Json> Scope::evaluate_json(const sql::Expression& expression) const {
  TIDEMILL_TRY_LET(value, evaluate(expression));
  return value::value_to_json(value);
}

Result<bool> Scope::evaluate_bool(const sql::Expression& expression) const {
  TIDEMILL_TRY_LET(value, evaluate(expression));
  if (value.is_null()) return false;
  if (value.type().kind() != value::Kind::kBool) {
    return fail(Code::kInvalid,
                fmt::format("the condition '{}' gives {}, expected true or false",
                            printable(expression.text(), 100), value.type().name()));
  }
  return value.as_bool();
}

}  // namespace tidemill::flow
