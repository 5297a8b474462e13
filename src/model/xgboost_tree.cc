#include "model/xgboost_tree.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace tidemill::model {
namespace {

constexpr int32_t kNoParent = 2147483647;  // of the root; -1 in trees of some writers
constexpr int32_t kDeletedFeature = 2147483647;
constexpr size_t kParamBytes = 64;

constexpr std::string_view kRequired[] = {"left_children", "right_children",   "parents",
                                          "split_indices", "split_conditions", "default_left",
                                          "tree_param"};

tl::unexpected<Error> at_node(size_t node, std::string_view message) {
  return fail(Code::kInvalid, fmt::format("node {}: {}", node, message));
}

}  // namespace

Result<uint32_t> xgboost_number(std::string_view where, std::string_view text, uint32_t limit) {
  uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec == std::errc::invalid_argument || end != text.data() + text.size()) {
    return fail(Code::kInvalid, fmt::format("{}: \"{}\" is not a whole number from 0 up", where,
                                            printable(text, 40)));
  }
  if (ec != std::errc{} || value > limit) {
    return fail(Code::kExhausted, fmt::format("{}: {} is more than the cap of {}", where,
                                              printable(text, 40), limit));
  }
  return static_cast<uint32_t>(value);
}

Status XgboostTreeReader::read(DocumentReader& reader) {
  TIDEMILL_TRY(read_arrays(reader));
  TIDEMILL_TRY(check_vectors());
  TIDEMILL_TRY(check_lengths());
  TIDEMILL_TRY(check_categories());
  return walk();
}

Status XgboostTreeReader::read_arrays(DocumentReader& reader) {
  seen_ = 0;
  has_split_type_ = has_leaf_weights_ = false;
  leaf_weights_.clear();
  num_nodes_.clear();
  num_deleted_ = "0";
  size_leaf_vector_ = "0";
  lengths_.clear();
  for (auto* array : {&categories_, &category_nodes_, &category_segments_, &category_sizes_}) {
    array->clear();
  }
  TIDEMILL_TRY(reader.object([&](std::string_view name) { return read_member(reader, name); }));
  for (size_t i = 0; i < std::size(kRequired); ++i) {
    if ((seen_ >> i & 1) == 0) {
      return fail(Code::kInvalid, fmt::format("\"{}\" is missing", kRequired[i]));
    }
  }
  return {};
}

Status XgboostTreeReader::read_member(DocumentReader& reader, std::string_view name) {
  for (size_t i = 0; i < std::size(kRequired); ++i) {
    if (name == kRequired[i]) seen_ |= 1u << i;
  }
  const std::pair<std::string_view, std::vector<int32_t>*> integers[] = {
      {"left_children", &left_},
      {"right_children", &right_},
      {"parents", &parents_},
      {"split_indices", &features_},
      {"default_left", &default_left_},
      {"split_type", &split_type_},
      {"categories", &categories_},
      {"categories_nodes", &category_nodes_},
      {"categories_segments", &category_segments_},
      {"categories_sizes", &category_sizes_},
  };
  for (const auto& [known, array] : integers) {
    if (name != known) continue;
    has_split_type_ |= array == &split_type_;
    if (auto read = reader.integers(*array, kMaxNodes); !read) return fail(read.error().in(name));
    return {};
  }
  if (name == "split_conditions") return reader.floats(conditions_, kMaxNodes);
  if (name == "tree_param") return read_param(reader);
  if (name == "id") return reader.skip();
  if (name == "base_weights" || name == "loss_changes" || name == "sum_hessian") {
    TIDEMILL_TRY_LET(counted, reader.count_numbers());
    lengths_.emplace_back(name, counted);
    return {};
  }
  if (name == "leaf_weights") {
    has_leaf_weights_ = true;
    return reader.floats(leaf_weights_, kMaxNodes);
  }
  return fail(Code::kInvalid, fmt::format("\"{}\" is not known; it may change what the tree means",
                                          printable(name, 60)));
}

Status XgboostTreeReader::read_param(DocumentReader& reader) {
  return reader.object([&](std::string_view name) -> Status {
    TIDEMILL_TRY_LET(value, reader.text_or_number(kParamBytes));
    if (name == "num_nodes") num_nodes_ = value;
    if (name == "num_deleted") num_deleted_ = value;
    if (name == "size_leaf_vector") size_leaf_vector_ = value;
    return {};
  });
}

