#include "sql/aggregate_kernels.h"

#include <algorithm>
#include <map>
#include <set>

#include "sql/kernels/statistics.h"
#include "sql/operators.h"

namespace tidemill::sql {

using value::int128;
using value::Kind;
using value::Type;
using value::Value;
namespace k = kernels;

namespace {

Status put_null(const Vec& out, size_t row) {
  out.state[row] = kNullState;
  return {};
}

template <class T>
Status put(const Vec& out, size_t row, T x) {
  out.state[row] = kValueState;
  out.values<T>()[row] = x;
  return {};
}

Status put(const Vec& out, size_t row, std::optional<double> x) {
  return x ? put<double>(out, row, *x) : put_null(out, row);
}

Status copy_row(const AggregateRows& group, size_t arg, uint32_t from, const Vec& out,
                size_t out_row) {
  const Vec& vec = group.args[arg];
  const auto width = static_cast<size_t>(value::storage_width(group.call.args[arg]->type.kind()));
  out.state[out_row] = vec.state_at(from);
  std::memcpy(out.data + out_row * width, vec.data + from * vec.step * width, width);
  return {};
}

std::vector<double> doubles(const AggregateRows& group, size_t arg) {
  std::vector<double> values;
  values.reserve(group.rows.size());
  for (const uint32_t row : group.rows) values.push_back(group.args[arg].at<double>(row));
  return values;
}

template <bool is_greatest>
uint32_t extreme_row(const AggregateRows& group, size_t arg) {
  const RowOrder order = row_order(group.call.args[arg]->type.kind());
  uint32_t best = group.rows[0];
  for (const uint32_t row : group.rows) {
    const int sign = order(group.args[arg], row, group.args[arg], best);
    if (is_greatest ? sign > 0 : sign < 0) best = row;
  }
  return best;
}

// How often each distinct value of argument 0 occurs, in order of first appearance.
struct Counted {
  uint32_t row;
  uint64_t count;
};
std::vector<Counted> counted(const AggregateRows& group) {
  std::vector<Counted> out;
  std::unordered_map<std::string, size_t> index;
  std::string key;
  for (const uint32_t row : group.rows) {
    key.clear();
    append_row_key(key, group.call.args[0]->type, group.args[0], row);
    const auto [at, is_new] = index.emplace(key, out.size());
    if (is_new) out.push_back({row, 0});
    ++out[at->second].count;
  }
  return out;
}

template <class Combine>
Status bits(const AggregateRows& group, const Vec& out, size_t out_row, Combine combine) {
  if (group.rows.empty()) return put_null(out, out_row);
  const Type& type = group.call.type;
  int128 all = value_at(type, group.args[0], group.rows[0]).as_int();
  for (const uint32_t row : group.rows.subspan(1)) {
    all = combine(all, value_at(type, group.args[0], row).as_int());
  }
  store_value(group.arena, type, out, out_row, Value::of_int(type, all));
  return {};
}

}  // namespace

Status aggregate_count(const AggregateRows& group, const Vec& out, size_t out_row) {
  return put<int64_t>(out, out_row, static_cast<int64_t>(group.rows.size()));
}

Status aggregate_count_distinct(const AggregateRows& group, const Vec& out, size_t out_row) {
  return put<int64_t>(out, out_row, static_cast<int64_t>(counted(group).size()));
}

Status aggregate_sum_double(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  double sum = 0;
  for (const uint32_t row : group.rows) sum += group.args[0].at<double>(row);
  return put<double>(out, out_row, sum);
}

Status aggregate_kahan_sum(const AggregateRows& group, const Vec& out, size_t out_row) {
  return put(out, out_row, k::kahan_sum(doubles(group, 0)));
}

namespace {

Result<int128> integer_sum(const AggregateRows& group) {
  int128 sum = 0;
  for (const uint32_t row : group.rows) {
    if (__builtin_add_overflow(sum, group.args[0].at<int128>(row), &sum)) {
      return fail(Error{Code::kInvalid,
                        "Overflow in sum: the total does not fit 128 bits; sum DOUBLE instead",
                        "Out of Range Error"});
    }
  }
  return sum;
}

}  // namespace

Status aggregate_sum_integer(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  TIDEMILL_TRY_LET(sum, integer_sum(group));
  return put<int128>(out, out_row, sum);
}

Status aggregate_avg_double(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  double sum = 0;
  for (const uint32_t row : group.rows) sum += group.args[0].at<double>(row);
  return put<double>(out, out_row, sum / static_cast<double>(group.rows.size()));
}

Status aggregate_avg_integer(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  TIDEMILL_TRY_LET(sum, integer_sum(group));
  long double divisor = static_cast<long double>(group.rows.size());
  for (int i = 0; i < group.call.args[0]->type.scale(); ++i) divisor *= 10;
  return put<double>(out, out_row, static_cast<double>(static_cast<long double>(sum) / divisor));
}

Status aggregate_count_true(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  int128 count = 0;
  for (const uint32_t row : group.rows) count += group.args[0].at<bool>(row) ? 1 : 0;
  return put<int128>(out, out_row, count);
}

Status aggregate_min(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  return copy_row(group, 0, extreme_row<false>(group, 0), out, out_row);
}

Status aggregate_max(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  return copy_row(group, 0, extreme_row<true>(group, 0), out, out_row);
}

Status aggregate_first(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  return copy_row(group, 0, group.rows.front(), out, out_row);
}

Status aggregate_last(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  return copy_row(group, 0, group.rows.back(), out, out_row);
}

Status aggregate_arg_min(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  return copy_row(group, 0, extreme_row<false>(group, 1), out, out_row);
}

Status aggregate_arg_max(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  return copy_row(group, 0, extreme_row<true>(group, 1), out, out_row);
}

Status aggregate_bool_and(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  bool all = true;
  for (const uint32_t row : group.rows) all = all && group.args[0].at<bool>(row);
  return put<bool>(out, out_row, all);
}

Status aggregate_bool_or(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  bool any = false;
  for (const uint32_t row : group.rows) any = any || group.args[0].at<bool>(row);
  return put<bool>(out, out_row, any);
}

Status aggregate_bit_and(const AggregateRows& group, const Vec& out, size_t out_row) {
  return bits(group, out, out_row, [](int128 a, int128 b) { return a & b; });
}
Status aggregate_bit_or(const AggregateRows& group, const Vec& out, size_t out_row) {
  return bits(group, out, out_row, [](int128 a, int128 b) { return a | b; });
}
Status aggregate_bit_xor(const AggregateRows& group, const Vec& out, size_t out_row) {
  return bits(group, out, out_row, [](int128 a, int128 b) { return a ^ b; });
}

Status aggregate_string_agg(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  std::string text;
  for (size_t i = 0; i < group.rows.size(); ++i) {
    if (i > 0 && group.call.value_args > 1) {
      text += group.args[1].at<std::string_view>(group.rows[i]);
    } else if (i > 0) {
      text += ',';
    }
    text += group.args[0].at<std::string_view>(group.rows[i]);
  }
  if (group.arena.bytes() + text.size() > kMaxRunBytes) return fail(memory_error());
  return put<std::string_view>(out, out_row, group.arena.copy(text));
}

Status aggregate_list(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  std::vector<Value> items;
  for (const uint32_t row : group.rows) {
    items.push_back(value_at(group.call.args[0]->type, group.args[0], row));
  }
  store_value(group.arena, group.call.type, out, out_row,
              Value::nested(group.call.type, std::move(items)));
  return {};
}

Status aggregate_histogram(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  std::vector<Counted> counts = counted(group);
  const RowOrder order = row_order(group.call.args[0]->type.kind());
  std::sort(counts.begin(), counts.end(), [&](const Counted& a, const Counted& b) {
    return order(group.args[0], a.row, group.args[0], b.row) < 0;
  });
  std::vector<Value> items;
  for (const Counted& entry : counts) {
    items.push_back(value_at(group.call.args[0]->type, group.args[0], entry.row));
    items.push_back(Value::of_int(Kind::kUint64, entry.count));
  }
  store_value(group.arena, group.call.type, out, out_row,
              Value::nested(group.call.type, std::move(items)));
  return {};
}

// Of values that occur equally often the greatest is taken, so that the answer does not depend on
// the order of rows.
Status aggregate_mode(const AggregateRows& group, const Vec& out, size_t out_row) {
  if (group.rows.empty()) return put_null(out, out_row);
  const RowOrder order = row_order(group.call.args[0]->type.kind());
  const std::vector<Counted> counts = counted(group);
  const Counted* best = &counts.front();
  for (const Counted& entry : counts) {
    const bool is_more = entry.count > best->count;
    const bool is_tied = entry.count == best->count;
    if (is_more || (is_tied && order(group.args[0], entry.row, group.args[0], best->row) > 0)) {
      best = &entry;
    }
  }
  return copy_row(group, 0, best->row, out, out_row);
}

Status aggregate_entropy(const AggregateRows& group, const Vec& out, size_t out_row) {
  std::vector<uint64_t> counts;
  for (const Counted& entry : counted(group)) counts.push_back(entry.count);
  return put<double>(out, out_row, k::entropy(counts));
}

namespace {

struct Formula {
  std::string_view name;
  std::optional<double> (*f)(std::span<const double> values);
};

template <std::optional<double> (k::Moments::*f)() const>
std::optional<double> of_moments(std::span<const double> values) {
  k::Moments moments;
  for (const double x : values) moments.add(x);
  return (moments.*f)();
}

constexpr Formula kFormulas[] = {
    {"stddev", &of_moments<&k::Moments::stddev_samp>},
    {"stddev_samp", &of_moments<&k::Moments::stddev_samp>},
    {"stddev_pop", &of_moments<&k::Moments::stddev_pop>},
    {"variance", &of_moments<&k::Moments::var_samp>},
    {"var_samp", &of_moments<&k::Moments::var_samp>},
    {"var_pop", &of_moments<&k::Moments::var_pop>},
    {"sem", &of_moments<&k::Moments::sem>},
    {"skewness", &k::skewness},
    {"kurtosis", &k::kurtosis},
    {"kurtosis_pop", &k::kurtosis_pop},
    {"product", &k::product},
    {"geomean", &k::geometric_mean},
    {"geometric_mean", &k::geometric_mean},
};

struct PairFormula {
  std::string_view name;
  std::optional<double> (k::Covariance::*f)() const;
};

constexpr PairFormula kPairFormulas[] = {
    {"covar_samp", &k::Covariance::covar_samp},
    {"covar_pop", &k::Covariance::covar_pop},
    {"corr", &k::Covariance::corr},
    {"regr_slope", &k::Covariance::regr_slope},
    {"regr_intercept", &k::Covariance::regr_intercept},
    {"regr_r2", &k::Covariance::regr_r2},
    {"regr_avgx", &k::Covariance::regr_avgx},
    {"regr_avgy", &k::Covariance::regr_avgy},
    {"regr_sxx", &k::Covariance::regr_sxx},
    {"regr_syy", &k::Covariance::regr_syy},
    {"regr_sxy", &k::Covariance::regr_sxy},
};

}  // namespace

Status aggregate_formula(const AggregateRows& group, const Vec& out, size_t out_row) {
  for (const Formula& formula : kFormulas) {
    if (formula.name == group.call.name) {
      return put(out, out_row, formula.f(doubles(group, 0)));
    }
  }
  return fail(Code::kInternal, "no formula for the aggregate " + group.call.name);
}

Status aggregate_pairs(const AggregateRows& group, const Vec& out, size_t out_row) {
  k::Covariance pairs;
  for (const uint32_t row : group.rows) {
    if (group.args[1].state_at(row) != kValueState) continue;
    pairs.add(group.args[0].at<double>(row), group.args[1].at<double>(row));
  }
  if (group.call.name == "regr_count") {
    return put<uint32_t>(out, out_row, static_cast<uint32_t>(pairs.count()));
  }
  for (const PairFormula& formula : kPairFormulas) {
    if (formula.name == group.call.name) return put(out, out_row, (pairs.*formula.f)());
  }
  return fail(Code::kInternal, "no formula for the aggregate " + group.call.name);
}

namespace {

std::vector<uint32_t> sorted_rows(const AggregateRows& group) {
  const RowOrder order = row_order(group.call.args[0]->type.kind());
  std::vector<uint32_t> rows(group.rows.begin(), group.rows.end());
  std::stable_sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) {
    return order(group.args[0], a, group.args[0], b) < 0;
  });
  return rows;
}

