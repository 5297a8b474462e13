// Random histories of a small project with kills, full disks and lost machines, checked against
// what the design promises. A failure names its seed.
#include <random>

#include "engine/test_support.h"

namespace tidemill::engine {
namespace {

constexpr size_t kProcesses = 3;

class History {
 public:
  explicit History(unsigned seed) : random_(seed), bed_(seed) {
    bed_.limits.processes = kProcesses;
    bed_.flow(
        "work",
        "on: [call]\nparams: {id: integer}\nmax_running: 3\ntasks:\n"
        "  pre: {calc: \"select * from (values ({{ id }}), (2)) as t(v)\", rows: many}\n"
        "  effect: {shell: x, needs: pre}\n"
        "  again: {shell: x, needs: pre, on_unknown: rerun}\n"
        "  retried: {shell: x, needs: pre, optional: true, retry: {attempts: 3, base: 1s}}\n"
        "  out: {publish: {dataset: lines}, needs: pre}\n"
        "  post: {calc: select 1 as v, needs: [effect, again, retried, out], writes: done}\n");
    bed_.flow("applicant",
              "on: [call]\nkey: \"a{{ id }}\"\nparams: {id: integer}\ntasks:\n"
              "  decide: {shell: x}\n"
              "  tell: {publish: {dataset: decisions}, with: {id: \"{{ id }}\"}, needs: decide}\n");
    bed_.flow("sweep",
              "on: [{every: 7s, id: s}]\nparams: {list: {type: json, default: [1, 2, 3]}}\ntasks:\n"
              "  each: {flow: applicant, for_each: list, with: {id: \"{{ item.value }}\"}}\n");
    bed_.flow("follow", "on: [{after: {flow: work}}]\ntasks: {f: {shell: x}}\n");
    bed_.flow("reader", "on: [{after: {dataset: done}}]\ntasks: {r: {calc: select 1 as v}}\n");
    bed_.behave = [this](const io::ProcessSpec&) {
      most_ = std::max(most_, bed_.world.processes().running() + 1);
      io::SimProcessResult result;
      result.takes = Duration::millis(1 + below(4000));
      result.exit_code = below(12) == 0 ? 1 : 0;
      return result;
    };
    bed_.start();
  }

  void run() {
    for (int i = 0; i < 40; ++i) step();
    bed_.commit_fails = nullptr;
    // No new sweeps: what is open comes to its end.
    bed_.flow("sweep",
              "on: [call]\nparams: {list: {type: json, default: []}}\ntasks:\n"
              "  each: {flow: applicant, for_each: list, with: {id: \"{{ item.value }}\"}}\n");
    bed_.restart();
    ++kills_;
    bed_.world.run_until([&] { return bed_.engine->open_runs() == 0; }, Duration::seconds(900));
  }

  void check() {
    EXPECT_EQ(bed_.engine->open_runs(), 0u);
    EXPECT_LE(most_, kProcesses);
    check_runs();
    check_attempts();
    check_lines("lines");
    check_lines("decisions");
    check_dependents();
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  void step() {
    int const what = below(12);
    if (what < 5) {
      Json const params = Json::object().set("id", below(6));
      bool const is_work = below(2) == 0;
      asked_.push_back({is_work ? "work" : "applicant",
                        is_work ? bed_.ask("work", params, std::to_string(below(10)))
                                : bed_.ask("applicant", params)});
    } else if (what < 9) {
      int left = 1 + below(40);
      bed_.world.run_until([&] { return --left <= 0; }, Duration::seconds(3));
    } else if (what == 9) {
      fail_commits();
    } else if (what == 10) {
      bed_.kill();
      ++kills_;
      commits_left_ = 0;
      if (below(3) == 0) bed_.world.processes().lose();
      bed_.world.run_for(Duration::millis(below(5000)));
      bed_.start();
    } else {
      auto const rows = bed_.runs();
      if (rows.empty()) return;
      bed_.engine->cancel(rows[static_cast<size_t>(below(static_cast<int>(rows.size())))].id,
                          "random", [](const Status&) {});
    }
  }

  void fail_commits() {
    commits_left_ = 1 + below(4);
    bed_.commit_fails = [this](const run::Changes&) -> std::optional<Code> {
      if (commits_left_ <= 0 || commits_left_-- <= 0) return std::nullopt;
      return below(2) == 0 ? Code::kExhausted : Code::kUnavailable;
    };
  }

  void check_runs() {
    std::set<std::pair<std::string, std::string>> keys;
    std::set<std::string> ids;
    for (const auto& row : bed_.runs()) {
      EXPECT_TRUE(run::is_final(row.state)) << row.flow.value << " " << row.id.value;
      EXPECT_TRUE(keys.emplace(row.flow.value, row.key.value).second) << row.key.value;
      ids.insert(row.id.value);
    }
    for (const auto& [flow, asked] : asked_) {
      if (asked->accepted && *asked->accepted) {
        EXPECT_TRUE(ids.contains((*asked->accepted)->value)) << "accepted and not there";
      }
      if (asked->result) {
        EXPECT_TRUE(ids.contains(asked->result->id.value));
      }
    }
  }

  // One start per attempt; more attempts only where a policy, or somebody who asked again, says so.
  void check_attempts() {
    for (const auto& [id, count] : bed_.starts) {
      EXPECT_EQ(count, 1) << id;
      size_t const slash = id.find('/');
      size_t const dot = id.rfind('.');
      std::string const task = id.substr(slash + 1, dot - slash - 1);
      int const attempt = std::stoi(id.substr(dot + 1));
      if (task == "effect" || task == "f") {
        EXPECT_EQ(attempt, 1) << id;
      } else if (task == "again") {
        EXPECT_LE(attempt, 1 + kills_) << id;
      } else if (task == "retried") {
        EXPECT_LE(attempt, 3) << id;
      }
    }
  }

  void check_lines(const std::string& dataset) {
    std::map<std::string, std::set<int64_t>> lines;
    for (const Json& line : bed_.lines(dataset)) {
      EXPECT_TRUE(lines[line.text_or("run", "")].insert(line.int_or("index", -1)).second)
          << line.dump();
    }
    for (const auto& row : bed_.runs(dataset == "lines" ? "work" : "applicant")) {
      if (row.state != run::RunState::kSucceeded) continue;
      EXPECT_EQ(lines[row.id.value].size(), dataset == "lines" ? 2u : 1u) << row.id.value;
    }
  }

  void check_dependents() {
    std::set<std::string> expected;
    for (const auto& row : bed_.runs("work")) {
      if (row.state == run::RunState::kSucceeded) expected.insert("after:" + row.id.value);
    }
    auto const follow = bed_.keys("follow");
    EXPECT_EQ(std::set<std::string>(follow.begin(), follow.end()), expected);
    EXPECT_EQ(bed_.keys("reader").size(), expected.size());
  }

  std::mt19937 random_;
  EngineBed bed_;
  std::vector<std::pair<std::string, std::shared_ptr<EngineBed::Asked>>> asked_;
  size_t most_ = 0;
  int kills_ = 0;
  int commits_left_ = 0;
};

class RandomHistories : public testing::TestWithParam<unsigned> {};

TEST_P(RandomHistories, KeepWhatTheDesignPromises) {
  unsigned const seeds = 25;
  for (unsigned i = 0; i < seeds && !HasFailure(); ++i) {
    unsigned const seed = GetParam() * seeds + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed);
    history.run();
    history.check();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomHistories, testing::Range(0u, 8u));

}  // namespace
}  // namespace tidemill::engine
