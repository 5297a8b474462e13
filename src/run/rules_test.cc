#include "run/rules.h"

#include <gtest/gtest.h>

#include <vector>

#include "run/test_support.h"

namespace tidemill::run {
namespace {

enum class Need { kOpen, kSucceeded, kFailed, kUpstreamFailed, kSkipped };

// The rules in words, evaluated over the list of needs and not over counts.
Verdict expected(flow::Rule rule, const std::vector<Need>& needs) {
  auto any = [&](auto holds) {
    for (Need need : needs) {
      if (holds(need)) return true;
    }
    return false;
  };
  bool const open = any([](Need n) { return n == Need::kOpen; });
  bool const bad = any([](Need n) { return n == Need::kFailed || n == Need::kUpstreamFailed; });
  bool const skipped = any([](Need n) { return n == Need::kSkipped; });
  switch (rule) {
    case flow::Rule::kAllSuccess:
      if (bad) return Verdict::kUpstreamFailed;
      if (skipped) return Verdict::kSkip;
      return open ? Verdict::kWait : Verdict::kRun;
    case flow::Rule::kAllDone:
      return open ? Verdict::kWait : Verdict::kRun;
    case flow::Rule::kOneFailed:
      if (bad) return Verdict::kRun;
      return open ? Verdict::kWait : Verdict::kSkip;
    case flow::Rule::kNoneFailed:
      if (bad) return Verdict::kUpstreamFailed;
      return open ? Verdict::kWait : Verdict::kRun;
  }
  return Verdict::kWait;
}

Upstream count(const std::vector<Need>& needs) {
  Upstream up;
  up.total = static_cast<int>(needs.size());
  for (Need need : needs) {
    up.succeeded += need == Need::kSucceeded;
    up.failed += need == Need::kFailed;
    up.upstream_failed += need == Need::kUpstreamFailed;
    up.skipped += need == Need::kSkipped;
  }
  return up;
}

constexpr flow::Rule kRules[] = {flow::Rule::kAllSuccess, flow::Rule::kAllDone,
                                 flow::Rule::kOneFailed, flow::Rule::kNoneFailed};

TEST(Rules, AnswerAsTheirWordsSayForEveryCombinationOfUpToFourNeeds) {
  int checked = 0;
  for (size_t width = 0; width <= 4; ++width) {
    size_t combinations = 1;
    for (size_t i = 0; i < width; ++i) combinations *= 5;
    for (size_t code = 0; code < combinations; ++code) {
      std::vector<Need> needs;
      for (size_t i = 0, rest = code; i < width; ++i, rest /= 5) {
        needs.push_back(static_cast<Need>(rest % 5));
      }
      for (flow::Rule rule : kRules) {
        EXPECT_EQ(judge(rule, count(needs)), expected(rule, needs))
            << word(rule) << " of combination " << code << " of " << width;
        ++checked;
      }
    }
  }
  EXPECT_EQ(checked, 4 * (1 + 5 + 25 + 125 + 625));
}

TEST(Rules, AVerdictOtherThanWaitStaysWhenMoreNeedsEnd) {
  for (size_t code = 0; code < 125; ++code) {
    std::vector<Need> needs;
    for (size_t i = 0, rest = code; i < 3; ++i, rest /= 5) {
      needs.push_back(static_cast<Need>(rest % 5));
    }
    for (flow::Rule rule : {flow::Rule::kAllDone, flow::Rule::kOneFailed}) {
      Verdict const now = judge(rule, count(needs));
      if (now == Verdict::kWait) continue;
      for (Need& need : needs) {
        if (need != Need::kOpen) continue;
        for (Need end : {Need::kSucceeded, Need::kFailed, Need::kSkipped}) {
          need = end;
          EXPECT_EQ(judge(rule, count(needs)), now) << word(rule) << code;
        }
        need = Need::kOpen;
      }
    }
  }
}

// Through the machine: two upstream tasks with every pair of ends, one child a rule.
TEST(Rules, HoldInAGraphForEveryPairOfEnds) {
  struct End {
    std::string text;  // of the upstream task
    Need need;
  };
  End const ends[] = {{"{shell: x}", Need::kSucceeded},
                      {"{shell: bad}", Need::kFailed},
                      {"{shell: bad, optional: true}", Need::kSucceeded},
                      {"{shell: x, needs: root}", Need::kUpstreamFailed},
                      {"{shell: x, when: '1 = 2'}", Need::kSkipped}};
  char const* const words[] = {"all_success", "all_done", "one_failed", "none_failed"};
  for (const End& a : ends) {
    for (const End& b : ends) {
      for (size_t r = 0; r < 4; ++r) {
        auto const flow =
            load_text("flow: f\ntasks:\n  root: {shell: bad}\n  a: " + a.text + "\n  b: " + b.text +
                      "\n  c: {shell: x, needs: [a, b], rule: " + words[r] + "}\n");
        ASSERT_TRUE(flow);
        Driver driver(flow, [&](const Try& one) {
          const auto& settings =
              std::get<flow::ShellSettings>(flow->task(flow->names.at(one.task)).settings);
          return settings.command == "bad" ? failed("bad") : value_of(one.task);
        });
        driver.begin();
        driver.run_to_end();
        ASSERT_TRUE(driver.finished);
        std::string const state = driver.state("c");
        switch (expected(kRules[r], {a.need, b.need})) {
          case Verdict::kRun:
            EXPECT_EQ(state, "succeeded");
            break;
          case Verdict::kSkip:
            EXPECT_EQ(state, "skipped");
            break;
          case Verdict::kUpstreamFailed:
            // Of a skip and a failure, all_success is decided by the one that comes first.
            if (r == 0 && (a.need == Need::kSkipped || b.need == Need::kSkipped)) {
              EXPECT_TRUE(state == "upstream_failed" || state == "skipped");
            } else {
              EXPECT_EQ(state, "upstream_failed");
            }
            break;
          case Verdict::kWait:
            ADD_FAILURE() << "both have ended";
        }
      }
    }
  }
}

}  // namespace
}  // namespace tidemill::run
