#include "model/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "model/transform.h"

namespace tidemill::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kFirstCodeTooLarge = kMaxCategory;
constexpr double kTiny = 1.0000000180025095e-35;  // the float 1e-35f: LightGBM's zero

// Trees walked at the same time: their loads do not wait for each other.
constexpr size_t kLanes = 16;

// Fractions are cut off; `above` is what a value must exceed to be a code at all.
bool is_member(const uint64_t* set, uint32_t words, double value, double above) {
  if (!(value > above && value < kFirstCodeTooLarge)) return false;
  const auto code = static_cast<uint32_t>(std::max(value, 0.0));
  return code / 64 < words && (set[code / 64] >> (code % 64) & 1) != 0;
}

// What a missing value becomes in a column, by kind.
constexpr double kMissingAs[kColumnKinds] = {-kInfinity, -kInfinity, kInfinity, 0, 1,
                                             -kInfinity, kInfinity,  0,         1, 1};

// Columns that are more than the feature or a constant for a missing value.
double special(const FlatModel& model, const FlatColumn& column, double value) {
  constexpr double kBelowZero = -std::numeric_limits<double>::denorm_min();
  const uint64_t* const set = model.sets() + column.first_word;
  switch (static_cast<ColumnKind>(column.kind)) {
    case ColumnKind::kSetMissingLeft:
    case ColumnKind::kSetMissingRight:
      return is_member(set, column.words, value, kBelowZero) ? 1 : 0;
    case ColumnKind::kNotInSet:
      return is_member(set, column.words, value, -1) ? 0 : 1;
    case ColumnKind::kZeroLeft:
      return std::fabs(value) <= kTiny ? -kInfinity : value;
    case ColumnKind::kZeroRight:
      return std::fabs(value) <= kTiny ? kInfinity : value;
    case ColumnKind::kIsMissing:
      return 0;
    case ColumnKind::kBottom:
    case ColumnKind::kMissingLeft:
    case ColumnKind::kMissingRight:
    case ColumnKind::kMissingIsZero:
      break;
  }
  return value;
}

// A float64 threshold may be the largest number there is, which stands for an infinite one:
// whatever is there goes left. So values end below it.
template <class Number>
constexpr double kLargest = kInfinity;
template <>
constexpr double kLargest<double> = kLargestValue;

template <class Number>
void spread(const FlatModel& model, std::span<const double> row, std::vector<Number>& values) {
  const auto columns = model.columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    const double value = row[columns[i].feature];
    values[i] = static_cast<Number>(std::isnan(value) ? kMissingAs[columns[i].kind]
                                                      : std::min<double>(value, kLargest<Number>));
  }
  values[0] = static_cast<Number>(-kInfinity);
  if (!model.has_special_columns()) return;
  for (size_t i = 1; i < columns.size(); ++i) {
    const double value = row[columns[i].feature];
    if (columns[i].kind < static_cast<uint32_t>(ColumnKind::kSetMissingLeft) || std::isnan(value)) {
      continue;
    }
    values[i] = static_cast<Number>(special(model, columns[i], value));
  }
}

