// For tests only: files of tests/vectors/models and models made from them.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "model/flat.h"
#include "model/flat_write.h"

namespace tidemill::model {

inline std::string vector_path(const std::string& name) {
  return std::string(TIDEMILL_SOURCE_DIR) + "/tests/vectors/models/" + name;
}

inline std::string read_vector(const std::string& name) {
  std::ifstream in(vector_path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A model together with the bytes it looks at.
struct OwnedModel {
  std::vector<std::byte> bytes;
  FlatModel model;
};

inline Result<OwnedModel> compile_and_open(std::string_view file) {
  TIDEMILL_TRY_LET(bytes, compile_model(file));
  TIDEMILL_TRY_LET(model, FlatModel::open(bytes));
  return OwnedModel{std::move(bytes), std::move(model)};  // a moved vector keeps its address
}

// The text with its first `from` replaced; the test breaks if there is none.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at == std::string::npos) return "\"" + std::string(from) + "\" is not in the text";
  return text.replace(at, from.size(), to);
}

// Two features, two trees: a split on f0 with leaves 1 and 2, and one leaf of 0.5.
inline std::string tiny_model() {
  return R"({"learner":{"attributes":{},"feature_names":["age","income"],"feature_types":[],
"gradient_booster":{"model":{"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"2"},
"iteration_indptr":[0,1,2],"tree_info":[0,0],"trees":[
{"base_weights":[0,0,0],"categories":[],"categories_nodes":[],"categories_segments":[],
"categories_sizes":[],"default_left":[1,0,0],"id":0,"left_children":[1,-1,-1],
"loss_changes":[0,0,0],"parents":[2147483647,0,0],"right_children":[2,-1,-1],
"split_conditions":[30.5,1.0,2.0],"split_indices":[0,0,0],"split_type":[0,0,0],
"sum_hessian":[3,1,2],"tree_param":{"num_deleted":"0","num_feature":"2","num_nodes":"3",
"size_leaf_vector":"1"}},
{"base_weights":[0],"categories":[],"categories_nodes":[],"categories_segments":[],
"categories_sizes":[],"default_left":[0],"id":1,"left_children":[-1],"loss_changes":[0],
"parents":[2147483647],"right_children":[-1],"split_conditions":[0.5],"split_indices":[0],
"split_type":[0],"sum_hessian":[3],"tree_param":{"num_deleted":"0","num_feature":"2",
"num_nodes":"1","size_leaf_vector":"1"}}]},"name":"gbtree"},
"learner_model_param":{"base_score":"[2.5E-1]","boost_from_average":"1","num_class":"0",
"num_feature":"2","num_target":"1"},"objective":{"name":"reg:squarederror",
"reg_loss_param":{"scale_pos_weight":"1"}}},"version":[3,2,0]})";
}

}  // namespace tidemill::model
