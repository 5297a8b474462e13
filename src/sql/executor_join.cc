// Joins: by hash where sides are compared for equality, then the rest of the condition on pairs.
#include <unordered_map>

#include "sql/executor_nodes.h"

namespace tidemill::sql {

namespace {

struct Pairs {
  std::vector<uint32_t> left;
  std::vector<uint32_t> right;
  void add(size_t l, size_t r) {
    left.push_back(static_cast<uint32_t>(l));
    right.push_back(static_cast<uint32_t>(r));
  }
};

bool has_null(std::span<const Vec> keys, size_t row) {
  for (const Vec& key : keys) {
    if (key.state_at(row) != kValueState) return true;
  }
  return false;
}

Result<Pairs> equal_pairs(const PlanNode& node, Execution& execution, const Relation& left,
                          const Relation& right) {
  TIDEMILL_TRY_LET(left_keys, node.left_keys.run(execution, left.columns, left.rows));
  TIDEMILL_TRY_LET(right_keys, node.right_keys.run(execution, right.columns, right.rows));
  std::unordered_map<std::string, std::vector<uint32_t>> index;
  for (size_t row = 0; row < right.rows; ++row) {
    if (has_null(right_keys, row)) continue;
    index[row_key(right_keys, node.key_types, row)].push_back(static_cast<uint32_t>(row));
  }
  Pairs pairs;
  for (size_t row = 0; row < left.rows; ++row) {
    if (has_null(left_keys, row)) continue;
    const auto found = index.find(row_key(left_keys, node.key_types, row));
    if (found == index.end()) continue;
    for (const uint32_t match : found->second) pairs.add(row, match);
    if (pairs.left.size() > kMaxResultRows) return fail(too_many_rows("a join"));
  }
  return pairs;
}

Result<Pairs> all_pairs(const Relation& left, const Relation& right) {
  if (right.rows > 0 && left.rows > kMaxResultRows / right.rows) {
    return fail(too_many_rows("a join without equality"));
  }
  Pairs pairs;
  for (size_t l = 0; l < left.rows; ++l) {
    for (size_t r = 0; r < right.rows; ++r) pairs.add(l, r);
  }
  return pairs;
}

Relation joined(const PlanNode& node, Execution& execution, const Relation& left,
                const Relation& right, const Pairs& pairs) {
  const auto& left_types = node.inputs[0]->types;
  const auto& right_types = node.inputs[1]->types;
  Relation out = gather(execution.arena, left_types, left, pairs.left);
  const Relation other = gather(execution.arena, right_types, right, pairs.right);
  out.rows = pairs.left.size();
  out.columns.insert(out.columns.end(), other.columns.begin(), other.columns.end());
  return out;
}

// Drops the pairs for which the rest of the condition is not true.
Status apply_condition(const PlanNode& node, Execution& execution, const Relation& left,
                       const Relation& right, Pairs& pairs) {
  if (!node.condition) return {};
  const Relation both_sides = joined(node, execution, left, right, pairs);
  TIDEMILL_TRY_LET(flags, node.condition->run(execution, both_sides.columns, both_sides.rows));
  Pairs kept;
  for (size_t i = 0; i < pairs.left.size(); ++i) {
    if (flags[0].state_at(i) == kValueState && flags[0].at<bool>(i)) {
      kept.add(pairs.left[i], pairs.right[i]);
    }
  }
  pairs = std::move(kept);
  return {};
}

// Rows of an outer side that found no partner get nulls. Left rows stay in their order.
void add_unmatched(const PlanNode& node, size_t left_rows, size_t right_rows, Pairs& pairs) {
  std::vector<bool> left_seen(left_rows);
  std::vector<bool> right_seen(right_rows);
  for (const uint32_t row : pairs.left) left_seen[row] = true;
  for (const uint32_t row : pairs.right) right_seen[row] = true;
  if (node.join == JoinKind::kLeft || node.join == JoinKind::kFull) {
    Pairs merged;
    size_t at = 0;
    for (size_t row = 0; row < left_rows; ++row) {
      if (!left_seen[row]) merged.add(row, kNoRow);
      for (; at < pairs.left.size() && pairs.left[at] == row; ++at) {
        merged.add(row, pairs.right[at]);
      }
    }
    pairs = std::move(merged);
  }
  if (node.join == JoinKind::kRight || node.join == JoinKind::kFull) {
    for (size_t row = 0; row < right_rows; ++row) {
      if (!right_seen[row]) pairs.add(kNoRow, row);
    }
  }
}

Relation matched_left(const PlanNode& node, Execution& execution, const Relation& left,
                      const Pairs& pairs) {
  std::vector<bool> seen(left.rows);
  for (const uint32_t row : pairs.left) seen[row] = true;
  std::vector<uint32_t> rows;
  for (size_t row = 0; row < left.rows; ++row) {
    if (seen[row] == (node.join == JoinKind::kSemi)) rows.push_back(static_cast<uint32_t>(row));
  }
  return gather(execution.arena, node.inputs[0]->types, left, rows);
}

}  // namespace

Result<Relation> run_join(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(left, run_node(*node.inputs[0], execution));
  TIDEMILL_TRY_LET(right, run_node(*node.inputs[1], execution));
  const bool is_plain_cross = node.key_types.empty() && !node.condition && left.rows == 1 &&
                              right.rows == 1 &&
                              (node.join == JoinKind::kCross || node.join == JoinKind::kInner);
  if (is_plain_cross) {
    left.columns.insert(left.columns.end(), right.columns.begin(), right.columns.end());
    return std::move(left);
  }
  TIDEMILL_TRY_LET(pairs, node.key_types.empty() ? all_pairs(left, right)
                                                 : equal_pairs(node, execution, left, right));
  TIDEMILL_TRY(apply_condition(node, execution, left, right, pairs));
  if (node.join == JoinKind::kSemi || node.join == JoinKind::kAnti) {
    return matched_left(node, execution, left, pairs);
  }
  add_unmatched(node, left.rows, right.rows, pairs);
  return joined(node, execution, left, right, pairs);
}

}  // namespace tidemill::sql