// Walks the trees [first, first + count) down to their leaves, all at once. A lane that has reached
// its leaf stays there, so all lanes take as many steps as the deepest tree has.
template <class Node, size_t count, class Number>
void walk(const Node* nodes, const FlatTree* trees, const Number* columns, uint32_t* leaves) {
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

template <class Node, class Number>
void walk_all(const FlatModel& model, const Node* nodes, const std::vector<Number>& columns,
              Scratch& scratch, size_t begin, size_t end) {
  const FlatTree* trees = model.tree_table().data();
  uint32_t* leaves = scratch.leaf_nodes.data();
  size_t tree = begin;
  for (; tree + kLanes <= end; tree += kLanes) {
    walk<Node, kLanes>(nodes, trees + tree, columns.data(), leaves + tree);
  }
  for (; tree < end; ++tree) walk<Node, 1>(nodes, trees + tree, columns.data(), leaves + tree);
}

// A linear leaf, one addition a term. A missing feature leaves out its term, or makes the leaf the
// constant that `otherwise` is.
template <class Number>
Number linear_value(const FlatModel& model, const FlatLinearLeaf& leaf, const Scratch& scratch,
                    Number otherwise) {
  const bool skips = model.has(kFlagLinearSkipsMissing);
  const FlatTerm* const terms = model.terms() + leaf.first_term;
  auto value = static_cast<Number>(leaf.constant);
  for (uint32_t i = 0; i < leaf.terms; ++i) {
    const double x = scratch.row[terms[i].feature];
    if (std::isnan(x)) {
      if (skips) continue;
      return otherwise;
    }
    value += static_cast<Number>(terms[i].coefficient) * static_cast<Number>(x);
  }
  return value;
}

// The sums are taken one tree after another, from the base margin: the order decides the last bit.
template <class Node, class Number>
void sum_leaves(const FlatModel& model, const Node* nodes, const Scratch& scratch, Number* sums,
                size_t begin, size_t end) {
  const FlatTree* trees = model.tree_table().data();
  const uint32_t* leaves = scratch.leaf_nodes.data();
  if (model.has_vectors()) {
    const size_t outputs = model.outputs();
    for (size_t i = begin; i < end; ++i) {
      const double* const vector = model.vectors() + (model.extras()[leaves[i]] - 1) * outputs;
      for (size_t k = 0; k < outputs; ++k) sums[k] += static_cast<Number>(vector[k]);
    }
    return;
  }
  if (const uint32_t* const extras = model.extras()) {
    for (size_t i = begin; i < end; ++i) {
      Number value = nodes[leaves[i]].value;
      if (const uint32_t extra = extras[leaves[i]]; extra != 0) {
        value = linear_value(model, model.linear_leaves()[extra - 1], scratch, value);
      }
      sums[trees[i].output] += value;
    }
    return;
  }
  if (model.outputs() == 1) {
    Number sum = sums[0];
    for (size_t i = begin; i < end; ++i) sum += nodes[leaves[i]].value;
    sums[0] = sum;
    return;
  }
  for (size_t i = begin; i < end; ++i) sums[trees[i].output] += nodes[leaves[i]].value;
}

bool has_infinite(const FlatModel& model, std::span<const double> row) {
  if (!model.has(kFlagRefusesInfinite)) return false;
  bool infinite = false;
  if (model.is_float32()) {
    for (const double value : row) infinite |= std::isinf(static_cast<float>(value));
  } else {
    for (const double value : row) infinite |= std::isinf(value);
  }
  return infinite;
}

void prepare_row(const FlatModel& model, std::span<const double> row, std::vector<double>& out) {
  std::copy(row.begin(), row.end(), out.begin());
  if (model.is_float32() || model.has(kFlagRoundsRows)) {
    for (double& value : out) value = static_cast<double>(static_cast<float>(value));
  }
  if (!model.has(kFlagTinyIsZero)) return;
  for (double& value : out) value = std::fabs(value) <= kTiny ? 0 : value;
}

void score_float32(const FlatModel& model, Scratch& scratch, std::span<double> margins,
                   size_t begin, size_t end) {
  spread(model, scratch.row, scratch.columns);
  const auto base = model.base_margins();
  float* const sums = scratch.sums.data();
  for (size_t k = 0; k < base.size(); ++k) sums[k] = static_cast<float>(base[k]);
  if (model.is_narrow()) {
    walk_all(model, model.narrow_nodes(), scratch.columns, scratch, begin, end);
    sum_leaves(model, model.narrow_nodes(), scratch, sums, begin, end);
  } else {
    walk_all(model, model.wide_nodes(), scratch.columns, scratch, begin, end);
    sum_leaves(model, model.wide_nodes(), scratch, sums, begin, end);
  }
  for (size_t k = 0; k < base.size(); ++k) margins[k] = static_cast<double>(sums[k]);
}

void score_float64(const FlatModel& model, Scratch& scratch, std::span<double> margins,
                   size_t begin, size_t end) {
  spread(model, scratch.row, scratch.double_columns);
  const auto base = model.base_margins();
  std::copy(base.begin(), base.end(), margins.begin());
  walk_all(model, model.double_nodes(), scratch.double_columns, scratch, begin, end);
  sum_leaves(model, model.double_nodes(), scratch, margins.data(), begin, end);
  if (!model.has(kFlagScaled)) return;
  const double scale = model.header().scale;
  for (size_t k = 0; k < margins.size(); ++k) margins[k] = margins[k] * scale + model.offsets()[k];
}

void score_checked_row(const FlatModel& model, std::span<const double> row, Scratch& scratch,
                       std::span<double> margins, size_t begin, size_t end) {
  prepare_row(model, row, scratch.row);
  if (model.is_float32()) {
    score_float32(model, scratch, margins, begin, end);
  } else {
    score_float64(model, scratch, margins, begin, end);
  }
}

void check_scratch(const FlatModel& model, const Scratch& scratch) {
  TIDEMILL_CHECK(scratch.columns.size() + scratch.double_columns.size() == model.columns().size());
  TIDEMILL_CHECK(scratch.leaf_nodes.size() == model.trees());
}

// The iterations that are meant, within those that are there.
std::pair<uint32_t, uint32_t> clamp(const FlatModel& model, Iterations iterations) {
  const uint32_t last = std::min(iterations.end, model.iterations());
  return {std::min(iterations.begin, last), last};
}

}  // namespace

