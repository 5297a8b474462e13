// Runs plan nodes: scans, projections, filters, sorts, limits, set operations.
#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"
#include "sql/executor_nodes.h"
#include "sql/operators.h"

namespace tidemill::sql {

using value::Batch;
using value::Column;
using value::Kind;
using value::Type;
using value::Value;

namespace {

template <class T>
void gather_rows(const Vec& from, const Vec& out, std::span<const uint32_t> rows) {
  const T* source = from.values<T>();
  T* target = out.values<T>();
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t row = rows[i];
    if (row == kNoRow) {
      out.state[i] = kNullState;
      target[i] = T{};
    } else {
      out.state[i] = from.state[row];
      target[i] = source[row];
    }
  }
}

struct alignas(16) Sixteen {
  uint64_t low = 0;
  uint64_t high = 0;
};

// A text or nested column as views into the batch.
Vec views_of(Arena& arena, const Column& column) {
  const bool is_text = column.type().is_bytes();
  Vec vec = arena.vec(16, column.size());
  for (size_t row = 0; row < column.size(); ++row) {
    vec.state[row] = column.is_valid(row) ? kValueState : kNullState;
    if (is_text) {
      vec.values<std::string_view>()[row] =
          column.is_valid(row) ? column.text(row) : std::string_view();
    } else {
      vec.values<const Value*>()[row] = &column.nested(row);
    }
  }
  return vec;
}

Vec null_vec(Arena& arena) {
  Vec vec = arena.vec(16, 1);
  std::memset(vec.data, 0, 16);
  vec.state[0] = kNullState;
  vec.step = 0;
  return vec;
}

Result<Vec> column_vec(Execution& execution, const TableDef& table, const ColumnDef& wanted,
                       size_t at, const Batch& batch) {
  const Column* column = nullptr;
  if (at < batch.width() && batch.name(at) == wanted.name) {
    column = &batch.column(at);
  } else {
    column = batch.find(wanted.name);
  }
  if (column == nullptr) {
    if (table.open) return null_vec(execution.arena);
    return fail(Code::kInvalid, fmt::format("table {}: found no column '{}', expected one of type "
                                            "{}",
                                            table.name, wanted.name, wanted.type.name()));
  }
  if (column->type().kind() == Kind::kNull) return null_vec(execution.arena);
  if (!(column->type() == wanted.type)) {
    return fail(Code::kInvalid,
                fmt::format("table {}, column '{}': found type {}, expected {}", table.name,
                            wanted.name, column->type().name(), wanted.type.name()));
  }
  if (column->type().is_bytes() || column->type().is_nested()) {
    return views_of(execution.arena, *column);
  }
  return Vec{const_cast<uint8_t*>(column->data()), const_cast<uint8_t*>(column->validity()), 1};
}

Result<Relation> run_scan(const PlanNode& node, Execution& execution) {
  const TableDef& table = execution.plan.tables[node.table];
  const Batch& batch = *execution.tables[node.table];
  if (batch.rows() >= kNoRow) {
    return fail(Code::kExhausted, fmt::format("table {}: found {} rows, expected fewer than {}",
                                              table.name, batch.rows(), kNoRow));
  }
  Relation out;
  out.rows = batch.rows();
  out.columns.resize(table.columns.size());
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!(*node.used_columns)[i]) continue;
    TIDEMILL_TRY_LET(vec, column_vec(execution, table, table.columns[i], i, batch));
    out.columns[i] = vec;
  }
  return out;
}

Result<Relation> run_values(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(cells, node.program.run(execution, {}, 1));
  Relation out;
  out.rows = cells.size() / node.width;
  for (size_t column = 0; column < node.width; ++column) {
    const auto width = static_cast<size_t>(value::storage_width(node.types[column].kind()));
    Vec vec = execution.arena.vec(width, out.rows);
    for (size_t row = 0; row < out.rows; ++row) {
      const Vec& cell = cells[row * node.width + column];
      vec.state[row] = cell.state[0];
      std::memcpy(vec.data + row * width, cell.data, width);
    }
    out.columns.push_back(vec);
  }
  return out;
}

