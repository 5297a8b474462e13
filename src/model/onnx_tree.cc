#include "model/onnx_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "model/ensemble.h"

namespace tidemill::model {
namespace {

using Ids = std::vector<std::pair<int64_t, int64_t>>;
constexpr std::string_view kModes[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                       "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
constexpr std::string_view kPosts[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
constexpr std::string_view kAggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"};

float rounded(double value) { return static_cast<float>(value); }

// As ONNX Runtime has it, an approximation.
float probit(float x) {
  const float y = 2 * x - 1;
  const float log = std::log((1 - y) * (1 + y));
  const float v = 2 / (3.14159f * 0.147f) + 0.5f * log;
  const float root = std::sqrt(-v + std::sqrt(v * v - 1 / 0.147f * log));
  return 1.41421356f * (y < 0 ? -root : root);
}

float logistic(float x) {
  const float v = 1 / (1 + std::exp(-std::fabs(x)));
  return x < 0 ? 1 - v : v;
}

std::vector<int64_t> integers(const OnnxNode& node, std::string_view name) {
  const OnnxAttribute* found = node.find(name);
  return found == nullptr ? std::vector<int64_t>() : found->integers;
}

// An attribute of floats, or its twin of doubles; says which.
std::vector<double> reals(const OnnxNode& node, const std::string& name, bool* is_double) {
  const OnnxAttribute* tensor = node.find(name + "_as_tensor");
  if (tensor != nullptr && !tensor->tensor.numbers.empty()) {
    if (is_double != nullptr) *is_double |= tensor->tensor.type == OnnxTensor::Type::kDouble;
    return tensor->tensor.numbers;
  }
  const OnnxAttribute* found = node.find(name);
  return found == nullptr ? std::vector<double>() : found->reals;
}

tl::unexpected<Error> wrong_length(std::string_view name, size_t length, size_t expected) {
  return fail(Code::kInvalid,
              fmt::format("{} has {} entries, expected {}", name, length, expected));
}

}  // namespace

Result<OnnxPost> onnx_post(std::string_view name) {
  for (size_t i = 0; i < std::size(kPosts); ++i) {
    if (name == kPosts[i]) return static_cast<OnnxPost>(i);
  }
  return fail(Code::kInvalid,
              fmt::format("post_transform \"{}\" is not known", printable(name, 40)));
}

void apply_onnx_post(OnnxPost post, std::span<double> scores) {
  const auto each = [&scores](float (*function)(float)) {
    for (double& s : scores) s = static_cast<double>(function(rounded(s)));
  };
  if (post == OnnxPost::kNone || scores.empty()) return;
  if (post == OnnxPost::kLogistic) return each(logistic);
  if (post == OnnxPost::kProbit) return each(probit);
  const float largest = rounded(*std::max_element(scores.begin(), scores.end()));
  const float of_zero = std::exp(-largest);
  float sum = 0;
  for (double& s : scores) {
    const float v = rounded(s);
    const bool is_zero = post == OnnxPost::kSoftmaxZero && std::fabs(v) <= 1e-7f;
    const float e = is_zero ? v * of_zero : std::exp(v - largest);
    if (!is_zero) sum += e;
    s = static_cast<double>(e);
  }
  for (double& s : scores) s = static_cast<double>(rounded(s) / sum);
}

Result<OnnxTrees::Mode> OnnxTrees::mode_of(std::string_view name) {
  for (size_t i = 0; i < std::size(kModes); ++i) {
    if (name == kModes[i] && i != static_cast<size_t>(Mode::kMember)) return static_cast<Mode>(i);
  }
  return fail(Code::kInvalid, fmt::format("node mode \"{}\" is not known", printable(name, 40)));
}

Result<OnnxTrees> OnnxTrees::make(const OnnxNode& node) {
  OnnxTrees trees;
  if (node.op == "TreeEnsemble") {
    TIDEMILL_TRY(trees.read_new(node));
  } else {
    const bool is_classifier = node.op == "TreeEnsembleClassifier";
    TIDEMILL_TRY_LET(post, onnx_post(node.text("post_transform", "NONE")));
    trees.post_ = post;
    if (is_classifier) {
      const OnnxAttribute* texts = node.find("classlabels_strings");
      const OnnxAttribute* whole = node.find("classlabels_int64s");
      if (texts != nullptr && !texts->texts.empty()) {
        trees.labels_.type = OnnxTensor::Type::kText;
        trees.labels_.texts = texts->texts;
      } else if (whole != nullptr) {
        trees.labels_.type = OnnxTensor::Type::kInt64;
        for (const int64_t label : whole->integers) {
          trees.labels_.numbers.push_back(static_cast<double>(label));
        }
      }
      trees.targets_ = trees.labels_.size();
    } else {
      const int64_t targets = node.integer("n_targets", 1);
      if (targets < 1 || targets > kMaxOutputs) {
        return fail(Code::kInvalid, fmt::format("n_targets is {}", targets));
      }
      trees.targets_ = static_cast<size_t>(targets);
      const std::string_view name = node.text("aggregate_function", "SUM");
      const auto* found = std::find(std::begin(kAggregates), std::end(kAggregates), name);
      if (found == std::end(kAggregates)) {
        return fail(Code::kInvalid,
                    fmt::format("aggregate_function \"{}\" is not known", printable(name, 40)));
      }
      trees.aggregate_ = static_cast<Aggregate>(found - std::begin(kAggregates));
    }
    if (trees.targets_ == 0 || trees.targets_ > kMaxOutputs) {
      return fail(Code::kInvalid, fmt::format("{} labels of classes", trees.targets_));
    }
    TIDEMILL_TRY(trees.read_old(node, is_classifier ? "class" : "target"));
  }
  if (!trees.base_.empty() && trees.base_.size() != trees.targets_ &&
      !(trees.is_classifier() && trees.base_.size() == 1)) {
    return wrong_length("base_values", trees.base_.size(), trees.targets_);
  }
  return trees;
}

Status OnnxTrees::read_old(const OnnxNode& node, std::string_view prefix) {
  Ids ids;
  base_ = reals(node, "base_values", &is_double_);
  TIDEMILL_TRY(read_nodes(node, ids));
  TIDEMILL_TRY(check_trees(&ids));
  return read_weights(node, prefix, ids);
}

// A node is known by the number of its tree and its own.
Status OnnxTrees::read_nodes(const OnnxNode& node, Ids& ids) {
  const auto trees = integers(node, "nodes_treeids"), numbers = integers(node, "nodes_nodeids");
  const auto features = integers(node, "nodes_featureids");
  const auto when_true = integers(node, "nodes_truenodeids");
  const auto when_false = integers(node, "nodes_falsenodeids");
  const auto missing = integers(node, "nodes_missing_value_tracks_true");
  const auto values = reals(node, "nodes_values", &is_double_);
  const OnnxAttribute* modes = node.find("nodes_modes");
  const size_t count = trees.size();
  const std::pair<std::string_view, size_t> lengths[] = {
      {"nodes_nodeids", numbers.size()},
      {"nodes_featureids", features.size()},
      {"nodes_truenodeids", when_true.size()},
      {"nodes_falsenodeids", when_false.size()},
      {"nodes_values", values.size()},
      {"nodes_modes", modes == nullptr ? 0 : modes->texts.size()},
      {"nodes_missing_value_tracks_true", missing.empty() ? count : missing.size()},
  };
  for (const auto& [name, length] : lengths) {
    if (length != count) return wrong_length(name, length, count);
  }
  if (count == 0) return fail(Code::kInvalid, "there are no nodes");
  std::map<std::pair<int64_t, int64_t>, uint32_t> places;
  for (size_t i = 0; i < count; ++i) {
    ids.emplace_back(trees[i], numbers[i]);
    if (!places.emplace(ids.back(), static_cast<uint32_t>(i)).second) {
      return fail(Code::kInvalid,
                  fmt::format("tree {}, node {} occurs twice", trees[i], numbers[i]));
    }
  }
  for (size_t i = 0; i < count; ++i) {
    Node made;
    TIDEMILL_TRY_LET(mode, mode_of(modes->texts[i]));
    made.mode = mode;
    made.value = values[i];
    made.missing_is_true = !missing.empty() && missing[i] != 0;
    if (mode != Mode::kLeaf) {
      if (features[i] < 0 || features[i] >= kMaxFeatures) {
        return fail(Code::kInvalid,
                    fmt::format("tree {}, node {}: feature {}", trees[i], numbers[i], features[i]));
      }
      if (std::isnan(made.value)) {
        return fail(Code::kInvalid,
                    fmt::format("tree {}, node {}: its threshold is NaN", trees[i], numbers[i]));
      }
      made.feature = static_cast<uint32_t>(features[i]);
      width_ = std::max(width_, size_t{made.feature} + 1);
      for (const auto& [child, place] :
           {std::pair(when_true[i], &made.when_true), std::pair(when_false[i], &made.when_false)}) {
        const auto found = places.find({trees[i], child});
        if (found == places.end()) {
          return fail(Code::kInvalid, fmt::format("tree {}, node {}: its child {} does not exist",
                                                  trees[i], numbers[i], child));
        }
        *place = found->second;
      }
    }
    nodes_.push_back(made);
  }
  return {};
}

// Every node but the root of its tree is the child of one node, and all are reached.
Status OnnxTrees::check_trees(const Ids* ids) {
  std::vector<uint32_t> parents(nodes_.size(), 0);
  for (const Node& node : nodes_) {
    if (node.mode == Mode::kLeaf) continue;
    ++parents[node.when_true];
    ++parents[node.when_false];
  }
  std::map<int64_t, uint32_t> root_of;
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    const auto [tree, number] = ids == nullptr ? std::pair<int64_t, int64_t>(0, i) : (*ids)[i];
    if (parents[i] > 1) {
      return fail(Code::kInvalid, fmt::format("tree {}, node {} is the child of {} nodes", tree,
                                              number, parents[i]));
    }
    if (parents[i] == 1 || ids == nullptr) continue;
    if (!root_of.emplace(tree, i).second) {
      return fail(Code::kInvalid,
                  fmt::format("tree {} has two roots, one is node {}", tree, number));
    }
    roots_.push_back(i);
  }
  std::vector<uint32_t> open = roots_;
  size_t reached = 0;
  while (!open.empty()) {
    const Node& node = nodes_[open.back()];
    open.pop_back();
    if (++reached > nodes_.size()) break;
    if (node.mode == Mode::kLeaf) continue;
    open.push_back(node.when_true);
    open.push_back(node.when_false);
  }
  if (reached != nodes_.size()) {
    return fail(Code::kInvalid, fmt::format("{} of {} nodes are reached from roots: not trees",
                                            reached, nodes_.size()));
  }
  return {};
}

Status OnnxTrees::read_weights(const OnnxNode& node, std::string_view prefix, const Ids& ids) {
  const std::string start(prefix);
  const auto trees = integers(node, start + "_treeids"),
             numbers = integers(node, start + "_nodeids");
  const auto targets = integers(node, start + "_ids");
  const auto weights = reals(node, start + "_weights", &is_double_);
  const size_t count = weights.size();
  for (const size_t length : {trees.size(), numbers.size(), targets.size()}) {
    if (length != count) return wrong_length(start + "_treeids, _nodeids or _ids", length, count);
  }
  std::map<std::pair<int64_t, int64_t>, std::vector<size_t>> of_leaf;
  for (size_t i = 0; i < count; ++i) {
    if (targets[i] < 0 || static_cast<size_t>(targets[i]) >= targets_) {
      return fail(Code::kInvalid,
                  fmt::format("{}_ids has {}; there are {}", start, targets[i], targets_));
    }
    if (!std::isfinite(weights[i])) {
      return fail(Code::kInvalid, fmt::format("{}_weights: entry {} is not finite", start, i));
    }
    all_positive_ &= weights[i] >= 0;
    of_leaf[{trees[i], numbers[i]}].push_back(i);
  }
  one_class_ = targets_ == 2 && std::adjacent_find(targets.begin(), targets.end(),
                                                   std::not_equal_to<>()) == targets.end();
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const auto found = of_leaf.find(ids[i]);
    if (found == of_leaf.end()) continue;
    if (nodes_[i].mode != Mode::kLeaf) {
      return fail(Code::kInvalid, fmt::format("tree {}, node {} has weights and is no leaf",
                                              ids[i].first, ids[i].second));
    }
    nodes_[i].first = static_cast<uint32_t>(weights_.size());
    nodes_[i].count = static_cast<uint32_t>(found->second.size());
    for (const size_t w : found->second) {
      weights_.push_back({static_cast<uint32_t>(targets[w]), weights[w]});
    }
    of_leaf.erase(found);
  }
  if (of_leaf.empty()) return {};
  const auto& [tree, number] = of_leaf.begin()->first;
  return fail(Code::kInvalid,
              fmt::format("weights of tree {}, node {}, which does not exist", tree, number));
}

// Version 5: inner nodes and leaves apart; a child is either.
Status OnnxTrees::read_new(const OnnxNode& node) {
  const auto features = integers(node, "nodes_featureids"), roots = integers(node, "tree_roots");
  const auto when_true = integers(node, "nodes_truenodeids");
  const auto when_false = integers(node, "nodes_falsenodeids");
  const auto true_leafs = integers(node, "nodes_trueleafs");
  const auto false_leafs = integers(node, "nodes_falseleafs");
  const auto missing = integers(node, "nodes_missing_value_tracks_true");
  const auto targets = integers(node, "leaf_targetids");
  const auto tensor = [&](std::string_view name) {
    const OnnxAttribute* found = node.find(name);
    if (found == nullptr) return std::vector<double>();
    is_double_ |= found->tensor.type == OnnxTensor::Type::kDouble;
    return found->tensor.numbers;
  };
  const auto modes = tensor("nodes_modes"), splits = tensor("nodes_splits");
  const auto weights = tensor("leaf_weights"), members = tensor("membership_values");
  const size_t inner = features.size(), leaves = weights.size();
  const std::pair<std::string_view, size_t> lengths[] = {
      {"nodes_truenodeids", when_true.size()},
      {"nodes_falsenodeids", when_false.size()},
      {"nodes_trueleafs", true_leafs.size()},
      {"nodes_falseleafs", false_leafs.size()},
      {"nodes_modes", modes.size()},
      {"nodes_splits", splits.size()},
      {"nodes_missing_value_tracks_true", missing.empty() ? inner : missing.size()},
  };
  for (const auto& [name, length] : lengths) {
    if (length != inner) return wrong_length(name, length, inner);
  }
  if (targets.size() != leaves) return wrong_length("leaf_targetids", targets.size(), leaves);
  TIDEMILL_TRY(read_new_settings(node));
  members_ = members;
  size_t next_member = 0;
  for (size_t i = 0; i < inner; ++i) {
    Node made;
    if (!(modes[i] >= 0 && modes[i] <= 6) || features[i] < 0 || features[i] >= kMaxFeatures) {
      return fail(Code::kInvalid,
                  fmt::format("node {}: mode {}, feature {}", i, modes[i], features[i]));
    }
    made.mode = static_cast<Mode>(static_cast<int>(modes[i]));
    made.feature = static_cast<uint32_t>(features[i]);
    width_ = std::max(width_, size_t{made.feature} + 1);
    made.value = splits[i];
    made.missing_is_true = !missing.empty() && missing[i] != 0;
    if (made.mode == Mode::kMember) take_members(made, next_member);
    const auto child = [&](int64_t wanted, bool is_leaf) -> Result<uint32_t> {
      if (wanted >= 0 && static_cast<size_t>(wanted) < (is_leaf ? leaves : inner)) {
        return static_cast<uint32_t>(static_cast<size_t>(wanted) + (is_leaf ? inner : 0));
      }
      return fail(Code::kInvalid, fmt::format("node {}: its child {} does not exist", i, wanted));
    };
    TIDEMILL_TRY_LET(on_true, child(when_true[i], true_leafs[i] != 0));
    TIDEMILL_TRY_LET(on_false, child(when_false[i], false_leafs[i] != 0));
    made.when_true = on_true;
    made.when_false = on_false;
    nodes_.push_back(made);
  }
  TIDEMILL_TRY(read_new_leaves(targets, weights));
  return read_new_roots(roots, inner);
}

Status OnnxTrees::read_new_settings(const OnnxNode& node) {
  const int64_t n_targets = node.integer("n_targets", 1);
  const int64_t aggregate = node.integer("aggregate_function", 1);
  const int64_t post = node.integer("post_transform", 0);
  if (n_targets < 1 || n_targets > kMaxOutputs || aggregate < 0 || aggregate > 3 || post < 0 ||
      post > 4) {
    return fail(Code::kInvalid, fmt::format("n_targets {}, aggregate_function {} or post_transform "
                                            "{} is not possible",
                                            n_targets, aggregate, post));
  }
  targets_ = static_cast<size_t>(n_targets);
  aggregate_ = static_cast<Aggregate>(aggregate);
  post_ = static_cast<OnnxPost>(post);
  return {};
}

// The set of a member node: the values up to the next NaN.
void OnnxTrees::take_members(Node& node, size_t& next) const {
  node.first = static_cast<uint32_t>(std::min(next, members_.size()));
  while (next < members_.size() && !std::isnan(members_[next])) ++next;
  node.count = static_cast<uint32_t>(std::min(next, members_.size()) - node.first);
  ++next;  // the NaN between two sets
}

Status OnnxTrees::read_new_leaves(std::span<const int64_t> targets,
                                  std::span<const double> weights) {
  for (size_t i = 0; i < weights.size(); ++i) {
    if (targets[i] < 0 || static_cast<size_t>(targets[i]) >= targets_ ||
        !std::isfinite(weights[i])) {
      return fail(Code::kInvalid,
                  fmt::format("leaf {}: target {}, weight {}", i, targets[i], weights[i]));
    }
    Node leaf;
    leaf.first = static_cast<uint32_t>(i);
    leaf.count = 1;
    nodes_.push_back(leaf);
    weights_.push_back({static_cast<uint32_t>(targets[i]), weights[i]});
  }
  return {};
}

Status OnnxTrees::read_new_roots(std::span<const int64_t> roots, size_t inner) {
  for (const int64_t root : roots) {
    if (root < 0 || static_cast<size_t>(root) >= std::max<size_t>(inner, 1) || nodes_.empty()) {
      return fail(Code::kInvalid, fmt::format("tree_roots has {}, of {}", root, inner));
    }
    roots_.push_back(static_cast<uint32_t>(root));
  }
  return check_trees(nullptr);
}

const OnnxTrees::Node& OnnxTrees::leaf_of(uint32_t root, std::span<const double> row) const {
  const Node* node = &nodes_[root];
  while (node->mode != Mode::kLeaf) {
    const double x = row[node->feature], t = node->value;
    bool goes = false;
    switch (node->mode) {
      case Mode::kLeq:
        goes = x <= t;
        break;
      case Mode::kLt:
        goes = x < t;
        break;
      case Mode::kGte:
        goes = x >= t;
        break;
      case Mode::kGt:
        goes = x > t;
        break;
      case Mode::kEq:
        goes = x == t;
        break;
      case Mode::kNeq:
        goes = x != t;
        break;
      case Mode::kMember: {
        const auto begin = members_.begin() + node->first;
        goes = std::find(begin, begin + node->count, x) != begin + node->count;
        break;
      }
      case Mode::kLeaf:
        break;
    }
    goes |= node->missing_is_true && std::isnan(x);
    node = &nodes_[goes ? node->when_true : node->when_false];
  }
  return *node;
}

void OnnxTrees::add(Score& sum, double weight) const {
  if (aggregate_ == Aggregate::kMin && sum.is_set) {
    sum.value = std::min(sum.value, weight);
  } else if (aggregate_ == Aggregate::kMax && sum.is_set) {
    sum.value = std::max(sum.value, weight);
  } else {
    sum.value += weight;
    if (!is_double_) sum.value = static_cast<double>(rounded(sum.value));
  }
  sum.is_set = true;
}

Status OnnxTrees::score(std::span<const double> row, std::vector<double>& scores,
                        size_t& label) const {
  if (row.size() < width_) {
    return fail(Code::kInvalid,
                fmt::format("the trees use {} features, the row has {}", width_, row.size()));
  }
  std::vector<Score> sums(targets_);
  for (const uint32_t root : roots_) {
    const Node& leaf = leaf_of(root, row);
    for (uint32_t i = leaf.first; i < leaf.first + leaf.count; ++i) {
      add(sums[weights_[i].target], weights_[i].weight);
    }
  }
  if (aggregate_ == Aggregate::kAverage) {
    for (Score& sum : sums) sum.value /= static_cast<double>(roots_.size());
  }
  if (is_classifier() && targets_ == 2 && one_class_) {
    finish_binary(sums, scores, label);
  } else {
    finish(sums, scores, label);
  }
  if (!is_double_) {
    for (double& s : scores) s = static_cast<double>(rounded(s));
  }
  return {};
}

void OnnxTrees::finish(std::vector<Score>& sums, std::vector<double>& scores, size_t& label) const {
  scores.clear();
  label = 0;
  for (size_t k = 0; k < sums.size(); ++k) {
    scores.push_back(sums[k].value + (k < base_.size() ? base_[k] : 0));
    if (scores[k] > scores[label]) label = k;
  }
  if (scores.size() > 1) return apply_onnx_post(post_, scores);
  // One score alone: ONNX Runtime transforms it by PROBIT only.
  if (post_ == OnnxPost::kProbit) apply_onnx_post(post_, scores);
}

// Two classes and weights of one of them: the other one is its complement.
void OnnxTrees::finish_binary(std::vector<Score>& sums, std::vector<double>& scores,
                              size_t& label) const {
  double score = sums[0].is_set ? sums[0].value : sums[1].value;
  if (!base_.empty()) score += base_.back();
  label = score > (all_positive_ ? 0.5 : 0.0) ? 1 : 0;
  scores = {0, 0};
  if (post_ == OnnxPost::kProbit) {
    scores[0] = static_cast<double>(probit(rounded(score)));
  } else if (all_positive_) {
    scores = {static_cast<double>(1.0f - rounded(score)), score};
  } else if (post_ == OnnxPost::kLogistic) {
    scores = {static_cast<double>(logistic(-rounded(score))),
              static_cast<double>(logistic(rounded(score)))};
  } else {
    scores = {-score, score};
  }
}

}  // namespace tidemill::model
