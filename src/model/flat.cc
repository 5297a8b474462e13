#include "model/flat.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/text.h"

namespace tidemill::model {
namespace {

tl::unexpected<Error> damaged(std::string message) {
  return fail(Code::kInvalid,
              "flat model file: " + std::move(message) + "; compile the model again");
}

constexpr uint32_t kMaxColumns = 8 * kMaxFeatures + kMaxNodes;
constexpr uint32_t kMaxVectorNumbers = kMaxNodes;
constexpr uint32_t kMaxTerms = kMaxNodes;

// Breadth first, the children of the k-th split are the nodes 2k + 1 and 2k + 2. That alone proves
// a tree: each node reached, by one way, without a cycle.
template <class Node>
Status check_tree(const Node* nodes, const FlatTree& tree, uint32_t columns, size_t index) {
  const auto at = [index](uint32_t node, std::string_view what) {
    return damaged(fmt::format("tree {}, node {}: {}", index, node, what));
  };
  uint32_t next = 1;       // where the next pair of children belongs
  uint32_t level_end = 1;  // the nodes before it have depth `depth` or less
  uint32_t depth = 0;
  for (uint32_t n = 0; n < tree.nodes; ++n) {
    if (n == level_end) {
      ++depth;
      level_end = next;
    }
    if (n >= next) return at(n, "nothing reaches it");
    const Node& node = nodes[tree.first_node + n];
    if (!std::isfinite(node.value)) return at(n, "its value is not finite");
    if (node.step == 0) {
      if (node.column != 0) return at(n, "a leaf names a column");
      continue;
    }
    if (node.column == 0 || node.column >= columns) return at(n, "its column does not exist");
    if (node.step != next - n || tree.nodes - next < 2) return at(n, "its children are elsewhere");
    next += 2;
  }
  if (depth != tree.depth || depth > kMaxDepth) {
    return damaged(
        fmt::format("tree {}: depth {} is stated, {} is true", index, tree.depth, depth));
  }
  return {};
}

}  // namespace

const FlatHeader& FlatModel::header() const {
  return *reinterpret_cast<const FlatHeader*>(bytes_.data());
}

uint32_t FlatModel::predictions() const {
  if (transform() == Transform::kTwoClasses) return 2;
  return transform() == Transform::kArgmax ? 1 : outputs();
}

std::string_view FlatModel::origin_name() const {
  constexpr std::string_view kNames[kOrigins] = {"xgboost", "lightgbm", "catboost", "scorecard",
                                                 "pmml"};
  return kNames[header().origin];
}

std::string FlatModel::source_sha256() const {
  const auto& digest = header().source_sha256;
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

Result<FlatModel> FlatModel::open(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(FlatHeader)) {
    return damaged(fmt::format("{} bytes are less than a header", bytes.size()));
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(uint64_t) != 0) {
    return fail(Code::kInternal, "flat model bytes do not begin at a multiple of 8");
  }
  FlatModel model;
  model.bytes_ = bytes;
  TIDEMILL_TRY(model.check_header());
  const FlatLayout layout(model.header());
  const auto at = [&](auto*& pointer, uint64_t offset) {
    pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(bytes.data() + offset);
  };
  at(model.features_, layout.features);
  at(model.categories_, layout.categories);
  at(model.strings_, layout.strings);
  at(model.base_margins_, layout.base_margins);
  at(model.offsets_, layout.offsets);
  at(model.iterations_, layout.iterations);
  at(model.trees_, layout.trees);
  at(model.columns_, layout.columns);
  at(model.sets_, layout.sets);
  at(model.nodes_, layout.nodes);
  at(model.origins_, layout.origins);
  at(model.extras_, layout.extras);
  at(model.vectors_, layout.vectors);
  at(model.linear_, layout.linear);
  at(model.terms_, layout.terms);
  TIDEMILL_TRY(model.check_counts());
  TIDEMILL_TRY(model.check_texts());
  TIDEMILL_TRY(model.check_columns());
  TIDEMILL_TRY(model.check_extras());
  if (!model.is_float32()) {
    TIDEMILL_TRY(model.check_trees(model.double_nodes()));
  } else {
    TIDEMILL_TRY(model.is_narrow() ? model.check_trees(model.narrow_nodes())
                                   : model.check_trees(model.wide_nodes()));
  }
  return model;
}

Status FlatModel::check_header() const {
  const FlatHeader& h = header();
  if (h.magic != kFlatMagic) return damaged("it does not begin with TIDEMODL");
  if (h.version != kFlatVersion) {
    return damaged(fmt::format("version {} is not known, {} is", h.version, kFlatVersion));
  }
  if (h.header_bytes != sizeof(FlatHeader)) return damaged("the header has another size");
  if (h.file_bytes != bytes_.size()) {
    return damaged(fmt::format("{} bytes are stated, {} are there", h.file_bytes, bytes_.size()));
  }
  const std::string_view all(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
  if (hash64(all.substr(kChecksumFrom)) != h.checksum) return damaged("the checksum differs");
  const bool is_float32 = h.family == static_cast<uint32_t>(Family::kFloat32);
  const bool is_node = is_float32
                           ? h.node_bytes == sizeof(NarrowNode) || h.node_bytes == sizeof(WideNode)
                           : h.node_bytes == sizeof(DoubleNode);
  if (h.family < 1 || h.family > 2 || h.transform >= kTransforms || !is_node ||
      (h.flags & ~kFlags) != 0 || h.unknown_text >= kUnknownTexts || h.origin >= kOrigins ||
      h.zero != decltype(h.zero){} || !std::isfinite(h.slope) || !std::isfinite(h.scale)) {
    return damaged("family, transform, node size, flags or scale are not known");
  }
  if (is_float32 && (h.flags & (kFlagScaled | kFlagAverages | kFlagTinyIsZero)) != 0) {
    return damaged("a float32 model has flags of float64 ones");
  }
  if (h.transform == static_cast<uint32_t>(Transform::kTwoClasses) &&
      (h.outputs != 1 || is_float32)) {
    return damaged("two classes of several outputs, or in float32");
  }
  const struct {
    std::string_view name;
    uint32_t count, least, most;
  } counts[] = {
      {"features", h.features, 1, kMaxFeatures},
      {"outputs", h.outputs, 1, kMaxOutputs},
      {"trees", h.trees, 0, kMaxTrees},
      {"iterations", h.iterations, 0, kMaxTrees},
      {"columns", h.columns, 1, kMaxColumns},
      {"nodes", h.nodes, 0, kMaxNodes},
      {"categories", h.categories, 0, kMaxCategories},
      {"set words", h.set_words, 0, kMaxSetWords},
      {"string bytes", h.string_bytes, 0, kMaxFileBytes},
      {"leaf vectors", h.vectors, 0, kMaxVectorNumbers / std::max(h.outputs, 1u)},
      {"linear leaves", h.linear_leaves, 0, h.vectors == 0 ? kMaxNodes : 0},
      {"terms", h.terms, 0, kMaxTerms},
  };
  for (const auto& c : counts) {
    if (c.count >= c.least && c.count <= c.most) continue;
    return damaged(
        fmt::format("{} {}; from {} to {} are allowed", c.count, c.name, c.least, c.most));
  }
  if (FlatLayout(h).end != bytes_.size()) return damaged("the counts do not make up its size");
  return {};
}

Status FlatModel::check_counts() const {
  const FlatHeader& h = header();
  for (uint32_t i = 0; i < h.outputs; ++i) {
    if (!std::isfinite(base_margins_[i])) return damaged("a base margin is not finite");
    if (has(kFlagScaled) && !std::isfinite(offsets_[i])) return damaged("an offset is not finite");
  }
  if (iterations_[0] != 0 || iterations_[h.iterations] != h.trees ||
      !std::is_sorted(iterations_, iterations_ + h.iterations + 1)) {
    return damaged("the iterations do not cover the trees");
  }
  return {};
}

Status FlatModel::check_texts() const {
  const FlatHeader& h = header();
  const auto is_good = [&](FlatText t) {
    return t.bytes <= kMaxNameBytes && t.begin <= h.string_bytes &&
           t.bytes <= h.string_bytes - t.begin && is_utf8(text(t)) &&
           text(t).find('\0') == std::string_view::npos;
  };
  if (!is_good({h.objective_begin, h.objective_bytes})) return damaged("the objective's name");
  uint32_t next = 0;
  for (uint32_t i = 0; i < h.features; ++i) {
    const FlatFeature& f = features_[i];
    if (!is_good(f.name)) return damaged(fmt::format("the name of feature {}", i));
    if (f.first_category != next || f.categories > h.categories - next) {
      return damaged(fmt::format("the categories of feature {}", i));
    }
    next += f.categories;
  }
  if (next != h.categories) return damaged("categories of no feature");
  for (uint32_t i = 0; i < h.categories; ++i) {
    if (!is_good(categories_[i])) return damaged(fmt::format("the text of category {}", i));
  }
  return {};
}

Status FlatModel::check_columns() {
  const FlatHeader& h = header();
  for (uint32_t i = 0; i < h.columns; ++i) {
    const FlatColumn& c = columns_[i];
    const bool is_set = is_set_column(static_cast<ColumnKind>(c.kind));
    has_special_columns_ |= c.kind >= static_cast<uint32_t>(ColumnKind::kSetMissingLeft);
    const bool words_are_right =
        is_set ? c.first_word <= h.set_words && c.words <= h.set_words - c.first_word
               : c.first_word == 0 && c.words == 0;
    if (c.feature >= h.features || c.kind >= kColumnKinds || (c.kind == 0) != (i == 0) ||
        !words_are_right) {
      return damaged(fmt::format("column {}", i));
    }
  }
  return {};
}

Status FlatModel::check_extras() const {
  const FlatHeader& h = header();
  const uint64_t numbers = uint64_t{h.vectors} * h.outputs;
  if (!std::all_of(vectors_, vectors_ + numbers, [](double v) { return std::isfinite(v); })) {
    return damaged("a number of a leaf vector is not finite");
  }
  for (uint32_t i = 0; i < h.linear_leaves; ++i) {
    const FlatLinearLeaf& leaf = linear_[i];
    if (!std::isfinite(leaf.constant) || leaf.first_term > h.terms ||
        leaf.terms > h.terms - leaf.first_term) {
      return damaged(fmt::format("linear leaf {}", i));
    }
  }
  for (uint32_t i = 0; i < h.terms; ++i) {
    if (std::isfinite(terms_[i].coefficient) && terms_[i].feature < h.features) continue;
    return damaged(fmt::format("term {} of a linear leaf", i));
  }
  return {};
}

// With vectors each leaf has one; with linear leaves some have.
Status FlatModel::check_leaf_extra(size_t node, bool is_leaf) const {
  const uint32_t most = is_leaf ? header().vectors + header().linear_leaves : 0;
  const uint32_t least = is_leaf && header().vectors != 0 ? 1 : 0;
  if (extras_[node] >= least && extras_[node] <= most) return {};
  return damaged(fmt::format("node {}: its vector or linear leaf", node));
}

template <class Node>
Status FlatModel::check_trees(const Node* nodes) {
  const FlatHeader& h = header();
  uint32_t next = 0;
  has_extras_ = h.vectors + h.linear_leaves != 0;
  for (uint32_t i = 0; i < h.nodes && has_extras_; ++i) {
    TIDEMILL_TRY(check_leaf_extra(i, nodes[i].step == 0));
  }
  for (uint32_t i = 0; i < h.trees; ++i) {
    const FlatTree& tree = trees_[i];
    if (tree.output >= h.outputs) return damaged(fmt::format("tree {}: its output", i));
    if (tree.first_node != next || tree.nodes == 0 || tree.nodes > h.nodes - next) {
      return damaged(fmt::format("tree {}: its nodes", i));
    }
    TIDEMILL_TRY(check_tree(nodes, tree, h.columns, i));
    max_depth_ = std::max(max_depth_, tree.depth);
    next += tree.nodes;
  }
  if (next != h.nodes) return damaged("nodes of no tree");
  return {};
}

}  // namespace tidemill::model