Result<Relation> run_filter(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(input, run_node(*node.inputs[0], execution));
  TIDEMILL_TRY_LET(flags, node.program.run(execution, input.columns, input.rows));
  std::vector<uint32_t> rows;
  for (size_t row = 0; row < input.rows; ++row) {
    if (flags[0].state_at(row) == kValueState && flags[0].at<bool>(row)) {
      rows.push_back(static_cast<uint32_t>(row));
    }
  }
  if (rows.size() == input.rows) return std::move(input);
  return gather(execution.arena, node.types, input, rows);
}

Result<Relation> run_sort(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(input, run_node(*node.inputs[0], execution));
  TIDEMILL_TRY_LET(keys, node.program.run(execution, input.columns, input.rows));
  std::vector<uint32_t> rows(input.rows);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<uint32_t>(i);
  const RowComparison comparison{keys, node.program_types, node.sort};
  std::stable_sort(rows.begin(), rows.end(),
                   [&](uint32_t a, uint32_t b) { return comparison.order(a, b) < 0; });
  return gather(execution.arena, node.types, input, rows);
}

Result<uint64_t> row_count(const Vec& vec, uint64_t otherwise, std::string_view word) {
  if (vec.state_at(0) != kValueState) return otherwise;
  const int64_t n = vec.at<int64_t>(0);
  if (n < 0) {
    return fail(Error{Code::kInvalid,
                      fmt::format("found {} {}, expected a number that is not negative", word, n),
                      "Binder Error"});
  }
  return static_cast<uint64_t>(n);
}

Result<Relation> run_limit(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(bounds, node.program.run(execution, {}, 1));
  TIDEMILL_TRY_LET(limit, row_count(bounds[0], UINT64_MAX, "LIMIT"));
  TIDEMILL_TRY_LET(offset, row_count(bounds[1], 0, "OFFSET"));
  TIDEMILL_TRY_LET(input, run_node(*node.inputs[0], execution));
  std::vector<uint32_t> rows;
  for (uint64_t row = offset; row < input.rows && row - offset < limit; ++row) {
    rows.push_back(static_cast<uint32_t>(row));
  }
  if (rows.size() == input.rows) return std::move(input);
  return gather(execution.arena, node.types, input, rows);
}

Result<Relation> run_distinct(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(input, run_node(*node.inputs[0], execution));
  TIDEMILL_TRY_LET(keys, node.program.run(execution, input.columns, input.rows));
  std::unordered_map<std::string, size_t> seen;
  std::vector<uint32_t> rows;
  for (size_t row = 0; row < input.rows; ++row) {
    if (seen.emplace(row_key(keys, node.program_types, row), row).second) {
      rows.push_back(static_cast<uint32_t>(row));
    }
  }
  return gather(execution.arena, node.types, input, rows);
}

// The second relation's rows behind the first's.
Relation append_rows(Arena& arena, std::span<const Type> types, const Relation& a,
                     const Relation& b) {
  Relation out;
  out.rows = a.rows + b.rows;
  for (size_t i = 0; i < types.size(); ++i) {
    const auto width = static_cast<size_t>(value::storage_width(types[i].kind()));
    Vec vec = arena.vec(width, out.rows);
    size_t at = 0;
    for (const Relation* part : {&a, &b}) {
      const Vec& from = part->columns[i];
      for (size_t row = 0; row < part->rows; ++row, ++at) {
        vec.state[at] = from.state_at(row);
        std::memcpy(vec.data + at * width, from.data + row * from.step * width, width);
      }
    }
    out.columns.push_back(vec);
  }
  return out;
}

