// One run of a plan: its memory, its inputs, and the relations that flow between nodes. Private to
// this room.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "sql/vec.h"
#include "value/batch.h"

namespace tidemill::sql {

struct Plan;
struct PlanNode;

// Rows of columns; the memory belongs to the run. Columns that nobody reads may be empty.
struct Relation {
  size_t rows = 0;
  std::vector<Vec> columns;
};

struct Execution {
  Arena& arena;
  const Plan& plan;
  std::span<const value::Batch* const> tables;
  std::span<const value::Value> params;
  std::vector<Vec> captures;                   // of the correlated subquery that runs
  std::vector<std::optional<Vec>> param_vecs;  // parameters, then run constants
  std::vector<std::optional<Relation>> cte_results;
  std::vector<std::shared_ptr<const void>> kept;  // what must live as long as the run

  // A parameter of the query, or the value of an uncorrelated subquery, computed when first needed.
  Result<Vec> param(uint32_t index);
};

Result<Relation> run_node(const PlanNode& node, Execution& execution);

// The rows at `rows` of each column. UINT32_MAX gives a null row.
Vec gather(Arena& arena, const value::Type& type, const Vec& from, std::span<const uint32_t> rows);
Relation gather(Arena& arena, std::span<const value::Type> types, const Relation& from,
                std::span<const uint32_t> rows);
inline constexpr uint32_t kNoRow = UINT32_MAX;

}  // namespace tidemill::sql
