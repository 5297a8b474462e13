#include "model/catboost_model.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/text.h"
#include "model/catboost_ctr.h"
#include "model/json_reader.h"

namespace tidemill::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kLossBytes = 256;

struct Loss {
  std::string_view name;
  Transform transform;
};
constexpr Loss kLosses[] = {
    {"CrossEntropy", Transform::kTwoClasses},
    {"Expectile", Transform::kIdentity},
    {"Focal", Transform::kTwoClasses},
    {"Huber", Transform::kIdentity},
    {"LambdaMart", Transform::kIdentity},
    {"LogCosh", Transform::kIdentity},
    {"Logloss", Transform::kTwoClasses},
    {"LogLinQuantile", Transform::kExp},
    {"Lq", Transform::kIdentity},
    {"MAE", Transform::kIdentity},
    {"MAPE", Transform::kIdentity},
    {"MultiClass", Transform::kSoftmax},
    {"MultiClassOneVsAll", Transform::kSigmoid},
    {"MultiCrossEntropy", Transform::kSigmoid},
    {"MultiLogloss", Transform::kSigmoid},
    {"MultiQuantile", Transform::kIdentity},
    {"MultiRMSE", Transform::kIdentity},
    {"PairLogit", Transform::kIdentity},
    {"PairLogitPairwise", Transform::kIdentity},
    {"Poisson", Transform::kExp},
    {"QueryRMSE", Transform::kIdentity},
    {"QuerySoftMax", Transform::kIdentity},
    {"Quantile", Transform::kIdentity},
    {"RMSE", Transform::kIdentity},
    {"StochasticRank", Transform::kIdentity},
    {"Tweedie", Transform::kExp},
    {"YetiRank", Transform::kIdentity},
    {"YetiRankPairwise", Transform::kIdentity},
};

}  // namespace

Result<std::string> catboost_loss(std::string_view params_json) {
  JsonReader reader(params_json);
  std::string loss;
  TIDEMILL_TRY(reader.object([&](std::string_view name) -> Status {
    if (name != "loss_function") return reader.skip();
    return reader.object([&](std::string_view part) -> Status {
      if (part != "type") return reader.skip();
      TIDEMILL_TRY_LET(type, reader.text(kLossBytes));
      loss = std::move(type);
      return {};
    });
  }));
  return loss;
}

Result<CatboostBuilder> CatboostBuilder::make(CatboostFile file) {
  CatboostBuilder builder(std::move(file));
  Ensemble& ensemble = builder.ensemble_;
  ensemble.origin = Origin::kCatboost;
  ensemble.family = Family::kFloat64;
  ensemble.rounds_rows = true;
  ensemble.unknown_text = UnknownText::kNoMember;
  ensemble.objective = builder.file_.loss;
  const size_t outputs = builder.file_.bias.size();
  if (outputs == 0 || outputs > kMaxOutputs) {
    return fail(Code::kInvalid, fmt::format("the model has {} outputs; from 1 to {} are allowed",
                                            outputs, kMaxOutputs));
  }
  if (!std::isfinite(builder.file_.scale)) return fail(Code::kInvalid, "the scale is not finite");
  for (const double bias : builder.file_.bias) {
    if (!std::isfinite(bias)) return fail(Code::kInvalid, "a bias is not finite");
  }
  std::vector<std::string_view> known;
  bool is_known = false;
  for (const auto& loss : kLosses) {
    known.push_back(loss.name);
    if (loss.name != builder.file_.loss) continue;
    is_known = true;
    ensemble.transform = loss.transform;
  }
  if (!is_known || (ensemble.transform == Transform::kTwoClasses && outputs != 1)) {
    const std::string near = nearest_word(builder.file_.loss, known);
    return fail(Code::kInvalid,
                fmt::format("loss \"{}\" with {} outputs is not supported: its prediction would be "
                            "a guess{}",
                            printable(builder.file_.loss, 60), outputs,
                            near.empty() ? "" : "; the nearest is " + near));
  }
  ensemble.base_margins.assign(outputs, 0);
  ensemble.scale = builder.file_.scale;
  ensemble.offsets = builder.file_.bias;
  TIDEMILL_TRY(builder.place_features());
  TIDEMILL_TRY(builder.make_splits());
  return builder;
}

Status CatboostBuilder::place(uint32_t flat, const std::string& name) {
  if (flat >= kMaxFeatures) {
    return fail(Code::kExhausted,
                fmt::format("flat_feature_index {}; the cap is {} features", flat, kMaxFeatures));
  }
  auto& features = ensemble_.features;
  if (flat >= features.size()) {
    features.resize(flat + size_t{1});
    placed_.resize(features.size());
  }
  if (placed_[flat]) {
    return fail(Code::kInvalid, fmt::format("two features have flat_feature_index {}", flat));
  }
  placed_[flat] = true;
  features[flat].name = name;
  return {};
}

