#include "model/lightgbm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "model/json_row.h"
#include "model/model_testing.h"
#include "model/score.h"

namespace tidemill::model {
namespace {

void expect_refusal(const std::string& file, std::initializer_list<std::string_view> parts) {
  const auto ensemble = read_lightgbm(file);
  ASSERT_FALSE(ensemble);
  for (const auto part : parts) {
    EXPECT_NE(ensemble.error().text().find(part), std::string::npos) << ensemble.error().text();
  }
}

// One split of "age" at 30 that sends missing values right, leaves -1 and 2.
std::string small_model() {
  return "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
         "max_feature_idx=1\nobjective=regression\nfeature_names=age home\n"
         "feature_infos=[0:90] 0:1:2\ntree_sizes=100\n\n"
         "Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=1\nthreshold=30\n"
         "decision_type=8\nleft_child=-1\nright_child=-2\nleaf_value=-1 2\nleaf_weight=1 1\n"
         "leaf_count=1 1\ninternal_value=0\ninternal_weight=2\ninternal_count=2\nis_linear=0\n"
         "shrinkage=1\n\n\nend of trees\n\nparameters:\n[categorical_feature: 1]\n"
         "end of parameters\n\npandas_categorical:[[\"own\", \"rent\"]]\n";
}

double score(const FlatModel& model, double age) {
  Scratch scratch(model);
  std::vector<double> margin(1);
  EXPECT_TRUE(score_row(model, std::vector<double>{age, 0}, scratch, margin));
  return margin[0];
}

TEST(Lightgbm, a_threshold_itself_goes_left_and_the_next_double_right) {
  const auto owned = compile_and_open(small_model());
  ASSERT_TRUE(owned) << owned.error().text();
  EXPECT_EQ(score(owned->model, 30), -1);
  EXPECT_EQ(score(owned->model, std::nextafter(30.0, 31.0)), 2);
  EXPECT_EQ(score(owned->model, std::nan("")), 2);
  EXPECT_EQ(score(owned->model, -std::numeric_limits<double>::infinity()), -1);
}

TEST(Lightgbm, an_infinite_threshold_sends_all_but_missing_values_left) {
  const auto owned = compile_and_open(with(small_model(), "threshold=30", "threshold=inf"));
  ASSERT_TRUE(owned) << owned.error().text();
  EXPECT_EQ(score(owned->model, 1e300), -1);
  EXPECT_EQ(score(owned->model, std::numeric_limits<double>::max()), -1);
  EXPECT_EQ(score(owned->model, std::numeric_limits<double>::infinity()), -1);
  EXPECT_EQ(score(owned->model, std::nan("")), 2);
}

TEST(Lightgbm, categories_of_pandas_are_read_by_their_text) {
  const auto owned = compile_and_open(small_model());
  ASSERT_TRUE(owned) << owned.error().text();
  const FeatureNames names(owned->model);
  EXPECT_EQ(*names.code(1, "rent"), 1);
  EXPECT_TRUE(std::isnan(*names.code(1, "castle")));
  EXPECT_FALSE(names.code(0, "rent"));
}

TEST(Lightgbm, a_refusal_names_the_line) {
  expect_refusal(read_vector("hostile/lgb-cycle.txt"), {"tree 0", "line 29", "split 0"});
  expect_refusal(read_vector("hostile/lgb-text-threshold.txt"), {"line 17", "oops"});
  expect_refusal(read_vector("hostile/lgb-tree-missing.txt"), {"end of trees"});
  expect_refusal(with(small_model(), "objective=regression", "objective=regresion"),
                 {"line 7", "nearest is regression"});
  expect_refusal(with(small_model(), "objective=regression", "objective=regression cubic"),
                 {"line 7", "cubic"});
  expect_refusal(with(small_model(), "decision_type=8", "decision_type=12"), {"decision_type 12"});
  expect_refusal(with(small_model(), "shrinkage", "surprise"), {"surprise"});
  expect_refusal(with(small_model(), "tree_sizes=100", "tree_sizes=100 100"), {"tree_sizes"});
}

}  // namespace
}  // namespace tidemill::model
