#include "model/scorecard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "model/json_row.h"
#include "model/model_testing.h"
#include "model/score.h"

namespace tidemill::model {
namespace {

constexpr const char* kYaml = R"yaml(scorecard: application
base: 500
characteristics:
  - feature: age
    group: AGE
    bins:
      - { bin: "(-inf, 25]", points: -20 }
      - { bin: "(25, 40]", points: 5 }
      - { bin: "(40, inf)",
                     points : 30
}
      - { bin: missing, points: -7 }
  - feature: home
    coefficient: 10
    bins:
      - { values: [own, "mortgage, paid"], woe: 1.5 }
      - { values: [rent], woe: -0.5 }
      - { bin: other, woe: 0 }
      - { bin: missing, woe: -2 }
)yaml";

constexpr const char* kCsv =
    "feature,bin,points\n"
    "base,other,500\n"
    "age,(-inf,25],-20\n"
    "age,\"(25,40]\",5\n"
    "age,(40,inf),30\n"
    "age,missing,-7\n"
    "home,own|mortgage,15\n"
    "home,rent,-5\n"
    "home,other,0\n"
    "home,missing,-20\n";

double score(const OwnedModel& owned, std::string_view row_json,
             std::vector<uint32_t>* leaves = nullptr) {
  const FlatModel& model = owned.model;
  const FeatureNames names(model);
  Scratch scratch(model);
  std::vector<double> row(model.features()), margin(1);
  EXPECT_TRUE(json_row_by_name(names, *parse_json(row_json), row));
  EXPECT_TRUE(score_row(model, row, scratch, margin));
  if (leaves != nullptr) {
    leaves->resize(model.trees());
    last_leaves(model, scratch, *leaves);
  }
  return margin[0];
}

TEST(Scorecard, points_are_added_by_bin_in_both_forms) {
  for (const char* text : {kYaml, kCsv}) {
    const auto owned = compile_and_open(text);
    ASSERT_TRUE(owned) << owned.error().text();
    EXPECT_EQ(score(*owned, R"({"age":25,"home":"own"})"), 500 - 20 + 15);
    EXPECT_EQ(score(*owned, R"({"age":25.000001,"home":"rent"})"), 500 + 5 - 5);
    EXPECT_EQ(score(*owned, R"({"age":40,"home":"castle"})"), 500 + 5);
    EXPECT_EQ(score(*owned, R"({"age":41})"), 500 + 30 - 20);
    EXPECT_EQ(score(*owned, R"({"home":"own"})"), 500 - 7 + 15);
    EXPECT_EQ(score(*owned, R"({"age":"-inf","home":"own"})"), 500 - 20 + 15);
    EXPECT_EQ(score(*owned, R"({"age":"inf","home":"own"})"), 500 + 30 + 15);
  }
}

TEST(Scorecard, a_leaf_is_the_place_of_its_bin) {
  const auto owned = compile_and_open(kYaml);
  ASSERT_TRUE(owned);
  std::vector<uint32_t> leaves;
  score(*owned, R"({"age":30,"home":"mortgage, paid"})", &leaves);
  EXPECT_EQ(leaves, (std::vector<uint32_t>{1, 0}));
  score(*owned, R"({})", &leaves);
  EXPECT_EQ(leaves, (std::vector<uint32_t>{3, 3}));
}

TEST(Scorecard, the_other_side_of_an_edge_can_be_declared_and_gaps_are_other) {
  const auto owned = compile_and_open(
      "feature,bin,points\nage,[20,30),1\nage,[40,50],2\nage,other,3\nage,missing,4\n");
  ASSERT_TRUE(owned) << owned.error().text();
  const std::pair<double, double> expected[] = {{19.9, 3}, {20, 1}, {29.9, 1}, {30, 3},
                                                {40, 2},   {50, 2}, {50.1, 3}};
  for (const auto& [age, points] : expected) {
    EXPECT_EQ(score(*owned, fmt::format("{{\"age\":{}}}", age)), points) << age;
  }
}

TEST(Scorecard, scaling_turns_log_odds_into_points) {
  const auto owned =
      compile_and_open(with(kYaml, "base: 500", "base: 1\nscaling: { offset: 600, pdo: 20 }"));
  ASSERT_TRUE(owned) << owned.error().text();
  EXPECT_NEAR(score(*owned, R"({"age":30,"home":"castle"})"), 600 + 20 / std::log(2.0) * 6, 1e-9);
}

TEST(Scorecard, mistakes_are_refused_with_their_line) {
  const auto refusal = [](const std::string& text) {
    const auto owned = compile_and_open(text);
    return owned ? std::string() : owned.error().text();
  };
  const std::pair<std::string, std::string_view> mistakes[] = {
      {with(kYaml, "(25, 40]", "(20, 40]"), "line 8"},
      {with(kYaml, "(25, 40]", "(26, 40]"), "other"},
      {with(kYaml, "(25, 40]", "(40, 25]"), "empty"},
      {with(kYaml, "points: 5 ", "points: nan "), "finite"},
      {with(kYaml, "points: 5 ", "pionts: 5 "), "pionts"},
      {with(kYaml, "{ bin: missing, points: -7 }", "{ bin: other, points: -7 }"), "missing"},
      {with(kYaml, "{ bin: other, woe: 0 }", "{ values: [own], woe: 0 }"), "other"},
      {with(kYaml, "feature: home", "feature: age"), "occurs twice"},
      {with(kYaml, "base:", "bass:"), "bass"},
      {"scorecard: x\n", "no characteristics"},
      {"feature,bin,points\nage,5\n", "line 2"},
      {"feature,bin,points\nage,(1,2],many\n", "many"},
  };
  for (const auto& [text, part] : mistakes) {
    EXPECT_NE(refusal(text).find(part), std::string::npos) << part << ": " << refusal(text);
  }
}

}  // namespace
}  // namespace tidemill::model
