// The tree ensembles of ai.onnx.ml, versions 1 to 5, as ONNX Runtime evaluates them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/onnx_graph.h"

namespace tidemill::model {

enum class OnnxPost { kNone, kSoftmax, kLogistic, kSoftmaxZero, kProbit };
Result<OnnxPost> onnx_post(std::string_view name);
// Of two scores or more, in place.
void apply_onnx_post(OnnxPost post, std::span<double> scores);

class OnnxTrees {
 public:
  // Checked whole: lengths, modes, children, one root a tree, no cycle, targets.
  static Result<OnnxTrees> make(const OnnxNode& node);

  // The scores of one row; for a classifier, `label` is the place of its label. Refused: a row that
  // is too narrow.
  Status score(std::span<const double> row, std::vector<double>& scores, size_t& label) const;
  const OnnxTensor& labels() const { return labels_; }  // none: a regressor
  bool is_classifier() const { return labels_.type != OnnxTensor::Type::kNone; }

 private:
  enum class Mode : uint8_t { kLeq, kLt, kGte, kGt, kEq, kNeq, kMember, kLeaf };
  enum class Aggregate { kAverage, kSum, kMin, kMax };
  struct Node {
    Mode mode = Mode::kLeaf;
    bool missing_is_true = false;
    uint32_t feature = 0;
    double value = 0;
    uint32_t when_true = 0, when_false = 0;
    uint32_t first = 0, count = 0;  // of a leaf's weights, or of a member's values
  };
  struct Weight {
    uint32_t target;
    double weight;
  };
  struct Score {
    double value = 0;
    bool is_set = false;
  };
  Status read_old(const OnnxNode& node, std::string_view prefix);
  Status read_nodes(const OnnxNode& node, std::vector<std::pair<int64_t, int64_t>>& ids);
  Status read_weights(const OnnxNode& node, std::string_view prefix,
                      const std::vector<std::pair<int64_t, int64_t>>& ids);
  Status read_new(const OnnxNode& node);
  Status read_new_settings(const OnnxNode& node);
  void take_members(Node& node, size_t& next) const;
  Status read_new_leaves(std::span<const int64_t> targets, std::span<const double> weights);
  Status read_new_roots(std::span<const int64_t> roots, size_t inner);
  Status check_trees(const std::vector<std::pair<int64_t, int64_t>>* ids);
  static Result<Mode> mode_of(std::string_view name);
  const Node& leaf_of(uint32_t root, std::span<const double> row) const;
  void finish(std::vector<Score>& sums, std::vector<double>& scores, size_t& label) const;
  void finish_binary(std::vector<Score>& sums, std::vector<double>& scores, size_t& label) const;
  void add(Score& sum, double weight) const;

  std::vector<Node> nodes_;
  std::vector<Weight> weights_;
  std::vector<double> members_;
  std::vector<uint32_t> roots_;
  std::vector<double> base_;
  OnnxTensor labels_;
  size_t targets_ = 1, width_ = 0;
  Aggregate aggregate_ = Aggregate::kSum;
  OnnxPost post_ = OnnxPost::kNone;
  bool is_double_ = false, one_class_ = false, all_positive_ = true;
};

}  // namespace tidemill::model
