#include "sql/kernels/statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sql/kernels/math.h"

namespace tidemill::sql::kernels {
namespace {

using Maybe = std::optional<double>;

// Sums of powers, as DuckDB's skewness and kurtosis keep them.
struct Powers {
  double n = 0;
  double first = 0;
  double second = 0;
  double third = 0;
  double fourth = 0;
};

Powers powers_of(std::span<const double> values) {
  Powers sums;
  for (const double x : values) {
    sums.n += 1;
    sums.first += x;
    sums.second += std::pow(x, 2);
    sums.third += std::pow(x, 3);
    sums.fourth += std::pow(x, 4);
  }
  return sums;
}

struct FourthMoment {
  double m2 = 0;
  double m4 = 0;
};

std::optional<FourthMoment> fourth_moment(const Powers& p) {
  const double inverse = 1 / p.n;
  if (p.second - p.first * p.first * inverse == 0 || p.second == 0) return std::nullopt;
  const double m4 = inverse * (p.fourth - 4 * p.third * p.first * inverse +
                               6 * p.second * p.first * p.first * inverse * inverse -
                               3 * std::pow(p.first, 4) * std::pow(inverse, 3));
  const double m2 = inverse * (p.second - p.first * p.first * inverse);
  if (m2 <= 0) return std::nullopt;
  return FourthMoment{m2, m4};
}

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::sort(copy.begin(), copy.end(), less);
  return copy;
}

double interpolated(const std::vector<double>& ordered, double fraction) {
  const double place = static_cast<double>(ordered.size() - 1) * fraction;
  const auto low = static_cast<size_t>(std::floor(place));
  const auto high = static_cast<size_t>(std::ceil(place));
  if (low == high) return ordered[low];
  const double weight = place - static_cast<double>(low);
  return ordered[low] * (1.0 - weight) + ordered[high] * weight;
}

Status check_fraction(double fraction) {
  if (fraction >= -1 && fraction <= 1) return {};
  return fail(Code::kInvalid,
              "Binder Error: QUANTILE can only take parameters in the range [-1, 1]");
}

}  // namespace

void Moments::add(double x) {
  ++count_;
  const double before = x - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += (x - mean_) * before;
}

void Moments::merge(const Moments& other) {
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  const auto mine = static_cast<double>(count_);
  const auto theirs = static_cast<double>(other.count_);
  const double delta = other.mean_ - mean_;
  mean_ = (theirs * other.mean_ + mine * mean_) / (mine + theirs);
  squares_ += other.squares_ + delta * delta * theirs * mine / (mine + theirs);
  count_ += other.count_;
}

Maybe Moments::var_samp() const {
  if (count_ < 2) return std::nullopt;
  return squares_ / static_cast<double>(count_ - 1);
}

Maybe Moments::var_pop() const {
  if (count_ == 0) return std::nullopt;
  return count_ > 1 ? squares_ / static_cast<double>(count_) : 0.0;
}

Maybe Moments::stddev_samp() const {
  const Maybe variance = var_samp();
  return variance ? Maybe(std::sqrt(*variance)) : std::nullopt;
}

Maybe Moments::stddev_pop() const {
  const Maybe variance = var_pop();
  return variance ? Maybe(std::sqrt(*variance)) : std::nullopt;
}

Maybe Moments::sem() const {
  if (count_ == 0) return std::nullopt;
  return std::sqrt(*var_pop()) / std::sqrt(static_cast<double>(count_));
}

void Covariance::add(double y, double x) {
  ++count_;
  const auto n = static_cast<double>(count_);
  const double dx = x - mean_x_;
  mean_x_ += dx / n;
  mean_y_ += (y - mean_y_) / n;
  co_moment_ += dx * (y - mean_y_);
  x_.add(x);
  y_.add(y);
}

Maybe Covariance::covar_samp() const {
  if (count_ < 2) return std::nullopt;
  return co_moment_ / static_cast<double>(count_ - 1);
}

Maybe Covariance::covar_pop() const {
  if (count_ == 0) return std::nullopt;
  return co_moment_ / static_cast<double>(count_);
}

Maybe Covariance::corr() const {
  if (count_ == 0) return std::nullopt;
  const double deviation_x = *x_.stddev_pop();
  const double deviation_y = *y_.stddev_pop();
  const double product = deviation_x * deviation_y;
  // No spread: not a number.
  return product != 0 ? *covar_pop() / product : std::numeric_limits<double>::quiet_NaN();
}

Maybe Covariance::regr_slope() const {
  if (count_ == 0) return std::nullopt;
  const double variance = *x_.var_pop();
  return variance == 0 ? std::numeric_limits<double>::quiet_NaN() : *covar_pop() / variance;
}