Result<Relation> run_set_operation(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(left, run_node(*node.inputs[0], execution));
  TIDEMILL_TRY_LET(right, run_node(*node.inputs[1], execution));
  const bool is_union =
      node.operation == SetOperation::kUnion || node.operation == SetOperation::kUnionAll;
  if (is_union) {
    if (left.rows + right.rows > kMaxResultRows) return fail(too_many_rows("UNION"));
    Relation all = append_rows(execution.arena, node.types, left, right);
    if (node.operation == SetOperation::kUnionAll) return all;
    return distinct_rows(execution.arena, node.types, all);
  }
  const bool is_except =
      node.operation == SetOperation::kExcept || node.operation == SetOperation::kExceptAll;
  const bool is_all =
      node.operation == SetOperation::kExceptAll || node.operation == SetOperation::kIntersectAll;
  std::unordered_map<std::string, int64_t> counts;
  for (size_t row = 0; row < right.rows; ++row) {
    ++counts[row_key(right.columns, node.types, row)];
  }
  std::vector<uint32_t> rows;
  for (size_t row = 0; row < left.rows; ++row) {
    const auto found = counts.find(row_key(left.columns, node.types, row));
    const bool is_there = found != counts.end() && found->second > 0;
    if (is_there && is_all) --found->second;
    if (is_there != is_except) rows.push_back(static_cast<uint32_t>(row));
  }
  const Relation kept = gather(execution.arena, node.types, left, rows);
  return is_all ? kept : distinct_rows(execution.arena, node.types, kept);
}

Result<Relation> run_cte(const PlanNode& node, Execution& execution) {
  if (!execution.cte_results[node.cte]) {
    TIDEMILL_TRY_LET(result, run_node(*execution.plan.ctes[node.cte], execution));
    execution.cte_results[node.cte] = std::move(result);
  }
  return *execution.cte_results[node.cte];
}

Result<Relation> run_range(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(bounds, node.program.run(execution, {}, 1));
  std::vector<int64_t> numbers;
  const bool is_null = std::any_of(bounds.begin(), bounds.end(),
                                   [](const Vec& v) { return v.state_at(0) != kValueState; });
  if (!is_null) {
    const value::int128 stop = bounds[1].at<int64_t>(0);
    const value::int128 step = bounds[2].at<int64_t>(0);
    if (step == 0) {
      return fail(Error{Code::kInvalid, "interval cannot be 0!", "Binder Error"});
    }
    for (value::int128 n = bounds[0].at<int64_t>(0);
         step > 0 ? n < stop + node.includes_stop : n > stop - node.includes_stop; n += step) {
      if (numbers.size() >= kMaxResultRows) return fail(too_many_rows("range"));
      numbers.push_back(static_cast<int64_t>(n));
    }
  }
  Vec vec = execution.arena.vec(8, numbers.size());
  std::memset(vec.state, kValueState, numbers.size());
  if (!numbers.empty()) std::memcpy(vec.data, numbers.data(), numbers.size() * 8);
  return Relation{numbers.size(), {vec}};
}

Result<Relation> run_unnest(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(lists, node.program.run(execution, {}, 1));
  Relation out;
  if (lists[0].state_at(0) != kValueState) {
    out.columns.push_back(execution.arena.vec(16, 0));
    return out;
  }
  const auto& items = lists[0].at<const Value*>(0)->items();
  out.rows = items.size();
  Vec vec = execution.arena.vec(static_cast<size_t>(value::storage_width(node.types[0].kind())),
                                out.rows);
  for (size_t row = 0; row < items.size(); ++row) {
    store_value(execution.arena, node.types[0], vec, row, items[row]);
  }
  out.columns.push_back(vec);
  return out;
}

Result<Relation> run_project(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(input, run_node(*node.inputs[0], execution));
  TIDEMILL_TRY_LET(columns, node.program.run(execution, input.columns, input.rows));
  return Relation{input.rows, std::move(columns)};
}

}  // namespace

