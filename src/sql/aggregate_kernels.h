// The computations of aggregates over the rows of one group. Private to this room.
#pragma once

#include "sql/aggregate.h"

namespace tidemill::sql {

Status aggregate_count(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_count_distinct(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_sum_double(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_kahan_sum(const AggregateRows& group, const Vec& out, size_t out_row);
// Integers and decimals as int128; an overflow is an error.
Status aggregate_sum_integer(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_avg_double(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_avg_integer(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_count_true(const AggregateRows& group, const Vec& out, size_t out_row);

Status aggregate_min(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_max(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_first(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_last(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_arg_min(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_arg_max(const AggregateRows& group, const Vec& out, size_t out_row);

Status aggregate_bool_and(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_bool_or(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_bit_and(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_bit_or(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_bit_xor(const AggregateRows& group, const Vec& out, size_t out_row);

Status aggregate_string_agg(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_list(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_histogram(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_mode(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_entropy(const AggregateRows& group, const Vec& out, size_t out_row);

// Formulas over doubles, named as in the table.
Status aggregate_formula(const AggregateRows& group, const Vec& out, size_t out_row);
// Formulas over pairs: corr(y, x), regr_slope(y, x), ...
Status aggregate_pairs(const AggregateRows& group, const Vec& out, size_t out_row);

Status aggregate_quantile_cont(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_quantile_disc(const AggregateRows& group, const Vec& out, size_t out_row);
Status aggregate_mad(const AggregateRows& group, const Vec& out, size_t out_row);

}  // namespace tidemill::sql