// A tree with vector leaves: a leaf names, as its right child, its place among them.
Status XgboostTreeReader::check_vectors() {
  TIDEMILL_TRY_LET(size,
                   xgboost_number("tree_param.size_leaf_vector", size_leaf_vector_, kMaxOutputs));
  const bool is_first = ensemble_.trees.empty();
  const uint32_t before = vector_;
  vector_ = std::max(size, 1u);
  if (!is_first && before != vector_) {
    return fail(
        Code::kInvalid,
        fmt::format("tree_param.size_leaf_vector is {}; other trees have {}", vector_, before));
  }
  if (vector_ == 1 && has_leaf_weights_ && !leaf_weights_.empty()) {
    return fail(Code::kInvalid, "\"leaf_weights\" without tree_param.size_leaf_vector");
  }
  if (vector_ == 1) return {};
  if (leaf_weights_.size() % vector_ != 0) {
    return fail(Code::kInvalid, fmt::format("\"leaf_weights\" has {} entries, for leaves of {}",
                                            leaf_weights_.size(), vector_));
  }
  if (leaf_weights_.size() > kMaxNodes - ensemble_.vectors.size()) {
    return fail(Code::kExhausted, "the model has too many numbers in its leaves");
  }
  first_vector_ = ensemble_.vectors.size() / vector_;
  for (const float weight : leaf_weights_) {
    if (!std::isfinite(weight)) return fail(Code::kInvalid, "\"leaf_weights\": one is not finite");
    ensemble_.vectors.push_back(static_cast<double>(weight));
  }
  return {};
}

Status XgboostTreeReader::check_lengths() const {
  TIDEMILL_TRY_LET(nodes, xgboost_number("tree_param.num_nodes", num_nodes_, INT32_MAX));
  if (nodes == 0) return fail(Code::kInvalid, "tree_param.num_nodes is 0; a tree has a root");
  std::vector<std::pair<std::string_view, size_t>> lengths = {
      {"left_children", left_.size()},
      {"right_children", right_.size()},
      {"parents", parents_.size()},
      {"split_indices", features_.size()},
      {"split_conditions", conditions_.size()},
      {"default_left", default_left_.size()}};
  if (has_split_type_) lengths.emplace_back("split_type", split_type_.size());
  for (const auto& [name, length] : lengths_) {
    if (name == "base_weights" && vector_ > 1) continue;  // one for each output
    lengths.emplace_back(name, length);
  }
  for (const auto& [name, length] : lengths) {
    if (length == nodes) continue;
    return fail(Code::kInvalid, fmt::format("\"{}\" has {} entries; tree_param.num_nodes is {}",
                                            name, length, nodes));
  }
  if (nodes > kMaxNodes - ensemble_.nodes.size()) {
    return fail(Code::kExhausted, fmt::format("the model has more than {} nodes", kMaxNodes));
  }
  return {};
}

Status XgboostTreeReader::check_categories() {
  const size_t sets = category_nodes_.size();
  if (category_segments_.size() != sets || category_sizes_.size() != sets) {
    return fail(Code::kInvalid,
                fmt::format("categories_nodes, _segments and _sizes have {}, {} and {} entries",
                            sets, category_segments_.size(), category_sizes_.size()));
  }
  for (const int32_t category : categories_) {
    if (category >= 0 && category < kMaxCategory) continue;
    return fail(Code::kInvalid, fmt::format("category {} in \"categories\"; codes are from 0 to {}",
                                            category, kMaxCategory - 1));
  }
  if (sets == 0 && !has_split_type_) return {};
  category_of_node_.assign(count(), -1);
  const int64_t total = static_cast<int64_t>(categories_.size());
  for (size_t i = 0; i < sets; ++i) {
    const int64_t node = category_nodes_[i], begin = category_segments_[i];
    const int64_t size = category_sizes_[i];
    if (node < 0 || node >= static_cast<int64_t>(count())) {
      return fail(Code::kInvalid, fmt::format("categories_nodes[{}] is {}; the tree has {} nodes",
                                              i, node, count()));
    }
    if (begin < 0 || size < 0 || begin + size > total) {
      return at_node(
          static_cast<size_t>(node),
          fmt::format("its categories are entries {} to {}, of {}", begin, begin + size, total));
    }
    if (category_of_node_[static_cast<size_t>(node)] != -1) {
      return at_node(static_cast<size_t>(node), "it has two sets of categories");
    }
    category_of_node_[static_cast<size_t>(node)] = static_cast<int32_t>(i);
  }
  return {};
}

Status XgboostTreeReader::walk() {
  const auto first = static_cast<uint32_t>(ensemble_.nodes.size());
  if (parents_[0] != kNoParent && parents_[0] != -1) {
    return at_node(0, fmt::format("it is the root and names node {} as its parent", parents_[0]));
  }
  visited_.assign(count(), false);
  visited_[0] = true;
  queue_.assign(1, {0, 0});
  for (size_t i = 0; i < queue_.size(); ++i) {
    const Reached reached = queue_[i];
    TIDEMILL_TRY(visit(reached));
  }
  TIDEMILL_TRY(check_deleted());
  ensemble_.trees.push_back({first, static_cast<uint32_t>(queue_.size()), queue_.back().depth, 0});
  return {};
}

