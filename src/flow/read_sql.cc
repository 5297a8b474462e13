// The settings of calc and sql tasks.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "flow/expressions.h"
#include "flow/settings.h"

namespace tidemill::flow {
namespace {

// SQL of the flow file or of a file that it names, with its expressions taken out.
struct SqlSource {
  std::string path;     // "" : in the flow file
  std::string content;  // before
  SqlText split;        // after
};

// Reports a mistake at a byte of the SQL, in the file that holds it.
void report_in_sql(const SettingsPlace& at, const YamlNode& node, const SqlSource& sql,
                   size_t offset, std::string message) {
  if (sql.path.empty()) {
    at.loading.problems.add(at.loading.text.place(node, offset), std::move(message));
  } else {
    at.loading.problems.add_in(node.mark, sql.path, mark_of(sql.content, offset),
                               std::move(message));
  }
}

std::optional<SqlSource> read_sql_source(const SettingsPlace& at, const YamlNode& node,
                                         const std::string& what) {
  auto const text = at.loading.reader.text(node, what);
  if (!text) return std::nullopt;
  std::string_view const trimmed = trim(*text);
  bool const is_word = trimmed.find_first_of(" \t\r\n(") == std::string_view::npos;
  SqlSource sql;
  if (is_word && !trimmed.ends_with(".sql")) {
    at.loading.reader.report(node, what, "the path of a .sql file, or a SELECT");
    return std::nullopt;
  }
  if (is_word) {
    auto const path = at.loading.reader.path(node, what);
    if (!path) return std::nullopt;
    const std::string* content = at.loading.add_file(*path, kMaxFileBytes, node.mark, what);
    if (content == nullptr) return std::nullopt;
    sql.path = *path;
    sql.content = *content;
    if (!is_utf8(sql.content)) {
      at.loading.problems.add_in(node.mark, sql.path, {1, 1},
                                 "bytes that are not UTF-8; save the file as UTF-8");
      return std::nullopt;
    }
    if (trim(sql.content).empty()) {
      at.loading.problems.add_in(node.mark, sql.path, {1, 1}, "the file is empty; expected SQL");
      return std::nullopt;
    }
  } else {
    sql.content = *text;
  }
  auto split = split_sql(sql.content);
  if (!split) {
    report_in_sql(at, node, sql, split.error().offset, split.error().message);
    return std::nullopt;
  }
  sql.split = std::move(*split);
  for (const SqlText::Part& part : sql.split.parts) {
    for (const sql::NameRef& ref : part.compiled.references) {
      auto wrong = at.loading.complaint(ref, at.readable);
      if (!wrong) continue;
      std::string_view const expression = std::string_view(sql.content).substr(part.offset);
      report_in_sql(at, node, sql, part.offset + offset_of(expression, ref.line, ref.column),
                    std::move(*wrong));
    }
  }
  return sql;
}

std::vector<sql::Expression> take_params(SqlSource& sql) {
  std::vector<sql::Expression> params;
  for (SqlText::Part& part : sql.split.parts) params.push_back(std::move(part.compiled.expression));
  return params;
}

// A calculation reads tasks that it needs, params, run and item.
void check_tables(const SettingsPlace& at, const SqlSource& sql, const sql::Statement& statement) {
  std::vector<std::string> valid{"params", "run"};
  if (at.readable.item) valid.emplace_back("item");
  for (TaskIndex need : at.readable.needs) valid.push_back(at.loading.task_name(need));
  std::set<std::string> known;
  for (const std::string& name : valid) known.insert(to_lower_ascii(name));
  size_t reported = 0;
  for (const std::string& table : statement.table_names()) {
    if (known.count(to_lower_ascii(table)) != 0) continue;
    if (++reported > kMaxErrors) return;
    // The statement does not tell where a table stands; the first such word is where people look.
    size_t const found = to_lower_ascii(sql.content).find(to_lower_ascii(table));
    size_t const offset = found == std::string::npos ? 0 : found;
    std::string const name = printable(table, 60);
    std::string message;
    if (to_lower_ascii(table) == "item") {
      message = at.readable.why_no_item;
    } else if (at.loading.find_task(table)) {
      message =
          fmt::format("the table '{}' is a task that task '{}' does not need; add it to needs",
                      name, at.task.name);
    } else {
      std::string const near = at.loading.problems.did_you_mean(table, valid);
      message =
          fmt::format("task '{}' reads the table '{}', which it does not need{} it can read: {}",
                      at.task.name, name, near.empty() ? ";" : near, some_of(valid));
    }
    report_in_sql(at, at.node, sql, offset, std::move(message));
  }
}

}  // namespace

void read_calc(const SettingsPlace& at) {
  CalcSettings calc;
  if (const YamlNode* rows = at.map.find("rows"); rows != nullptr && !rows->is_null()) {
    constexpr auto kRows = std::to_array<Word<bool>>({{"many", true}});
    calc.many =
        at.loading.reader.word<bool>(*rows, fmt::format("'rows' of task '{}'", at.task.name), kRows)
            .value_or(false);
  }
  auto sql = read_sql_source(at, at.node, at.what);
  if (!sql) return;
  auto statement = sql::Statement::parse(sql->split.text);
  if (!statement) {
    std::string message = statement.error().message;
    Mark const mark = take_place(message);
    size_t const offset = offset_of(sql->split.text, mark.line, mark.column);
    report_in_sql(at, at.node, *sql, offset, std::move(message));
    return;
  }
  check_tables(at, *sql, *statement);
  calc.query.path = sql->path;
  calc.query.params = take_params(*sql);
  calc.query.statement = std::move(*statement);
  at.task.settings = std::move(calc);
}

std::optional<SqlSettings> read_sql_settings(const SettingsPlace& at) {
  if (!at.loading.reader.is_map(at.node, at.what)) return std::nullopt;
  Fields const fields(at.loading.reader, at.node, kInSql, at.what);
  SqlSettings settings;
  if (const YamlNode* node = fields.get("connection")) {
    auto const name = at.loading.reader.text(*node, fields.what("connection"));
    std::vector<std::string> known;
    for (const auto& [other, connection] : at.loading.project.connections) known.push_back(other);
    auto const found = at.loading.project.connections.find(name.value_or(""));
    if (name && found == at.loading.project.connections.end()) {
      std::string const near = at.loading.problems.did_you_mean(*name, known);
      at.loading.problems.add(
          node->mark,
          fmt::format("{}: tidemill.yaml has no connection '{}'{} {}", fields.what("connection"),
                      printable(*name, 60), near.empty() ? ";" : near,
                      known.empty() ? "add connections: {NAME: {sqlite: PATH}} to it"
                                    : "it has: " + some_of(known)));
    } else if (name) {
      settings.connection = *name;
      settings.database = found->second.sqlite;
      settings.postgres = found->second.postgres;
      settings.password_secret = found->second.password_secret;
    }
  } else if (!fields.has("connection")) {
    at.loading.problems.add(at.node.mark, fmt::format("{} has no 'connection'", at.what));
  }
  if (const YamlNode* node = fields.get("query")) {
    auto sql = read_sql_source(at, *node, fields.what("query"));
    if (sql) {
      settings.params = take_params(*sql);
      settings.text = std::move(sql->split.text);
    }
  } else if (!fields.has("query")) {
    at.loading.problems.add(at.node.mark, fmt::format("{} has no 'query'", at.what));
  }
  return settings;
}

void read_sql(const SettingsPlace& at) {
  if (auto settings = read_sql_settings(at)) at.task.settings = std::move(*settings);
}

}  // namespace tidemill::flow
