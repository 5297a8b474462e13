#include "model/transform.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/check.h"

namespace tidemill::model {
namespace {

// Bits of 2^(i/32) as a double, less i << 47: adding k << 47 gives 2^(k/32) for any k with k % 32 =
// i.
constexpr std::array<uint64_t, 32> kPowers = {
    0x3ff0000000000000, 0x3fefd9b0d3158574, 0x3fefb5586cf9890f, 0x3fef9301d0125b51,
    0x3fef72b83c7d517b, 0x3fef54873168b9aa, 0x3fef387a6e756238, 0x3fef1e9df51fdee1,
    0x3fef06fe0a31b715, 0x3feef1a7373aa9cb, 0x3feedea64c123422, 0x3feece086061892d,
    0x3feebfdad5362a27, 0x3feeb42b569d4f82, 0x3feeab07dd485429, 0x3feea47eb03a5585,
    0x3feea09e667f3bcd, 0x3fee9f75e8ec5f74, 0x3feea11473eb0187, 0x3feea589994cce13,
    0x3feeace5422aa0db, 0x3feeb737b0cdc5e5, 0x3feec49182a3f090, 0x3feed503b23e255d,
    0x3feee89f995ad3ad, 0x3feeff76f2fb5e47, 0x3fef199bdd85529c, 0x3fef3720dcef9069,
    0x3fef5818dcfba487, 0x3fef7c97337b9b5f, 0x3fefa4afa2a490da, 0x3fefd0765b6e4540};

}  // namespace

// exp(x) = 2^(k/32) * 2^r with |r| <= 1/64, in double, rounded once. The table and the polynomial
// are those of ARM's optimized routines, which glibc uses. Of all floats, two differ from glibc on
// a processor with fused multiply-add, in the last bit; here they are the same on every processor.
float exp_float(float x) {
  constexpr double kShift = 0x1.8p+52;
  constexpr double kInverseLn2 = 0x1.71547652b82fep+0 * 32;
  constexpr double kC0 = 0x1.c6af84b912394p-5 / 32 / 32 / 32;
  constexpr double kC1 = 0x1.ebfce50fac4f3p-3 / 32 / 32;
  constexpr double kC2 = 0x1.62e42ff0c52d6p-1 / 32;
  if (std::isnan(x)) return x;
  if (x > 0x1.62e42ep6f) return std::numeric_limits<float>::infinity();  // above log(2^128)
  if (x < -0x1.9fe368p6f) return 0.0f;                                   // below log(2^-150)
  const double z = kInverseLn2 * static_cast<double>(x);
  const double shifted = z + kShift;
  const auto k = std::bit_cast<uint64_t>(shifted);
  const double r = z - (shifted - kShift);
  const double scale = std::bit_cast<double>(kPowers[k % 32] + (k << 47));
  const double high = kC0 * r + kC1;
  const double low = kC2 * r + 1;
  return static_cast<float>((high * (r * r) + low) * scale);
}

float sigmoid(float margin) {
  constexpr float kLargest = 88.7f;  // beyond it exp overflows
  return 1.0f / (exp_float(std::min(-margin, kLargest)) + 1.0f);
}

void softmax(std::span<float> values) {
  const float largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (float& v : values) {
    v = exp_float(v - largest);
    sum += static_cast<double>(v);
  }
  const auto divisor = static_cast<float>(sum);
  for (float& v : values) v /= divisor;
}

double sigmoid(double margin) { return 1.0 / (1.0 + std::exp(-margin)); }

void softmax(std::span<double> values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double& v : values) {
    v = std::exp(v - largest);
    sum += v;
  }
  for (double& v : values) v /= sum;
}

void predict(Transform transform, std::span<const float> margin, std::span<float> prediction) {
  if (transform == Transform::kArgmax) {
    TIDEMILL_CHECK(prediction.size() == 1 && !margin.empty());
    const auto best = std::max_element(margin.begin(), margin.end());
    prediction[0] = static_cast<float>(best - margin.begin());
    return;
  }
  TIDEMILL_CHECK(prediction.size() == margin.size());
  std::copy(margin.begin(), margin.end(), prediction.begin());
  switch (transform) {
    case Transform::kIdentity:
    case Transform::kArgmax:
    case Transform::kTwoClasses:
      break;
    case Transform::kSigmoid:
      for (float& p : prediction) p = sigmoid(p);
      break;
    case Transform::kLog1pExp:
      for (float& p : prediction) p = static_cast<float>(std::log1p(std::exp(double{p})));
      break;
    case Transform::kSignedSquare:
      for (float& p : prediction) p = p * std::fabs(p);
      break;
    case Transform::kSoftmax:
      softmax(prediction);
      break;
    case Transform::kStep:
      for (float& p : prediction) p = p > 0 ? 1.0f : 0.0f;
      break;
    case Transform::kExp:
      for (float& p : prediction) p = exp_float(p);
      break;
  }
}

void predict(Transform transform, double slope, std::span<const double> margin,
             std::span<double> prediction) {
  if (transform == Transform::kArgmax) {
    TIDEMILL_CHECK(prediction.size() == 1 && !margin.empty());
    const auto best = std::max_element(margin.begin(), margin.end());
    prediction[0] = static_cast<double>(best - margin.begin());
    return;
  }
  if (transform == Transform::kTwoClasses) {
    TIDEMILL_CHECK(prediction.size() == 2 && margin.size() == 1);
    const double p = sigmoid(slope * margin[0]);
    prediction[0] = 1 - p;
    prediction[1] = p;
    return;
  }
  TIDEMILL_CHECK(prediction.size() == margin.size());
  std::copy(margin.begin(), margin.end(), prediction.begin());
  switch (transform) {
    case Transform::kIdentity:
    case Transform::kArgmax:
    case Transform::kTwoClasses:
      break;
    case Transform::kSigmoid:
      for (double& p : prediction) p = sigmoid(slope * p);
      break;
    case Transform::kSoftmax:
      softmax(prediction);
      break;
    case Transform::kStep:
      for (double& p : prediction) p = p > 0 ? 1 : 0;
      break;
    case Transform::kExp:
      for (double& p : prediction) p = std::exp(p);
      break;
    case Transform::kLog1pExp:
      for (double& p : prediction) p = std::log1p(std::exp(p));
      break;
    case Transform::kSignedSquare:
      for (double& p : prediction) p = p * std::fabs(p);
      break;
  }
}

}  // namespace tidemill::model
