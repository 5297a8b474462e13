#include "flow/expressions.h"
#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

class ReadSql : public FlowTest {
 protected:
  const CalcSettings& calc(const std::string& sql) {
    source.files["sql/t.sql"] = sql;
    flow_ = AssertLoads(
        "flow: f\nparams: {p: string, n: number}\ntasks:\n  a: {shell: x}\n"
        "  t: {calc: sql/t.sql, needs: a}\n");
    return std::get<CalcSettings>(flow_->tasks.at(1).settings);
  }
  void AssertSqlErrors(const std::string& sql, const std::string& expected) {
    source.files["sql/t.sql"] = sql;
    AssertErrors(
        "flow: f\nparams: {p: string, n: number}\ntasks:\n  a: {shell: x}\n  b: {shell: x}\n"
        "  t: {calc: sql/t.sql, needs: a}\n",
        expected);
  }
  std::shared_ptr<const Flow> flow_;
};

TEST_F(ReadSql, BindsExpressionsAsParameters) {
  const CalcSettings& settings =
      calc("select a.x + {{ n * 2 }} as y\nfrom a\nwhere a.id = {{ p }}");
  EXPECT_EQ(settings.query.path, "sql/t.sql");
  EXPECT_EQ(settings.query.statement.param_count(), 2);
  EXPECT_EQ(settings.query.params.size(), 2u);
  EXPECT_EQ(settings.query.statement.text(),
            "select a.x + $1          as y\nfrom a\nwhere a.id = $2     ");
}

TEST_F(ReadSql, LeavesCommentsAlone) {
  EXPECT_EQ(split_sql("select 1 -- {{ x }}\n/* {{ y */, {{ z }}")->text,
            "select 1 -- {{ x }}\n/* {{ y */, $1     ");
}

TEST_F(ReadSql, AcceptsInlineSqlAndRowsMany) {
  auto const flow = AssertLoads(
      "flow: f\ntasks:\n  t:\n    rows: many\n    calc: |\n      select 1 as x\n      union all\n"
      "      select 2\n");
  ASSERT_TRUE(flow);
  const auto& settings = std::get<CalcSettings>(flow->tasks[0].settings);
  EXPECT_TRUE(settings.many);
  EXPECT_EQ(settings.query.path, "");
}

TEST_F(ReadSql, ReadsParamsRunAndNeedsAsTablesInAnyCase) {
  calc("with x as (select * from A) select * from x, params, run, a");
}

TEST_F(ReadSql, NamesThePlaceInTheSqlFile) {
  AssertSqlErrors("select 1 as x\nfrom a\nwhere and",
                  "sql/t.sql:3:7: found 'and', expected an expression");
  AssertSqlErrors("", "sql/t.sql:1:1: the file is empty; expected SQL");
  AssertSqlErrors("select \xff", "sql/t.sql:1:1: bytes that are not UTF-8; save the file as UTF-8");
}

TEST_F(ReadSql, RefusesTablesThatAreNotNeeded) {
  AssertSqlErrors("select *\nfrom b",
                  "sql/t.sql:2:6: the table 'b' is a task that task 't' does not need; add it to "
                  "needs");
  AssertSqlErrors(
      "select *\nfrom aa",
      "sql/t.sql:2:6: task 't' reads the table 'aa', which it does not need; did you mean "
      "'a'? it can read: params, run, a");
  AssertSqlErrors("select * from item",
                  "sql/t.sql:1:15: 'item' is known only in a task with for_each");
}

