// Whatever turn the server dies after, or whatever commit is lost, a run ends as it would have.
#include <gtest/gtest.h>

#include <random>

#include "run/test_support.h"

namespace tidemill::run {
namespace {

// A random graph in the flow language.
std::string random_flow(std::mt19937& random) {
  auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  int const count = 2 + below(8);
  std::string text = "flow: f\nparams: {list: json}\ntasks:\n";
  for (int i = 0; i < count; ++i) {
    bool const pure = below(2) == 0;
    text += "  t" + std::to_string(i) + ": {" + (pure ? "calc: select 1 as v" : "shell: x");
    std::string needs;
    for (int j = 0; j < i; ++j) {
      if (below(3) == 0) needs += (needs.empty() ? "t" : ", t") + std::to_string(j);
    }
    if (!needs.empty()) text += ", needs: [" + needs + "]";
    char const* const rules[] = {"all_success", "all_success", "all_done", "one_failed",
                                 "none_failed"};
    text += std::string(", rule: ") + rules[below(5)];
    if (below(4) == 0) text += ", optional: true";
    if (below(3) == 0) text += ", retry: 3";
    if (below(6) == 0) text += ", when: '1 = 2'";
    if (below(4) == 0) text += below(4) == 0 ? ", for_each: '[]'" : ", for_each: list";
    text += "}\n";
  }
  return text;
}

// How a task ends depends on the graph's seed, its name, its item and its failures so far: not on
// how often the server died.
Outcome scripted(unsigned seed, const Try& one) {
  std::seed_seq words{seed, static_cast<unsigned>(one.task.back()),
                      static_cast<unsigned>(one.task.size()),
                      static_cast<unsigned>(one.item.value + 1)};
  std::mt19937 random(words);
  int const kind = static_cast<int>(random() % 10);
  bool const fails =
      kind == 0 || (kind == 1 && one.failures < 1) || (kind == 2 && one.failures < 2);
  if (fails) return failed("failure " + std::to_string(one.failures));
  return value_of(one.task + "/" + std::to_string(one.item.value));
}

struct Case {
  explicit Case(unsigned seed) : seed(seed) {
    std::mt19937 random(seed);
    text = random_flow(random);
    flow = load_text(text);
  }
  Driver driver() const {
    return Driver(
        flow, [seed = seed](const Try& one) { return scripted(seed, one); },
        Json::object().set("list", Json::array().push(1).push("two").push(3.5)));
  }
  unsigned seed;
  std::string text;
  std::shared_ptr<const flow::Flow> flow;
};

constexpr unsigned kSeeds = 60;

TEST(Recovery, ARunThatIsReadAgainAfterAnyTurnEndsTheSame) {
  int crashes = 0;
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    Case const one(seed);
    ASSERT_TRUE(one.flow);
    Driver plain = one.driver();
    plain.begin();
    plain.run_to_end();
    ASSERT_TRUE(plain.finished) << "seed " << seed << "\n" << one.text;
    for (int turn = 1; turn <= plain.turns; ++turn) {
      Driver crashed = one.driver();
      crashed.restart_after(turn);
      crashed.begin();
      crashed.run_to_end();
      ASSERT_TRUE(crashed.finished) << "seed " << seed << " turn " << turn << "\n" << one.text;
      ASSERT_EQ(crashed.summary(), plain.summary()) << "seed " << seed << " turn " << turn << "\n"
                                                    << one.text;
      // No effect happens more often for it.
      ASSERT_EQ(crashed.started.size(), plain.started.size()) << "seed " << seed;
      ++crashes;
    }
  }
  EXPECT_GT(crashes, 200);
}

TEST(Recovery, ARunThatIsReadAgainAfterEveryTurnEndsTheSame) {
  for (unsigned seed = 0; seed < 2 * kSeeds; ++seed) {
    Case const one(seed);
    Driver plain = one.driver();
    plain.begin();
    plain.run_to_end();
    Driver crashed = one.driver();
    crashed.restart_after_each();
    crashed.begin();
    crashed.run_to_end();
    ASSERT_TRUE(crashed.finished) << "seed " << seed << "\n" << one.text;
    crashed.restart();  // the finished run too is read as it was
    ASSERT_EQ(crashed.summary(), plain.summary()) << "seed " << seed << "\n" << one.text;
  }
}

TEST(Recovery, ATurnWhoseCommitIsLostIsDoneAgain) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    Case const one(seed);
    Driver plain = one.driver();
    plain.begin();
    plain.run_to_end();
    for (int turn = 2; turn <= plain.turns; ++turn) {
      Driver lossy = one.driver();
      lossy.lose_turn(turn);
      lossy.begin();
      lossy.run_to_end();
      ASSERT_TRUE(lossy.finished) << "seed " << seed << " turn " << turn << "\n" << one.text;
      ASSERT_EQ(lossy.summary(), plain.summary()) << "seed " << seed << " turn " << turn << "\n"
                                                  << one.text;
      ASSERT_EQ(lossy.started.size(), plain.started.size());
    }
  }
}

TEST(Recovery, FewSlotsChangeTheOrderAndNotTheEnd) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    Case const one(seed);
    Driver plain = one.driver();
    plain.begin();
    plain.run_to_end();
    Driver narrow = one.driver();
    narrow.slots = 1;
    narrow.restart_after_each();
    narrow.begin();
    for (int i = 0; i < 1000 && !narrow.finished; ++i) {
      ASSERT_LE(narrow.running.size(), 1u);
      if (!narrow.running.empty()) {
        narrow.end(*narrow.running.begin());
      } else {
        narrow.fire_retry();
      }
    }
    ASSERT_EQ(narrow.summary(), plain.summary()) << "seed " << seed << "\n" << one.text;
  }
}

TEST(Recovery, ACancelThatFallsAnywhereEndsTheRunAlsoOverRestarts) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    Case const one(seed);
    Driver plain = one.driver();
    plain.begin();
    plain.run_to_end();
    for (int steps = 0; steps < plain.turns; ++steps) {
      Driver driver = one.driver();
      if (seed % 2 == 0) driver.restart_after_each();
      driver.begin();
      for (int i = 0; i < steps && !driver.finished; ++i) {
        if (!driver.running.empty()) {
          driver.end(*driver.running.begin());
        } else if (!driver.retries.empty()) {
          driver.fire_retry();
        }
      }
      if (driver.finished) break;
      driver.cancel();
      while (!driver.running.empty()) driver.end(*driver.running.begin(), failed("signal 15"));
      ASSERT_TRUE(driver.finished) << "seed " << seed << " after " << steps << "\n" << one.text;
      ASSERT_EQ(driver.table.run.state, RunState::kCancelled) << "seed " << seed << one.text;
      // And asked for again it ends as if nothing had been.
      driver.finished = false;
      driver.turn([](Instance& run, Step& step) { Machine::reopen(run, step); });
      driver.run_to_end();
      ASSERT_TRUE(driver.finished) << "seed " << seed << " reopened\n" << one.text;
      ASSERT_NE(driver.table.run.state, RunState::kCancelled);
    }
  }
}

}  // namespace
}  // namespace tidemill::run
