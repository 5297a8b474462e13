// One tree of an XGBoost file: parallel arrays in, breadth-first nodes out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/document_reader.h"
#include "model/ensemble.h"

namespace tidemill::model {

// Reads one tree after another and keeps its buffers between them. Not thread-safe.
class XgboostTreeReader {
 public:
  explicit XgboostTreeReader(Ensemble& ensemble) : ensemble_(ensemble) {}

  // Appends the tree that is the reader's next value to ensemble.trees and .nodes. Its output is
  // not known yet and stays 0.
  Status read(DocumentReader& reader);

  // Which feature numbers the trees use, for the check against num_feature, which stands later in
  // the file: the largest one and where it was met first.
  struct LargestFeature {
    int64_t feature = -1;
    size_t tree = 0;
    uint32_t node = 0;
  };
  const LargestFeature& largest_feature() const { return largest_; }

  // How many numbers a leaf has; 1 before the first tree.
  uint32_t leaf_size() const { return vector_; }

 private:
  struct Reached {
    uint32_t node;  // the trainer's number
    uint32_t depth;
  };
  Status read_arrays(DocumentReader& reader);
  Status read_member(DocumentReader& reader, std::string_view name);
  Status read_param(DocumentReader& reader);
  Status check_vectors();
  Status check_lengths() const;
  Status check_categories();
  Status walk();
  Status visit(const Reached& reached);
  Status add_leaf(uint32_t node);
  Result<uint32_t> column_of(uint32_t node);
  Status check_child(uint32_t node, int32_t child, std::string_view side);
  Status check_deleted() const;
  size_t count() const { return left_.size(); }

  Ensemble& ensemble_;
  LargestFeature largest_;
  std::vector<int32_t> left_, right_, parents_, features_, default_left_, split_type_;
  std::vector<int32_t> categories_, category_nodes_, category_segments_, category_sizes_;
  std::vector<int32_t> category_of_node_;  // index into category_nodes_, -1 = none
  std::vector<float> conditions_, leaf_weights_;
  std::vector<bool> visited_;
  std::vector<Reached> queue_;
  std::vector<std::pair<std::string, size_t>> lengths_;  // of the arrays that are only counted
  std::string num_nodes_, num_deleted_, size_leaf_vector_;
  bool has_split_type_ = false;
  bool has_leaf_weights_ = false;
  uint32_t vector_ = 1;      // numbers of a leaf
  size_t first_vector_ = 0;  // of this tree, among those of the model
  uint32_t seen_ = 0;        // bit i = the i-th required array is there
};

// A decimal integer that is the whole text, in [0, limit].
Result<uint32_t> xgboost_number(std::string_view where, std::string_view text, uint32_t limit);

}  // namespace tidemill::model