TEST_F(ReadSql, RefusesExpressionsThatCannotBeBound) {
  AssertSqlErrors("select '{{ p }}'",
                  "sql/t.sql:1:9: an expression within quotes; take the quotes away: the value is "
                  "bound as a parameter and needs none");
  AssertSqlErrors(
      "select 1,\n  {{ p ",
      "sql/t.sql:2:3: '{{' opens an expression that is not closed; expected }} after it");
  AssertSqlErrors("select {{ }}", "sql/t.sql:1:8: '{{ }}' holds no expression; write a name in it");
  AssertSqlErrors(
      "select {{ q }},\n  {{ b.x }}",
      "sql/t.sql:1:11: 'q' is not a param of this flow; did you mean 'p'? expected one of: "
      "p, n\n"
      "sql/t.sql:2:6: 'b' is a task that is not in needs; add it to needs");
  AssertSqlErrors(
      "select $1",
      "sql/t.sql:1:8: a numbered parameter; write the value's name as {{ name }} instead");
  AssertSqlErrors("select {{ p p }}",
                  "sql/t.sql:1:13: found 'p', expected the end of the expression");
}

TEST_F(ReadSql, NamesThePlaceOfInlineSqlInTheFlowFile) {
  AssertErrors(
      "flow: f\ntasks:\n  a: {shell: x}\n  t:\n    calc: |\n      select *\n      from a\n",
      "7:12: the table 'a' is a task that task 't' does not need; add it to needs");
  AssertTaskErrors(
      "{calc: \"select {{ q }}\"}",
      "5:24: 'q' is not a param of this flow; did you mean 'p'? expected one of: p, n");
}

TEST_F(ReadSql, RefusesFilesThatAreNotThere) {
  AssertTaskErrors("{calc: sql/okk.sql}",
                   "5:13: 'calc' of task 't': there is no file 'sql/okk.sql'; did you mean "
                   "'sql/ok.sql'?");
  AssertTaskErrors(
      "{calc: ../ok.sql}",
      "5:13: 'calc' of task 't': found '../ok.sql', expected a path within the project, "
      "relative to its folder, without '.' or '..' parts");
  AssertTaskErrors(
      "{calc: /etc/ok.sql}",
      "5:13: 'calc' of task 't': found '/etc/ok.sql', expected a path within the project, "
      "relative to its folder, without '.' or '..' parts");
  AssertTaskErrors(
      "{calc: features}",
      "5:13: 'calc' of task 't': found 'features', expected the path of a .sql file, or a "
      "SELECT");
  AssertTaskErrors("{calc: select 1, rows: one}",
                   "5:29: 'rows' of task 't': found 'one', expected many");
}

TEST_F(ReadSql, SqlTasksKeepTheirTextForSqlite) {
  auto const flow = AssertLoads(
      "flow: f\nparams: {p: string}\ntasks:\n"
      "  t: {sql: {connection: app, query: \"select id from t where x = {{ p }} and y = 'a'\"}}\n");
  ASSERT_TRUE(flow);
  const auto& settings = std::get<SqlSettings>(flow->tasks[0].settings);
  EXPECT_EQ(settings.database, "data/app.db");
  EXPECT_EQ(settings.text, "select id from t where x = $1      and y = 'a'");
  EXPECT_EQ(settings.params.size(), 1u);
}

TEST_F(ReadSql, RefusesBadSqlTasks) {
  AssertTaskErrors("{sql: select 1}", "5:12: 'sql' of task 't': found 'select 1', expected a map");
  AssertTaskErrors(
      "{sql: {connection: ap}}",
      "5:12: 'sql' of task 't' has no 'query'\n"
      "5:25: 'connection' of 'sql' of task 't': tidemill.yaml has no connection 'ap'; did "
      "you mean 'app'? it has: app");
  project.connections.clear();
  AssertTaskErrors(
      "{sql: {connection: app, query: select 1}}",
      "5:25: 'connection' of 'sql' of task 't': tidemill.yaml has no connection 'app'; add "
      "connections: {NAME: {sqlite: PATH}} to it");
}

TEST_F(ReadSql, PutsParamsBeforeBareNamesSoThatTaskColumnsNeverHideThem) {
  auto const compiled = compile_expression("amount > a.amount and upper(\"P\") = 'x' and item = 1");
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->expression.text(),
            "params.amount > a.amount and upper(params.\"P\") = 'x' and item.\"value\" = 1");
}

}  // namespace
}  // namespace tidemill::flow
