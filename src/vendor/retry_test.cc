#include "vendor/retry.h"

#include <gtest/gtest.h>

#include <random>

namespace tidemill::vendor {
namespace {

constexpr Time kNow = Time::from_seconds(784'111'777 - 120);

std::optional<int64_t> wait_s(std::string_view value, std::string_view date = "") {
  auto const answer = parse_retry_after(value, date, kNow);
  if (!answer) return std::nullopt;
  return answer->wait.us / 1'000'000;
}

TEST(Retry, DoublesTheBoundUpToTheCapWithoutOverflow) {
  RetryPolicy const policy;
  std::vector<int64_t> bounds_ms;
  for (int64_t n : {0, 1, 2, 3, 4, 5, 6, 70}) {
    bounds_ms.push_back(backoff_bound(policy, n).us / 1000);
  }
  EXPECT_EQ(bounds_ms, (std::vector<int64_t>{500, 1000, 2000, 4000, 8000, 10000, 10000, 10000}));
  EXPECT_EQ(backoff_bound({3, {INT64_MAX / 2}, {INT64_MAX}}, 70).us, INT64_MAX);
}

TEST(Retry, DrawsEvenlyBetweenZeroAndTheBound) {
  std::mt19937_64 bits(7);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    Duration const wait = jitter(Duration::seconds(4), bits());
    ASSERT_GE(wait.us, 0);
    ASSERT_LE(wait, Duration::seconds(4));
    sum += wait.to_ms();
  }
  EXPECT_NEAR(sum / 10'000, 2000, 60);
  EXPECT_EQ(jitter({}, 12345).us, 0);
}

TEST(Retry, BudgetIsThreeOrAFifthOfTheOpenCalls) {
  RetryBudget budget;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  for (int i = 0; i < 20; ++i) budget.call_began();
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  budget.give_back();
  EXPECT_TRUE(budget.take());
}

TEST(RetryAfter, ReadsEveryFormOfAnHttpDate) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    auto const date = parse_http_date(text, kNow);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(date->seconds(), 784'111'777) << text;
    EXPECT_EQ(wait_s(text), 120) << text;
  }
}

TEST(RetryAfter, ReadsSecondsAndCapsThem) {
  EXPECT_EQ(wait_s("120"), 120);
  EXPECT_EQ(wait_s(" 0 "), 0);
  EXPECT_EQ(wait_s("3600"), 3600);
  EXPECT_TRUE(parse_retry_after("99999999999999999999999", "", kNow)->capped);
  EXPECT_EQ(wait_s("86400"), 3600);
}

TEST(RetryAfter, IgnoresWhatIsNegativeOrUnreadable) {
  for (const char* text : {"-5", "abc", "", "1.5", "Sun, 31 Feb 1994 08:49:37 GMT", "12 s",
                           "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"}) {
    EXPECT_EQ(wait_s(text), std::nullopt) << text;
  }
}

TEST(RetryAfter, TakesAPastDateForNow) { EXPECT_EQ(wait_s("Sat, 05 Nov 1994 08:49:37 GMT"), 0); }

TEST(RetryAfter, CorrectsForTheVendorsClock) {
  EXPECT_EQ(wait_s("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:27 GMT"), 10);
}

}  // namespace
}  // namespace tidemill::vendor