// The value between two rows of a sorted group; integers behind decimals and times are cut off.
Value between(const Type& type, const Value& low, const Value& high, double part) {
  if (type.is_floating()) {
    const double d = low.as_double() + part * (high.as_double() - low.as_double());
    return type.kind() == Kind::kFloat ? Value::single(static_cast<float>(d)) : Value::real(d);
  }
  const auto distance = static_cast<double>(high.as_int() - low.as_int());
  return Value::of_int(type, low.as_int() + static_cast<int128>(part * distance));
}

template <class Pick>
Status quantiles(const AggregateRows& group, const Vec& out, size_t out_row, Pick pick) {
  if (group.rows.empty()) return put_null(out, out_row);
  const std::vector<uint32_t> rows = sorted_rows(group);
  std::vector<Value> items;
  for (const double fraction : group.call.fractions) items.push_back(pick(rows, fraction));
  const Value value = group.call.fractions_are_list
                          ? Value::nested(group.call.type, std::move(items))
                          : std::move(items.front());
  store_value(group.arena, group.call.type, out, out_row, value);
  return {};
}

}  // namespace

Status aggregate_quantile_cont(const AggregateRows& group, const Vec& out, size_t out_row) {
  const Type type = group.call.args[0]->type;
  return quantiles(group, out, out_row, [&](const std::vector<uint32_t>& rows, double fraction) {
    const double place =
        static_cast<double>(rows.size() - 1) * (fraction < 0 ? 1 + fraction : fraction);
    const auto low = static_cast<size_t>(place);
    const size_t high = std::min(low + 1, rows.size() - 1);
    const Value a = value_at(type, group.args[0], rows[low]);
    const double part = place - static_cast<double>(low);
    return part == 0 ? a : between(type, a, value_at(type, group.args[0], rows[high]), part);
  });
}

Status aggregate_quantile_disc(const AggregateRows& group, const Vec& out, size_t out_row) {
  return quantiles(group, out, out_row, [&](const std::vector<uint32_t>& rows, double fraction) {
    const size_t at = k::quantile_disc_index(rows.size(), fraction);
    return value_at(group.call.args[0]->type, group.args[0], rows[at]);
  });
}

Status aggregate_mad(const AggregateRows& group, const Vec& out, size_t out_row) {
  return put(out, out_row, k::mad(doubles(group, 0)));
}

}  // namespace tidemill::sql