Status CatboostBuilder::place_features() {
  for (const auto& [index, feature] : file_.floats) {
    TIDEMILL_TRY(place(feature.flat, feature.name));
  }
  for (const auto& [index, feature] : file_.categories) {
    TIDEMILL_TRY(place(feature.flat, feature.name));
    ensemble_.features[feature.flat].is_text = true;
  }
  if (ensemble_.features.empty()) return fail(Code::kInvalid, "the model has no features");
  std::unordered_set<std::string_view> distinct;
  ensemble_.named = true;
  for (const auto& feature : ensemble_.features) {
    ensemble_.named &= !feature.name.empty() && distinct.insert(feature.name).second;
  }
  if (ensemble_.named) return {};
  for (size_t i = 0; i < ensemble_.features.size(); ++i) {
    ensemble_.features[i].name = fmt::format("f{}", i);
  }
  return {};
}

// The codes of categories are given in the order in which their hashes are met.
std::vector<int32_t> CatboostBuilder::codes_of(uint32_t flat, std::span<const uint32_t> hashes) {
  std::vector<int32_t> codes;
  auto& categories = ensemble_.features[flat].categories;
  for (const uint32_t hash : hashes) {
    const auto [known, added] =
        codes_.emplace(std::pair(flat, hash), static_cast<int32_t>(categories.size()));
    if (added) categories.push_back(fmt::format("{}", hash));
    codes.push_back(known->second);
  }
  return codes;
}

Status CatboostBuilder::make_splits() {
  for (const auto& [index, feature] : file_.floats) {
    const bool right = feature.nan == CatboostFloatFeature::Nan::kTrue;
    for (const float border : feature.borders) {
      if (!std::isfinite(border)) {
        return fail(Code::kInvalid, fmt::format("float feature {}: a border is not finite", index));
      }
      float_splits_.emplace(std::pair(index, border), splits_.size());
      const uint32_t column =
          ensemble_.numeric_column(feature.flat, right ? Missing::kRight : Missing::kLeft);
      // x > border is not x < the next number after it.
      splits_.push_back({column, std::nextafter(static_cast<double>(border), kInfinity)});
    }
  }
  for (const auto& [index, feature] : file_.categories) {
    for (const int32_t value : feature.one_hot) {
      one_hot_splits_.emplace(std::pair(index, value), splits_.size());
      const auto hash = static_cast<uint32_t>(value);
      TIDEMILL_TRY_LET(column, ensemble_.set_column(feature.flat, ColumnKind::kSetMissingLeft,
                                                    codes_of(feature.flat, {&hash, 1})));
      splits_.push_back({column, 0.5});
    }
  }
  for (const CatboostCtr& ctr : file_.ctrs) TIDEMILL_TRY(make_ctr_splits(ctr));
  if (codes_.size() > kMaxCategories) {
    return fail(Code::kExhausted, fmt::format("more than {} categories", kMaxCategories));
  }
  return {};
}

// The statistic is a number for each category and one for all others: a border divides them.
Status CatboostBuilder::make_ctr_splits(const CatboostCtr& ctr) {
  const auto feature = file_.categories.find(ctr.category_feature);
  if (feature == file_.categories.end()) {
    return fail(Code::kInvalid, fmt::format("a statistic is of category feature {}, which does not "
                                            "exist",
                                            ctr.category_feature));
  }
  const auto table = file_.tables.find(ctr.table);
  if (table == file_.tables.end()) {
    return fail(Code::kInvalid,
                fmt::format("the statistic {} has no table", printable(ctr.table, 100)));
  }
  TIDEMILL_TRY_LET(values, catboost_ctr_values(ctr, table->second));
  const uint32_t flat = feature->second.flat;
  for (const float border : ctr.borders) {
    const bool others_go_right = values.of_others > border;
    std::vector<uint32_t> members;  // who go to the other side than all others
    for (const auto& [hash, value] : values.by_hash) {
      if ((value > border) != others_go_right) members.push_back(hash);
    }
    const ColumnKind kind = others_go_right ? ColumnKind::kNotInSet : ColumnKind::kSetMissingLeft;
    TIDEMILL_TRY_LET(column, ensemble_.set_column(flat, kind, codes_of(flat, members)));
    splits_.push_back({column, 0.5});
  }
  return {};
}

size_t CatboostBuilder::float_split(uint32_t feature, float border) const {
  const auto found = float_splits_.find({feature, border});
  return found == float_splits_.end() ? SIZE_MAX : found->second;
}

size_t CatboostBuilder::one_hot_split(uint32_t feature, int32_t hash) const {
  const auto found = one_hot_splits_.find({feature, hash});
  return found == one_hot_splits_.end() ? SIZE_MAX : found->second;
}

