#include "model/transform.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace tidemill::model {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> predicted(Transform transform, std::vector<float> margin) {
  std::vector<float> out(transform == Transform::kArgmax ? 1 : margin.size());
  predict(transform, margin, out);
  return out;
}

TEST(Transform, exp_has_the_correctly_rounded_value_or_its_neighbour) {
  for (uint32_t i = 0; i < 400'000; ++i) {
    const auto x = std::bit_cast<float>(i * 10'007u);
    if (!std::isfinite(x)) continue;
    const double exact = std::exp(static_cast<double>(x));
    const auto rounded = static_cast<float>(exact);
    const float got = exp_float(x);
    ASSERT_TRUE(got == rounded || got == std::nextafter(rounded, kInfinity) ||
                got == std::nextafter(rounded, 0.0f))
        << x << " " << got << " " << rounded;
  }
}

TEST(Transform, exp_has_limits) {
  EXPECT_EQ(exp_float(0.0f), 1.0f);
  EXPECT_EQ(exp_float(1.0f), 2.7182817f);
  EXPECT_EQ(exp_float(kInfinity), kInfinity);
  EXPECT_EQ(exp_float(89.0f), kInfinity);
  EXPECT_EQ(exp_float(-kInfinity), 0.0f);
  EXPECT_EQ(exp_float(-104.0f), 0.0f);
  EXPECT_GT(exp_float(-103.0f), 0.0f);
  EXPECT_TRUE(std::isnan(exp_float(std::numeric_limits<double>::quiet_NaN())));
}

TEST(Transform, sigmoid_stays_within_0_and_1) {
  EXPECT_EQ(sigmoid(0.0f), 0.5f);
  EXPECT_EQ(sigmoid(200.0f), 1.0f);
  EXPECT_GT(sigmoid(-200.0f), 0.0f);
  EXPECT_LT(sigmoid(-200.0f), 1e-38f);
}

TEST(Transform, each_transform_does_what_it_says) {
  EXPECT_EQ(predicted(Transform::kIdentity, {1.5f, -2.0f}), (std::vector<float>{1.5f, -2.0f}));
  EXPECT_EQ(predicted(Transform::kStep, {0.0f, 1e-9f, -1.0f}), (std::vector<float>{0, 1, 0}));
  EXPECT_EQ(predicted(Transform::kArgmax, {1.0f, 3.0f, 3.0f}), std::vector<float>{1});
  EXPECT_EQ(predicted(Transform::kSoftmax, {2.0f, 2.0f}), (std::vector<float>{0.5f, 0.5f}));
  EXPECT_EQ(predicted(Transform::kExp, {0.0f}), std::vector<float>{1});
}

}  // namespace
}  // namespace tidemill::model
