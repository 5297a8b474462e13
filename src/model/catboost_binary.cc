#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "model/catboost.h"
#include "model/catboost_model.h"
#include "model/flatbuffer.h"

namespace tidemill::model {
namespace {

constexpr std::string_view kMagic = "CBM1";
constexpr std::string_view kFormat = "FlabuffersModel_v1";  // the library's spelling
constexpr std::string_view kStatistics = "static_provider_v1";
constexpr uint32_t kInnerNode = UINT32_MAX;
constexpr uint64_t kNoCategory = UINT64_MAX;

// Slots of the tables that are read.
enum Core { kFormatVersion, kTreesTable, kInfoMap, kPartIds };
enum Trees {
  kOutputs,
  kTreeSplits,
  kTreeSizes,
  kTreeStarts,
  kCategoryFeatures,
  kFloatFeatures,
  kOneHotFeatures,
  kCtrFeatures,
  kLeafValues,
  kLeafWeights,
  kStepNodes,
  kLeafOfNode,
  kTextFeatures,
  kEstimatedFeatures,
  kScale,
  kBias,
  kMultiBias,
  kRepackedBins,
  kEmbeddingFeatures,
};

struct Step {
  uint16_t left, right;  // how far the next node is; 0 = the walk ends here
};
static_assert(sizeof(Step) == 4);
constexpr size_t kHashPlaceBytes = 12;  // a hash of 8 and a place of 4

// A number at the front of `bytes`, taken off it.
Result<uint32_t> take_size(std::string_view& bytes, std::string_view what) {
  uint32_t size = 0;
  if (bytes.size() < sizeof size) {
    return fail(Code::kInvalid,
                fmt::format("the file ends before the size of {}: it is cut", what));
  }
  std::memcpy(&size, bytes.data(), sizeof size);
  bytes.remove_prefix(sizeof size);
  return size;
}

Result<std::string_view> take_part(std::string_view& bytes, std::string_view what) {
  TIDEMILL_TRY_LET(size, take_size(bytes, what));
  if (size > bytes.size()) {
    return fail(Code::kInvalid, fmt::format("{} has {} bytes, {} are left: the file is cut or "
                                            "damaged",
                                            what, size, bytes.size()));
  }
  const std::string_view part = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return part;
}

std::string name_of(std::string_view text) {
  return text.size() <= kMaxNameBytes && is_utf8(text) && text.find('\0') == text.npos
             ? std::string(text)
             : std::string();
}

Result<uint32_t> index_of(const FlatBufferTable& table, uint32_t slot) {
  TIDEMILL_TRY_LET(index, table.number<int32_t>(slot, 0));
  if (index >= 0 && index < static_cast<int32_t>(kMaxFeatures)) return static_cast<uint32_t>(index);
  return fail(Code::kInvalid, fmt::format("a feature has the index {}", index));
}

// Of the kind of a statistic and its category feature: the name of its table.
struct CtrBase {
  uint32_t feature = 0;
  CatboostCtrType type = CatboostCtrType::kBorders;
  std::string name;
};

Result<CtrBase> read_ctr_base(const FlatBufferTable& table) {
  TIDEMILL_TRY_LET(combination, table.table(0));
  TIDEMILL_TRY_LET(type, table.number<int8_t>(1, 0));
  TIDEMILL_TRY_LET(classifier, table.number<int32_t>(2, 0));
  TIDEMILL_TRY_LET(features, combination.vector<int32_t>(0));
  TIDEMILL_TRY_LET(float_splits, combination.tables(1));
  TIDEMILL_TRY_LET(one_hot_splits, combination.tables(2));
  if (features.size() != 1 || !float_splits.empty() || !one_hot_splits.empty()) {
    return fail(Code::kInvalid,
                "statistics of several features together are not supported; train with "
                "max_ctr_complexity=1");
  }
  if (type < 0 || type > static_cast<int8_t>(CatboostCtrType::kFrequency) || features[0] < 0) {
    return fail(Code::kInvalid, fmt::format("statistics of type {} are not known", type));
  }
  CtrBase base;
  base.feature = static_cast<uint32_t>(features[0]);
  base.type = static_cast<CatboostCtrType>(type);
  base.name = fmt::format("{}/{}/{}", base.feature, type, classifier);
  return base;
}

class CatboostBinaryReader {
 public:
  Result<Ensemble> read(std::string_view file) {
    if (!file.starts_with(kMagic)) return fail(Code::kInvalid, "it does not begin with CBM1");
    std::string_view rest = file.substr(kMagic.size());
    TIDEMILL_TRY_LET(core_bytes, take_part(rest, "the model"));
    FlatBuffer buffer(core_bytes);
    TIDEMILL_TRY_LET(core, buffer.root());
    TIDEMILL_TRY_LET(format, core.text(kFormatVersion));
    if (format != kFormat) {
      return fail(Code::kInvalid, fmt::format("format version \"{}\" is not known, {} is",
                                              printable(format, 40), kFormat));
    }
    TIDEMILL_TRY(read_loss(core));
    TIDEMILL_TRY_LET(trees, core.table(kTreesTable));
    TIDEMILL_TRY(read_scale(trees));
    TIDEMILL_TRY(read_floats(trees));
    TIDEMILL_TRY(read_categories(trees));
    TIDEMILL_TRY(read_ctrs(trees));
    TIDEMILL_TRY(refuse_others(trees));
    TIDEMILL_TRY(read_parts(core, rest));
    TIDEMILL_TRY_LET(builder, CatboostBuilder::make(std::move(file_)));
    TIDEMILL_TRY(read_trees(trees, builder));
    return builder.finish();
  }

