// Mathematics, aggregates and formats against DuckDB's answers.
#include <sstream>

#include "sql/kernels/format.h"
#include "sql/kernels/integer_math.h"
#include "sql/kernels/math.h"
#include "sql/kernels/statistics.h"
#include "value/vector_test.h"

namespace tidemill::sql::kernels {
namespace {

using value::answer_of;
using value::format_integer;
using value::int128;
using value::run_vectors;
using value::VectorAnswer;
using value::VectorMatch;
using value::VectorTable;
using Arguments = value::VectorArguments;

double real(const std::string& given) { return value::parse_double(given).value(); }
VectorAnswer shown(double x) { return std::optional<std::string>(value::format_double(x)); }
VectorAnswer shown(std::optional<double> x) { return x ? shown(*x) : VectorAnswer(std::nullopt); }
VectorAnswer shown(const Result<std::optional<double>>& x) {
  if (!x) return fail(x.error());
  return shown(*x);
}

template <Integer T>
void add_integer(VectorTable& table, const std::string& name) {
  using Operation = Result<T> (*)(T, T);
  const std::pair<const char*, Operation> operations[] = {
      {"_add", add<T>},       {"_subtract", subtract<T>}, {"_multiply", multiply<T>},
      {"_divide", divide<T>}, {"_modulo", modulo<T>},     {"_shift_left", shift_left<T>}};
  const auto read = [](const std::string& text) { return value::parse_integer<T>(text).value(); };
  for (const auto& [suffix, operation] : operations) {
    table[name + suffix] = [read, f = operation](const Arguments& a) {
      return answer_of(f(read(a[0]), read(a[1])), format_integer<T>);
    };
  }
  table[name + "_shift_right"] = [read](const Arguments& a) -> VectorAnswer {
    return std::optional<std::string>(format_integer(shift_right(read(a[0]), read(a[1]))));
  };
  table[name + "_abs"] = [read](const Arguments& a) {
    return answer_of(abs(read(a[0])), format_integer<T>);
  };
  table[name + "_bit_count"] = [read](const Arguments& a) -> VectorAnswer {
    return std::optional<std::string>(std::to_string(bit_count(read(a[0]))));
  };
  table[name + "_round"] = [read](const Arguments& a) {
    return answer_of(round_integer(read(a[0]), std::stoll(a[1])), format_integer<T>);
  };
  table[name + "_round_even"] = [read](const Arguments& a) {
    return answer_of(round_integer_even(read(a[0]), std::stoll(a[1])), format_integer<T>);
  };
  table[name + "_trunc"] = [read](const Arguments& a) -> VectorAnswer {
    return std::optional<std::string>(format_integer(trunc_integer(read(a[0]), std::stoll(a[1]))));
  };
}

void add_doubles(VectorTable& table) {
  using One = double (*)(double);
  const std::pair<const char*, One> ones[] = {{"even", even},    {"cbrt", cbrt}, {"ln", ln},
                                              {"log10", log10},  {"log2", log2}, {"gamma", gamma},
                                              {"lgamma", lgamma}};
  for (const auto& [name, function] : ones) {
    table[name] = [f = function](const Arguments& a) { return shown(f(real(a[0]))); };
  }
  using Two = double (*)(double, double);
  const std::pair<const char*, Two> twos[] = {{"log_base", log_base},
                                              {"fmod", floor_remainder},
                                              {"fdiv", floor_divide},
                                              {"double_modulo", remainder}};
  for (const auto& [name, function] : twos) {
    table[name] = [f = function](const Arguments& a) { return shown(f(real(a[0]), real(a[1]))); };
  }
  using Round = double (*)(double, int64_t);
  const std::pair<const char*, Round> rounds[] = {
      {"round", round_half_away}, {"round_even", round_half_even}, {"trunc", trunc}};
  for (const auto& [name, function] : rounds) {
    table[name] = [f = function](const Arguments& a) {
      return shown(f(real(a[0]), std::stoll(a[1])));
    };
  }
  table["round_float"] = [](const Arguments& a) -> VectorAnswer {
    return std::optional<std::string>(
        value::format_float(round_half_away(value::parse_float(a[0]).value(), std::stoll(a[1]))));
  };
  table["sign"] = [](const Arguments& a) -> VectorAnswer {
    return std::optional<std::string>(std::to_string(sign(real(a[0]))));
  };
  table["compare_less"] = [](const Arguments& a) -> VectorAnswer {
    return std::optional<std::string>(less(real(a[0]), real(a[1])) ? "true" : "false");
  };
}

TEST(MathVectors, FunctionsAgree) {
  VectorTable table;
  add_integer<int8_t>(table, "int8");
  add_integer<int32_t>(table, "int32");
  add_integer<int64_t>(table, "int64");
  add_integer<int128>(table, "int128");
  add_integer<uint8_t>(table, "uint8");
  add_doubles(table);
  table["gcd"] = [](const Arguments& a) {
    return answer_of(gcd(int64_t{std::stoll(a[0])}, int64_t{std::stoll(a[1])}),
                     format_integer<int64_t>);
  };
  table["lcm"] = [](const Arguments& a) {
    return answer_of(lcm(int64_t{std::stoll(a[0])}, int64_t{std::stoll(a[1])}),
                     format_integer<int64_t>);
  };
  table["factorial"] = [](const Arguments& a) {
    return answer_of(factorial(std::stoll(a[0])), format_integer<int128>);
  };
  // DuckDB's answer does not fit its own TINYINT.
  run_vectors("mathematics", table, VectorMatch::kClose, {R"(["int128_bit_count","-1"])"});
}

std::vector<double> group(const std::string& text) {
  std::vector<double> values;
  std::istringstream words(text);
  for (std::string word; words >> word;) values.push_back(real(word));
  return values;
}

template <class Member>
value::VectorFunction of_moments(Member member) {
  return [member](const Arguments& a) {
    Moments moments;
    for (const double x : group(a[0])) moments.add(x);
    return shown((moments.*member)());
  };
}

template <class Member>
value::VectorFunction of_covariance(Member member) {
  return [member](const Arguments& a) {
    Covariance covariance;
    for (const double x : group(a[0])) covariance.add(x * x - 3 * x, x);
    return shown((covariance.*member)());
  };
}

template <class Function>
value::VectorFunction of_group(Function function) {
  return [function](const Arguments& a) { return shown(function(group(a[0]))); };
}

void add_pairs(VectorTable& table) {
  table["corr"] = of_covariance(&Covariance::corr);
  table["covar_samp"] = of_covariance(&Covariance::covar_samp);
  table["covar_pop"] = of_covariance(&Covariance::covar_pop);
  table["regr_slope"] = of_covariance(&Covariance::regr_slope);
  table["regr_intercept"] = of_covariance(&Covariance::regr_intercept);
  table["regr_r2"] = of_covariance(&Covariance::regr_r2);
  table["regr_avgx"] = of_covariance(&Covariance::regr_avgx);
  table["regr_avgy"] = of_covariance(&Covariance::regr_avgy);
  table["regr_sxx"] = of_covariance(&Covariance::regr_sxx);
  table["regr_syy"] = of_covariance(&Covariance::regr_syy);
  table["regr_sxy"] = of_covariance(&Covariance::regr_sxy);
}

TEST(StatisticsVectors, AggregatesAgree) {
  VectorTable table;
  add_pairs(table);
  table["var_samp"] = of_moments(&Moments::var_samp);
  table["var_pop"] = of_moments(&Moments::var_pop);
  table["stddev_samp"] = of_moments(&Moments::stddev_samp);
  table["stddev_pop"] = of_moments(&Moments::stddev_pop);
  table["sem"] = of_moments(&Moments::sem);
  table["skewness"] = of_group(skewness);
  table["kurtosis"] = of_group(kurtosis);
  table["kurtosis_pop"] = of_group(kurtosis_pop);
  table["median"] = of_group(median);
  table["mad"] = of_group(mad);
  table["product"] = of_group(product);
  table["sum"] = of_group(sum);
  table["fsum"] = of_group(kahan_sum);
  table["avg"] = of_group(average);
  table["geomean"] = of_group(geometric_mean);
  table["entropy"] = [](const Arguments& a) {
    std::vector<std::pair<double, uint64_t>> seen;
    for (const double x : group(a[0])) {
      const auto at = std::find_if(seen.begin(), seen.end(),
                                   [&](const auto& known) { return equals(known.first, x); });
      if (at == seen.end()) {
        seen.emplace_back(x, 1);
      } else {
        ++at->second;
      }
    }
    std::vector<uint64_t> counts;
    for (const auto& [x, count] : seen) counts.push_back(count);
    return shown(entropy(counts));
  };
  table["quantile_cont"] = [](const Arguments& a) {
    return shown(quantile_cont(group(a[0]), real(a[1])));
  };
  table["quantile_disc"] = [](const Arguments& a) {
    return shown(quantile_disc(group(a[0]), real(a[1])));
  };
  // NaN in, NaN out.
  run_vectors("statistics", table, VectorMatch::kClose,
              {R"(["skewness","nan 2 7"])", R"(["kurtosis_pop","nan 2 7"])"});
}

FormatArgument argument(const std::string& text, const std::string& kind) {
  if (kind == "int") return int64_t{std::stoll(text)};
  if (kind == "double") return real(text);
  if (kind == "bool") return text == "true";
  if (kind == "huge") return value::parse_integer<int128>(text).value();
  return text;
}

TEST(FormatVectors, FormatAndPrintfAgree) {
  VectorTable table;
  table["format"] = [](const Arguments& a) {
    return answer_of(format(a[0], std::vector{argument(a[1], a[2])}));
  };
  table["printf"] = [](const Arguments& a) {
    return answer_of(printf(a[0], std::vector{argument(a[1], a[2])}));
  };
  // A sign for 128 bits is no error, they keep their value whatever length is asked for, and %c
  // takes whole characters only.
  run_vectors("formats", table, VectorMatch::kExact,
              {R"(["format","{:+d}","170141183460469231731687303715884105727","huge"])",
               R"(["format","{: d}","170141183460469231731687303715884105727","huge"])",
               R"(["printf","%ld","170141183460469231731687303715884105727","huge"])",
               R"(["printf","%lld","170141183460469231731687303715884105727","huge"])",
               R"(["printf","%c","123456789","int"])", R"(["printf","%c","true","bool"])"});
}

}  // namespace
}  // namespace tidemill::sql::kernels
