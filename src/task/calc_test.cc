#include "task/calc.h"

#include "task/test_support.h"

namespace tidemill::task {
namespace {

using testing::HasSubstr;

class CalcTest : public TaskTest {
 protected:
  Result<std::string> evaluate(const Work& work, const Json& p, const Json& needed = Json()) {
    flow::Scope scope;
    fill(scope, work, p, needed);
    auto value = evaluator.evaluate(*work.flow, work.task(), scope);
    if (!value) return fail(value.error());
    return (*value)->json().dump();
  }
  CalcEvaluator evaluator;
};

constexpr const char* kDouble =
    "  a: {shell: x}\n  t: {calc: \"select v * 2 as w from a\", needs: a}\n";

TEST_F(CalcTest, EvaluatesOneRowAndMany) {
  Work const one = work(kDouble);
  EXPECT_EQ(evaluate(one, Json(), Json::object().set("v", 4)).value(), R"({"w":8})");
  Json rows = Json::array();
  rows.push(Json::object().set("v", 1)).push(Json::object().set("v", 2));
  EXPECT_EQ(evaluate(one, Json(), rows).value(), R"([{"w":2},{"w":4}])");
}

// A query is bound for the columns that it meets; other columns must not use what was bound before.
TEST_F(CalcTest, BindsAgainForInputsOfOtherTypes) {
  Work const one = work(kDouble);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(evaluate(one, Json(), Json::object().set("v", 4)).value(), R"({"w":8})");
    EXPECT_EQ(evaluate(one, Json(), Json::object().set("v", 1.5)).value(), R"({"w":3.0})");
    EXPECT_EQ(evaluate(one, Json(), Json::object().set("u", 0).set("v", 4)).value(), R"({"w":8})");
    EXPECT_FALSE(evaluate(one, Json(), Json::object().set("u", 4)));
  }
}

TEST_F(CalcTest, KeepsALimitedNumberOfBindings) {
  Work const one = work(kDouble);
  for (int i = 0; i < 100; ++i) {
    Json const input = Json::object().set("v", i).set("c" + std::to_string(i), 1);
    EXPECT_EQ(evaluate(one, Json(), input).value(), "{\"w\":" + std::to_string(2 * i) + "}");
  }
}

TEST_F(CalcTest, TasksOfSeveralFlowsDoNotMix) {
  Work const twice = work(kDouble);
  Work const thrice =
      work("  a: {shell: x}\n  t: {calc: \"select v * 3 as w from a\", needs: a}\n");
  Json const input = Json::object().set("v", 2);
  EXPECT_EQ(evaluate(twice, Json(), input).value(), R"({"w":4})");
  EXPECT_EQ(evaluate(thrice, Json(), input).value(), R"({"w":6})");
  evaluator.forget(*twice.flow);
  EXPECT_EQ(evaluate(twice, Json(), input).value(), R"({"w":4})");
}

TEST_F(CalcTest, AMistakeNamesWhatIsWrong) {
  auto const end = evaluate(work(kDouble), Json(), Json::object().set("u", 4));
  ASSERT_FALSE(end);
  EXPECT_THAT(end.error().text(), HasSubstr("v"));
}

}  // namespace
}  // namespace tidemill::task
