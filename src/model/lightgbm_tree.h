// One tree of a LightGBM file: `key=value` lines in, breadth-first nodes out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/ensemble.h"
#include "model/lightgbm_lines.h"

namespace tidemill::model {

// Reads one tree after another and keeps its buffers between them. Not thread-safe.
class LightgbmTreeReader {
 public:
  // ensemble.features must be known.
  explicit LightgbmTreeReader(Ensemble& ensemble) : ensemble_(ensemble) {}

  // `lines` stands at "Tree=i"; it is left at the blank line after the tree. Appends the tree, with
  // output 0.
  Status read(LightgbmLines& lines);

 private:
  struct Reached {
    int32_t node;  // from 0: a split; below: ~leaf
    uint32_t depth;
  };
  Status read_line(const LightgbmLines& lines);
  Status check_lengths() const;
  Status check_categories() const;
  Status walk();
  Status add_split(const Reached& reached);
  Status add_leaf(uint32_t leaf);
  Status reach(int32_t child, uint32_t split, std::string_view side, uint32_t depth);
  Result<uint32_t> column_of(uint32_t split, double& threshold);
  Result<uint32_t> category_column(uint32_t split, uint32_t feature);
  size_t splits() const { return num_leaves_ - 1; }

  Ensemble& ensemble_;
  uint32_t num_leaves_ = 0, num_cat_ = 0;
  bool is_linear_ = false;
  std::vector<int32_t> features_, decisions_, left_, right_, boundaries_;
  std::vector<int32_t> linear_sizes_, linear_features_;
  std::vector<uint32_t> cat_words_;
  std::vector<double> thresholds_, leaf_values_, linear_constants_, linear_coefficients_;
  std::vector<std::pair<std::string, size_t>> lengths_;  // of the lines that are only counted
  std::vector<size_t> linear_first_;                     // of each leaf, among linear_features_
  std::vector<bool> split_seen_, leaf_seen_;
  std::vector<Reached> queue_;
};

}  // namespace tidemill::model
