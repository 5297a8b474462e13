// Mathematics over double, with DuckDB's rounding and domain rules: no function fails where IEEE
// has an answer, so ln(-1) and sqrt(-1) are NaN and 1/0 is infinite.
#pragma once

#include <cstdint>

namespace tidemill::sql::kernels {

// Half away from zero: round(2.675, 2) = 2.68, round(-2.5) = -3.
double round_half_away(double x);
double round_half_away(double x, int64_t digits);
float round_half_away(float x, int64_t digits);
// Half to even: round_even(2.5, 0) = 2.
double round_half_even(double x, int64_t digits);
double trunc(double x, int64_t digits);
// The next even integer away from zero: even(2.1) = 4.
double even(double x);
int8_t sign(double x);  // 0 for NaN

double cbrt(double x);
double ln(double x);  // -inf at 0, NaN below
double log10(double x);
double log2(double x);
double log_base(double base, double x);
double power(double base, double exponent);
double gamma(double x);
double lgamma(double x);
double remainder(double a, double b);        // % of doubles: sign of a; NaN for b = 0
double floor_divide(double a, double b);     // SQL's fdiv: floor(a / b)
double floor_remainder(double a, double b);  // SQL's fmod: sign of b

// Order of SQL: NaN equals itself and is above infinity; -0.0 equals 0.0.
int compare(double a, double b);
bool equals(double a, double b);
bool less(double a, double b);

}  // namespace tidemill::sql::kernels
