// Window functions: rows are sorted into partitions; each row sees its frame of the partition.
#include <algorithm>

#include "sql/cast.h"
#include "sql/executor_nodes.h"
#include "sql/operators.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

namespace {

// One window call over one partition. `rows` are the partition's rows in window order; places below
// count within them.
struct Partition {
  const WindowCall& call;
  std::span<const Vec> args;
  std::span<const Vec> order;
  std::span<const Type> order_types;
  const Vec* start_offset;
  const Vec* end_offset;
  std::span<const uint32_t> rows;
  std::vector<size_t> peer_start;  // first place of the rows that are equal in order
  std::vector<size_t> peer_end;    // behind the last
};

RowComparison comparison_of(const Partition& part) {
  return {part.order, part.order_types, part.call.sort};
}

void find_peers(Partition& part) {
  const RowComparison comparison = comparison_of(part);
  const size_t n = part.rows.size();
  part.peer_start.resize(n);
  part.peer_end.resize(n);
  for (size_t start = 0; start < n;) {
    size_t end = start + 1;
    while (end < n && comparison.order(part.rows[start], part.rows[end]) == 0) ++end;
    for (size_t i = start; i < end; ++i) {
      part.peer_start[i] = start;
      part.peer_end[i] = end;
    }
    start = end;
  }
}

struct Frame {
  size_t start;
  size_t end;  // behind the last
};

Result<int64_t> row_offset(const Vec& vec, uint32_t row) {
  if (vec.state_at(row) != kValueState || vec.at<int64_t>(row) < 0) {
    return fail(Error{Code::kInvalid,
                      "Invalid window frame: a ROWS offset must be a number that is not negative",
                      "Out of Range Error"});
  }
  return vec.at<int64_t>(row);
}

size_t moved(size_t place, int64_t by, size_t limit) {
  if (by < 0) return static_cast<uint64_t>(-by) > place ? 0 : place - static_cast<size_t>(-by);
  return static_cast<uint64_t>(by) > limit - place ? limit : place + static_cast<size_t>(by);
}

Result<size_t> rows_edge(const Partition& part, FrameEdge edge, const Vec* offset, size_t place,
                         bool is_end) {
  const size_t n = part.rows.size();
  switch (edge) {
    case FrameEdge::kUnboundedPreceding:
      return size_t{0};
    case FrameEdge::kUnboundedFollowing:
      return n;
    case FrameEdge::kCurrentRow:
      return place + (is_end ? 1 : 0);
    default:
      break;
  }
  TIDEMILL_TRY_LET(distance, row_offset(*offset, part.rows[place]));
  const int64_t by = edge == FrameEdge::kPreceding ? -distance : distance;
  if (is_end && by < 0 && static_cast<size_t>(-by) > place) return size_t{0};
  return moved(place + (is_end ? 1 : 0), by, n);
}

// GROUPS counts groups of peers instead of rows.
Result<size_t> groups_edge(const Partition& part, FrameEdge edge, const Vec* offset, size_t place,
                           bool is_end) {
  const size_t n = part.rows.size();
  if (edge == FrameEdge::kUnboundedPreceding) return size_t{0};
  if (edge == FrameEdge::kUnboundedFollowing) return n;
  int64_t left = 0;
  if (edge != FrameEdge::kCurrentRow) {
    TIDEMILL_TRY_LET(distance, row_offset(*offset, part.rows[place]));
    left = distance;
  }
  size_t at = place;
  for (; left > 0; --left) {
    if (edge == FrameEdge::kPreceding) {
      if (part.peer_start[at] == 0) return is_end ? size_t{0} : size_t{0};
      at = part.peer_start[at] - 1;
    } else {
      if (part.peer_end[at] == n) return n;
      at = part.peer_end[at];
    }
  }
  return is_end ? part.peer_end[at] : part.peer_start[at];
}

// The order value of a row moved by the offset of RANGE, as a constant of the order's type.
Result<Value> range_bound(const Partition& part, const Vec& offset, const Type& offset_type,
                          size_t place, bool is_back) {
  const uint32_t row = part.rows[place];
  const Type& type = part.order_types[0];
  BoundPtr at = bound_constant(value_at(type, part.order[0], row));
  BoundPtr by = bound_constant(value_at(offset_type, offset, row));
  TIDEMILL_TRY_LET(sum, bind_arithmetic(is_back ? "-" : "+", at, by, {}));
  if (!sum->is_constant()) {
    return fail(Error{Code::kInvalid, "a RANGE frame leaves the range of its ORDER BY column",
                      "Out of Range Error"});
  }
  return sum->constant;
}

// Compares the order value at a place with a bound: negative if it stands before the bound.
Result<int> order_against(const Partition& part, size_t place, const Value& bound) {
  const Value at = value_at(part.order_types[0], part.order[0], part.rows[place]);
  TIDEMILL_TRY_LET(same, cast_value(at, bound.type()));
  const int sign = value::compare(same, bound);
  return part.call.sort[0].is_descending ? -sign : sign;
}

Result<size_t> range_edge(const Partition& part, FrameEdge edge, const Vec* offset,
                          const Type* offset_type, size_t place, bool is_end) {
  const size_t n = part.rows.size();
  if (edge == FrameEdge::kUnboundedPreceding) return size_t{0};
  if (edge == FrameEdge::kUnboundedFollowing) return n;
  const bool is_null =
      edge != FrameEdge::kCurrentRow && part.order[0].state_at(part.rows[place]) != kValueState;
  if (edge == FrameEdge::kCurrentRow || is_null) {
    return is_end ? part.peer_end[place] : part.peer_start[place];
  }
  const bool is_back = (edge == FrameEdge::kPreceding) != part.call.sort[0].is_descending;
  TIDEMILL_TRY_LET(bound, range_bound(part, *offset, *offset_type, place, is_back));
  // Rows with a null order value stand together at one end and are outside.
  size_t low = 0;
  size_t high = n;
  while (low < high && part.order[0].state_at(part.rows[low]) != kValueState) ++low;
  while (high > low && part.order[0].state_at(part.rows[high - 1]) != kValueState) --high;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    TIDEMILL_TRY_LET(sign, order_against(part, middle, bound));
    const bool is_before = is_end ? sign <= 0 : sign < 0;
    if (is_before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<Frame> frame_of(const Partition& part, size_t place) {
  Frame frame{0, 0};
  for (const bool is_end : {false, true}) {
    const FrameEdge edge = is_end ? part.call.end : part.call.start;
    const Vec* offset = is_end ? part.end_offset : part.start_offset;
    Result<size_t> at = 0;
    if (part.call.unit == FrameUnit::kRows) {
      at = rows_edge(part, edge, offset, place, is_end);
    } else if (part.call.unit == FrameUnit::kGroups) {
      at = groups_edge(part, edge, offset, place, is_end);
    } else {
      const BoundPtr& bound = is_end ? part.call.end_offset : part.call.start_offset;
      at = range_edge(part, edge, offset, bound ? &bound->type : nullptr, place, is_end);
    }
    if (!at) return fail(std::move(at).error());
    (is_end ? frame.end : frame.start) = *at;
  }
  frame.end = std::max(frame.start, frame.end);
  return frame;
}

void put_value(const Vec& out, const Type& type, size_t row, const Vec& from, size_t from_row) {
  const auto width = static_cast<size_t>(value::storage_width(type.kind()));
  out.state[row] = from.state_at(from_row);
  std::memcpy(out.data + row * width, from.data + from_row * from.step * width, width);
}

void put_int(const Vec& out, size_t row, size_t n) {
  out.state[row] = kValueState;
  out.values<int64_t>()[row] = static_cast<int64_t>(n);
}

void put_double(const Vec& out, size_t row, double d) {
  out.state[row] = kValueState;
  out.values<double>()[row] = d;
}

// row_number, rank, ...: by place and peers alone. False if the call is none of them.
bool run_ranking(const Partition& part, const Vec& out) {
  const std::string& name = part.call.name;
  const size_t n = part.rows.size();
  size_t dense = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint32_t row = part.rows[i];
    if (part.peer_start[i] == i) ++dense;
    if (name == "row_number") {
      put_int(out, row, i + 1);
    } else if (name == "rank") {
      put_int(out, row, part.peer_start[i] + 1);
    } else if (name == "dense_rank" || name == "rank_dense") {
      put_int(out, row, dense);
    } else if (name == "percent_rank") {
      put_double(out, row, n > 1 ? double(part.peer_start[i]) / double(n - 1) : 0.0);
    } else if (name == "cume_dist") {
      put_double(out, row, double(part.peer_end[i]) / double(n));
    } else {
      return false;
    }
  }
  return true;
}

Status run_ntile(const Partition& part, const Vec& out) {
  const size_t n = part.rows.size();
  for (size_t i = 0; i < n; ++i) {
    const uint32_t row = part.rows[i];
    const Vec& count = part.args[0];
    if (count.state_at(row) != kValueState || count.at<int64_t>(row) <= 0) {
      return fail(Error{Code::kInvalid, "Argument for ntile must be greater than zero",
                        "Invalid Input Error"});
    }
    const size_t tiles = std::min<size_t>(static_cast<size_t>(count.at<int64_t>(row)), n);
    const size_t size = n / tiles;
    const size_t larger = n % tiles;  // the first tiles hold one row more
    const size_t edge = larger * (size + 1);
    put_int(out, row, i < edge ? i / (size + 1) + 1 : larger + (i - edge) / size + 1);
  }
  return {};
}

void run_shift(const Partition& part, const Vec& out) {
  const bool is_lag = part.call.name == "lag";
  for (size_t i = 0; i < part.rows.size(); ++i) {
    const uint32_t row = part.rows[i];
    if (part.args[1].state_at(row) != kValueState) {
      out.state[row] = kNullState;
      continue;
    }
    int64_t distance = part.args[1].at<int64_t>(row);
    if (is_lag) distance = -distance;
    const auto n = static_cast<int64_t>(part.rows.size());
    const auto place = static_cast<int64_t>(i);
    if (distance < -place || distance >= n - place) {
      put_value(out, part.call.type, row, part.args[2], row);
    } else {
      put_value(out, part.call.type, row, part.args[0],
                part.rows[static_cast<size_t>(place + distance)]);
    }
  }
}

// first_value, last_value and nth_value of the frame.
Status run_pick(const Partition& part, const Vec& out) {
  const std::string& name = part.call.name;
  for (size_t i = 0; i < part.rows.size(); ++i) {
    const uint32_t row = part.rows[i];
    TIDEMILL_TRY_LET(frame, frame_of(part, i));
    std::vector<uint32_t> seen;
    const bool all = part.call.ignores_nulls;
    if (all) {
      for (size_t at = frame.start; at < frame.end; ++at) {
        if (part.args[0].state_at(part.rows[at]) == kValueState) seen.push_back(part.rows[at]);
      }
    }
    const size_t size = all ? seen.size() : frame.end - frame.start;
    size_t place = 0;
    if (name == "last_value" || name == "last") {
      place = size - 1;
    } else if (name == "nth_value") {
      const Vec& nth = part.args[1];
      const int64_t n = nth.state_at(row) == kValueState ? nth.at<int64_t>(row) : 0;
      place = n > 0 ? static_cast<size_t>(n - 1) : size;
    }
    if (size == 0 || place >= size) {
      out.state[row] = kNullState;
    } else {
      put_value(out, part.call.type, row, part.args[0],
                all ? seen[place] : part.rows[frame.start + place]);
    }
  }
  return {};
}

Status run_over_frames(const Partition& part, Arena& arena, const Vec& out) {
  Frame last{SIZE_MAX, SIZE_MAX};
  uint32_t last_row = 0;
  for (size_t i = 0; i < part.rows.size(); ++i) {
    const uint32_t row = part.rows[i];
    TIDEMILL_TRY_LET(frame, frame_of(part, i));
    if (frame.start == last.start && frame.end == last.end) {
      put_value(out, part.call.type, row, out, last_row);
      continue;
    }
    std::vector<uint32_t> rows(part.rows.begin() + static_cast<long>(frame.start),
                               part.rows.begin() + static_cast<long>(frame.end));
    TIDEMILL_TRY(
        run_aggregate(*part.call.aggregate, part.args.data(), std::move(rows), arena, out, row));
    last = frame;
    last_row = row;
    if (arena.bytes() > kMaxRunBytes) return fail(memory_error());
  }
  return {};
}

Status run_partition(const Partition& part, Arena& arena, const Vec& out) {
  if (part.call.aggregate) return run_over_frames(part, arena, out);
  if (part.call.name == "ntile") return run_ntile(part, out);
  if (part.call.name == "lag" || part.call.name == "lead") {
    run_shift(part, out);
    return {};
  }
  if (run_ranking(part, out)) return {};
  return run_pick(part, out);
}

Status run_window(const WindowStep& step, const PlanNode& node, std::span<const Vec> outputs,
                  size_t rows, Arena& arena, const Vec& out) {
  const WindowCall& call = *step.call;
  const std::span<const Type> types(node.program_types);
  const auto partition_keys = outputs.subspan(step.first_partition, call.partition.size());
  const auto partition_types = types.subspan(step.first_partition, call.partition.size());
  const auto order = outputs.subspan(step.first_order, call.order.size());
  const auto order_types = types.subspan(step.first_order, call.order.size());
  std::vector<SortKey> partition_sort(call.partition.size());
  const RowComparison by_partition{partition_keys, partition_types, partition_sort};
  const RowComparison by_order{order, order_types, call.sort};
  std::vector<uint32_t> sorted(rows);
  for (size_t i = 0; i < rows; ++i) sorted[i] = static_cast<uint32_t>(i);
  std::stable_sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) {
    const int sign = by_partition.order(a, b);
    return sign != 0 ? sign < 0 : by_order.order(a, b) < 0;
  });
  for (size_t start = 0; start < rows;) {
    size_t end = start + 1;
    while (end < rows && by_partition.order(sorted[start], sorted[end]) == 0) ++end;
    Partition part{call,
                   outputs.subspan(step.first_arg, call.args.size()),
                   order,
                   order_types,
                   call.start_offset ? &outputs[step.start_offset] : nullptr,
                   call.end_offset ? &outputs[step.end_offset] : nullptr,
                   std::span<const uint32_t>(sorted).subspan(start, end - start),
                   {},
                   {}};
    find_peers(part);
    TIDEMILL_TRY(run_partition(part, arena, out));
    start = end;
  }
  return {};
}

}  // namespace

Result<Relation> run_windows(const PlanNode& node, Execution& execution) {
  TIDEMILL_TRY_LET(input, run_node(*node.inputs[0], execution));
  TIDEMILL_TRY_LET(outputs, node.program.run(execution, input.columns, input.rows));
  Relation out = std::move(input);
  for (const WindowStep& step : node.windows) {
    const auto width = static_cast<size_t>(value::storage_width(step.call->type.kind()));
    const Vec vec = execution.arena.vec(width, out.rows);
    std::memset(vec.data, 0, width * out.rows);
    TIDEMILL_TRY(run_window(step, node, outputs, out.rows, execution.arena, vec));
    out.columns.push_back(vec);
  }
  return out;
}

}  // namespace tidemill::sql
