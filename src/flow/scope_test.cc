#include "flow/scope.h"

#include <gtest/gtest.h>

#include "flow/expressions.h"
#include "flow/rendered.h"

namespace tidemill::flow {
namespace {

class ScopeTest : public ::testing::Test {
 protected:
  ScopeTest() {
    scope.add_params(*parse_json(R"({"amount":5,"name":"O'Hara & co"})"));
    RunFacts facts;
    facts.id = "01J";
    facts.flow = "f";
    facts.scheduled_at = *parse_rfc3339("2026-03-01T02:00:00Z");
    scope.add_run(facts);
    scope.add_task(
        "bureau",
        TaskValue::of_json(*parse_json(R"({"amount":7,"ok":true,"none":null,"tags":["a","b"]})")));
    scope.add_task("bank", TaskValue::missing());
  }
  std::string json(std::string_view text) {
    auto const rendered = Rendered::parse(text);
    if (!rendered) return rendered.error().message;
    auto const value = rendered->json(scope);
    return value ? value->dump() : "error: " + value.error().text();
  }
  std::string text(std::string_view source, Rendered::Encoding encoding) {
    return *Rendered::parse(source)->text(scope, encoding);
  }
  Scope scope;
};

TEST_F(ScopeTest, KeepsTheTypeOfOneExpression) {
  EXPECT_EQ(json("{{ amount }}"), "5");
  EXPECT_EQ(json("{{ amount + 0.5 }}"), "\"5.5\"");
  EXPECT_EQ(json("{{ bureau.ok }}"), "true");
  EXPECT_EQ(json("{{ bureau.none }}"), "null");
  EXPECT_EQ(json("{{ bureau.tags }}"), R"(["a","b"])");
  EXPECT_EQ(json("{{ name }}"), R"("O'Hara & co")");
}

TEST_F(ScopeTest, MakesTextOfEverythingElse) {
  EXPECT_EQ(json("n={{ amount }}, {{ bureau.none }}!"), R"("n=5, !")");
  EXPECT_EQ(json("plain"), R"("plain")");
  EXPECT_EQ(json("{{{{ amount }}"), R"("{{ amount }}")");
}

TEST_F(ScopeTest, ReadsAParamWhateverColumnsTasksHave) {
  EXPECT_EQ(json("{{ amount }} {{ bureau.amount }} {{ params.amount }}"), R"("5 7 5")");
}

TEST_F(ScopeTest, ReadsAMissingTaskAsNulls) {
  EXPECT_EQ(json("{{ bank.balance }}"), "null");
  EXPECT_EQ(json("{{ coalesce(bank.balance, bureau.amount) }}"), "7");
  auto const condition = compile_expression("bank.a > 1");
  EXPECT_FALSE(*scope.evaluate_bool(condition->expression));
}

TEST_F(ScopeTest, ReadsTheRun) {
  EXPECT_EQ(json("{{ run.scheduled_at }}"), "\"2026-03-01 02:00:00\"");
  EXPECT_EQ(json("{{ run.id }}/{{ run.flow }}"), "\"01J/f\"");
}

TEST_F(ScopeTest, ReadsItems) {
  scope.add_item(*parse_json(R"({"id":3})"));
  EXPECT_EQ(json("{{ item.id }}"), "3");
  for (const char* item : {"5", "\"x\"", "true"}) {
    Scope one;
    one.add_item(*parse_json(item));
    EXPECT_EQ(Rendered::parse("{{ item }}")->json(one)->dump(), item);
  }
  Scope list;
  list.add_item(*parse_json("[1,2]"));
  EXPECT_EQ(Rendered::parse("{{ item }}")->json(list)->dump(), "[1,2]");
}

TEST_F(ScopeTest, EncodesForUrls) {
  EXPECT_EQ(text("https://h/{{ name }}?n={{ amount }}", Rendered::Encoding::kPercent),
            "https://h/O%27Hara%20%26%20co?n=5");
  EXPECT_EQ(text("{{ name }}", Rendered::Encoding::kPlain), "O'Hara & co");
}

TEST_F(ScopeTest, ConditionsMustBeTrueOrFalse) {
  EXPECT_TRUE(*scope.evaluate_bool(compile_expression("amount = 5")->expression));
  EXPECT_FALSE(*scope.evaluate_bool(compile_expression("null")->expression));
  auto const number = scope.evaluate_bool(compile_expression("amount")->expression);
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().message,
            "the condition 'params.amount' gives BIGINT, expected true or false");
}

TEST_F(ScopeTest, TellsWhatCannotBeEvaluated) {
  EXPECT_TRUE(json("{{ bureau.amuont }}").starts_with("error: ")) << json("{{ bureau.amuont }}");
}

TEST(Rendered, ListsAndMapsAreConstantsIfAllTheirLeavesAre) {
  Rendered const map = Rendered::map({{"a", Rendered::list({Rendered::constant(1)})}});
  EXPECT_TRUE(map.is_constant());
  EXPECT_EQ(map.constant_value().dump(), R"({"a":[1]})");
  Rendered const open = Rendered::map({{"a", *Rendered::parse("{{ x }}")}});
  EXPECT_FALSE(open.is_constant());
  EXPECT_EQ(open.references().at(0).name, "x");
}

TEST(Rendered, TellsThePlaceOfAMistake) {
  EXPECT_TRUE(Rendered::parse("ab\n  {{ x + }}").error().message.starts_with("line 2, column "))
      << Rendered::parse("ab\n  {{ x + }}").error().message;
}

TEST(Rendered, GivesTheTextBetweenExpressions) {
  EXPECT_EQ(Rendered::parse("a{{ x }}b{{ y }}")->literals(),
            (std::vector<std::string>{"a", "b", ""}));
  EXPECT_EQ(Rendered::parse("a")->literals(), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace tidemill::flow
