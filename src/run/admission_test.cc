#include "run/admission.h"

#include <gmock/gmock.h>

#include <random>

namespace tidemill::run {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Decision = Admission::Decision;

RunId id(int n) { return RunId("run" + std::to_string(n)); }
TaskRef task(int n) { return {flow::TaskIndex(n), kWhole}; }

struct Asked {
  std::string trigger = "t";
  flow::Overlap overlap = flow::Overlap::kAllow;
  bool serial = false;
  std::optional<int64_t> max_running = std::nullopt;
};

Admission::Arrival arrival(const Asked& asked) {
  return {flow::FlowName("f"), asked.trigger, asked.overlap, asked.serial, asked.max_running};
}

// Decides and does it, as the engine does.
Decision arrive(Admission& admission, int n, const Asked& asked) {
  Decision const decision = admission.decide(arrival(asked));
  if (decision == Decision::kBegin) admission.add(id(n), arrival(asked), false);
  if (decision == Decision::kQueue) admission.add(id(n), arrival(asked), true);
  return decision;
}

std::vector<RunId> end(Admission& admission, int n) {
  admission.forget(id(n));
  return admission.take_next(flow::FlowName("f"));
}

TEST(Admission, SkipLooksAtTheOpenRunsOfItsOwnTrigger) {
  Admission admission;
  Asked const skip{.overlap = flow::Overlap::kSkip};
  Asked const other{.trigger = "u", .overlap = flow::Overlap::kSkip};
  EXPECT_EQ(arrive(admission, 1, skip), Decision::kBegin);
  EXPECT_EQ(arrive(admission, 2, skip), Decision::kSkip);
  EXPECT_EQ(arrive(admission, 3, other), Decision::kBegin);
  end(admission, 1);
  EXPECT_EQ(arrive(admission, 4, skip), Decision::kBegin);
}

TEST(Admission, SkipCountsAQueuedRunAsOpen) {
  Admission admission;
  Asked const skip{.overlap = flow::Overlap::kSkip, .max_running = 1};
  EXPECT_EQ(arrive(admission, 1, {.trigger = "call", .max_running = 1}), Decision::kBegin);
  EXPECT_EQ(arrive(admission, 2, skip), Decision::kQueue);
  EXPECT_EQ(arrive(admission, 3, skip), Decision::kSkip);
}

TEST(Admission, QueueOfAClockTriggerRunsOneAfterAnother) {
  Admission admission;
  Asked const queue{.overlap = flow::Overlap::kQueue, .serial = true};
  EXPECT_EQ(arrive(admission, 1, queue), Decision::kBegin);
  EXPECT_EQ(arrive(admission, 2, queue), Decision::kQueue);
  EXPECT_EQ(arrive(admission, 3, queue), Decision::kQueue);
  EXPECT_EQ(arrive(admission, 4, {.trigger = "call"}), Decision::kBegin);
  EXPECT_THAT(end(admission, 1), ElementsAre(id(2)));
  EXPECT_THAT(end(admission, 4), IsEmpty());
  EXPECT_THAT(end(admission, 2), ElementsAre(id(3)));
}

TEST(Admission, AQueuedRunOfAnotherTriggerDoesNotHoldUpTheQueue) {
  Admission admission;
  Asked const serial{
      .trigger = "a", .overlap = flow::Overlap::kQueue, .serial = true, .max_running = 2};
  Asked const call{.trigger = "call", .max_running = 2};
  EXPECT_EQ(arrive(admission, 1, serial), Decision::kBegin);
  EXPECT_EQ(arrive(admission, 2, call), Decision::kBegin);
  EXPECT_EQ(arrive(admission, 3, serial), Decision::kQueue);
  EXPECT_EQ(arrive(admission, 4, call), Decision::kQueue);
  // 3 must wait for 1, 4 need not.
  EXPECT_THAT(end(admission, 2), ElementsAre(id(4)));
  EXPECT_THAT(end(admission, 1), ElementsAre(id(3)));
}

TEST(Admission, MaxRunningQueuesAndTheQueueIsFirstComeFirstServed) {
  Admission admission;
  Asked const call{.max_running = 2};
  EXPECT_EQ(arrive(admission, 1, call), Decision::kBegin);
  EXPECT_EQ(arrive(admission, 2, call), Decision::kBegin);
  EXPECT_EQ(arrive(admission, 3, call), Decision::kQueue);
  EXPECT_EQ(arrive(admission, 4, call), Decision::kQueue);
  EXPECT_EQ(admission.running(flow::FlowName("f")), 2u);
  EXPECT_EQ(admission.queued(flow::FlowName("f")), 2u);
  EXPECT_THAT(end(admission, 3), IsEmpty());  // cancelled while queued
  EXPECT_THAT(end(admission, 1), ElementsAre(id(4)));
}

TEST(Admission, AFullQueueRefuses) {
  Admission admission({.processes = 1, .calls = 1, .queued_runs = 2});
  Asked const call{.max_running = 1};
  EXPECT_EQ(arrive(admission, 1, call), Decision::kBegin);
  EXPECT_EQ(arrive(admission, 2, call), Decision::kQueue);
  EXPECT_EQ(arrive(admission, 3, call), Decision::kQueue);
  EXPECT_EQ(arrive(admission, 4, call), Decision::kFull);
}

TEST(Admission, PureAndFlowTasksNeedNoSlot) {
  EXPECT_EQ(slot_kind(flow::Kind::kCalc), SlotKind::kNone);
  EXPECT_EQ(slot_kind(flow::Kind::kModel), SlotKind::kNone);
  EXPECT_EQ(slot_kind(flow::Kind::kFlow), SlotKind::kNone);
  EXPECT_EQ(slot_kind(flow::Kind::kShell), SlotKind::kProcess);
  EXPECT_EQ(slot_kind(flow::Kind::kPython), SlotKind::kProcess);
  for (flow::Kind kind :
       {flow::Kind::kHttp, flow::Kind::kVendor, flow::Kind::kSql, flow::Kind::kPublish}) {
    EXPECT_EQ(slot_kind(kind), SlotKind::kCall);
  }
  Admission admission({.processes = 0, .calls = 0, .queued_runs = 0});
  EXPECT_TRUE(admission.request(SlotKind::kNone, id(1), task(1)));
}

TEST(Admission, AWaiterThatIsReleasedGetsNoSlot) {
  Admission admission({.processes = 1, .calls = 1, .queued_runs = 1});
  EXPECT_TRUE(admission.request(SlotKind::kProcess, id(1), task(0)));
  EXPECT_FALSE(admission.request(SlotKind::kProcess, id(2), task(0)));
  EXPECT_FALSE(admission.request(SlotKind::kProcess, id(3), task(0)));
  admission.release(SlotKind::kProcess, id(2), task(0));
  admission.release(SlotKind::kProcess, id(1), task(0));
  auto const granted = admission.take_granted();
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(granted[0].run, id(3));
}

// Quadratic if an end or a release looked through the queue: minutes, not milliseconds.
TEST(Admission, ManyThatComeAndGoBesideALongQueueLeaveItsOrderAsItIs) {
  constexpr int kMany = 100'000;
  Admission admission({.processes = 1, .calls = 1, .queued_runs = 1});
  EXPECT_TRUE(admission.request(SlotKind::kProcess, id(0), task(0)));
  for (int i = 0; i < kMany; ++i) {
    EXPECT_FALSE(admission.request(SlotKind::kProcess, id(1), task(i)));
    EXPECT_FALSE(admission.request(SlotKind::kProcess, id(2 + i), task(i)));
    if (i % 2 == 0) {
      admission.release(SlotKind::kProcess, id(2 + i), task(i));
    } else {
      admission.forget(id(2 + i));
    }
  }
  admission.release(SlotKind::kProcess, id(1), task(0));
  admission.release(SlotKind::kProcess, id(0), task(0));
  for (int i = 1; i <= 3; ++i) {
    auto const granted = admission.take_granted();
    ASSERT_EQ(granted.size(), 1u);
    EXPECT_EQ(granted[0].run, id(1));
    EXPECT_EQ(granted[0].ref, task(i));
    admission.release(SlotKind::kProcess, granted[0].run, granted[0].ref);
  }
}

// What the plain model makes of a decision about `run`; the queue holds five.
void note(Decision decision, int run, std::set<int>& running, std::set<int>& queued) {
  ASSERT_NE(decision, Decision::kSkip);
  if (decision == Decision::kBegin) running.insert(run);
  if (decision == Decision::kQueue) queued.insert(run);
  ASSERT_TRUE(decision != Decision::kFull || queued.size() == 5u);
}

// Random histories against a plain model: slots never exceeded, and nothing left at the end.
TEST(Admission, NeverExceedsItsLimitsAndLeaksNothing) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    size_t const limit = 1 + static_cast<size_t>(below(4));
    int64_t const max_running = 1 + below(3);
    Admission admission({.processes = limit, .calls = limit, .queued_runs = 5});
    std::set<int> running;
    std::set<int> queued;
    std::set<std::pair<int, int>> holders;
    std::set<std::pair<int, int>> waiting;
    auto number = [](const RunId& run) { return std::stoi(run.value.substr(3)); };
    auto grant = [&] {
      for (const auto& one : admission.take_granted()) {
        auto const key = std::make_pair(number(one.run), static_cast<int>(one.ref.task.value));
        ASSERT_EQ(waiting.erase(key), 1u);
        ASSERT_TRUE(holders.insert(key).second);
      }
    };
    int next = 0;
    for (int step = 0; step < 300; ++step) {
      int const what = below(5);
      if (what == 0) {
        note(arrive(admission, next, {.max_running = max_running}), next, running, queued);
        ++next;
      } else if (what == 1 && !running.empty()) {
        int const run = *std::next(running.begin(), below(static_cast<int>(running.size())));
        running.erase(run);
        std::erase_if(holders, [&](const auto& key) { return key.first == run; });
        std::erase_if(waiting, [&](const auto& key) { return key.first == run; });
        for (const RunId& begun : end(admission, run)) {
          ASSERT_EQ(queued.erase(number(begun)), 1u);
          running.insert(number(begun));
        }
        grant();
      } else if (what == 2 && !holders.empty()) {
        auto const key = *holders.begin();
        holders.erase(key);
        admission.release(SlotKind::kProcess, id(key.first), task(key.second));
        grant();
      } else if (!running.empty()) {
        int const run = *std::next(running.begin(), below(static_cast<int>(running.size())));
        auto const key = std::make_pair(run, below(1000) + step * 1000);
        bool const now = admission.request(SlotKind::kProcess, id(run), task(key.second));
        (now ? holders : waiting).insert(key);
      }
      ASSERT_LE(holders.size(), limit);
      ASSERT_TRUE(waiting.empty() || holders.size() == limit) << "a free slot and a waiter";
      ASSERT_LE(static_cast<int64_t>(running.size()), max_running);
      ASSERT_EQ(admission.running(flow::FlowName("f")), running.size());
      ASSERT_EQ(admission.queued(flow::FlowName("f")), queued.size());
      ASSERT_TRUE(queued.empty() || static_cast<int64_t>(running.size()) == max_running);
    }
    for (int run = 0; run < next; ++run) (void)end(admission, run);
    // Everything is free again.
    for (size_t i = 0; i < limit; ++i) {
      ASSERT_TRUE(admission.request(SlotKind::kProcess, id(-1), task(static_cast<int>(i))));
    }
    ASSERT_FALSE(admission.request(SlotKind::kProcess, id(-1), task(1000)));
  }
}

TEST(Admission, ARecoveredTaskHoldsItsSlotOverTheLimit) {
  Admission admission({.processes = 1, .calls = 1, .queued_runs = 1});
  admission.hold(SlotKind::kProcess, id(1), task(0));
  admission.hold(SlotKind::kProcess, id(1), task(1));
  admission.hold(SlotKind::kProcess, id(1), task(1));  // twice is once
  EXPECT_FALSE(admission.request(SlotKind::kProcess, id(2), task(0)));
  admission.release(SlotKind::kProcess, id(1), task(0));
  EXPECT_THAT(admission.take_granted(), IsEmpty());
  admission.release(SlotKind::kProcess, id(1), task(1));
  EXPECT_EQ(admission.take_granted().size(), 1u);
}

}  // namespace
}  // namespace tidemill::run
