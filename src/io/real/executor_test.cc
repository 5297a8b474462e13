#include "io/real/executor.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <latch>

namespace tidemill::io {
namespace {

TEST(RealExecutor, RunsTheStoreLaneInOrderOnOneThread) {
  RealExecutor executor;
  std::vector<int> order;
  std::vector<pid_t> threads;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(executor.run(Lane::kStore, [&, i] {
      order.push_back(i);
      threads.push_back(gettid());
    }));
  }
  executor.stop();
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(std::count(threads.begin(), threads.end(), threads[0]), 100);
  EXPECT_NE(threads[0], gettid());
}

TEST(RealExecutor, RunsTwoReadsAtOnceAndTheOtherLanesBeside) {
  RealExecutor executor(2);
  std::latch all_there(5);
  for (const Lane lane : {Lane::kRead, Lane::kRead, Lane::kStore, Lane::kCompute, Lane::kCompute}) {
    ASSERT_TRUE(executor.run(lane, [&] { all_there.arrive_and_wait(); }));
  }
  all_there.wait();
  executor.stop();
}

TEST(RealExecutor, RunsComputeBelowTheLoopsPriority) {
  RealExecutor executor;
  int compute = 0;
  int store = 0;
  ASSERT_TRUE(executor.run(Lane::kCompute, [&] { compute = getpriority(PRIO_PROCESS, gettid()); }));
  ASSERT_TRUE(executor.run(Lane::kStore, [&] { store = getpriority(PRIO_PROCESS, gettid()); }));
  executor.stop();
  EXPECT_EQ(compute, std::min(19, store + 5));
}

TEST(RealExecutor, RefusesWorkOverTheLanesLimitWithoutRunningIt) {
  RealExecutor executor;
  std::promise<void> release;
  std::promise<void> started;
  ASSERT_TRUE(executor.run(Lane::kStore, [&] {
    started.set_value();
    release.get_future().wait();
  }));
  started.get_future().wait();
  std::atomic<size_t> ran{0};
  for (size_t i = 0; i < RealExecutor::kStoreQueue; ++i) {
    ASSERT_TRUE(executor.run(Lane::kStore, [&] { ++ran; }));
  }
  const Status refused = executor.run(Lane::kStore, [&] { ++ran; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("lane store is full: 1024"));
  release.set_value();
  executor.stop();
  EXPECT_EQ(ran, RealExecutor::kStoreQueue);
}

TEST(RealExecutor, StopWaitsForWorkThatWorkHandsOnAndThenRefuses) {
  RealExecutor executor;
  std::atomic<bool> last{false};
  ASSERT_TRUE(executor.run(Lane::kRead, [&] {
    ASSERT_TRUE(executor.run(
        Lane::kCompute, [&] { ASSERT_TRUE(executor.run(Lane::kStore, [&] { last = true; })); }));
  }));
  executor.stop();
  EXPECT_TRUE(last);
  const Status refused = executor.run(Lane::kRead, [] { FAIL(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  executor.stop();
}

TEST(RealExecutor, DestroysTheWorkOnceItHasRun) {
  RealExecutor executor;
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> watched = held;
  ASSERT_TRUE(executor.run(Lane::kCompute, [held = std::move(held)] { EXPECT_EQ(*held, 1); }));
  executor.stop();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace tidemill::io