Maybe Covariance::regr_intercept() const {
  if (count_ == 0 || *x_.var_pop() == 0) return std::nullopt;
  return mean_y_ - *regr_slope() * mean_x_;
}

Maybe Covariance::regr_r2() const {
  if (count_ == 0 || *x_.var_pop() == 0) return std::nullopt;
  if (*y_.var_pop() == 0) return 1.0;
  const double r = *corr();
  return r * r;
}

Maybe Covariance::regr_avgx() const { return count_ == 0 ? std::nullopt : Maybe(mean_x_); }
Maybe Covariance::regr_avgy() const { return count_ == 0 ? std::nullopt : Maybe(mean_y_); }

Maybe Covariance::regr_sxx() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(count_) * *x_.var_pop();
}
Maybe Covariance::regr_syy() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(count_) * *y_.var_pop();
}
Maybe Covariance::regr_sxy() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(count_) * *covar_pop();
}

Maybe skewness(std::span<const double> values) {
  const Powers p = powers_of(values);
  if (p.n <= 2) return std::nullopt;
  const double inverse = 1 / p.n;
  const double spread = std::pow(inverse * (p.second - p.first * p.first * inverse), 3);
  if (spread <= 0) return std::nullopt;
  const double correction = std::sqrt(p.n * (p.n - 1)) / (p.n - 2);
  return correction * inverse *
         (p.third - 3 * p.second * p.first * inverse +
          2 * std::pow(p.first, 3) * inverse * inverse) /
         std::sqrt(spread);
}

Maybe kurtosis(std::span<const double> values) {
  const Powers p = powers_of(values);
  if (p.n <= 3) return std::nullopt;
  const auto moment = fourth_moment(p);
  if (!moment) return std::nullopt;
  const double n = p.n;
  return (n - 1) * ((n + 1) * moment->m4 / (moment->m2 * moment->m2) - 3 * (n - 1)) /
         ((n - 2) * (n - 3));
}

Maybe kurtosis_pop(std::span<const double> values) {
  const Powers p = powers_of(values);
  if (p.n <= 1) return std::nullopt;
  const auto moment = fourth_moment(p);
  if (!moment) return std::nullopt;
  return moment->m4 / (moment->m2 * moment->m2) - 3;
}

Result<Maybe> quantile_cont(std::span<const double> values, double fraction) {
  TIDEMILL_TRY(check_fraction(fraction));
  if (values.empty()) return std::nullopt;
  std::vector<double> ordered = sorted(values);
  if (fraction < 0) std::reverse(ordered.begin(), ordered.end());
  return interpolated(ordered, std::fabs(fraction));
}

size_t quantile_disc_index(size_t count, double fraction) {
  const auto n = static_cast<double>(count);
  const double behind = n - std::floor(n - fraction * n);
  return static_cast<size_t>(std::max(1.0, behind)) - 1;
}

Result<Maybe> quantile_disc(std::span<const double> values, double fraction) {
  TIDEMILL_TRY(check_fraction(fraction));
  if (values.empty()) return std::nullopt;
  std::vector<double> ordered = sorted(values);
  if (fraction < 0) std::reverse(ordered.begin(), ordered.end());
  return ordered[quantile_disc_index(ordered.size(), std::fabs(fraction))];
}

Maybe median(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return interpolated(sorted(values), 0.5);
}

Maybe mad(std::span<const double> values) {
  const Maybe middle = median(values);
  if (!middle) return std::nullopt;
  std::vector<double> distances;
  distances.reserve(values.size());
  for (const double x : values) distances.push_back(std::fabs(x - *middle));
  return median(distances);
}

double entropy(std::span<const uint64_t> counts) {
  double total = 0;
  for (const uint64_t count : counts) total += static_cast<double>(count);
  double bits = 0;
  for (const uint64_t count : counts) {
    const auto n = static_cast<double>(count);
    if (n > 0) bits += n / total * std::log2(total / n);
  }
  return bits;
}

Maybe geometric_mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  double logs = 0;
  for (const double x : values) logs += ln(x);
  return std::exp(logs / static_cast<double>(values.size()));
}

Maybe product(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  double out = 1;
  for (const double x : values) out *= x;
  return out;
}

Maybe sum(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  double out = 0;
  for (const double x : values) out += x;
  return out;
}

Maybe kahan_sum(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  double out = 0;
  double lost = 0;
  for (const double x : values) {
    const double next = x - lost;
    const double raised = out + next;
    lost = (raised - out) - next;
    out = raised;
  }
  return out;
}

Maybe average(std::span<const double> values) {
  const Maybe total = sum(values);
  if (!total) return std::nullopt;
  return *total / static_cast<double>(values.size());
}

}  // namespace tidemill::sql::kernels
