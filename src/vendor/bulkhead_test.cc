#include "vendor/bulkhead.h"

#include <gtest/gtest.h>

namespace tidemill::vendor {
namespace {

using Entry = Bulkhead::Entry;

TEST(Bulkhead, GrantsSlotsThenQueuesThenRefuses) {
  Bulkhead bulkhead(2, 1);
  EXPECT_EQ(bulkhead.enter(CallId(1), Priority::kLive), Entry::kGranted);
  EXPECT_EQ(bulkhead.enter(CallId(2), Priority::kLive), Entry::kGranted);
  EXPECT_EQ(bulkhead.enter(CallId(3), Priority::kLive), Entry::kQueued);
  EXPECT_EQ(bulkhead.enter(CallId(4), Priority::kLive), Entry::kRefused);
  EXPECT_EQ(bulkhead.in_flight(), 2);
  EXPECT_EQ(bulkhead.waiting(), 1);
  EXPECT_EQ(bulkhead.leave(), CallId(3));
  EXPECT_EQ(bulkhead.leave(), std::nullopt);
  EXPECT_EQ(bulkhead.in_flight(), 1);
}

TEST(Bulkhead, ServesByPriorityThenFirstCome) {
  Bulkhead bulkhead(1, 10);
  bulkhead.enter(CallId(1), Priority::kLive);
  bulkhead.enter(CallId(2), Priority::kBackfill);
  bulkhead.enter(CallId(3), Priority::kScheduled);
  bulkhead.enter(CallId(4), Priority::kLive);
  bulkhead.enter(CallId(5), Priority::kLive);
  for (int64_t expected : {4, 5, 3, 2}) EXPECT_EQ(bulkhead.leave(), CallId(expected));
}

TEST(Bulkhead, ServesACallThatComesBackBeforeTheOnesThatCameLater) {
  Bulkhead bulkhead(1, 10);
  for (int64_t i : {1, 2, 3}) bulkhead.enter(CallId(i), Priority::kLive);
  EXPECT_EQ(bulkhead.leave(), CallId(2));
  bulkhead.enter(CallId(1), Priority::kLive);
  EXPECT_EQ(bulkhead.leave(), CallId(1));
}

TEST(Bulkhead, ForgetsAWaiterThatGoesAway) {
  Bulkhead bulkhead(1, 2);
  bulkhead.enter(CallId(1), Priority::kLive);
  bulkhead.enter(CallId(2), Priority::kLive);
  bulkhead.enter(CallId(3), Priority::kLive);
  EXPECT_TRUE(bulkhead.abandon(CallId(2), Priority::kLive));
  EXPECT_FALSE(bulkhead.abandon(CallId(2), Priority::kLive));
  EXPECT_FALSE(bulkhead.abandon(CallId(1), Priority::kLive));
  EXPECT_EQ(bulkhead.leave(), CallId(3));
}

TEST(Bulkhead, GrantsWaitersWhenSlotsAreAdded) {
  Bulkhead bulkhead(1, 3);
  for (int64_t i = 1; i <= 3; ++i) bulkhead.enter(CallId(i), Priority::kLive);
  bulkhead.set(3, 3);
  EXPECT_EQ(bulkhead.grant_next(), CallId(2));
  EXPECT_EQ(bulkhead.grant_next(), CallId(3));
  EXPECT_EQ(bulkhead.grant_next(), std::nullopt);
  bulkhead.set(1, 3);
  EXPECT_EQ(bulkhead.leave(), std::nullopt);
  EXPECT_EQ(bulkhead.enter(CallId(4), Priority::kLive), Entry::kQueued);
}

}  // namespace
}  // namespace tidemill::vendor
