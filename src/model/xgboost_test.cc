#include "model/xgboost.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "model/model_testing.h"
#include "model/score.h"
#include "model/source.h"

namespace tidemill::model {
namespace {

std::string refusal(const std::string& file) {
  const auto ensemble = read_model(file);
  return ensemble ? "" : ensemble.error().text();
}

// The refusal says all of the parts.
void expect_refusal(const std::string& file, std::initializer_list<std::string_view> parts) {
  const std::string text = refusal(file);
  for (const auto part : parts) EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(XgboostJson, a_refusal_says_where_and_what) {
  expect_refusal(read_vector("hostile/xgb-cycle.json"), {"tree ", "node 1", "left child 0"});
  expect_refusal(read_vector("hostile/xgb-self-child.json"), {"tree ", "node ", "reached"});
  expect_refusal(read_vector("hostile/xgb-child-past-end.json"), {"child is 1000", "15 nodes"});
  expect_refusal(read_vector("hostile/xgb-child-huge.json"), {"left_children", "2147483647"});
  expect_refusal(read_vector("hostile/xgb-feature-past-end.json"), {"feature 999", "20"});
  expect_refusal(read_vector("hostile/xgb-short-array.json"), {"split_conditions", "has 14"});
  expect_refusal(read_vector("hostile/xgb-num-nodes-lies.json"), {"1000000000"});
  expect_refusal(read_vector("hostile/xgb-num-class-huge.json"), {"num_class", "10000"});
  expect_refusal(read_vector("hostile/xgb-dup-learner.json"), {"learner", "twice"});
  expect_refusal(read_vector("hostile/xgb-trailing.json"), {"end of the file"});
  expect_refusal(read_vector("hostile/xgb-unknown-objective.json"), {"objective", "not supported"});
  expect_refusal(read_vector("hostile/xgb-future-version.json"), {"99.0.0"});
  expect_refusal(read_vector("hostile/xgb-base-score-2.json"), {"base_score is 2", "0 and 1"});
  expect_refusal(read_vector("hostile/xgb-inf-leaf.json"), {"leaf value is not finite"});
  expect_refusal(read_vector("hostile/xgb-cat-segment.json"), {"categories are entries"});
  expect_refusal(read_vector("hostile/xgb-cat-negative.json"), {"category -"});
  expect_refusal(read_vector("hostile/xgb-dart-short-weights.json"), {"weight_drop has 29", "30"});
  expect_refusal(read_vector("hostile/xgb-truncated.ubj"), {"tree 0", "byte 789", "cut"});
  expect_refusal(read_vector("hostile/xgb-negative-length.ubj"), {"byte 1", "length of -5"});
}

TEST(XgboostJson, what_is_not_supported_is_named) {
  expect_refusal("\x80\x04pickled", {"pickle", "save_model"});
  expect_refusal("PK\x03\x04", {"zip", "save_model"});
  expect_refusal("", {"empty"});
  expect_refusal(with(tiny_model(), "reg:squarederror", "reg:squarederor"),
                 {"reg:squarederor", "nearest is reg:squarederror"});
}

TEST(XgboostJson, the_tiny_model_is_read_whole) {
  const auto ensemble = read_model(tiny_model());
  ASSERT_TRUE(ensemble) << ensemble.error().text();
  EXPECT_EQ(ensemble->features[1].name, "income");
  EXPECT_EQ(ensemble->trees.size(), 2u);
  EXPECT_EQ(ensemble->nodes.size(), 4u);
  EXPECT_EQ(ensemble->nodes[0].value, 30.5f);
  EXPECT_EQ(ensemble->iterations, (std::vector<uint32_t>{0, 1, 2}));
}

TEST(XgboostJson, base_score_is_read_in_all_its_forms) {
  for (const auto form : {"\"[2.5E-1]\"", "\"2.5E-1\"", "0.25", "[0.25]", "\"[0.25]\"", "25e-2"}) {
    const auto ensemble = read_model(with(tiny_model(), "\"[2.5E-1]\"", form));
    ASSERT_TRUE(ensemble) << form << ensemble.error().text();
    EXPECT_EQ(ensemble->base_margins, std::vector<double>{0.25});
  }
  for (const auto form :
       {"\"\"", "\"[]\"", "\"[1,2]\"", "\"nan\"", "\"1e60\"", "\"0.5x\"", "null"}) {
    EXPECT_NE(refusal(with(tiny_model(), "\"[2.5E-1]\"", form)), "") << form;
  }
}

TEST(XgboostJson, damaged_trees_are_refused) {
  const struct {
    std::string_view from, to;
  } damages[] = {
      {"[1,-1,-1]", "[1,1,-1]"},
      {"[1,-1,-1]", "[0,-1,-1]"},
      {"[1,-1,-1]", "[3,-1,-1]"},
      {"[1,-1,-1]", "[-2,-1,-1]"},
      {"[1,-1,-1]", "[-1,-1,-1]"},
      {"[1,-1,-1]", "[1,-1]"},
      {"[1,-1,-1]", "[1.5,-1,-1]"},
      {"[1,-1,-1]", "[1,-1,\"x\"]"},
      {"[2,-1,-1]", "[1,-1,-1]"},
      {"[2147483647,0,0]", "[2147483647,0,1]"},
      {"[2147483647,0,0]", "[5,0,0]"},
      {"[30.5,", "[NaN,"},
      {"[30.5,", "[1e39,"},
      {"30.5,1.0", "30.5,Infinity"},
      {"\"split_indices\":[0", "\"split_indices\":[2"},
      {"\"split_indices\":[0", "\"split_indices\":[-1"},
      {"\"default_left\":[1", "\"default_left\":[2"},
      {"\"split_type\":[0", "\"split_type\":[1"},
      {"\"split_type\":[0", "\"split_type\":[7"},
      {"\"num_deleted\":\"0\"", "\"num_deleted\":\"1\""},
      {"\"num_nodes\":\"3\"", "\"num_nodes\":\"4\""},
      {"\"num_nodes\":\"3\"", "\"num_nodes\":\"\""},
      {"\"sum_hessian\":[3,1,2]", "\"sum_hessian\":[3,1]"},
      {"\"base_weights\":[0,0,0]", "\"leaf_weights\":[0,0,0]"},
      {"\"base_weights\":[0,0,0]", "\"surprise\":[0,0,0]"},
      {"\"num_trees\":\"2\"", "\"num_trees\":\"3\""},
      {"\"tree_info\":[0,0]", "\"tree_info\":[0,1]"},
      {"\"tree_info\":[0,0]", "\"tree_info\":[0]"},
      {"\"iteration_indptr\":[0,1,2]", "\"iteration_indptr\":[0,2,1]"},
      {"\"iteration_indptr\":[0,1,2]", "\"iteration_indptr\":[0,1]"},
      {"\"iteration_indptr\":[0,1,2]", "\"iteration_indptr\":[]"},
      {"[\"age\",\"income\"]", "[\"age\"]"},
      {"[\"age\",\"income\"]", "[\"age\",\"age\"]"},
      {"[\"age\",\"income\"]", "[\"age\",\"\"]"},
      {"\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"0\",\"num_target\""},
      {"\"num_class\":\"0\"", "\"num_class\":\"3\""},
      {"\"version\":[3,2,0]", "\"version\":[4,0,0]"},
      {",\"version\":[3,2,0]", ""},
  };
  for (const auto& damage : damages) {
    std::string model = tiny_model();
    const std::string broken = with(model, damage.from, damage.to);
    ASSERT_NE(broken.find("learner"), std::string::npos) << damage.from;
    EXPECT_NE(refusal(broken), "") << damage.from << " -> " << damage.to;
  }
}

TEST(XgboostJson, every_truncation_is_refused) {
  const std::string model = tiny_model();
  for (size_t size = 0; size < model.size(); ++size) {
    EXPECT_NE(refusal(model.substr(0, size)), "") << size;
  }
}

TEST(XgboostJson, a_byte_changed_anywhere_is_refused_or_gives_a_sound_model) {
  const std::string model = tiny_model();
  for (size_t i = 0; i < model.size(); ++i) {
    for (const char c : {'0', '9', '-', '"', '[', '}', '\0', '\xff'}) {
      std::string changed = model;
      changed[i] = c;
      auto bytes = compile_model(changed);
      if (!bytes) continue;
      ASSERT_TRUE(FlatModel::open(*bytes)) << i << c;
    }
  }
}

TEST(XgboostJson, a_deep_chain_is_refused_by_depth) {
  std::string left, right, parents, zeros;
  const int splits = 1100;
  for (int i = 0; i < 2 * splits + 1; ++i) {
    const std::string comma = i == 0 ? "" : ",";
    const bool leaf = i % 2 == 1 || i == 2 * splits;
    left += comma + (leaf ? "-1" : std::to_string(i + 1));
    right += comma + (leaf ? "-1" : std::to_string(i + 2));
    parents += comma + (i == 0 ? "2147483647" : std::to_string((i - 1) / 2 * 2));
    zeros += comma + "0";
  }
  std::string model = tiny_model();
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"[1,-1,-1]", left},
        {"[2,-1,-1]", right},
        {"[2147483647,0,0]", parents},
        {"[30.5,1.0,2.0]", zeros},
        {"\"split_indices\":[0,0,0]", "\"split_indices\":[" + zeros + "]"},
        {"[1,0,0]", zeros},
        {"\"split_type\":[0,0,0]", "\"split_type\":[" + zeros + "]"},
        {"\"base_weights\":[0,0,0],", ""},
        {"\"loss_changes\":[0,0,0],", ""},
        {"\"sum_hessian\":[3,1,2],", ""},
        {"\"num_nodes\":\"3\"", "\"num_nodes\":\"" + std::to_string(2 * splits + 1) + "\""}}) {
    model = with(model, from, from[0] == '[' ? "[" + to + "]" : to);
  }
  expect_refusal(model, {"tree 0", "deeper than 1024"});
}

}  // namespace
}  // namespace tidemill::model