Status XgboostTreeReader::visit(const Reached& reached) {
  const uint32_t node = reached.node;
  if (left_[node] == -1 && (right_[node] == -1 || vector_ > 1)) return add_leaf(node);
  TIDEMILL_TRY(check_child(node, left_[node], "left"));
  TIDEMILL_TRY(check_child(node, right_[node], "right"));
  if (reached.depth + 1 > kMaxDepth) {
    return at_node(node, fmt::format("the tree is deeper than {} levels", kMaxDepth));
  }
  TIDEMILL_TRY_LET(column, column_of(node));
  const bool in_set = has_split_type_ && split_type_[node] == 1;
  const float threshold = in_set ? 0.5f : conditions_[node];
  if (!std::isfinite(threshold)) return at_node(node, "its threshold is not a finite number");
  const auto left = static_cast<uint32_t>(queue_.size());
  ensemble_.nodes.push_back({static_cast<double>(threshold), column, left, node, 0});
  queue_.push_back({static_cast<uint32_t>(left_[node]), reached.depth + 1});
  queue_.push_back({static_cast<uint32_t>(right_[node]), reached.depth + 1});
  return {};
}

Status XgboostTreeReader::add_leaf(uint32_t node) {
  if (vector_ > 1) {
    const auto vectors = static_cast<int64_t>(leaf_weights_.size() / vector_);
    if (right_[node] < 0 || right_[node] >= vectors) {
      return at_node(node, fmt::format("it is leaf {}, of {}", right_[node], vectors));
    }
    const size_t place = first_vector_ + static_cast<size_t>(right_[node]);
    ensemble_.nodes.push_back({0, 0, 0, node, static_cast<uint32_t>(place + 1)});
    return {};
  }
  const float value = conditions_[node];
  if (!std::isfinite(value)) return at_node(node, "its leaf value is not finite as a float32");
  ensemble_.nodes.push_back({static_cast<double>(value), 0, 0, node, 0});
  return {};
}

Status XgboostTreeReader::check_child(uint32_t node, int32_t child, std::string_view side) {
  if (child < 0 || static_cast<size_t>(child) >= count()) {
    return at_node(node,
                   fmt::format("its {} child is {}; the tree has {} nodes", side, child, count()));
  }
  const auto index = static_cast<size_t>(child);
  if (visited_[index]) {
    return at_node(
        node,
        fmt::format("its {} child {} is already reached by another way: not a tree", side, child));
  }
  if (parents_[index] != static_cast<int32_t>(node)) {
    return at_node(index,
                   fmt::format("it names node {} as its parent and is the {} child of node {}",
                               parents_[index], side, node));
  }
  visited_[index] = true;
  return {};
}

Result<uint32_t> XgboostTreeReader::column_of(uint32_t node) {
  const int32_t feature = features_[node];
  if (feature < 0 || feature >= static_cast<int32_t>(kMaxFeatures)) {
    return at_node(node, fmt::format("it splits feature {}; features are numbered from 0, below {}",
                                     feature, kMaxFeatures));
  }
  if (feature > largest_.feature) largest_ = {feature, ensemble_.trees.size(), node};
  if (default_left_[node] != 0 && default_left_[node] != 1) {
    return at_node(node, fmt::format("default_left is {}, not 0 or 1", default_left_[node]));
  }
  const Missing missing = default_left_[node] == 1 ? Missing::kLeft : Missing::kRight;
  const auto index = static_cast<uint32_t>(feature);
  const int32_t type = has_split_type_ ? split_type_[node] : 0;
  const int32_t set = category_of_node_.empty() || !has_split_type_ ? -1 : category_of_node_[node];
  if (type == 0) {
    if (set != -1) return at_node(node, "it is a numeric split with a set of categories");
    return ensemble_.numeric_column(index, missing);
  }
  if (type != 1) return at_node(node, fmt::format("split_type {} is not known", type));
  if (set == -1) return at_node(node, "it is a categorical split without categories");
  const auto which = static_cast<size_t>(set);
  const std::span<const int32_t> all(categories_);
  const ColumnKind kind =
      missing == Missing::kLeft ? ColumnKind::kSetMissingLeft : ColumnKind::kSetMissingRight;
  auto column = ensemble_.set_column(index, kind,
                                     all.subspan(static_cast<size_t>(category_segments_[which]),
                                                 static_cast<size_t>(category_sizes_[which])));
  if (!column) return fail(column.error().in(fmt::format("node {}", node)));
  return column;
}

// Pruning leaves slots behind that nothing reaches; whatever else nothing reaches is a damaged
// tree.
Status XgboostTreeReader::check_deleted() const {
  TIDEMILL_TRY_LET(deleted, xgboost_number("tree_param.num_deleted", num_deleted_, INT32_MAX));
  const size_t unreached = count() - queue_.size();
  if (unreached != deleted) {
    return fail(Code::kInvalid, fmt::format("{} nodes are not reached from the root; "
                                            "tree_param.num_deleted is {}",
                                            unreached, deleted));
  }
  for (size_t i = 0; i < count(); ++i) {
    if (visited_[i] || (features_[i] == kDeletedFeature && left_[i] == -1)) continue;
    return at_node(i, "nothing reaches it, and it is not marked as deleted");
  }
  return {};
}

}  // namespace tidemill::model
