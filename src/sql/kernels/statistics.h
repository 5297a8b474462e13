// Formulas of aggregates over the non-null doubles of a group, computed in the order given and with
// the same steps as DuckDB, so that results agree to the last bit where that can be had. "Nothing"
// is SQL's NULL. For incremental use see Moments and Covariance.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace tidemill::sql::kernels {

// Count, mean and sum of squared distances by Welford's recurrence.
class Moments {
 public:
  void add(double x);
  // Joins the state of another part of the group (Chan et al.).
  void merge(const Moments& other);
  uint64_t count() const { return count_; }
  double mean() const { return mean_; }
  std::optional<double> var_samp() const;
  std::optional<double> var_pop() const;
  std::optional<double> stddev_samp() const;
  std::optional<double> stddev_pop() const;
  std::optional<double> sem() const;

 private:
  uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

// Pairs (y, x) as in corr(y, x), regr_slope(y, x); pairs with a null are left out by the caller.
class Covariance {
 public:
  void add(double y, double x);
  uint64_t count() const { return count_; }
  std::optional<double> covar_samp() const;
  std::optional<double> covar_pop() const;
  std::optional<double> corr() const;
  std::optional<double> regr_slope() const;
  std::optional<double> regr_intercept() const;
  std::optional<double> regr_r2() const;
  std::optional<double> regr_avgx() const;
  std::optional<double> regr_avgy() const;
  std::optional<double> regr_sxx() const;
  std::optional<double> regr_syy() const;
  std::optional<double> regr_sxy() const;

 private:
  uint64_t count_ = 0;
  double mean_x_ = 0;
  double mean_y_ = 0;
  double co_moment_ = 0;
  Moments x_;
  Moments y_;
};

std::optional<double> skewness(std::span<const double> values);
std::optional<double> kurtosis(std::span<const double> values);  // sample
std::optional<double> kurtosis_pop(std::span<const double> values);

// Quantiles reorder a copy. `fraction` must be in 0..1 (negative counts from the top), else an
// error.
Result<std::optional<double>> quantile_cont(std::span<const double> values, double fraction);
Result<std::optional<double>> quantile_disc(std::span<const double> values, double fraction);
// Index into the sorted values that quantile_disc takes; for types other than double.
size_t quantile_disc_index(size_t count, double fraction);
std::optional<double> median(std::span<const double> values);
std::optional<double> mad(std::span<const double> values);  // median of |x - median|

// Entropy in bits of a distribution given as the counts of its distinct values, in order of
// appearance.
double entropy(std::span<const uint64_t> counts);
std::optional<double> geometric_mean(std::span<const double> values);
std::optional<double> product(std::span<const double> values);
// Sum without and with compensation (Kahan), and the averages.
std::optional<double> sum(std::span<const double> values);
std::optional<double> kahan_sum(std::span<const double> values);
std::optional<double> average(std::span<const double> values);

}  // namespace tidemill::sql::kernels
