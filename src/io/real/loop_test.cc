#include "io/real/loop.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "io/real/clock.h"
#include "io/real/random.h"
#include "io/real/test_support.h"

namespace tidemill::io {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RealLoop, RunsPostedCallbacksInOrderAndAfterTheOneThatPosts) {
  RealLoop loop;
  std::vector<int> order;
  loop.post([&] {
    loop.post([&] {
      order.push_back(3);
      loop.stop();
    });
    order.push_back(1);
  });
  loop.post([&] { order.push_back(2); });
  run_to_stop(loop);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(RealLoop, RunsTimersByDueTimeAndEqualOnesInTheOrderOfArming) {
  RealLoop loop;
  std::vector<int> order;
  loop.after(Duration::millis(4), [&] {
    order.push_back(3);
    loop.stop();
  });
  loop.after(Duration::millis(2), [&] { order.push_back(2); });
  loop.after(Duration::seconds(-5), [&] { order.push_back(1); });
  run_to_stop(loop);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(RealLoop, NeverRunsATimerEarly) {
  RealLoop loop;
  const RealClock clock;
  int ran = 0;
  for (int i = 1; i <= 20; ++i) {
    const Elapsed due = clock.elapsed() + Duration::micros(i * 173);
    loop.after(Duration::micros(i * 173), [&, due] {
      EXPECT_GE(clock.elapsed(), due);
      if (++ran == 40) loop.stop();
    });
    const Time at = clock.wall() + Duration::micros(i * 191);
    loop.at(at, [&, at] {
      EXPECT_GE(clock.wall(), at);
      if (++ran == 40) loop.stop();
    });
  }
  run_to_stop(loop);
  EXPECT_EQ(ran, 40);
}

TEST(RealLoop, ACancelledTimerDoesNotRunEvenWhenItIsDueInTheSameRound) {
  RealLoop loop;
  std::vector<int> order;
  TimerHandle second;
  loop.after(Duration{}, [&] {
    order.push_back(1);
    loop.cancel(second);
  });
  second = loop.after(Duration{}, [&] { order.push_back(2); });
  const TimerHandle wall = loop.at(Time{}, [&] { order.push_back(3); });
  loop.cancel(wall);
  loop.cancel(TimerHandle{12345});
  loop.after(Duration::millis(1), [&] { loop.stop(); });
  run_to_stop(loop);
  EXPECT_THAT(order, ElementsAre(1));
}

TEST(RealLoop, ATimerArmedByATimerLetsOthersRunInBetween) {
  RealLoop loop;
  int rounds = 0;
  std::function<void()> again = [&] {
    ++rounds;
    loop.after(Duration{}, again);
  };
  again();
  loop.post([&] { loop.post([&] { loop.after(Duration::millis(1), [&] { loop.stop(); }); }); });
  run_to_stop(loop);
  EXPECT_GT(rounds, 1);
}

TEST(RealLoop, TakesTimersOfTheFarPastAndTheFarFuture) {
  RealLoop loop;
  bool past = false;
  const TimerHandle far = loop.at(Time{INT64_MAX}, [] { FAIL(); });
  const TimerHandle long_after = loop.after(Duration{INT64_MAX}, [] { FAIL(); });
  loop.at(Time{INT64_MIN}, [&] {
    past = true;
    loop.stop();
  });
  run_to_stop(loop);
  EXPECT_TRUE(past);
  loop.cancel(far);
  loop.cancel(long_after);
}

TEST(RealLoop, TakesPostsAndTheStopFromOtherThreads) {
  RealLoop loop;
  int count = 0;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&] { ++count; });
    loop.post([&] { loop.stop(); });
  });
  run_to_stop(loop);
  other.join();
  EXPECT_EQ(count, 1000);
}

TEST(RealLoop, AStopBeforeRunEndsItAtOnceAndItCanRunAgain) {
  RealLoop loop;
  loop.stop();
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  EXPECT_FALSE(ran);
  run_to_stop(loop);
  EXPECT_TRUE(ran);
}

TEST(RealLoop, TellsOfASignal) {
  RealLoop loop;
  int count = 0;
  loop.on_signal(SIGUSR1, [&] {
    if (++count == 2) loop.stop();
    raise(SIGUSR1);
  });
  loop.post([] { raise(SIGUSR1); });
  run_to_stop(loop);
  EXPECT_EQ(count, 2);
}

TEST(RealLoop, WatchesADescriptorAsLongAsItIsWanted) {
  RealLoop loop;
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  std::vector<char> got;
  std::unique_ptr<DescriptorWatch> watch;
  watch = loop.watch_descriptor(pair[0], [&](Readiness ready) {
    EXPECT_TRUE(ready.readable);
    char c = 0;
    ASSERT_EQ(read(pair[0], &c, 1), 1);
    got.push_back(c);
    // Level-triggered: the second byte is told though it arrived with the first.
    if (got.size() == 1) return;
    watch.reset();
    loop.stop();
  });
  ASSERT_EQ(write(pair[1], "ab", 2), 2);
  watch->want({.readable = true});
  run_to_stop(loop);
  EXPECT_THAT(got, ElementsAre('a', 'b'));
  close(pair[0]);
  close(pair[1]);
}

TEST(RealLoop, ADescriptorWatchTellsNothingOnceDestroyedOrNotWanted) {
  RealLoop loop;
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  int told = 0;
  auto destroyed = loop.watch_descriptor(pair[0], [&](Readiness) { ++told; });
  auto unwanted = loop.watch_descriptor(pair[1], [&](Readiness) { ++told; });
  destroyed->want({.writable = true});
  unwanted->want({.writable = true});
  loop.post([&] {
    destroyed.reset();
    unwanted->want({});
  });
  loop.after(Duration::millis(2), [&] { loop.stop(); });
  run_to_stop(loop);
  EXPECT_EQ(told, 0);
  unwanted.reset();
  close(pair[0]);
  close(pair[1]);
}

TEST(RealLoop, UsesNoProcessorTimeWhileItWaits) {
  RealLoop loop;
  const RealClock clock;
  loop.on_clock_step([] {});
  loop.after(Duration::millis(100), [&] { loop.stop(); });
  timespec before{};
  timespec after{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  run_to_stop(loop);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  const int64_t used_us =
      (after.tv_sec - before.tv_sec) * 1'000'000 + (after.tv_nsec - before.tv_nsec) / 1000;
  EXPECT_LT(used_us, 5'000);
}

TEST(RealRandom, DoesNotRepeatItself) {
  RealRandom random;
  std::vector<uint64_t> seen;
  for (int i = 0; i < 100; ++i) seen.push_back(random.next());
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

}  // namespace
}  // namespace tidemill::io