Status CatboostBuilder::add_leaf(uint32_t leaf, std::span<const double> values) {
  Ensemble::Node node{0, 0, 0, leaf, 0};
  for (const double value : values) {
    if (std::isfinite(value)) continue;
    return fail(Code::kInvalid, fmt::format("leaf {}: its value is not finite", leaf));
  }
  if (outputs() == 1) {
    node.value = values[0];
  } else {
    ensemble_.vectors.insert(ensemble_.vectors.end(), values.begin(), values.end());
    node.extra = static_cast<uint32_t>(ensemble_.vectors.size() / outputs());
  }
  ensemble_.nodes.push_back(node);
  return {};
}

Status CatboostBuilder::end_tree(uint32_t first, uint32_t depth) {
  const auto nodes = static_cast<uint32_t>(ensemble_.nodes.size()) - first;
  if (ensemble_.trees.size() >= kMaxTrees) {
    return fail(Code::kExhausted, fmt::format("more than {} trees", kMaxTrees));
  }
  ensemble_.trees.push_back({first, nodes, depth, 0});
  return {};
}

Status CatboostBuilder::add_oblivious(std::span<const uint32_t> splits,
                                      std::span<const double> leaf_values) {
  const auto depth = static_cast<uint32_t>(splits.size());
  if (depth > kMaxObliviousDepth) {
    return fail(Code::kInvalid, fmt::format("the tree has depth {}; at most {} is supported", depth,
                                            kMaxObliviousDepth));
  }
  const size_t leaves = size_t{1} << depth;
  if (leaf_values.size() != leaves * outputs()) {
    return fail(Code::kInvalid,
                fmt::format("{} leaf values; depth {} and {} outputs make {}", leaf_values.size(),
                            depth, outputs(), leaves * outputs()));
  }
  if (leaves * 2 * std::max<size_t>(outputs(), 1) >
      kMaxNodes - std::max(ensemble_.nodes.size(), ensemble_.vectors.size())) {
    return fail(Code::kExhausted, fmt::format("the model has more than {} nodes", kMaxNodes));
  }
  const auto first = static_cast<uint32_t>(ensemble_.nodes.size());
  uint32_t next = 1;
  for (uint32_t level = 0; level < depth; ++level) {
    if (splits[level] >= splits_.size()) {
      return fail(Code::kInvalid, fmt::format("split {} of {}", splits[level], splits_.size()));
    }
    const Split& split = splits_[splits[level]];
    for (uint32_t i = 0; i < 1u << level; ++i, next += 2) {
      ensemble_.nodes.push_back({split.threshold, split.column, next, splits[level], 0});
    }
  }
  // The first split is the last bit of a leaf's number and the first step of its way.
  for (uint32_t way = 0; way < leaves; ++way) {
    uint32_t leaf = 0;
    for (uint32_t d = 0; d < depth; ++d) leaf |= (way >> (depth - 1 - d) & 1) << d;
    TIDEMILL_TRY(add_leaf(leaf, leaf_values.subspan(leaf * outputs(), outputs())));
  }
  return end_tree(first, depth);
}

Status CatboostBuilder::add_tree(std::span<const Node> nodes) {
  if (nodes.size() > kMaxNodes - ensemble_.nodes.size()) {
    return fail(Code::kExhausted, fmt::format("the model has more than {} nodes", kMaxNodes));
  }
  const auto first = static_cast<uint32_t>(ensemble_.nodes.size());
  struct Reached {
    uint32_t node, depth;
  };
  std::vector<Reached> queue = {{0, 0}};
  std::vector<bool> seen(nodes.size());
  for (size_t i = 0; i < queue.size(); ++i) {
    const Reached reached = queue[i];
    const Node& node = nodes[reached.node];
    if (seen[reached.node]) {
      return fail(Code::kInvalid,
                  fmt::format("node {} is reached by two ways: not a tree", reached.node));
    }
    seen[reached.node] = true;
    if (node.left == 0) {
      if (node.values.size() != outputs()) {
        return fail(Code::kInvalid, fmt::format("leaf {} has {} values; the model has {} outputs",
                                                node.leaf, node.values.size(), outputs()));
      }
      TIDEMILL_TRY(add_leaf(node.leaf, node.values));
      continue;
    }
    if (node.split >= splits_.size() || node.left >= nodes.size() || node.right >= nodes.size()) {
      return fail(Code::kInvalid,
                  fmt::format("node {}: its split or a child does not exist", reached.node));
    }
    if (reached.depth >= kMaxDepth) {
      return fail(Code::kInvalid, fmt::format("the tree is deeper than {} levels", kMaxDepth));
    }
    const Split& split = splits_[node.split];
    ensemble_.nodes.push_back(
        {split.threshold, split.column, static_cast<uint32_t>(queue.size()), node.split, 0});
    queue.push_back({node.left, reached.depth + 1});
    queue.push_back({node.right, reached.depth + 1});
  }
  return end_tree(first, queue.back().depth);
}

Result<Ensemble> CatboostBuilder::finish() {
  for (uint32_t i = 0; i <= ensemble_.trees.size(); ++i) ensemble_.iterations.push_back(i);
  return std::move(ensemble_);
}

}  // namespace tidemill::model