 private:
  Status read_loss(const FlatBufferTable& core) {
    TIDEMILL_TRY_LET(pairs, core.tables(kInfoMap));
    for (const FlatBufferTable& pair : pairs) {
      TIDEMILL_TRY_LET(key, pair.text(0));
      if (key != "params") continue;
      TIDEMILL_TRY_LET(value, pair.text(1));
      TIDEMILL_TRY_LET(loss, catboost_loss(value));
      file_.loss = std::move(loss);
    }
    return {};
  }

  Status read_scale(const FlatBufferTable& trees) {
    TIDEMILL_TRY_LET(outputs, trees.number<int32_t>(kOutputs, 0));
    TIDEMILL_TRY_LET(scale, trees.number<double>(kScale, 1));
    TIDEMILL_TRY_LET(bias, trees.number<double>(kBias, 0));
    TIDEMILL_TRY_LET(biases, trees.vector<double>(kMultiBias));
    if (outputs < 1 || outputs > static_cast<int32_t>(kMaxOutputs)) {
      return fail(Code::kInvalid, fmt::format("the model has {} outputs", outputs));
    }
    file_.scale = scale;
    file_.bias = std::move(biases);
    if (file_.bias.empty()) file_.bias.assign(static_cast<size_t>(outputs), bias);
    if (file_.bias.size() == static_cast<size_t>(outputs)) return {};
    return fail(Code::kInvalid,
                fmt::format("the model has {} outputs and {} biases", outputs, file_.bias.size()));
  }

  Status read_floats(const FlatBufferTable& trees) {
    TIDEMILL_TRY_LET(features, trees.tables(kFloatFeatures));
    for (const FlatBufferTable& table : features) {
      CatboostFloatFeature feature;
      TIDEMILL_TRY_LET(index, index_of(table, 1));
      TIDEMILL_TRY_LET(flat, index_of(table, 2));
      TIDEMILL_TRY_LET(borders, table.vector<float>(3));
      TIDEMILL_TRY_LET(name, table.text(4));
      TIDEMILL_TRY_LET(nan, table.number<int8_t>(5, 0));
      if (nan < 0 || nan > 2) {
        return fail(Code::kInvalid, fmt::format("float feature {}: NanValueTreatment {} is not "
                                                "known",
                                                index, nan));
      }
      feature.flat = flat;
      feature.borders = std::move(borders);
      feature.name = name_of(name);
      if (nan == 2) feature.nan = CatboostFloatFeature::Nan::kTrue;
      order_.push_back(index);
      if (!file_.floats.emplace(index, std::move(feature)).second) {
        return fail(Code::kInvalid, fmt::format("float feature {} occurs twice", index));
      }
    }
    // Splits are numbered in the file's order.
    if (std::is_sorted(order_.begin(), order_.end())) return {};
    return fail(Code::kInvalid, "the float features are not in the order of their numbers");
  }

