#include "model/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace tidemill::model {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kFirstCodeTooLarge = static_cast<float>(kMaxCategory);

// Trees walked at the same time: their loads do not wait for each other.
constexpr size_t kLanes = 16;

bool is_member(const uint64_t* set, uint32_t words, float value) {
  if (!(value >= 0 && value < kFirstCodeTooLarge)) return false;
  const auto code = static_cast<uint32_t>(value);
  return code / 64 < words && (set[code / 64] >> (code % 64) & 1) != 0;
}

// What a missing value becomes in a column, by kind.
constexpr float kMissingAs[kColumnKinds] = {-kInfinity, -kInfinity, kInfinity, 0.0f, 1.0f};

void spread(const FlatModel& model, std::span<const float> row, std::span<float> values) {
  const auto columns = model.columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    const float value = row[columns[i].feature];
    values[i] = std::isnan(value) ? kMissingAs[columns[i].kind] : value;
  }
  values[0] = -kInfinity;
  if (!model.has_sets()) return;
  for (size_t i = 1; i < columns.size(); ++i) {
    const FlatColumn& column = columns[i];
    const float value = row[column.feature];
    if (column.kind < static_cast<uint32_t>(ColumnKind::kSetMissingLeft) || std::isnan(value)) {
      continue;
    }
    values[i] = is_member(model.sets() + column.first_word, column.words, value) ? 1.0f : 0.0f;
  }
}

// Walks the trees [first, first + count) down to their leaves, all at once. A lane that has reached
// its leaf stays there, so all lanes take as many steps as the deepest tree has.
template <class Node, size_t count>
void walk(const Node* nodes, const FlatTree* trees, const float* columns, uint32_t* leaves) {
  uint32_t at[count];
  uint32_t depth = 0;
  for (size_t lane = 0; lane < count; ++lane) {
    at[lane] = trees[lane].first_node;
    depth = std::max(depth, trees[lane].depth);
  }
  for (uint32_t level = 0; level < depth; ++level) {
#pragma GCC unroll 16
    for (size_t lane = 0; lane < count; ++lane) {
      const Node& node = nodes[at[lane]];
      const uint32_t right = columns[node.column] < node.value ? 0 : 1;
      at[lane] += node.step + right;
    }
  }
  for (size_t lane = 0; lane < count; ++lane) leaves[lane] = at[lane];
}

// The sums are taken one tree after another, from the base margin: the order decides the last bit.
template <class Node>
void score_trees(const FlatModel& model, const Node* nodes, Scratch& scratch,
                 std::span<float> margins, size_t begin, size_t end) {
  const FlatTree* trees = model.tree_table().data();
  const float* columns = scratch.columns.data();
  uint32_t* leaves = scratch.leaf_nodes.data();
  size_t tree = begin;
  for (; tree + kLanes <= end; tree += kLanes) {
    walk<Node, kLanes>(nodes, trees + tree, columns, leaves + tree);
  }
  for (; tree < end; ++tree) walk<Node, 1>(nodes, trees + tree, columns, leaves + tree);
  if (margins.size() == 1) {
    float sum = margins[0];
    for (size_t i = begin; i < end; ++i) sum += nodes[leaves[i]].value;
    margins[0] = sum;
    return;
  }
  for (size_t i = begin; i < end; ++i) margins[trees[i].output] += nodes[leaves[i]].value;
}

bool has_infinite(std::span<const float> row) {
  bool infinite = false;
  for (const float value : row) infinite |= std::isinf(value);
  return infinite;
}

void score_checked_row(const FlatModel& model, std::span<const float> row, Scratch& scratch,
                       std::span<float> margins, size_t begin, size_t end) {
  spread(model, row, scratch.columns);
  const auto base = model.base_margins();
  std::copy(base.begin(), base.end(), margins.begin());
  if (model.is_narrow()) {
    score_trees(model, model.narrow_nodes(), scratch, margins, begin, end);
  } else {
    score_trees(model, model.wide_nodes(), scratch, margins, begin, end);
  }
}

void check_scratch(const FlatModel& model, const Scratch& scratch) {
  TIDEMILL_CHECK(scratch.columns.size() == model.columns().size());
  TIDEMILL_CHECK(scratch.leaf_nodes.size() == model.trees());
}

}  // namespace

std::string why_refused(const FlatModel& model, std::span<const float> row) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (!std::isinf(row[i])) continue;
    return fmt::format("feature {} is infinite, or too large for float32; null means missing",
                       model.feature_name(static_cast<uint32_t>(i)));
  }
  return {};
}

Status score_row(const FlatModel& model, std::span<const float> row, Scratch& scratch,
                 std::span<float> margins, Iterations iterations) {
  TIDEMILL_CHECK(row.size() == model.features());
  TIDEMILL_CHECK(margins.size() == model.outputs());
  check_scratch(model, scratch);
  if (has_infinite(row)) return fail(Code::kInvalid, why_refused(model, row));
  const uint32_t last = std::min(iterations.end, model.iterations());
  const uint32_t first = std::min(iterations.begin, last);
  const auto starts = model.iteration_starts();
  score_checked_row(model, row, scratch, margins, starts[first], starts[last]);
  return {};
}

size_t score_rows(const FlatModel& model, std::span<const float> rows, Scratch& scratch,
                  std::span<float> margins, std::span<uint8_t> refused) {
  const size_t features = model.features(), outputs = model.outputs();
  TIDEMILL_CHECK(rows.size() == refused.size() * features);
  TIDEMILL_CHECK(margins.size() == refused.size() * outputs);
  check_scratch(model, scratch);
  size_t count = 0;
  for (size_t i = 0; i < refused.size(); ++i) {
    const auto row = rows.subspan(i * features, features);
    const auto out = margins.subspan(i * outputs, outputs);
    refused[i] = has_infinite(row) ? 1 : 0;
    if (refused[i] != 0) {
      std::fill(out.begin(), out.end(), std::numeric_limits<float>::quiet_NaN());
      ++count;
    } else {
      score_checked_row(model, row, scratch, out, 0, model.trees());
    }
  }
  return count;
}

void last_leaves(const FlatModel& model, const Scratch& scratch, std::span<uint32_t> leaves) {
  TIDEMILL_CHECK(leaves.size() == model.trees());
  for (size_t i = 0; i < leaves.size(); ++i) leaves[i] = model.origins()[scratch.leaf_nodes[i]];
}

}  // namespace tidemill::model
