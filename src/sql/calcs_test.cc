// The 300 calculations of an applicant against DuckDB's answers, and the window functions.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "base/text.h"
#include "sql/query.h"
#include "sql/result_json.h"
#include "value/csv.h"

namespace tidemill::sql {
namespace {

using value::Batch;
using value::Kind;
using value::Value;

std::string read_vectors(const std::string& name) {
  std::ifstream file(std::string(TIDEMILL_SOURCE_DIR) + "/tests/vectors/sql/calcs/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << name;
  return text.str();
}

// Reads a table of the sample: nulls are \\N and the empty cell is an empty text; counts are
// INTEGER, as DuckDB read them.
Batch sample(const std::string& name) {
  static const std::vector<std::string> integers = {"age",    "n_accounts",      "n_inquiries",
                                                    "n_late", "months_employed", "term_months"};
  std::string text;
  const std::string raw = read_vectors(name);
  for (const std::string_view line : split(raw, '\n')) {
    if (line.empty()) continue;
    for (const std::string_view cell : split(line, ',')) {
      if (!text.empty() && text.back() != '\n') text += ',';
      text += cell.empty() ? "\"\"" : std::string(cell);
    }
    text += '\n';
  }
  const auto batch = value::read_csv(text, {.null_text = "\\N"});
  EXPECT_TRUE(batch) << batch.error().text();
  std::vector<value::Column> columns;
  for (size_t i = 0; i < batch->width(); ++i) {
    const bool is_integer =
        std::find(integers.begin(), integers.end(), batch->name(i)) != integers.end();
    value::Column column{is_integer ? value::Type(Kind::kInt32) : batch->column(i).type()};
    for (size_t row = 0; row < batch->rows(); ++row) {
      const Value cell = batch->at(row, i);
      column.append(is_integer && !cell.is_null() ? Value::of_int(Kind::kInt32, cell.as_int())
                                                  : cell);
    }
    columns.push_back(std::move(column));
  }
  return Batch(std::make_shared<Batch::Names>(batch->names()), std::move(columns), batch->rows());
}

TableDef table_of(const std::string& name, const Batch& batch) {
  TableDef table{name, {}, false};
  for (size_t i = 0; i < batch.width(); ++i) {
    table.columns.push_back({batch.name(i), batch.column(i).type()});
  }
  return table;
}

std::string all_in_one_statement() {
  std::string row;
  std::string agg;
  const auto calcs = parse_json(read_vectors("calcs.json"));
  for (const Json& calc : calcs->as_array()) {
    std::string& out = calc.text_or("kind", "") == "row" ? row : agg;
    out += ", " + calc.text_or("sql", "") + " AS " + calc.text_or("id", "");
  }
  return "WITH g AS (SELECT a.applicant_id" + agg +
         " FROM applicants a LEFT JOIN history h ON h.applicant_id = a.applicant_id "
         "GROUP BY a.applicant_id, a.applied_on) SELECT a.applicant_id" +
         row +
         ", g.* EXCLUDE (applicant_id) FROM applicants a JOIN g ON g.applicant_id = "
         "a.applicant_id ORDER BY a.applicant_id";
}

bool agrees(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.as_double();
    const double y = b.as_double();
    return x == y || std::fabs(x - y) <= 1e-12 * std::max(std::fabs(x), std::fabs(y));
  }
  return a == b;
}

void expect_rows(const Batch& batch, const std::string& vectors) {
  const auto lines = split(vectors, '\n');
  const auto header = parse_json(lines[0]);
  ASSERT_TRUE(header);
  const Json::Array& names = header->find("columns")->as_array();
  const Json::Array& types = header->find("types")->as_array();
  ASSERT_EQ(batch.width(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(batch.name(i), names[i].as_string());
    EXPECT_EQ(batch.column(i).type().name(), types[i].as_string()) << batch.name(i);
  }
  size_t row = 0;
  for (size_t l = 1; l < lines.size(); ++l) {
    if (lines[l].empty()) continue;
    const auto expected = parse_json(lines[l]);
    ASSERT_TRUE(expected);
    for (size_t i = 0; i < names.size(); ++i) {
      std::string shown;
      append_value_json(shown, batch.at(row, i));
      EXPECT_TRUE(agrees(*parse_json(shown), expected->as_array()[i]))
          << "row " << row << " " << batch.name(i) << ": found " << shown << ", expected "
          << expected->as_array()[i].dump();
    }
    ++row;
  }
  EXPECT_EQ(batch.rows(), row);
}

TEST(CalcsTest, ThreeHundredCalculationsAgreeWithDuckDb) {
  const Batch people = sample("applicants.csv");
  const Batch history = sample("history.csv");
  const auto statement = Statement::parse(all_in_one_statement());
  ASSERT_TRUE(statement) << statement.error().text();
  EXPECT_EQ(statement->table_names(), (std::vector<std::string>{"applicants", "history"}));
  const auto query =
      Query::bind(*statement, {{table_of("applicants", people), table_of("history", history)}, {}});
  ASSERT_TRUE(query) << query.error().text();
  const Batch* inputs[] = {&people, &history};
  const auto batch = query->run(inputs);
  ASSERT_TRUE(batch) << batch.error().text();
  expect_rows(*batch, read_vectors("expected.jsonl"));
}

TEST(CalcsTest, WindowFunctionsAgreeWithDuckDb) {
  Batch history = sample("history.csv");
  value::Column id{value::Type(Kind::kInt64)};
  for (size_t row = 0; row < history.rows(); ++row) {
    id.append(Value::bigint(static_cast<int64_t>(row)));
  }
  history.add_column("id", std::move(id));
  const std::string vectors = read_vectors("windows.jsonl");
  const auto header = parse_json(split(vectors, '\n')[0]);
  std::string sql = "SELECT id";
  for (const auto& [name, expression] : header->find("expressions")->as_object()) {
    sql += ", " + expression.as_string() + " AS " + name;
  }
  sql +=
      " FROM history WINDOW w AS (PARTITION BY applicant_id ORDER BY day, id) ORDER BY id "
      "LIMIT 1500";
  const auto statement = Statement::parse(sql);
  ASSERT_TRUE(statement) << statement.error().text();
  const auto query = Query::bind(*statement, {{table_of("history", history)}, {}});
  ASSERT_TRUE(query) << query.error().text();
  const Batch* inputs[] = {&history};
  const auto batch = query->run(inputs);
  ASSERT_TRUE(batch) << batch.error().text();
  expect_rows(*batch, vectors);
}

}  // namespace
}  // namespace tidemill::sql
