#include "model/lightgbm_tree.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/text.h"

namespace tidemill::model {
namespace {

constexpr int32_t kCategorical = 1;
constexpr int32_t kDefaultLeft = 2;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

enum MissingType { kNone = 0, kZero = 1, kNan = 2 };

// Lines that scoring does not need, and whether their entries are one for each leaf.
struct Counted {
  std::string_view key;
  bool per_leaf;
};
constexpr Counted kCounted[] = {
    {"split_gain", false},     {"internal_value", false}, {"internal_weight", false},
    {"internal_count", false}, {"leaf_weight", true},     {"leaf_count", true},
    {"leaf_parent", true},
};

tl::unexpected<Error> at_split(uint32_t split, std::string_view message) {
  return fail(Code::kInvalid, fmt::format("split {}: {}", split, message));
}

}  // namespace

Status LightgbmTreeReader::read(LightgbmLines& lines) {
  num_leaves_ = num_cat_ = 0;
  is_linear_ = false;
  lengths_.clear();
  for (auto* array : {&features_, &decisions_, &left_, &right_, &boundaries_, &linear_sizes_,
                      &linear_features_}) {
    array->clear();
  }
  for (auto* array : {&thresholds_, &leaf_values_, &linear_constants_, &linear_coefficients_}) {
    array->clear();
  }
  cat_words_.clear();
  while (lines.next() && !lines.line().empty()) TIDEMILL_TRY(read_line(lines));
  const size_t end = lines.number();
  const auto in_tree = [end](Error error) {
    return fail(error.in(fmt::format("the tree that ends at line {}", end)));
  };
  if (auto checked = check_lengths(); !checked) return in_tree(checked.error());
  if (auto checked = check_categories(); !checked) return in_tree(checked.error());
  if (auto walked = walk(); !walked) return in_tree(walked.error());
  return {};
}

Status LightgbmTreeReader::read_line(const LightgbmLines& lines) {
  const std::string_view key = lines.key();
  const std::pair<std::string_view, std::vector<int32_t>*> integers[] = {
      {"split_feature", &features_},
      {"decision_type", &decisions_},
      {"left_child", &left_},
      {"right_child", &right_},
      {"cat_boundaries", &boundaries_},
      {"num_features", &linear_sizes_},
      {"leaf_features", &linear_features_},
  };
  const std::pair<std::string_view, std::vector<double>*> reals[] = {
      {"threshold", &thresholds_},
      {"leaf_value", &leaf_values_},
      {"leaf_const", &linear_constants_},
      {"leaf_coeff", &linear_coefficients_},
  };
  for (const auto& [known, array] : integers) {
    if (key == known) return lines.integers(*array, kMaxNodes);
  }
  for (const auto& [known, array] : reals) {
    if (key != known) continue;
    // A split whose every value goes left may have an infinite threshold.
    const bool may_be_infinite = array == &thresholds_;
    return lines.reals(
        *array, kMaxNodes,
        may_be_infinite ? LightgbmLines::Reals::kOrInfinite : LightgbmLines::Reals::kFinite);
  }
  if (key == "cat_threshold") return lines.words(cat_words_, kMaxNodes);
  if (key == "shrinkage") return {};  // already in the leaves
  if (key == "num_leaves") {
    TIDEMILL_TRY_LET(number, lines.whole(1, kMaxNodes / 2));
    num_leaves_ = number;
    return {};
  }
  if (key == "num_cat") {
    TIDEMILL_TRY_LET(number, lines.whole(0, kMaxNodes / 2));
    num_cat_ = number;
    return {};
  }
  if (key == "is_linear") {
    TIDEMILL_TRY_LET(number, lines.whole(0, 1));
    is_linear_ = number == 1;
    return {};
  }
  for (const auto& counted : kCounted) {
    if (key != counted.key) continue;
    lengths_.emplace_back(key, lines.count());
    return {};
  }
  return lines.error(fmt::format("\"{}\" is not known in a tree; it may change what the tree means",
                                 printable(key, 60)));
}

Status LightgbmTreeReader::check_lengths() const {
  if (num_leaves_ == 0) return fail(Code::kInvalid, "\"num_leaves\" is missing");
  std::vector<std::pair<std::string_view, std::pair<size_t, size_t>>> lengths = {
      {"leaf_value", {leaf_values_.size(), num_leaves_}}};
  if (num_leaves_ > 1) {
    const std::pair<std::string_view, size_t> of_splits[] = {
        {"split_feature", features_.size()},  {"threshold", thresholds_.size()},
        {"decision_type", decisions_.size()}, {"left_child", left_.size()},
        {"right_child", right_.size()},
    };
    for (const auto& [key, size] : of_splits) lengths.push_back({key, {size, splits()}});
    for (const auto& [key, size] : lengths_) {
      for (const auto& counted : kCounted) {
        if (key != counted.key) continue;
        lengths.push_back({counted.key, {size, counted.per_leaf ? num_leaves_ : splits()}});
      }
    }
  }
  if (is_linear_) {
    lengths.push_back({"leaf_const", {linear_constants_.size(), num_leaves_}});
    lengths.push_back({"num_features", {linear_sizes_.size(), num_leaves_}});
    lengths.push_back({"leaf_coeff", {linear_coefficients_.size(), linear_features_.size()}});
  }
  for (const auto& [key, sizes] : lengths) {
    if (sizes.first == sizes.second) continue;
    return fail(Code::kInvalid, fmt::format("\"{}\" has {} entries, expected {} (num_leaves is {})",
                                            key, sizes.first, sizes.second, num_leaves_));
  }
  if (2 * size_t{num_leaves_} > kMaxNodes - ensemble_.nodes.size()) {
    return fail(Code::kExhausted, fmt::format("the model has more than {} nodes", kMaxNodes));
  }
  return {};
}

Status LightgbmTreeReader::check_categories() const {
  if (num_cat_ == 0) return {};
  if (boundaries_.size() != size_t{num_cat_} + 1) {
    return fail(Code::kInvalid, fmt::format("\"cat_boundaries\" has {} entries; num_cat is {}",
                                            boundaries_.size(), num_cat_));
  }
  int32_t before = 0;
  for (const int32_t boundary : boundaries_) {
    if (boundary < before || static_cast<size_t>(boundary) > cat_words_.size()) {
      return fail(Code::kInvalid,
                  fmt::format("\"cat_boundaries\": {} after {}; \"cat_threshold\" has {} entries",
                              boundary, before, cat_words_.size()));
    }
    before = boundary;
  }
  return {};
}

Status LightgbmTreeReader::walk() {
  const auto first = static_cast<uint32_t>(ensemble_.nodes.size());
  linear_first_.assign(1, 0);
  for (const int32_t size : linear_sizes_) {
    if (size < 0 || static_cast<size_t>(size) > linear_features_.size() - linear_first_.back()) {
      return fail(Code::kInvalid, fmt::format("\"num_features\" has {}; \"leaf_features\" has {} "
                                              "entries in all",
                                              size, linear_features_.size()));
    }
    linear_first_.push_back(linear_first_.back() + static_cast<size_t>(size));
  }
  split_seen_.assign(splits(), false);
  leaf_seen_.assign(num_leaves_, false);
  queue_.clear();
  TIDEMILL_TRY(reach(num_leaves_ == 1 ? ~0 : 0, 0, "root", 0));
  for (size_t i = 0; i < queue_.size(); ++i) {
    const Reached reached = queue_[i];
    TIDEMILL_TRY(reached.node < 0 ? add_leaf(static_cast<uint32_t>(~reached.node))
                                  : add_split(reached));
  }
  if (queue_.size() != splits() + num_leaves_) {
    return fail(Code::kInvalid,
                fmt::format("{} of its {} nodes are not reached from the root",
                            splits() + num_leaves_ - queue_.size(), splits() + num_leaves_));
  }
  ensemble_.trees.push_back({first, static_cast<uint32_t>(queue_.size()), queue_.back().depth, 0});
  return {};
}

Status LightgbmTreeReader::reach(int32_t child, uint32_t split, std::string_view side,
                                 uint32_t depth) {
  const bool is_leaf = child < 0;
  const auto index = static_cast<size_t>(is_leaf ? ~child : child);
  auto& seen = is_leaf ? leaf_seen_ : split_seen_;
  if (index >= seen.size()) {
    return at_split(split, fmt::format("its {} child is {} {}; the tree has {}", side,
                                       is_leaf ? "leaf" : "split", index, seen.size()));
  }
  if (seen[index]) {
    return at_split(split, fmt::format("its {} child, {} {}, is already reached by another way: "
                                       "not a tree",
                                       side, is_leaf ? "leaf" : "split", index));
  }
  if (depth > kMaxDepth) {
    return at_split(split, fmt::format("the tree is deeper than {} levels", kMaxDepth));
  }
  seen[index] = true;
  queue_.push_back({child, depth});
  return {};
}

Status LightgbmTreeReader::add_split(const Reached& reached) {
  const auto split = static_cast<uint32_t>(reached.node);
  double threshold = 0;
  TIDEMILL_TRY_LET(column, column_of(split, threshold));
  const auto left = static_cast<uint32_t>(queue_.size());
  ensemble_.nodes.push_back({threshold, column, left, split, 0});
  TIDEMILL_TRY(reach(left_[split], split, "left", reached.depth + 1));
  return reach(right_[split], split, "right", reached.depth + 1);
}

Status LightgbmTreeReader::add_leaf(uint32_t leaf) {
  Ensemble::Node node{leaf_values_[leaf], 0, 0, leaf, 0};
  if (is_linear_) {
    const size_t begin = linear_first_[leaf], end = linear_first_[size_t{leaf} + 1];
    const auto first = static_cast<uint32_t>(ensemble_.terms.size());
    for (size_t i = begin; i < end; ++i) {
      const int32_t feature = linear_features_[i];
      if (feature < 0 || static_cast<size_t>(feature) >= ensemble_.features.size()) {
        return fail(Code::kInvalid, fmt::format("leaf {}: its linear model has feature {}, of {}",
                                                leaf, feature, ensemble_.features.size()));
      }
      ensemble_.terms.push_back({linear_coefficients_[i], static_cast<uint32_t>(feature), 0});
    }
    ensemble_.linear.push_back(
        {linear_constants_[leaf], first, static_cast<uint32_t>(end - begin)});
    node.extra = static_cast<uint32_t>(ensemble_.linear.size());
  }
  ensemble_.nodes.push_back(node);
  return {};
}

// x <= t is x < the next number after t.
Result<uint32_t> LightgbmTreeReader::column_of(uint32_t split, double& threshold) {
  const int32_t feature = features_[split], decision = decisions_[split];
  if (feature < 0 || static_cast<size_t>(feature) >= ensemble_.features.size()) {
    return at_split(split, fmt::format("it splits feature {}; the model has {}", feature,
                                       ensemble_.features.size()));
  }
  const auto index = static_cast<uint32_t>(feature);
  const int32_t missing = decision >> 2 & 3;
  if (decision < 0 || decision > 15 || missing == 3) {
    return at_split(split, fmt::format("decision_type {} is not known", decision));
  }
  if ((decision & kCategorical) != 0) {
    threshold = 0.5;
    return category_column(split, index);
  }
  threshold = thresholds_[split] == kInfinity ? kInfiniteThreshold
                                              : std::nextafter(thresholds_[split], kInfinity);
  if (!std::isfinite(threshold) || (threshold > kLargestValue && thresholds_[split] != kInfinity)) {
    return at_split(split, fmt::format("its threshold is {}", thresholds_[split]));
  }
  const bool left = (decision & kDefaultLeft) != 0;
  if (missing == kNone) return ensemble_.numeric_column(index, ColumnKind::kMissingIsZero);
  if (missing == kZero) {
    return ensemble_.numeric_column(index, left ? ColumnKind::kZeroLeft : ColumnKind::kZeroRight);
  }
  return ensemble_.numeric_column(index, left ? Missing::kLeft : Missing::kRight);
}

Result<uint32_t> LightgbmTreeReader::category_column(uint32_t split, uint32_t feature) {
  const double set = thresholds_[split];
  if (!(set >= 0 && set < num_cat_) || set != std::trunc(set)) {
    return at_split(split, fmt::format("its set of categories is {}, of {}", set, num_cat_));
  }
  const auto which = static_cast<size_t>(set);
  std::vector<int32_t> codes;
  for (int32_t w = boundaries_[which]; w < boundaries_[which + 1]; ++w) {
    const auto base = static_cast<uint64_t>(w - boundaries_[which]) * 32;
    const uint32_t word = cat_words_[static_cast<size_t>(w)];
    for (uint32_t bit = 0; bit < 32; ++bit) {
      if ((word >> bit & 1) == 0) continue;
      if (base + bit >= kMaxCategory) {
        return at_split(split,
                        fmt::format("category {}; codes are below {}", base + bit, kMaxCategory));
      }
      codes.push_back(static_cast<int32_t>(base + bit));
    }
  }
  auto column = ensemble_.set_column(feature, ColumnKind::kNotInSet, codes);
  if (!column) return fail(column.error().in(fmt::format("split {}", split)));
  return column;
}

}  // namespace tidemill::model
