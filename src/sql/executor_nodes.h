// The executor's larger nodes, a file each, and what they share. Private to this room.
#pragma once

#include <string>

#include "sql/execution.h"
#include "sql/plan.h"

namespace tidemill::sql {

Result<Relation> run_join(const PlanNode& node, Execution& execution);
Result<Relation> run_aggregation(const PlanNode& node, Execution& execution);
Result<Relation> run_subqueries(const PlanNode& node, Execution& execution);
Result<Relation> run_windows(const PlanNode& node, Execution& execution);

// Compares two rows by sort keys: negative, zero, positive.
struct RowComparison {
  std::span<const Vec> keys;
  std::span<const value::Type> types;
  std::span<const SortKey> sort;
  int order(uint32_t a, uint32_t b) const;
};

// Bytes that tell rows of these columns apart.
std::string row_key(std::span<const Vec> columns, std::span<const value::Type> types, size_t row);
Relation distinct_rows(Arena& arena, std::span<const value::Type> types, const Relation& all);
Error too_many_rows(std::string_view what);

}  // namespace tidemill::sql
