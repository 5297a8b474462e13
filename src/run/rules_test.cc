#include "run/rules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "flow/words.h"
#include "run/test_support.h"

namespace tidemill::run {
namespace {

enum class Need { kOpen, kSucceeded, kFailed, kUpstreamFailed, kSkipped };

bool is_bad(Need n) { return n == Need::kFailed || n == Need::kUpstreamFailed; }

// The rules in words, evaluated over the list of needs that have all ended, and not over counts.
Verdict expected(flow::Rule rule, const std::vector<Need>& needs) {
  auto any = [&](auto holds) { return std::any_of(needs.begin(), needs.end(), holds); };
  auto all = [&](auto holds) { return std::all_of(needs.begin(), needs.end(), holds); };
  auto succeeded = [](Need n) { return n == Need::kSucceeded; };
  auto skipped = [](Need n) { return n == Need::kSkipped; };
  auto ran = [](Need n) { return n == Need::kSucceeded || n == Need::kFailed; };
  auto run_or = [](bool runs, Verdict otherwise) { return runs ? Verdict::kRun : otherwise; };
  if (needs.empty()) return Verdict::kRun;
  switch (rule) {
    case flow::Rule::kAllSuccess:
      if (any(is_bad)) return Verdict::kUpstreamFailed;
      return run_or(all(succeeded), Verdict::kSkip);
    case flow::Rule::kAllFailed:
      return run_or(all(is_bad), Verdict::kSkip);
    case flow::Rule::kAllDone:
    case flow::Rule::kAllDoneSetupSuccess:  // without setups
    case flow::Rule::kAlways:
      return Verdict::kRun;
    case flow::Rule::kAllDoneMinOneSuccess:
      if (any(skipped)) return Verdict::kSkip;
      return run_or(any(succeeded), Verdict::kUpstreamFailed);
    case flow::Rule::kOneSuccess:
      if (all(skipped)) return Verdict::kSkip;
      return run_or(any(succeeded), Verdict::kUpstreamFailed);
    case flow::Rule::kOneFailed:
      return run_or(any(is_bad), Verdict::kSkip);
    case flow::Rule::kOneDone:
      return run_or(any(ran), Verdict::kSkip);
    case flow::Rule::kNoneFailed:
      return run_or(!any(is_bad), Verdict::kUpstreamFailed);
    case flow::Rule::kNoneFailedMinOneSuccess:
      if (any(is_bad)) return Verdict::kUpstreamFailed;
      return run_or(any(succeeded), Verdict::kSkip);
    case flow::Rule::kNoneSkipped:
      return run_or(!any(skipped), Verdict::kSkip);
    case flow::Rule::kAllSkipped:
      return run_or(all(skipped), Verdict::kSkip);
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

// Every list of `width` ends.
std::vector<std::vector<Need>> lists_of(size_t width) {
  std::vector<std::vector<Need>> lists(1);
  for (size_t i = 0; i < width; ++i) {
    std::vector<std::vector<Need>> longer;
    for (const auto& list : lists) {
      for (Need need : {Need::kSucceeded, Need::kFailed, Need::kUpstreamFailed, Need::kSkipped}) {
        longer.push_back(list);
        longer.back().push_back(need);
      }
    }
    lists = std::move(longer);
  }
  return lists;
}

TEST(Rules, AreAllThirteenOfAirflow) { EXPECT_EQ(flow::rule_words().size(), 13u); }

TEST(Rules, AnswerAsTheirWordsSayOnceAllNeedsHaveEnded) {
  for (size_t width = 0; width <= 5; ++width) {
    for (const auto& needs : lists_of(width)) {
      for (const auto& rule : flow::rule_words()) {
        EXPECT_EQ(judge(rule.value, count(needs), {}).verdict, expected(rule.value, needs))
            << rule.text << " width " << width;
      }
    }
  }
}

// Lists hold every order: what is decided after some ends is what is decided after all.
TEST(Rules, DecideTheSameInWhateverOrderNeedsEnd) {
  int early = 0;
  for (const auto& ends : lists_of(4)) {
    for (const auto& rule : flow::rule_words()) {
      std::vector<Need> needs(ends.size(), Need::kOpen);
      Verdict first = decide(rule.value, count(needs));
      for (size_t i = 0; i < ends.size() && first == Verdict::kWait; ++i) {
        needs[i] = ends[i];
        first = decide(rule.value, count(needs));
        early += first != Verdict::kWait && i + 1 < ends.size() ? 1 : 0;
      }
      EXPECT_EQ(first, expected(rule.value, ends)) << rule.text;
    }
  }
  EXPECT_GT(early, 1000) << "a rule does not wait for what cannot change it";
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
  for (const End& a : ends) {
    for (const End& b : ends) {
      for (const auto& rule : flow::rule_words()) {
        auto const flow =
            load_text("flow: f\ntasks:\n  root: {shell: bad}\n  a: " + a.text + "\n  b: " + b.text +
                      "\n  c: {shell: x, needs: [a, b], rule: " + std::string(rule.text) + "}\n");
        ASSERT_TRUE(flow);
        Driver driver(flow, [&](const Try& one) {
          const auto& settings =
              std::get<flow::ShellSettings>(flow->task(flow->names.at(one.task)).settings);
          return settings.command == "bad" ? failed("bad") : value_of(one.task);
        });
        driver.begin();
        driver.run_to_end();
        ASSERT_TRUE(driver.finished);
        std::map<Verdict, std::string> const states = {
            {Verdict::kRun, "succeeded"},
            {Verdict::kSkip, "skipped"},
            {Verdict::kUpstreamFailed, "upstream_failed"}};
        EXPECT_EQ(driver.state("c"), states.at(expected(rule.value, {a.need, b.need})))
            << rule.text << ": " << a.text << " and " << b.text;
      }
    }
  }
}

// A graph of tasks, each need with a lower number; how each ends if it runs is drawn from the seed.
class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : random_(seed) {
    size_t const size = 2 + random_() % 14;
    for (size_t i = 0; i < size; ++i) {
      Task task;
      task.fails = random_() % 4 == 0;
      task.is_optional = random_() % 8 == 0;
      task.is_off = random_() % 5 == 0;
      task.rule = flow::rule_words()[random_() % flow::rule_words().size()];
      for (size_t n = 0; n < i; ++n) {
        if (random_() % 3 == 0) task.needs.push_back(n);
      }
      tasks_.push_back(std::move(task));
    }
  }

  std::string text() const {
    std::string text = "flow: f\ntasks:\n";
    for (size_t i = 0; i < tasks_.size(); ++i) {
      const Task& task = tasks_[i];
      text += fmt::format("  t{}: {{shell: {}, rule: {}, optional: {}", i,
                          task.fails ? "bad" : "good", task.rule.text, task.is_optional);
      if (task.is_off) text += ", when: '1 = 2'";
      std::string needs;
      for (size_t need : task.needs) needs += fmt::format("{}t{}", needs.empty() ? "" : ", ", need);
      text += fmt::format(", needs: [{}]}}\n", needs);
    }
    return text;
  }

  // What each task must come to, by evaluation in order of the graph.
  std::vector<std::string> states() const {
    std::vector<Need> ends;
    std::vector<std::string> states;
    for (const Task& task : tasks_) {
      std::vector<Need> needs;
      for (size_t need : task.needs) needs.push_back(ends[need]);
      Verdict const verdict = expected(task.rule.value, needs);
      if (verdict == Verdict::kUpstreamFailed) {
        ends.push_back(Need::kUpstreamFailed);
        states.push_back("upstream_failed");
      } else if (verdict == Verdict::kSkip || task.is_off) {
        ends.push_back(Need::kSkipped);
        states.push_back("skipped");
      } else {
        ends.push_back(task.fails && !task.is_optional ? Need::kFailed : Need::kSucceeded);
        states.push_back(task.fails ? "failed" : "succeeded");
      }
    }
    return states;
  }

  bool fails(const std::string& name) const { return tasks_[std::stoul(name.substr(1))].fails; }
  size_t draw(size_t below) { return random_() % below; }

 private:
  struct Task {
    bool fails = false;
    bool is_optional = false;
    bool is_off = false;
    flow::Word<flow::Rule> rule{};
    std::vector<size_t> needs;
  };
  std::mt19937 random_;
  std::vector<Task> tasks_;
};

TEST(Rules, OfRandomGraphsEndAsTheEvaluatorSaysInWhateverOrderTasksEnd) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    RandomGraph graph(seed);
    auto const flow = load_text(graph.text());
    ASSERT_TRUE(flow);
    std::vector<std::string> const states = graph.states();
    for (int order = 0; order < 3; ++order) {
      Driver driver(flow);
      if (order == 2) driver.restart_after_each();
      driver.begin();
      while (!driver.running.empty()) {
        auto one = driver.running.begin();
        std::advance(one, static_cast<long>(graph.draw(driver.running.size())));
        std::string const name = flow->task(one->ref.task).name;
        driver.end(*one, graph.fails(name) ? failed("bad") : value_of(name));
      }
      ASSERT_TRUE(driver.finished) << "seed " << seed;
      for (size_t i = 0; i < states.size(); ++i) {
        EXPECT_EQ(driver.state("t" + std::to_string(i)), states[i])
            << "seed " << seed << " t" << i << "\n"
            << graph.text();
      }
    }
  }
}

}  // namespace
}  // namespace tidemill::run