  Status read_categories(const FlatBufferTable& trees) {
    TIDEMILL_TRY_LET(features, trees.tables(kCategoryFeatures));
    for (const FlatBufferTable& table : features) {
      TIDEMILL_TRY_LET(index, index_of(table, 0));
      TIDEMILL_TRY_LET(flat, index_of(table, 1));
      TIDEMILL_TRY_LET(name, table.text(2));
      if (!file_.categories.emplace(index, CatboostCategoryFeature{flat, name_of(name), {}})
               .second) {
        return fail(Code::kInvalid, fmt::format("category feature {} occurs twice", index));
      }
    }
    TIDEMILL_TRY_LET(one_hot, trees.tables(kOneHotFeatures));
    uint32_t before = 0;
    for (const FlatBufferTable& table : one_hot) {
      TIDEMILL_TRY_LET(index, index_of(table, 0));
      TIDEMILL_TRY_LET(values, table.vector<int32_t>(1));
      const auto feature = file_.categories.find(index);
      if (feature == file_.categories.end() || index < before || !feature->second.one_hot.empty()) {
        return fail(Code::kInvalid, fmt::format("one-hot values of category feature {}, which does "
                                                "not exist or is out of order",
                                                index));
      }
      before = index;
      feature->second.one_hot = std::move(values);
    }
    return {};
  }

  Status read_ctrs(const FlatBufferTable& trees) {
    TIDEMILL_TRY_LET(features, trees.tables(kCtrFeatures));
    for (const FlatBufferTable& table : features) {
      TIDEMILL_TRY_LET(model, table.table(0));
      TIDEMILL_TRY_LET(borders, table.vector<float>(1));
      TIDEMILL_TRY_LET(base_table, model.table(0));
      TIDEMILL_TRY_LET(base, read_ctr_base(base_table));
      TIDEMILL_TRY_LET(target_border, model.number<int32_t>(1, 0));
      TIDEMILL_TRY_LET(prior, model.number<float>(2, 0));
      TIDEMILL_TRY_LET(prior_denominator, model.number<float>(3, 1));
      TIDEMILL_TRY_LET(shift, model.number<float>(4, 0));
      TIDEMILL_TRY_LET(scale, model.number<float>(5, 1));
      if (target_border < 0) return fail(Code::kInvalid, "a statistic has a negative border");
      CatboostCtr ctr;
      ctr.type = base.type;
      ctr.category_feature = base.feature;
      ctr.target_border = static_cast<uint32_t>(target_border);
      ctr.prior = prior;
      ctr.prior_denominator = prior_denominator;
      ctr.shift = shift;
      ctr.scale = scale;
      ctr.borders = std::move(borders);
      ctr.table = std::move(base.name);
      file_.ctrs.push_back(std::move(ctr));
    }
    return {};
  }

  Status refuse_others(const FlatBufferTable& trees) {
    const std::pair<uint32_t, std::string_view> others[] = {
        {kTextFeatures, "text features"},
        {kEstimatedFeatures, "estimated features"},
        {kEmbeddingFeatures, "embedding features"},
    };
    for (const auto& [slot, what] : others) {
      TIDEMILL_TRY_LET(features, trees.tables(slot));
      if (features.empty()) continue;
      return fail(Code::kInvalid, fmt::format("the model has {}, which are not supported", what));
    }
    return {};
  }

  // What follows the core: the tables of statistics.
  Status read_parts(const FlatBufferTable& core, std::string_view rest) {
    TIDEMILL_TRY_LET(names, core.texts(kPartIds));
    for (const std::string_view name : names) {
      if (name != kStatistics || names.size() != 1) {
        return fail(Code::kInvalid, fmt::format("the model has the part \"{}\", which is not "
                                                "supported",
                                                printable(name, 40)));
      }
      TIDEMILL_TRY_LET(count, take_size(rest, "the statistics"));
      for (uint32_t i = 0; i < count; ++i) {
        TIDEMILL_TRY_LET(bytes, take_part(rest, "a table of statistics"));
        TIDEMILL_TRY(read_table(bytes));
      }
    }
    if (rest.empty()) return {};
    return fail(Code::kInvalid, fmt::format("{} bytes follow the model", rest.size()));
  }

