#include "vendor/limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemill::vendor {
namespace {

constexpr Elapsed kNever{INT64_MAX / 2000};

std::vector<int64_t> grants_ms(Gcra& limit, const std::vector<int64_t>& requests_ms) {
  std::vector<int64_t> grants;
  for (int64_t at : requests_ms) {
    grants.push_back(reserve({&limit}, {}, Elapsed{at * 1000}, kNever).at.us / 1000);
  }
  return grants;
}

TEST(Limiter, LetsABurstLeaveAtOnceAndThenKeepsTheRate) {
  Gcra limit({10, Duration::seconds(1)}, 5);
  EXPECT_THAT(grants_ms(limit, std::vector<int64_t>(8, 0)),
              testing::ElementsAre(0, 0, 0, 0, 0, 100, 200, 300));
}

TEST(Limiter, SpacesCallsWithoutABurst) {
  Gcra limit({2, Duration::seconds(1)}, 1);
  EXPECT_THAT(grants_ms(limit, {0, 0, 100, 2000, 2000}),
              testing::ElementsAre(0, 500, 1000, 2000, 2500));
}

TEST(Limiter, RefusesBeyondTheDeadlineAndKeepsItsState) {
  Gcra limit({2, Duration::seconds(1)}, 1);
  EXPECT_TRUE(reserve({&limit}, {}, {0}, kNever).granted);
  for (int i = 0; i < 5; ++i) {
    Permit const refused = reserve({&limit}, {}, {0}, Elapsed{499'999});
    EXPECT_FALSE(refused.granted);
    EXPECT_EQ(refused.at.us, 500'000);
  }
  EXPECT_EQ(reserve({&limit}, {}, {0}, Elapsed{500'000}).at.us, 500'000);
}

TEST(Limiter, TakesAllLimitsOrNone) {
  Gcra fast({1000, Duration::seconds(1)}, 1);
  Gcra slow({1, Duration::seconds(1)}, 1);
  EXPECT_EQ(reserve({&fast, &slow}, {}, {0}, kNever).at.us, 0);
  EXPECT_FALSE(reserve({&fast, &slow}, {}, {0}, Elapsed{999'999}).granted);
  EXPECT_EQ(reserve({&fast}, {}, {0}, kNever).at.us, 1000);
  EXPECT_EQ(reserve({&fast, &slow}, {}, {0}, kNever).at.us, 1'000'000);
}

TEST(Limiter, LeavesAtTheRateAfterAPauseNotAllAtOnce) {
  Gcra limit({10, Duration::seconds(1)}, 5);
  limit.pause(3'000'000'000);
  EXPECT_THAT(grants_ms(limit, std::vector<int64_t>(4, 0)),
              testing::ElementsAre(3000, 3100, 3200, 3300));
}

TEST(Limiter, IsNeverEarlyWhenThePeriodIsNoWholeMicrosecond) {
  Gcra limit({3, Duration::micros(10)}, 1);
  EXPECT_EQ(reserve({&limit}, {}, {0}, kNever).at.us, 0);
  EXPECT_EQ(reserve({&limit}, {}, {0}, kNever).at.us, 4);
}

TEST(Limiter, KeepsWhatWasGrantedWhenItsSettingsChange) {
  Gcra limit({1, Duration::seconds(1)}, 1);
  EXPECT_THAT(grants_ms(limit, {0}), testing::ElementsAre(0));
  limit.set({10, Duration::seconds(1)}, 1);
  EXPECT_THAT(grants_ms(limit, {0, 0}), testing::ElementsAre(1000, 1100));
}

}  // namespace
}  // namespace tidemill::vendor
