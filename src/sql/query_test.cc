#include "sql/query.h"

#include <gtest/gtest.h>

#include "sql/expression.h"
#include "sql/function.h"
#include "sql/result_json.h"
#include "value/json.h"

namespace tidemill::sql {
namespace {

using value::Batch;
using value::Kind;
using value::Value;

Batch people() {
  return *value::infer_table(*parse_json(
      R"([{"id":1,"name":"ann","age":30,"team":"a"},{"id":2,"name":"bob","age":null,"team":"b"},)"
      R"({"id":3,"name":"cy","age":25,"team":"a"}])"));
}

Batch orders() {
  return *value::infer_table(*parse_json(
      R"([{"person":1,"amount":10.5},{"person":1,"amount":4.5},{"person":9,"amount":1.0}])"));
}

TableDef define(std::string name, const Batch& batch) {
  TableDef table{std::move(name), {}, false};
  for (size_t i = 0; i < batch.width(); ++i) {
    table.columns.push_back({batch.name(i), batch.column(i).type()});
  }
  return table;
}

Result<Batch> run(std::string_view sql, std::vector<Value> params = {}) {
  const Batch tables[] = {people(), orders()};
  Catalog catalog{{define("people", tables[0]), define("orders", tables[1])}, {}};
  for (const Value& param : params) catalog.params.push_back(param.type());
  TIDEMILL_TRY_LET(statement, Statement::parse(sql));
  TIDEMILL_TRY_LET(query, Query::bind(statement, catalog));
  const Batch* inputs[] = {&tables[0], &tables[1]};
  return query.run(inputs, params);
}

// The rows of an answer, or its error.
std::string rows(std::string_view sql, std::vector<Value> params = {}) {
  const auto batch = run(sql, std::move(params));
  if (!batch) return batch.error().text();
  const std::string json = result_json(*batch);
  const size_t at = json.find("\"rows\":") + 7;
  return json.substr(at, json.size() - at - 1);
}

TEST(QueryTest, SelectsFiltersAndOrders) {
  EXPECT_EQ(rows("SELECT id, upper(name) FROM people WHERE age > 20 ORDER BY age"),
            R"([[3,"CY"],[1,"ANN"]])");
  EXPECT_EQ(rows("SELECT id FROM people ORDER BY age DESC NULLS FIRST, id LIMIT 2 OFFSET 1"),
            "[[1],[3]]");
  EXPECT_EQ(rows("SELECT id FROM people ORDER BY age"), "[[3],[1],[2]]");
  EXPECT_EQ(rows("SELECT DISTINCT team FROM people ORDER BY ALL DESC"), R"([["b"],["a"]])");
  EXPECT_EQ(rows("FROM people SELECT count(*)"), "[[3]]");
}

TEST(QueryTest, StarsExcludeAndReplace) {
  EXPECT_EQ(rows("SELECT * EXCLUDE (name, age) REPLACE (id * 2 AS id) FROM people WHERE id = 3"),
            R"([[6,"a"]])");
  EXPECT_EQ(rows("SELECT p.* FROM people p, orders WHERE amount = 1.0 AND id = 2"),
            R"([[2,"bob",null,"b"]])");
}

TEST(QueryTest, GroupsByExpressionAliasAndOrdinal) {
  EXPECT_EQ(rows("SELECT team t, count(*), sum(age) FROM people GROUP BY t ORDER BY 1"),
            R"([["a",2,55],["b",1,null]])");
  EXPECT_EQ(rows("SELECT length(name) % 2, count(*) FROM people GROUP BY 1 HAVING count(*) > 1"),
            "[[1,2]]");
  EXPECT_EQ(rows("SELECT team, avg(age) + 1 FROM people GROUP BY ALL ORDER BY team"),
            R"([["a",28.5],["b",null]])");
  EXPECT_EQ(rows("SELECT name FROM people GROUP BY team"),
            "Binder Error: line 1, column 8: column \"name\" must appear in the GROUP BY clause or "
            "must be part of an aggregate function");
}

TEST(QueryTest, JoinsOfEveryKind) {
  EXPECT_EQ(rows("SELECT id, amount FROM people JOIN orders ON person = id ORDER BY amount"),
            "[[1,4.5],[1,10.5]]");
  EXPECT_EQ(rows("SELECT id, sum(amount) FROM people LEFT JOIN orders ON person = id GROUP BY id "
                 "ORDER BY id"),
            "[[1,15.0],[2,null],[3,null]]");
  EXPECT_EQ(rows("SELECT id, person FROM people RIGHT JOIN orders ON person = id AND amount > 5 "
                 "ORDER BY person, id"),
            "[[1,1],[null,1],[null,9]]");
  EXPECT_EQ(rows("SELECT count(*) FROM people FULL JOIN orders ON person = id"), "[[5]]");
  EXPECT_EQ(rows("SELECT count(*) FROM people CROSS JOIN orders"), "[[9]]");
  EXPECT_EQ(rows("SELECT id FROM people SEMI JOIN orders ON person = id"), "[[1]]");
  EXPECT_EQ(rows("SELECT id FROM people ANTI JOIN orders ON person = id ORDER BY id"), "[[2],[3]]");
  EXPECT_EQ(
      rows("WITH o AS (SELECT person AS id, amount FROM orders) SELECT id, amount FROM people "
           "FULL JOIN o USING (id) WHERE amount = 1.0"),
      "[[9,1.0]]");
}

TEST(QueryTest, SubqueriesPlainAndCorrelated) {
  EXPECT_EQ(rows("SELECT (SELECT max(amount) FROM orders)"), "[[10.5]]");
  EXPECT_EQ(rows("SELECT id FROM people WHERE id IN (SELECT person FROM orders)"), "[[1]]");
  EXPECT_EQ(rows("SELECT id FROM people WHERE id NOT IN (SELECT person FROM orders) ORDER BY id"),
            "[[2],[3]]");
  EXPECT_EQ(rows("SELECT id, (SELECT count(*) FROM orders WHERE person = people.id) FROM people "
                 "ORDER BY id"),
            "[[1,2],[2,0],[3,0]]");
  EXPECT_EQ(rows("SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.person = "
                 "p.id AND o.amount > 10)"),
            "[[1]]");
  EXPECT_EQ(rows("SELECT (SELECT id FROM people)").substr(0, 60),
            "Invalid Input Error: More than one row returned by a subquer");
}

TEST(QueryTest, SetOperationsValuesAndCtes) {
  EXPECT_EQ(rows("SELECT 1 UNION ALL SELECT 2.5 ORDER BY 1 DESC"), R"([["2.5"],["1.0"]])");
  EXPECT_EQ(rows("VALUES (1, 'a'), (2, NULL)"), R"([[1,"a"],[2,null]])");
  EXPECT_EQ(rows("SELECT * FROM (VALUES (1),(2),(2)) t(x) EXCEPT SELECT 1"), "[[2]]");
  EXPECT_EQ(rows("WITH a AS (SELECT 1 x), b AS (SELECT x + 1 y FROM a) SELECT x, y FROM a, b"),
            "[[1,2]]");
  EXPECT_EQ(rows("SELECT sum(range) FROM range(5)"), "[[10]]");
}

TEST(QueryTest, WindowsOverPartitionsAndGroups) {
  EXPECT_EQ(rows("SELECT id, row_number() OVER (PARTITION BY team ORDER BY id DESC) FROM people "
                 "ORDER BY id"),
            "[[1,2],[2,1],[3,1]]");
  EXPECT_EQ(
      rows("SELECT team, sum(count(*)) OVER (ORDER BY team) FROM people GROUP BY team ORDER BY "
           "team"),
      R"([["a",2],["b",3]])");
  EXPECT_EQ(rows("SELECT id FROM people QUALIFY rank() OVER (ORDER BY age DESC) = 1"), "[[1]]");
}

TEST(QueryTest, OnlyTheChosenBranchCanFail) {
  EXPECT_EQ(rows("SELECT CASE WHEN id = 1 THEN 0 ELSE 10 // (id - 1) END FROM people ORDER BY id"),
            "[[0],[10],[5]]");
  EXPECT_EQ(rows("SELECT id FROM people WHERE id <> 1 AND 10 // (id - 1) > 5"), "[[2]]");
  EXPECT_EQ(rows("SELECT TRY(10 // (id - 1)) FROM people ORDER BY id"), "[[null],[10],[5]]");
  EXPECT_EQ(rows("SELECT sum(10 // (id - 1)) FILTER (WHERE id > 1) FROM people"), "[[15]]");
  EXPECT_EQ(rows("SELECT 10 // (id - 1) FROM people").substr(0, 60),
            "Invalid Input Error: Division by zero in expression (10 // 0");
}

TEST(QueryTest, AFailureIsToldByTheRowThatReachesTheResult) {
  EXPECT_EQ(
      rows("SELECT CASE WHEN x = 'a' THEN 0 WHEN CAST(x AS INTEGER) > 5 THEN 1 ELSE 2 END FROM "
           "(VALUES ('a'), ('7'), ('zz')) t(x)"),
      "Conversion Error: Could not convert string 'zz' to INT32");
}

TEST(QueryTest, ParametersAreTyped) {
  EXPECT_EQ(rows("SELECT name FROM people WHERE id = $1 OR name = $2 ORDER BY id",
                 {Value::bigint(3), Value::text("ann")}),
            R"([["ann"],["cy"]])");
  EXPECT_EQ(rows("SELECT $2").substr(0, 46), "Binder Error: line 1, column 8: found $2, expe");
}

TEST(QueryTest, UnknownNamesGiveTheNearest) {
  EXPECT_EQ(rows("SELECT agee FROM people"),
            "Binder Error: line 1, column 8: no column 'agee' in people; did you mean 'age'?");
  EXPECT_EQ(rows("SELECT 1 FROM peple"),
            "Catalog Error: line 1, column 15: Table with name peple does not exist! Did you mean "
            "'people'?");
  EXPECT_EQ(rows("SELECT lenght(name) FROM people"),
            "Catalog Error: line 1, column 8: Scalar Function with name lenght does not exist! Did "
            "you mean \"length\"?");
  EXPECT_EQ(rows("SELECT o.id FROM people p, orders o"),
            "Binder Error: line 1, column 8: no column 'id' in o");
}

TEST(QueryTest, AmbiguousNamesAreErrors) {
  EXPECT_EQ(rows("SELECT id FROM people a, people b").substr(0, 68),
            "Binder Error: line 1, column 8: column 'id' is ambiguous: it stands ");
}

TEST(QueryTest, AnOpenTableReadsMissingColumnsAsNull) {
  const auto statement =
      Statement::parse("SELECT score, coalesce(score, 5) + 1, year(day) FROM bureau");
  const auto query = Query::bind(*statement, {{{"bureau", {}, true}}, {}});
  ASSERT_TRUE(query) << query.error().text();
  const Batch one_row(std::make_shared<Batch::Names>(), {}, 1);
  const Batch* inputs[] = {&one_row};
  const auto batch = query->run(inputs);
  ASSERT_TRUE(batch) << batch.error().text();
  EXPECT_TRUE(batch->at(0, 0).is_null());
  EXPECT_EQ(batch->at(0, 1), Value::integer(6));
}

TEST(QueryTest, JsonColumnsAreRead) {
  const Batch report = *value::infer_table(
      *parse_json(R"({"data":{"score":612,"tags":["a","b"],"who":{"name":"ann"}},"id":7})"));
  const auto statement = Statement::parse(
      "SELECT (data->'score')::INTEGER + 1, data->>'$.who.name', data->'tags'->>1, data.score FROM "
      "r");
  const auto query = Query::bind(*statement, {{define("r", report)}, {}});
  ASSERT_TRUE(query) << query.error().text();
  const Batch* inputs[] = {&report};
  const auto batch = query->run(inputs);
  ASSERT_TRUE(batch) << batch.error().text();
  EXPECT_EQ(result_json(*batch).substr(result_json(*batch).find("\"rows\"")),
            R"("rows":[[613,"ann","b","612"]]})");
}

TEST(QueryTest, InputsThatDoNotFitTheCatalogAreErrors) {
  const auto statement = Statement::parse("SELECT id FROM t");
  const auto query = Query::bind(*statement, {{{"t", {{"id", Kind::kVarchar}}, false}}, {}});
  const Batch batch = people();
  const Batch* inputs[] = {&batch};
  EXPECT_EQ(query->run(inputs).error().message,
            "table t, column 'id': found type BIGINT, expected VARCHAR");
  EXPECT_FALSE(query->run({}));
  const Batch nothing = Batch::empty({{"x", Kind::kInt32}});
  const Batch* others[] = {&nothing};
  EXPECT_EQ(query->run(others).error().message,
            "table t: found no column 'id', expected one of type VARCHAR");
}

TEST(QueryTest, FunctionsCanBeListed) {
  const auto functions = list_functions();
  EXPECT_GT(functions.size(), 250u);
  EXPECT_NE(std::find(functions.begin(), functions.end(), "upper(VARCHAR) -> VARCHAR"),
            functions.end());
}

TEST(StatementTest, ErrorsNameThePlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"SELECT\n  1 +", "line 2, column 6: found the end of the text, expected an expression"},
      {"SELEC 1", "line 1, column 1: found 'SELEC', expected SELECT, WITH, VALUES or FROM"},
      {"SELECT 1 1", "line 1, column 10: found '1', expected the end of the statement"},
      {"SELECT (1", "line 1, column 10: found the end of the text, expected ')'"},
      {"SELECT 'a",
       "line 1, column 8: found a string that opens here and is never closed, expected '"},
      {"SELECT 1; SELECT 2", "line 1, column 11: found 'SELECT', expected one statement only"},
      {"SELECT 1 < 2 < 3",
       "line 1, column 14: found a second comparison '<', expected AND between comparisons"},
  };
  for (const auto& [text, message] : cases) {
    const auto statement = Statement::parse(text);
    ASSERT_FALSE(statement) << text;
    EXPECT_EQ(statement.error().message, message);
  }
}