Scratch::Scratch(const FlatModel& model)
    : columns(model.is_float32() ? model.columns().size() : 0),
      double_columns(model.is_float32() ? 0 : model.columns().size()),
      row(model.features()),
      sums(model.outputs()),
      averages(model.outputs()),
      predictions(model.predictions()),
      leaf_nodes(model.trees()) {}

std::string why_refused(const FlatModel& model, std::span<const double> row) {
  if (!has_infinite(model, row)) return {};
  for (size_t i = 0; i < row.size(); ++i) {
    const double value =
        model.is_float32() ? static_cast<double>(static_cast<float>(row[i])) : row[i];
    if (!std::isinf(value)) continue;
    return fmt::format("feature {} is infinite, or too large for float32; null means missing",
                       model.feature_name(static_cast<uint32_t>(i)));
  }
  return {};
}

Status score_row(const FlatModel& model, std::span<const double> row, Scratch& scratch,
                 std::span<double> margins, Iterations iterations) {
  TIDEMILL_CHECK(row.size() == model.features());
  TIDEMILL_CHECK(margins.size() == model.outputs());
  check_scratch(model, scratch);
  if (has_infinite(model, row)) return fail(Code::kInvalid, why_refused(model, row));
  const auto [first, last] = clamp(model, iterations);
  const auto starts = model.iteration_starts();
  score_checked_row(model, row, scratch, margins, starts[first], starts[last]);
  return {};
}

void predict(const FlatModel& model, std::span<const double> margins, Scratch& scratch,
             std::span<double> predictions, Iterations iterations) {
  TIDEMILL_CHECK(margins.size() == model.outputs() && predictions.size() == model.predictions());
  if (!model.is_float32()) {
    if (!model.has(kFlagAverages)) {
      return predict(model.transform(), model.header().slope, margins, predictions);
    }
    const auto [first, last] = clamp(model, iterations);
    const double count = std::max(last - first, 1u);
    for (size_t k = 0; k < margins.size(); ++k) scratch.averages[k] = margins[k] / count;
    return predict(model.transform(), model.header().slope, scratch.averages, predictions);
  }
  for (size_t k = 0; k < margins.size(); ++k) scratch.sums[k] = static_cast<float>(margins[k]);
  predict(model.transform(), std::span<const float>(scratch.sums), scratch.predictions);
  for (size_t k = 0; k < predictions.size(); ++k) {
    predictions[k] = static_cast<double>(scratch.predictions[k]);
  }
}

size_t score_rows(const FlatModel& model, std::span<const double> rows, Scratch& scratch,
                  std::span<double> margins, std::span<uint8_t> refused) {
  const size_t features = model.features(), outputs = model.outputs();
  TIDEMILL_CHECK(rows.size() == refused.size() * features);
  TIDEMILL_CHECK(margins.size() == refused.size() * outputs);
  check_scratch(model, scratch);
  size_t count = 0;
  for (size_t i = 0; i < refused.size(); ++i) {
    const auto row = rows.subspan(i * features, features);
    const auto out = margins.subspan(i * outputs, outputs);
    refused[i] = has_infinite(model, row) ? 1 : 0;
    if (refused[i] != 0) {
      std::fill(out.begin(), out.end(), kNoNumber);
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
