#include "model/catboost.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "model/catboost_ctr.h"
#include "model/cityhash.h"
#include "model/feature_map.h"
#include "model/model_testing.h"
#include "model/source.h"

namespace tidemill::model {
namespace {

void expect_refusal(const std::string& file, std::initializer_list<std::string_view> parts) {
  const auto ensemble = read_model(file);
  ASSERT_FALSE(ensemble);
  for (const auto part : parts) {
    EXPECT_NE(ensemble.error().text().find(part), std::string::npos) << ensemble.error().text();
  }
}

// The file states the hash of each category beside its text.
TEST(Catboost, the_hash_of_a_category_is_the_librarys) {
  const auto file = parse_json(read_vector("cat-onehot/model.json"), {.bytes = 1u << 20});
  ASSERT_TRUE(file);
  const auto& known = file->find("features_info")->find("cat_features_hash")->as_array();
  EXPECT_EQ(known.size(), 52u);
  for (const auto& pair : known) {
    EXPECT_EQ(category_hash(pair.find("value")->as_string()),
              static_cast<uint32_t>(pair.find("hash")->as_double()))
        << pair.find("value")->as_string();
  }
}

TEST(Catboost, the_hash_of_a_long_text_uses_all_of_it) {
  const std::string text(200, 'a');
  std::string other = text;
  other[100] = 'b';
  EXPECT_NE(city_hash(text), city_hash(other));
  EXPECT_EQ(city_hash(text), city_hash(std::string(200, 'a')));
}

TEST(Catboost, a_statistic_finds_its_category_again) {
  for (const uint32_t hash : {0u, 1u, 737495742u, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(category_of_ctr_hash(ctr_hash_of_category(hash)), hash);
  }
  EXPECT_EQ(ctr_hash_of_category(category_of_ctr_hash(17056671705610617736u)),
            17056671705610617736u);
}

TEST(Catboost, both_forms_of_a_file_give_the_same_trees) {
  for (const std::string name : {"cat-multiclass", "cat-depthwise", "cat-onehot", "cat-ctr"}) {
    const auto json = read_model(read_vector(name + "/model.json"));
    const auto binary = read_model(read_vector(name + "/model.cbm"));
    ASSERT_TRUE(json && binary) << name;
    ASSERT_EQ(json->nodes.size(), binary->nodes.size());
    for (size_t i = 0; i < json->nodes.size(); ++i) {
      EXPECT_EQ(json->nodes[i].value, binary->nodes[i].value);
      EXPECT_EQ(json->nodes[i].origin, binary->nodes[i].origin);
    }
  }
}

TEST(Catboost, a_number_given_for_a_category_is_its_text) {
  const auto owned = compile_and_open(read_vector("cat-onehot/model.cbm"));
  ASSERT_TRUE(owned);
  const FeatureNames names(owned->model);
  EXPECT_TRUE(names.is_text(0));
  EXPECT_FALSE(names.is_text(1));
  EXPECT_GE(*names.code(0, "no checking account"), 0);
  EXPECT_EQ(*names.code(0, "never seen"), -1);
  EXPECT_EQ(*names.code_of_number(0, 12), *names.code(0, "12"));
}

TEST(Catboost, a_refusal_names_the_place) {
  expect_refusal(read_vector("hostile/cat-depth-40.json"), {"tree 0", "depth 40", "16"});
  expect_refusal(read_vector("hostile/cat-feature-range.json"), {"tree 0", "byte ", "feature 777"});
  expect_refusal(read_vector("hostile/cat-short-leaves.json"), {"15 leaf values", "16"});
  expect_refusal(read_vector("hostile/cat-size-lies.cbm"), {"2147483647", "11232"});
  expect_refusal(
      with(read_vector("cat-rmse/model.json"), "\"type\":\"RMSE\"", "\"type\":\"RMSEE\""),
      {"RMSEE", "nearest is RMSE"});
}

}  // namespace
}  // namespace tidemill::model
