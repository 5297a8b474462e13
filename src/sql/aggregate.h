// Aggregate functions. Private to this room.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sql/bound.h"

namespace tidemill::sql {

struct AggregateRows;

// Computes one group: writes row `out_row` of `out`.
using AggregateKernel = Status (*)(const AggregateRows& rows, const Vec& out, size_t out_row);

struct AggregateOrder {
  size_t arg = 0;  // index into AggregateCall::args
  bool is_descending = false;
  bool nulls_first = false;
};

// A bound aggregate. Arguments beyond `value_args` serve the order and the filter.
struct AggregateCall {
  std::string name;
  AggregateKernel kernel = nullptr;
  value::Type type;
  std::vector<BoundPtr> args;
  size_t value_args = 0;
  std::optional<size_t> filter;  // index into args
  std::vector<AggregateOrder> order;
  bool is_distinct = false;
  bool skips_nulls = true;        // rows of which the first argument is null do not take part
  std::vector<double> fractions;  // of quantiles
  bool fractions_are_list = false;
};

// The rows of one group, after filter, DISTINCT, order and the skipping of nulls.
struct AggregateRows {
  const AggregateCall& call;
  const Vec* args;
  std::span<const uint32_t> rows;
  Arena& arena;
};

bool is_aggregate(std::string_view name);
std::vector<std::string_view> aggregate_names();

// What an aggregate is called with, before types are decided.
struct AggregateRequest {
  std::string name;
  std::vector<BoundPtr> args;
  std::vector<BoundPtr> order_args;
  std::vector<AggregateOrder> order;  // `arg` counts within order_args
  BoundPtr filter;                    // or null
  bool is_distinct = false;
  bool is_star = false;
  bool ignores_nulls = false;
  Position at;
};
Result<std::shared_ptr<const AggregateCall>> bind_aggregate(AggregateRequest request);

// Runs an aggregate over the given rows (its group, in input order).
Status run_aggregate(const AggregateCall& call, const Vec* args, std::vector<uint32_t> rows,
                     Arena& arena, const Vec& out, size_t out_row);

}  // namespace tidemill::sql