  Status read_table(std::string_view bytes) {
    FlatBuffer buffer(bytes);
    TIDEMILL_TRY_LET(root, buffer.root());
    TIDEMILL_TRY_LET(base_table, root.table(0));
    TIDEMILL_TRY_LET(base, read_ctr_base(base_table));
    TIDEMILL_TRY_LET(places, root.bytes(1));
    TIDEMILL_TRY_LET(blob, root.bytes(2));
    TIDEMILL_TRY_LET(denominator, root.number<int32_t>(3, 0));
    TIDEMILL_TRY_LET(classes, root.number<int32_t>(4, 0));
    const bool is_mean =
        base.type == CatboostCtrType::kTargetMean || base.type == CatboostCtrType::kFloatTargetMean;
    const bool is_counter =
        base.type == CatboostCtrType::kCounter || base.type == CatboostCtrType::kFrequency;
    const size_t numbers = is_mean ? 2 : is_counter ? 1 : static_cast<size_t>(std::max(classes, 0));
    if (numbers == 0 || numbers > kMaxOutputs || places.size() % kHashPlaceBytes != 0) {
      return fail(Code::kInvalid, "a table of statistics has no classes or is cut");
    }
    CatboostCtrTable table;
    table.denominator = denominator;
    for (size_t at = 0; at < places.size(); at += kHashPlaceBytes) {
      uint64_t hash = 0;
      uint32_t place = 0;
      std::memcpy(&hash, places.data() + at, sizeof hash);
      std::memcpy(&place, places.data() + at + sizeof hash, sizeof place);
      if (hash == kNoCategory) continue;
      const size_t begin = size_t{place} * numbers * sizeof(int32_t);
      if (begin + numbers * sizeof(int32_t) > blob.size()) {
        return fail(Code::kInvalid, fmt::format("a table of statistics has place {} outside of its "
                                                "counts",
                                                place));
      }
      std::vector<double> counts;
      for (size_t k = 0; k < numbers; ++k) {
        const char* const from = blob.data() + begin + k * sizeof(int32_t);
        float real = 0;
        int32_t whole = 0;
        std::memcpy(&real, from, sizeof real);
        std::memcpy(&whole, from, sizeof whole);
        counts.push_back(is_mean && k == 0 ? static_cast<double>(real) : whole);
      }
      table.counts[hash] = std::move(counts);
    }
    file_.tables[base.name] = std::move(table);
    return {};
  }

  Status read_trees(const FlatBufferTable& trees, CatboostBuilder& builder) {
    TIDEMILL_TRY_LET(splits, trees.vector<int32_t>(kTreeSplits));
    TIDEMILL_TRY_LET(sizes, trees.vector<int32_t>(kTreeSizes));
    TIDEMILL_TRY_LET(starts, trees.vector<int32_t>(kTreeStarts));
    TIDEMILL_TRY_LET(values, trees.vector<double>(kLeafValues));
    TIDEMILL_TRY_LET(steps, trees.vector<Step>(kStepNodes));
    TIDEMILL_TRY_LET(leaves, trees.vector<uint32_t>(kLeafOfNode));
    splits_ = std::move(splits);
    values_ = std::move(values);
    steps_ = std::move(steps);
    leaves_ = std::move(leaves);
    if (sizes.size() != starts.size()) {
      return fail(Code::kInvalid,
                  fmt::format("{} tree sizes and {} tree starts", sizes.size(), starts.size()));
    }
    if (!steps_.empty() && (steps_.size() != splits_.size() || leaves_.size() != splits_.size())) {
      return fail(Code::kInvalid, fmt::format("{} splits, {} steps and {} leaves of nodes",
                                              splits_.size(), steps_.size(), leaves_.size()));
    }
    for (size_t i = 0; i < sizes.size(); ++i) {
      const int64_t start = starts[i], size = sizes[i];
      if (start < 0 || size < 0 || start + size > static_cast<int64_t>(splits_.size())) {
        return fail(Code::kInvalid, fmt::format("tree {}: its splits are {} to {}, of {}", i, start,
                                                start + size, splits_.size()));
      }
      const auto begin = static_cast<size_t>(start), count = static_cast<size_t>(size);
      auto added =
          steps_.empty() ? add_oblivious(builder, begin, count) : add_tree(builder, begin, count);
      if (!added) return fail(added.error().in(fmt::format("tree {}", i)));
    }
    if (steps_.empty() && next_value_ != values_.size()) {
      return fail(Code::kInvalid, fmt::format("the trees have {} leaf values, the file {}",
                                              next_value_, values_.size()));
    }
    return {};
  }