Vec gather(Arena& arena, const Type& type, const Vec& from, std::span<const uint32_t> rows) {
  const bool has_missing = std::find(rows.begin(), rows.end(), kNoRow) != rows.end();
  if (from.data == nullptr) return from;
  if (from.step == 0) {
    if (!has_missing) return from;
    // A constant with missing rows becomes a column.
    const auto width = static_cast<size_t>(value::storage_width(type.kind()));
    Vec vec = arena.vec(width, rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      vec.state[i] = rows[i] == kNoRow ? kNullState : from.state[0];
      std::memcpy(vec.data + i * width, from.data, width);
    }
    return vec;
  }
  const int width = value::storage_width(type.kind());
  Vec vec = arena.vec(static_cast<size_t>(width), rows.size());
  switch (width) {
    case 1:
      gather_rows<uint8_t>(from, vec, rows);
      break;
    case 2:
      gather_rows<uint16_t>(from, vec, rows);
      break;
    case 4:
      gather_rows<uint32_t>(from, vec, rows);
      break;
    case 8:
      gather_rows<uint64_t>(from, vec, rows);
      break;
    default:
      gather_rows<Sixteen>(from, vec, rows);
  }
  return vec;
}

Relation gather(Arena& arena, std::span<const Type> types, const Relation& from,
                std::span<const uint32_t> rows) {
  Relation out;
  out.rows = rows.size();
  for (size_t i = 0; i < from.columns.size(); ++i) {
    out.columns.push_back(gather(arena, types[i], from.columns[i], rows));
  }
  return out;
}

int RowComparison::order(uint32_t a, uint32_t b) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool a_null = keys[i].state_at(a) != kValueState;
    const bool b_null = keys[i].state_at(b) != kValueState;
    if (a_null || b_null) {
      if (a_null == b_null) continue;
      return a_null == sort[i].nulls_first ? -1 : 1;
    }
    const int sign = row_order(types[i].kind())(keys[i], a, keys[i], b);
    if (sign != 0) return sort[i].is_descending ? -sign : sign;
  }
  return 0;
}

std::string row_key(std::span<const Vec> columns, std::span<const Type> types, size_t row) {
  std::string key;
  for (size_t i = 0; i < columns.size(); ++i) append_row_key(key, types[i], columns[i], row);
  return key;
}

Relation distinct_rows(Arena& arena, std::span<const Type> types, const Relation& all) {
  std::unordered_map<std::string, size_t> seen;
  std::vector<uint32_t> rows;
  for (size_t row = 0; row < all.rows; ++row) {
    if (seen.emplace(row_key(all.columns, types, row), row).second) {
      rows.push_back(static_cast<uint32_t>(row));
    }
  }
  return gather(arena, types, all, rows);
}

Error too_many_rows(std::string_view what) {
  return Error{Code::kExhausted,
               fmt::format("{} gives more than {} rows; narrow it down", what, kMaxResultRows), ""};
}

Result<Relation> run_node(const PlanNode& node, Execution& execution) {
  switch (node.kind) {
    case PlanKind::kOneRow:
      return Relation{1, {}};
    case PlanKind::kScan:
      return run_scan(node, execution);
    case PlanKind::kValues:
      return run_values(node, execution);
    case PlanKind::kProject:
      return run_project(node, execution);
    case PlanKind::kFilter:
      return run_filter(node, execution);
    case PlanKind::kJoin:
      return run_join(node, execution);
    case PlanKind::kAggregate:
      return run_aggregation(node, execution);
    case PlanKind::kSort:
      return run_sort(node, execution);
    case PlanKind::kLimit:
      return run_limit(node, execution);
    case PlanKind::kDistinct:
      return run_distinct(node, execution);
    case PlanKind::kSetOperation:
      return run_set_operation(node, execution);
    case PlanKind::kSubqueries:
      return run_subqueries(node, execution);
    case PlanKind::kWindow:
      return run_windows(node, execution);
    case PlanKind::kCte:
      return run_cte(node, execution);
    case PlanKind::kRange:
      return run_range(node, execution);
    case PlanKind::kUnnest:
      return run_unnest(node, execution);
  }
  return fail(Code::kInternal, "a plan node of no known kind");
}

}  // namespace tidemill::sql
