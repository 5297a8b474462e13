// Groups rows and computes aggregates; subqueries.
#include <unordered_map>
#include <unordered_set>

#include "sql/executor_nodes.h"
#include "sql/lexer.h"
#include "sql/operators.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

namespace {

// The rows of each group, groups in order of first appearance.
std::vector<std::vector<uint32_t>> grouped(const PlanNode& node, std::span<const Vec> keys,
                                           size_t rows) {
  std::vector<std::vector<uint32_t>> groups;
  if (node.group_keys == 0) {
    groups.emplace_back(rows);
    for (size_t row = 0; row < rows; ++row) groups[0][row] = static_cast<uint32_t>(row);
    return groups;
  }
  std::unordered_map<std::string, size_t> index;
  const std::span<const Type> types(node.program_types.data(), node.group_keys);
  for (size_t row = 0; row < rows; ++row) {
    const auto [at, is_new] = index.emplace(row_key(keys, types, row), groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(static_cast<uint32_t>(row));
  }
  return groups;
}

}  // namespace

Result<Relation> run_aggregation(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(input, run_node(*node.inputs[0], execution));
  TIDEMILL_TRY_LET(outputs, node.program.run(execution, input.columns, input.rows));
  const std::span<const Vec> keys(outputs.data(), node.group_keys);
  const auto groups = grouped(node, keys, input.rows);
  Relation out;
  out.rows = groups.size();
  std::vector<uint32_t> first_rows;
  if (node.group_keys > 0) {
    for (const auto& group : groups) first_rows.push_back(group.front());
  }
  for (size_t i = 0; i < node.group_keys; ++i) {
    out.columns.push_back(gather(execution.arena, node.program_types[i], keys[i], first_rows));
  }
  size_t at = node.group_keys;
  for (const auto& call : node.aggregates) {
    const auto width = static_cast<size_t>(value::storage_width(call->type.kind()));
    Vec vec = execution.arena.vec(width, groups.size());
    std::memset(vec.data, 0, width * groups.size());
    for (size_t g = 0; g < groups.size(); ++g) {
      TIDEMILL_TRY(run_aggregate(*call, outputs.data() + at, groups[g], execution.arena, vec, g));
    }
    at += call->args.size();
    out.columns.push_back(vec);
  }
  return out;
}

struct MemberSet {
  std::unordered_set<std::string> keys;
  bool has_null = false;
  bool is_empty = true;
};

namespace {

MemberSet members_of(const Type& type, const Relation& relation) {
  MemberSet set;
  set.is_empty = relation.rows == 0;
  for (size_t row = 0; row < relation.rows; ++row) {
    if (relation.columns[0].state_at(row) != kValueState) {
      set.has_null = true;
      continue;
    }
    std::string key;
    append_row_key(key, type, relation.columns[0], row);
    set.keys.insert(std::move(key));
  }
  return set;
}

// x IN set: null if x is null (and the set is not empty), or if it is not found and a member is.
uint8_t membership(const MemberSet& set, const Type& type, const Vec& x, size_t row, bool* out) {
  *out = false;
  if (set.is_empty) return kValueState;
  if (x.state_at(row) != kValueState) return x.state_at(row);
  std::string key;
  append_row_key(key, type, x, row);
  *out = set.keys.count(key) > 0;
  return *out || !set.has_null ? kValueState : kNullState;
}

Result<Value> scalar_of(const Type& type, const Relation& relation) {
  if (relation.rows > 1) {
    return fail(Error{Code::kInvalid,
                      fmt::format("More than one row returned by a subquery used as an expression: "
                                  "found {} rows, expected at most one",
                                  relation.rows),
                      "Invalid Input Error"});
  }
  if (relation.rows == 0) return Value::null(type);
  return value_at(type, relation.columns[0], 0);
}

Vec pointer_vec(Arena& arena, const void* pointer) {
  Vec vec = arena.vec(8, 1);
  std::memcpy(vec.data, &pointer, sizeof pointer);
  vec.state[0] = kValueState;
  vec.step = 0;
  return vec;
}

// Keeps a set alive as long as the run.
const MemberSet* keep_set(Execution& execution, MemberSet set) {
  auto owned = std::make_shared<MemberSet>(std::move(set));
  const MemberSet* pointer = owned.get();
  execution.kept.push_back(std::move(owned));
  return pointer;
}

Result<Vec> run_constant(Execution& execution, const RunConstant& constant) {
  TIDEMILL_TRY_LET(relation, run_node(*constant.plan, execution));
  switch (constant.use) {
    case SubqueryUse::kExists:
      return constant_vec(execution.arena, Value::boolean(relation.rows > 0));
    case SubqueryUse::kMembers:
      return pointer_vec(execution.arena, keep_set(execution, members_of(constant.type, relation)));
    case SubqueryUse::kScalar:
      break;
  }
  TIDEMILL_TRY_LET(value, scalar_of(constant.type, relation));
  return constant_vec(execution.arena, value);
}

// One row of the outer relation: the captured values and, of IN, the value that is looked for.
Status run_correlated(const CorrelatedSubquery& subquery, Execution& execution,
                      std::span<const Vec> captures, const Vec* member, size_t row,
                      const Vec& out) {
  std::vector<Vec> outer = std::move(execution.captures);
  execution.captures.assign(captures.begin(), captures.end());
  auto relation = run_node(*subquery.plan, execution);
  execution.captures = std::move(outer);
  if (!relation) return fail(std::move(relation).error());
  switch (subquery.use) {
    case SubqueryUse::kExists:
      out.state[row] = kValueState;
      out.values<bool>()[row] = (relation->rows > 0) != subquery.is_negated;
      return {};
    case SubqueryUse::kMembers: {
      bool is_member = false;
      out.state[row] = membership(members_of(subquery.member_type, *relation), subquery.member_type,
                                  *member, row, &is_member);
      out.values<bool>()[row] = is_member != subquery.is_negated;
      return {};
    }
    case SubqueryUse::kScalar:
      break;
  }
  TIDEMILL_TRY_LET(value, scalar_of(subquery.type, *relation));
  store_value(execution.arena, subquery.type, out, row, value);
  return {};
}

Vec row_as_constant(const Vec& vec, const Type& type, size_t row) {
  const auto width = static_cast<size_t>(value::storage_width(type.kind()));
  return {vec.data + row * vec.step * width, vec.state + row * vec.step, 0};
}

}  // namespace

void member_rows(const Call& call, size_t n) {
  const auto& type = *static_cast<const Type*>(call.extra);
  for (size_t row = 0; row < n; ++row) {
    const auto* set = call.args[1].at<const MemberSet*>(row);
    bool is_member = false;
    call.out.state[row] = membership(*set, type, call.args[0], row, &is_member);
    call.out.data[row] = is_member;
  }
}

Result<Vec> Execution::param(uint32_t index) {
  std::optional<Vec>& known = param_vecs[index];
  if (known) return *known;
  if (index < params.size()) {
    known = constant_vec(arena, params[index]);
    return *known;
  }
  if (index < plan.params.size()) {
    return fail(Code::kInvalid, fmt::format("found {} parameters, expected {}: ${} has no value",
                                            params.size(), plan.params.size(), index + 1));
  }
  TIDEMILL_TRY_LET(vec, run_constant(*this, plan.constants[index - plan.params.size()]));
  param_vecs[index] = vec;
  return vec;
}

Result<Relation> run_subqueries(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(input, run_node(*node.inputs[0], execution));
  Relation out = std::move(input);
  for (const CorrelatedSubquery& subquery : node.subqueries) {
    TIDEMILL_TRY_LET(captures, subquery.captures.run(execution, out.columns, out.rows));
    TIDEMILL_TRY_LET(members, subquery.member.run(execution, out.columns, out.rows));
    const auto width = static_cast<size_t>(value::storage_width(subquery.type.kind()));
    Vec vec = execution.arena.vec(width, out.rows);
    std::memset(vec.data, 0, width * out.rows);
    for (size_t row = 0; row < out.rows; ++row) {
      std::vector<Vec> values;
      for (size_t i = 0; i < captures.size(); ++i) {
        values.push_back(row_as_constant(captures[i], subquery.capture_types[i], row));
      }
      TIDEMILL_TRY(run_correlated(subquery, execution, values,
                                  members.empty() ? nullptr : &members[0], row, vec));
      if (execution.arena.bytes() > kMaxRunBytes) return fail(memory_error());
    }
    out.columns.push_back(vec);
  }
  return out;
}

}  // namespace tidemill::sql