  Status add_oblivious(CatboostBuilder& builder, size_t begin, size_t depth) {
    if (depth > kMaxObliviousDepth) {
      return fail(Code::kInvalid, fmt::format("it has depth {}; at most {} is supported", depth,
                                              kMaxObliviousDepth));
    }
    std::vector<uint32_t> splits;
    for (size_t i = begin; i < begin + depth; ++i) {
      splits.push_back(static_cast<uint32_t>(splits_[i]));
    }
    const size_t count = (size_t{1} << depth) * builder.outputs();
    if (count > values_.size() - next_value_) {
      return fail(Code::kInvalid, fmt::format("it needs {} leaf values, {} are left", count,
                                              values_.size() - next_value_));
    }
    const auto values = std::span<const double>(values_).subspan(next_value_, count);
    next_value_ += count;
    return builder.add_oblivious(splits, values);
  }

  // A node is an inner one, or, where a step of 0 ends the walk, has a leaf on that side.
  Status add_tree(CatboostBuilder& builder, size_t begin, size_t count) {
    if (count == 0) return fail(Code::kInvalid, "it has no nodes");
    uint32_t first_leaf = UINT32_MAX;
    for (size_t n = begin; n < begin + count; ++n) first_leaf = std::min(first_leaf, leaves_[n]);
    std::vector<CatboostBuilder::Node> nodes(count);
    for (size_t n = 0; n < count; ++n) {
      const Step step = steps_[begin + n];
      if (step.left == 0 && step.right == 0) {
        TIDEMILL_TRY(make_leaf(builder, begin + n, first_leaf, nodes[n]));
        continue;
      }
      nodes[n].split = static_cast<uint32_t>(splits_[begin + n]);
      for (const auto& [distance, child] : {std::pair(step.left, &CatboostBuilder::Node::left),
                                            std::pair(step.right, &CatboostBuilder::Node::right)}) {
        const size_t place = distance == 0 ? nodes.size() : n + distance;
        if (distance != 0 && place >= count) {
          return fail(Code::kInvalid,
                      fmt::format("node {}: its child is node {}, of {}", n, place, count));
        }
        nodes[n].*child = static_cast<uint32_t>(place);
        if (distance != 0) continue;
        CatboostBuilder::Node leaf;
        TIDEMILL_TRY(make_leaf(builder, begin + n, first_leaf, leaf));
        nodes.push_back(std::move(leaf));
      }
    }
    return builder.add_tree(nodes);
  }

  Status make_leaf(const CatboostBuilder& builder, size_t node, uint32_t first_leaf,
                   CatboostBuilder::Node& leaf) {
    const size_t outputs = builder.outputs(), at = leaves_[node];
    if (leaves_[node] == kInnerNode || at > values_.size() || outputs > values_.size() - at) {
      return fail(Code::kInvalid,
                  fmt::format("its leaf values begin at {}, of {}", at, values_.size()));
    }
    leaf.leaf = static_cast<uint32_t>((at - first_leaf) / outputs);
    const auto begin = values_.begin() + static_cast<ptrdiff_t>(at);
    leaf.values.assign(begin, begin + static_cast<ptrdiff_t>(outputs));
    return {};
  }

  CatboostFile file_;
  std::vector<uint32_t> order_;
  std::vector<int32_t> splits_;
  std::vector<double> values_;
  std::vector<Step> steps_;
  std::vector<uint32_t> leaves_;
  size_t next_value_ = 0;
};

}  // namespace

Result<Ensemble> read_catboost_binary(std::string_view file) {
  return CatboostBinaryReader().read(file);
}

}  // namespace tidemill::model
