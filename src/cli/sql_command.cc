#include "cli/sql_command.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "sql/query.h"
#include "sql/result_json.h"
#include "value/csv.h"

namespace tidemill::cli {
namespace {

constexpr size_t kMaxCsvBytes = 1u << 30;
constexpr size_t kMaxCellWidth = 60;

struct Tables {
  sql::Catalog catalog;
  std::vector<value::Batch> batches;
};

Status add_table(const std::string& word, io::Files& files, Tables& tables) {
  const size_t sign = word.find('=');
  if (sign == std::string::npos || sign == 0 || sign + 1 == word.size()) {
    return fail(Code::kInvalid,
                fmt::format("--table: found '{}', expected NAME=FILE.csv", printable(word, 200)));
  }
  const std::string name = word.substr(0, sign);
  const std::string path = word.substr(sign + 1);
  TIDEMILL_TRY_LET(text, files.read(path, kMaxCsvBytes));
  auto batch = value::read_csv(text);
  if (!batch) return fail(batch.error().in(path));
  sql::TableDef table{name, {}, false};
  for (size_t i = 0; i < batch->width(); ++i) {
    table.columns.push_back({batch->name(i), batch->column(i).type()});
  }
  tables.catalog.tables.push_back(std::move(table));
  tables.batches.push_back(*std::move(batch));
  return {};
}

Result<value::Batch> evaluate(const SqlOptions& options, io::Files& files) {
  Tables tables;
  for (const std::string& word : options.tables) TIDEMILL_TRY(add_table(word, files, tables));
  TIDEMILL_TRY_LET(statement, sql::Statement::parse(options.text));
  TIDEMILL_TRY_LET(query, sql::Query::bind(statement, tables.catalog));
  std::vector<const value::Batch*> inputs;
  for (const value::Batch& batch : tables.batches) inputs.push_back(&batch);
  return query.run(inputs);
}

void print_for_people(const value::Batch& batch, std::FILE* out) {
  std::vector<std::string> headings;
  for (size_t i = 0; i < batch.width(); ++i) headings.push_back(printable(batch.name(i), 60));
  std::vector<std::vector<Cell>> rows;
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::vector<Cell> cells;
    for (size_t i = 0; i < batch.width(); ++i) {
      const bool is_null = !batch.column(i).is_valid(row);
      cells.push_back({is_null ? "NULL" : printable(batch.at(row, i).to_text(), kMaxCellWidth),
                       is_null ? Colour::kGrey : Colour::kNone});
    }
    rows.push_back(std::move(cells));
  }
  if (!shows_colour(out)) {
    for (auto& row : rows) {
      for (Cell& cell : row) cell.colour = Colour::kNone;
    }
  }
  print_table(out, headings, rows);
}

}  // namespace

int sql_command(const SqlOptions& options, io::Files& files, std::FILE* out, std::FILE* err) {
  const auto batch = evaluate(options, files);
  if (!batch) {
    if (options.json) {
      Json answer = Json::object();
      answer.set("error", batch.error().text());
      answer.set("error_class", std::string(sql::error_class(batch.error())));
      fmt::print(out, "{}\n", answer.dump());
      std::fflush(out);
    }
    fmt::print(err, "error: {}\n", batch.error().text());
    return 1;
  }
  if (options.json) {
    fmt::print(out, "{}\n", sql::result_json(*batch));
  } else {
    print_for_people(*batch, out);
  }
  std::fflush(out);
  return 0;
}

}  // namespace tidemill::cli
