#include "sql/kernels/math.h"

#include <cmath>
#include <limits>

namespace tidemill::sql::kernels {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Scales by a power of ten, applies `step` and scales back. Where the scaled number leaves the
// range there is nothing to round (digits right of the point), or the answer is `if_too_large`.
template <class Step>
double at_digits(double x, int64_t digits, double if_too_large, Step step) {
  if (!std::isfinite(x)) return x;
  if (digits < 0) {
    const double power = std::pow(10.0, static_cast<double>(-digits));
    const double scaled = step(x / power) * power;
    return std::isfinite(scaled) ? scaled : if_too_large;
  }
  const double power = std::pow(10.0, static_cast<double>(digits));
  const double scaled = step(x * power) / power;
  return std::isfinite(scaled) ? scaled : x;
}

}  // namespace

double round_half_away(double x) { return std::round(x); }

double round_half_away(double x, int64_t digits) {
  return at_digits(x, digits, 0.0, [](double y) { return std::round(y); });
}

// Computed in double, so that 2.675 as FLOAT stays below the half.
float round_half_away(float x, int64_t digits) {
  return static_cast<float>(round_half_away(static_cast<double>(x), digits));
}

double round_half_even(double x, int64_t digits) {
  return at_digits(x, digits, 0.0, [](double y) { return std::nearbyint(y); });
}

double trunc(double x, int64_t digits) {
  return at_digits(x, digits, x, [](double y) { return std::trunc(y); });
}

double even(double x) {
  const double up = x >= 0 ? std::ceil(x) : -std::ceil(-x);
  if (std::fmod(up, 2) == 0) return up;
  return x >= 0 ? up + 1 : up - 1;
}

int8_t sign(double x) { return static_cast<int8_t>(x > 0 ? 1 : x < 0 ? -1 : 0); }

double cbrt(double x) { return std::cbrt(x); }

double ln(double x) { return x < 0 ? kNan : std::log(x); }
double log10(double x) { return x < 0 ? kNan : std::log10(x); }
double log2(double x) { return x < 0 ? kNan : std::log2(x); }

double log_base(double base, double x) {
  if (base < 0 || x < 0) return kNan;
  return std::log10(x) / std::log10(base);
}

double power(double base, double exponent) { return std::pow(base, exponent); }

double gamma(double x) {
  if (x == 0) return std::numeric_limits<double>::infinity();
  if (x < 0 && std::floor(x) == x) return kNan;
  return std::tgamma(x);
}

// glibc's lgamma writes a global sign; lgamma_r does not.
double lgamma(double x) {
  int sign_of_gamma = 0;
  return ::lgamma_r(x, &sign_of_gamma);
}

double remainder(double a, double b) { return std::fmod(a, b); }
double floor_divide(double a, double b) { return std::floor(a / b); }
double floor_remainder(double a, double b) { return a - b * std::floor(a / b); }

int compare(double a, double b) {
  const bool a_nan = std::isnan(a);
  const bool b_nan = std::isnan(b);
  if (a_nan || b_nan) return static_cast<int>(a_nan) - static_cast<int>(b_nan);
  return a < b ? -1 : a > b ? 1 : 0;
}

bool equals(double a, double b) { return compare(a, b) == 0; }
bool less(double a, double b) { return compare(a, b) < 0; }

}  // namespace tidemill::sql::kernels
