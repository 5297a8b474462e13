#include "model/feature_map.h"

#include <gtest/gtest.h>

#include "model/model_testing.h"

namespace tidemill::model {
namespace {

using Names = std::vector<std::string>;

TEST(FeatureMap, finds_each_feature_among_more_columns_in_any_order) {
  const auto owned = compile_and_open(tiny_model());
  const auto map = FeatureMap::make(owned->model, Names{"id", "income", "age", "id"});
  ASSERT_TRUE(map) << map.error().text();
  EXPECT_EQ(map->columns()[0], 2u);
  EXPECT_EQ(map->columns()[1], 1u);
}

TEST(FeatureMap, missing_features_are_listed_with_the_nearest_column) {
  const auto owned = compile_and_open(tiny_model());
  const auto map = FeatureMap::make(owned->model, Names{"id", "incomes"});
  ASSERT_FALSE(map);
  EXPECT_EQ(map.error().code, Code::kNotFound);
  const std::string text = map.error().text();
  EXPECT_NE(text.find("lacks 2 of the model's 2 features"), std::string::npos) << text;
  EXPECT_NE(text.find("\"income\" (nearest: \"incomes\")"), std::string::npos) << text;
}

TEST(FeatureMap, a_long_list_is_cut) {
  const auto owned = compile_and_open(read_vector("xgb-synth100/model.json"));
  const auto map = FeatureMap::make(owned->model, Names{});
  ASSERT_FALSE(map);
  EXPECT_NE(map.error().text().find("and 90 more"), std::string::npos) << map.error().text();
}

TEST(FeatureMap, two_columns_of_one_needed_name_are_refused) {
  const auto owned = compile_and_open(tiny_model());
  const auto map = FeatureMap::make(owned->model, Names{"age", "income", "age"});
  ASSERT_FALSE(map);
  EXPECT_NE(map.error().text().find("\"age\""), std::string::npos);
}

TEST(FeatureNames, categories_are_found_by_their_text) {
  const auto owned = compile_and_open(read_vector("xgb-cat-strings/model.json"));
  const FeatureNames names(owned->model);
  const uint32_t home = *names.feature("home");
  EXPECT_EQ(*names.code(home, "rent"), 5.0f);
  const auto unknown = names.code(home, "rents");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().text().find("nearest is \"rent\""), std::string::npos);
  EXPECT_FALSE(names.code(*names.feature("age"), "old"));
}

}  // namespace
}  // namespace tidemill::model
