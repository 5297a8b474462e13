#include "sql/aggregate.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "sql/aggregate_kernels.h"
#include "sql/lexer.h"
#include "sql/operators.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

namespace {

// What the arguments are brought to, and with it the type of the result.
enum class Typing {
  kAny,        // argument 0 as it is; the result has its type
  kCount,      // any; BIGINT
  kSum,        // numbers; HUGEINT, DECIMAL(38,s) or DOUBLE
  kAverage,    // numbers; DOUBLE
  kDouble,     // numbers as DOUBLE; DOUBLE
  kBool,       // BOOLEAN
  kCountTrue,  // BOOLEAN; HUGEINT
  kInteger,    // integers; the same type
  kText,       // VARCHAR
  kList,       // any; a list of it
  kHistogram,  // any; MAP of it to UBIGINT
  kEntropy,    // any; DOUBLE
  kPairs,      // two numbers as DOUBLE; DOUBLE
  kPairCount,  // two numbers; UINTEGER
  kQuantile,   // a number or time; between two values DOUBLE, DECIMAL or TIMESTAMP
  kDiscrete,   // any; the same type
};

struct Entry {
  std::string_view name;
  size_t min_args;
  size_t max_args;
  Typing typing;
  AggregateKernel kernel;
  bool skips_nulls = true;
};

constexpr Entry kAggregates[] = {
    {"count", 0, 1, Typing::kCount, &aggregate_count},
    {"count_star", 0, 0, Typing::kCount, &aggregate_count},
    {"approx_count_distinct", 1, 1, Typing::kCount, &aggregate_count_distinct},
    {"sum", 1, 1, Typing::kSum, &aggregate_sum_integer},
    {"fsum", 1, 1, Typing::kDouble, &aggregate_kahan_sum},
    {"kahan_sum", 1, 1, Typing::kDouble, &aggregate_kahan_sum},
    {"avg", 1, 1, Typing::kAverage, &aggregate_avg_double},
    {"mean", 1, 1, Typing::kAverage, &aggregate_avg_double},
    {"favg", 1, 1, Typing::kDouble, &aggregate_avg_double},
    {"min", 1, 1, Typing::kAny, &aggregate_min},
    {"max", 1, 1, Typing::kAny, &aggregate_max},
    {"first", 1, 1, Typing::kAny, &aggregate_first, false},
    {"arbitrary", 1, 1, Typing::kAny, &aggregate_first, false},
    {"last", 1, 1, Typing::kAny, &aggregate_last, false},
    {"any_value", 1, 1, Typing::kAny, &aggregate_first},
    {"arg_min", 2, 2, Typing::kAny, &aggregate_arg_min},
    {"min_by", 2, 2, Typing::kAny, &aggregate_arg_min},
    {"argmin", 2, 2, Typing::kAny, &aggregate_arg_min},
    {"arg_max", 2, 2, Typing::kAny, &aggregate_arg_max},
    {"max_by", 2, 2, Typing::kAny, &aggregate_arg_max},
    {"argmax", 2, 2, Typing::kAny, &aggregate_arg_max},
    {"bool_and", 1, 1, Typing::kBool, &aggregate_bool_and},
    {"bool_or", 1, 1, Typing::kBool, &aggregate_bool_or},
    {"bit_and", 1, 1, Typing::kInteger, &aggregate_bit_and},
    {"bit_or", 1, 1, Typing::kInteger, &aggregate_bit_or},
    {"bit_xor", 1, 1, Typing::kInteger, &aggregate_bit_xor},
    {"count_if", 1, 1, Typing::kCountTrue, &aggregate_count_true},
    {"countif", 1, 1, Typing::kCountTrue, &aggregate_count_true},
    {"string_agg", 1, 2, Typing::kText, &aggregate_string_agg},
    {"group_concat", 1, 2, Typing::kText, &aggregate_string_agg},
    {"listagg", 1, 2, Typing::kText, &aggregate_string_agg},
    {"list", 1, 1, Typing::kList, &aggregate_list, false},
    {"array_agg", 1, 1, Typing::kList, &aggregate_list, false},
    {"histogram", 1, 1, Typing::kHistogram, &aggregate_histogram},
    {"mode", 1, 1, Typing::kAny, &aggregate_mode},
    {"entropy", 1, 1, Typing::kEntropy, &aggregate_entropy},
    {"stddev", 1, 1, Typing::kDouble, &aggregate_formula},
    {"stddev_samp", 1, 1, Typing::kDouble, &aggregate_formula},
    {"stddev_pop", 1, 1, Typing::kDouble, &aggregate_formula},
    {"variance", 1, 1, Typing::kDouble, &aggregate_formula},
    {"var_samp", 1, 1, Typing::kDouble, &aggregate_formula},
    {"var_pop", 1, 1, Typing::kDouble, &aggregate_formula},
    {"sem", 1, 1, Typing::kDouble, &aggregate_formula},
    {"skewness", 1, 1, Typing::kDouble, &aggregate_formula},
    {"kurtosis", 1, 1, Typing::kDouble, &aggregate_formula},
    {"kurtosis_pop", 1, 1, Typing::kDouble, &aggregate_formula},
    {"product", 1, 1, Typing::kDouble, &aggregate_formula},
    {"geomean", 1, 1, Typing::kDouble, &aggregate_formula},
    {"geometric_mean", 1, 1, Typing::kDouble, &aggregate_formula},
    {"covar_samp", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"covar_pop", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"corr", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_slope", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_intercept", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_r2", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_avgx", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_avgy", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_sxx", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_syy", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_sxy", 2, 2, Typing::kPairs, &aggregate_pairs},
    {"regr_count", 2, 2, Typing::kPairCount, &aggregate_pairs},
    {"median", 1, 1, Typing::kQuantile, &aggregate_quantile_cont},
    {"quantile_cont", 2, 2, Typing::kQuantile, &aggregate_quantile_cont},
    {"percentile_cont", 2, 2, Typing::kQuantile, &aggregate_quantile_cont},
    {"quantile_disc", 2, 2, Typing::kDiscrete, &aggregate_quantile_disc},
    {"percentile_disc", 2, 2, Typing::kDiscrete, &aggregate_quantile_disc},
    {"quantile", 2, 2, Typing::kDiscrete, &aggregate_quantile_disc},
    {"mad", 1, 1, Typing::kDouble, &aggregate_mad},
};

const Entry* entry_of(std::string_view name) {
  for (const Entry& entry : kAggregates) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

Status cast_arg(AggregateCall& call, size_t i, const Type& type, Position at) {
  TIDEMILL_TRY_LET(cast, bind_cast(call.args[i], type, false, at));
  call.args[i] = cast;
  return {};
}

Status need(bool is_right, const AggregateCall& call, Position at) {
  if (is_right) return {};
  if (call.args[0]->literal == LiteralKind::kText) {
    return fail(sql_error("Binder Error", at,
                          fmt::format("Could not choose a best candidate function for the function "
                                      "call \"{}(STRING_LITERAL)\". In order to select one, please "
                                      "add explicit type casts",
                                      call.name)));
  }
  return fail(no_match(call.name, call.args, at));
}

bool is_number(const Type& type) { return type.is_numeric() || type.kind() == Kind::kNull; }

Status type_sum(AggregateCall& call, Position at) {
  const Type type = call.args[0]->type;
  TIDEMILL_TRY(need(is_number(type) || type.kind() == Kind::kBool, call, at));
  if (type.is_floating()) {
    call.kernel = &aggregate_sum_double;
    call.type = Kind::kDouble;
  } else if (type.kind() == Kind::kDecimal) {
    call.type = Type::decimal(38, type.scale());
  } else {
    call.type = Kind::kInt128;
  }
  return cast_arg(call, 0, call.type, at);
}

Status type_average(AggregateCall& call, Position at) {
  const Type type = call.args[0]->type;
  TIDEMILL_TRY(need(is_number(type), call, at));
  call.type = Kind::kDouble;
  if (type.is_floating()) return cast_arg(call, 0, Kind::kDouble, at);
  call.kernel = &aggregate_avg_integer;
  if (type.kind() == Kind::kDecimal) {
    return cast_arg(call, 0, Type::decimal(38, type.scale()), at);
  }
  return cast_arg(call, 0, Kind::kInt128, at);
}

Status type_quantile(AggregateCall& call, Position at) {
  Type type = call.args[0]->type;
  if (type.is_integer() || type.kind() == Kind::kNull) type = Kind::kDouble;
  if (type.kind() == Kind::kDate) type = Kind::kTimestamp;
  const bool is_between = type.is_numeric() || type.kind() == Kind::kTimestamp ||
                          type.kind() == Kind::kTimestampTz || type.kind() == Kind::kTime;
  if (!is_between) call.kernel = &aggregate_quantile_disc;
  call.type = type;
  return cast_arg(call, 0, type, at);
}

Status read_fractions(AggregateCall& call, Position at) {
  if (call.args.size() < 2) {
    call.fractions = {0.5};
    return {};
  }
  const BoundPtr given = call.args[1];
  call.args.pop_back();
  if (!given->is_constant() || given->is_null()) {
    return fail(
        sql_error("Binder Error", at,
                  fmt::format("{}: the quantile must be a constant between 0 and 1", call.name)));
  }
  call.fractions_are_list = given->type.kind() == Kind::kList;
  std::vector<Value> values{given->constant};
  if (call.fractions_are_list) values = given->constant.items();
  for (const Value& value : values) {
    TIDEMILL_TRY_LET(number, cast_value(value, Kind::kDouble));
    const double fraction = number.is_null() ? -2 : number.as_double();
    if (!(fraction >= -1 && fraction <= 1)) {
      return fail(sql_error("Binder Error", at,
                            fmt::format("{}: QUANTILE can only take parameters in the range "
                                        "[-1, 1], found {}",
                                        call.name, value.to_text())));
    }
    call.fractions.push_back(fraction);
  }
  return {};
}

Status type_pairs(AggregateCall& call, Position at) {
  TIDEMILL_TRY(need(is_number(call.args[0]->type) && is_number(call.args[1]->type), call, at));
  TIDEMILL_TRY(cast_arg(call, 0, Kind::kDouble, at));
  return cast_arg(call, 1, Kind::kDouble, at);
}

Status type_arguments(AggregateCall& call, Typing typing, Position at) {
  const Type type = call.args.empty() ? Type() : call.args[0]->type;
  const bool is_bool = type.kind() == Kind::kBool || type.kind() == Kind::kNull;
  switch (typing) {
    case Typing::kCount:
      call.type = Kind::kInt64;
      return {};
    case Typing::kSum:
      return type_sum(call, at);
    case Typing::kAverage:
      return type_average(call, at);
    case Typing::kDouble:
      TIDEMILL_TRY(need(is_number(type), call, at));
      call.type = Kind::kDouble;
      return cast_arg(call, 0, Kind::kDouble, at);
    case Typing::kBool:
    case Typing::kCountTrue:
      TIDEMILL_TRY(need(is_bool, call, at));
      call.type = typing == Typing::kBool ? Kind::kBool : Kind::kInt128;
      return cast_arg(call, 0, Kind::kBool, at);
    case Typing::kInteger:
      TIDEMILL_TRY(need(type.is_integer() || type.kind() == Kind::kNull, call, at));
      call.type = type.kind() == Kind::kNull ? Type(Kind::kInt32) : type;
      return cast_arg(call, 0, call.type, at);
    case Typing::kText:
      call.type = Kind::kVarchar;
      for (size_t i = 0; i < call.args.size(); ++i) {
        TIDEMILL_TRY(cast_arg(call, i, Kind::kVarchar, at));
      }
      return {};
    case Typing::kPairs:
      call.type = Kind::kDouble;
      return type_pairs(call, at);
    case Typing::kPairCount:
      call.type = Kind::kUint32;
      return type_pairs(call, at);
    case Typing::kQuantile:
      TIDEMILL_TRY(read_fractions(call, at));
      return type_quantile(call, at);
    case Typing::kDiscrete:
      TIDEMILL_TRY(read_fractions(call, at));
      break;
    default:
      break;
  }
  TIDEMILL_TRY(cast_arg(call, 0, type, at));
  call.type = typing == Typing::kList        ? Type::list(type)
              : typing == Typing::kHistogram ? Type::map(type, Kind::kUint64)
              : typing == Typing::kEntropy   ? Type(Kind::kDouble)
                                             : type;
  return {};
}

// Rows that the filter leaves out have null arguments, so that they cannot fail.
void apply_filter(AggregateCall& call, BoundPtr filter, Position at) {
  for (BoundPtr& arg : call.args) {
    if (arg->is_constant()) continue;
    const Type type = arg->type;
    arg = bind_case({filter, arg, bound_constant(Value::null(type))}, type, at);
  }
  call.filter = call.args.size();
  call.args.push_back(std::move(filter));
}

}  // namespace

bool is_aggregate(std::string_view name) { return entry_of(name) != nullptr; }

std::vector<std::string_view> aggregate_names() {
  std::vector<std::string_view> out;
  for (const Entry& entry : kAggregates) out.push_back(entry.name);
  return out;
}

Result<std::shared_ptr<const AggregateCall>> bind_aggregate(AggregateRequest request) {
  const Entry* entry = entry_of(request.name);
  auto call = std::make_shared<AggregateCall>();
  call->name = request.name;
  call->args = std::move(request.args);
  const bool fits = call->args.size() >= entry->min_args && call->args.size() <= entry->max_args;
  if (!fits || (request.is_star && request.name != "count")) {
    return fail(no_match(request.name, call->args, request.at));
  }
  call->kernel = entry->kernel;
  call->skips_nulls = (entry->skips_nulls || request.ignores_nulls) && !call->args.empty();
  call->is_distinct = request.is_distinct && !call->args.empty();
  TIDEMILL_TRY(type_arguments(*call, entry->typing, request.at));
  if (call->fractions_are_list) call->type = Type::list(call->type);
  call->value_args = call->args.size();
  for (AggregateOrder order : request.order) {
    const BoundPtr& arg = request.order_args[order.arg];
    TIDEMILL_TRY_LET(plain, bind_cast(arg, arg->type, false, request.at));
    order.arg = call->args.size();
    call->args.push_back(plain);
    call->order.push_back(order);
  }
  if (request.filter) {
    TIDEMILL_TRY_LET(filter, bind_cast(request.filter, Kind::kBool, false, request.at));
    apply_filter(*call, filter, request.at);
  }
  return std::shared_ptr<const AggregateCall>(std::move(call));
}

namespace {

void drop_rows(const AggregateCall& call, const Vec* args, std::vector<uint32_t>& rows) {
  const bool needs_both = call.name.starts_with("arg") || call.name.ends_with("_by");
  std::erase_if(rows, [&](uint32_t row) {
    if (call.filter) {
      const Vec& filter = args[*call.filter];
      if (filter.state_at(row) != kValueState || !filter.at<bool>(row)) return true;
    }
    if (!call.skips_nulls) return false;
    if (args[0].state_at(row) == kNullState) return true;
    return needs_both && args[1].state_at(row) == kNullState;
  });
}

void drop_duplicates(const AggregateCall& call, const Vec* args, std::vector<uint32_t>& rows) {
  std::unordered_set<std::string> seen;
  std::erase_if(rows, [&](uint32_t row) {
    std::string key;
    for (size_t i = 0; i < std::max<size_t>(call.value_args, 1); ++i) {
      append_row_key(key, call.args[i]->type, args[i], row);
    }
    return !seen.insert(std::move(key)).second;
  });
}

void sort_rows(const AggregateCall& call, const Vec* args, std::vector<uint32_t>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) {
    for (const AggregateOrder& order : call.order) {
      const Vec& vec = args[order.arg];
      const bool a_null = vec.state_at(a) != kValueState;
      const bool b_null = vec.state_at(b) != kValueState;
      if (a_null || b_null) {
        if (a_null == b_null) continue;
        return a_null == order.nulls_first;
      }
      const int sign = row_order(call.args[order.arg]->type.kind())(vec, a, vec, b);
      if (sign != 0) return order.is_descending ? sign > 0 : sign < 0;
    }
    return false;
  });
}

}  // namespace

Status run_aggregate(const AggregateCall& call, const Vec* args, std::vector<uint32_t> rows,
                     Arena& arena, const Vec& out, size_t out_row) {
  if (call.filter || call.skips_nulls) drop_rows(call, args, rows);
  if (!call.order.empty()) sort_rows(call, args, rows);
  if (call.is_distinct) drop_duplicates(call, args, rows);
  return call.kernel(AggregateRows{call, args, rows, arena}, out, out_row);
}

}  // namespace tidemill::sql