TEST(StatementTest, LimitsHold) {
  EXPECT_FALSE(Statement::parse("SELECT " + std::string(300, '(') + "1" + std::string(300, ')')));
  EXPECT_TRUE(Statement::parse("SELECT " + std::string(150, '(') + "1" + std::string(150, ')')));
  std::string chain = "SELECT 1";
  for (int i = 0; i < 500; ++i) chain += " + 1";
  EXPECT_EQ(rows(chain), "[[501]]");
  for (int i = 0; i < 5000; ++i) chain += " + 1";
  EXPECT_FALSE(Statement::parse(chain));
  EXPECT_FALSE(Statement::parse("SELECT '" + std::string(2u << 20, 'x') + "'"));
  EXPECT_FALSE(Statement::parse("SELECT '\xff'"));
  EXPECT_FALSE(Statement::parse("SELECT " + std::string(100'000, '-') + "1 FROM"));
  std::string nots = "SELECT";
  for (int i = 0; i < 5000; ++i) nots += " NOT";
  EXPECT_FALSE(Statement::parse(nots + " true"));
}

TEST(StatementTest, TablesAndParametersAreTold) {
  const auto statement = Statement::parse(
      "WITH c AS (SELECT * FROM a) SELECT $3 FROM c, b JOIN B ON true WHERE x IN (SELECT y FROM "
      "d)");
  ASSERT_TRUE(statement);
  EXPECT_EQ(statement->table_names(), (std::vector<std::string>{"a", "b", "d"}));
  EXPECT_EQ(statement->param_count(), 3);
}

Result<Value> evaluate(std::string_view text) {
  const Batch decide = *value::infer_table(*parse_json(R"({"outcome":"refer","score":0.5})"));
  const Batch bank = *value::infer_table(*parse_json(R"({"balance":12,"outcome":"ok"})"));
  const std::pair<std::string_view, const Batch*> scope[] = {{"decide", &decide}, {"bank", &bank}};
  TIDEMILL_TRY_LET(expression, Expression::parse(text));
  return expression.evaluate(scope);
}

TEST(ExpressionTest, EvaluatesOverOneRowTables) {
  EXPECT_EQ(*evaluate("decide.outcome = 'refer'"), Value::boolean(true));
  EXPECT_EQ(*evaluate("balance * 2"), Value::bigint(24));
  EXPECT_EQ(*evaluate("1 + 1"), Value::integer(2));
  EXPECT_EQ(evaluate("outcome").error().message.substr(0, 53),
            "line 1, column 1: column 'outcome' is ambiguous: it s");
  EXPECT_EQ(evaluate("decide.outcom").error().message,
            "line 1, column 1: no column 'outcom' in decide; did you mean 'outcome'?");
}

TEST(ExpressionTest, ScopesOfAnotherShapeAreBoundAnew) {
  const auto expression = Expression::parse("t.x * 2");
  ASSERT_TRUE(expression);
  const Batch whole = *value::infer_table(*parse_json(R"({"x":2})"));
  const Batch real = *value::infer_table(*parse_json(R"({"y":1,"x":2.5})"));
  const Batch none = *value::infer_table(*parse_json(R"({"y":1})"));
  const auto over = [&](const Batch& batch) {
    const std::pair<std::string_view, const Batch*> scope[] = {{"t", &batch}};
    return expression->evaluate(scope);
  };
  EXPECT_EQ(*over(whole), Value::bigint(4));
  EXPECT_EQ(*over(real), Value::real(5.0));
  EXPECT_EQ(*over(whole), Value::bigint(4));
  EXPECT_FALSE(over(none));
}

TEST(ExpressionTest, NamesOfTasksMayBeWordsThatSelectDoesNotNeed) {
  const Batch answer = *value::infer_table(*parse_json(R"({"score":0.25})"));
  const std::pair<std::string_view, const Batch*> scope[] = {{"default", &answer}};
  EXPECT_EQ(*Expression::parse("default.score < 0.5")->evaluate(scope), Value::boolean(true));
}

TEST(ExpressionTest, ReferencesAreListed) {
  const auto expression = Expression::parse("a.b + c * upper(d.e)");
  ASSERT_TRUE(expression);
  const auto references = expression->references();
  ASSERT_EQ(references.size(), 3u);
  EXPECT_EQ(references[0].qualifier, "a");
  EXPECT_EQ(references[1].qualifier, "");
  EXPECT_EQ(references[2].name, "e");
  EXPECT_EQ(references[2].column, 17);
}

TEST(ExpressionTest, SubqueriesAggregatesAndParametersAreRefused) {
  EXPECT_FALSE(Expression::parse("(SELECT 1)"));
  EXPECT_FALSE(Expression::parse("$1"));
  EXPECT_FALSE(Expression::parse("1, 2"));
  EXPECT_NE(evaluate("sum(balance)").error().message.find("cannot contain aggregates"),
            std::string::npos);
}

}  // namespace
}  // namespace tidemill::sql
