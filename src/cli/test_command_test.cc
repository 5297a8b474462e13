#include "cli/test_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "cli/flow_case_bed.h"
#include "flow/test_project.h"
#include "io/real/files.h"
#include "io/real/loop.h"

namespace tidemill::cli {
namespace {

using testing::HasSubstr;

// A project in a real folder.
class TestCommand : public ::testing::Test {
 protected:
  TestCommand() {
    std::string pattern = ::testing::TempDir() + "tidemill_case_XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file("tidemill.yaml",
         "connections: {app: {sqlite: app.db}}\nteams: {desk: {members: [anna]}}\n");
    file("vendors/bureau.yaml",
         "vendor: bureau\nbase_url: https://bureau.example/v1\nproducts:\n"
         "  report:\n    request: {method: GET, path: \"/people/{{ id }}/report\"}\n"
         "    effect: read\n    retry: {attempts: 3, base: 1s, cap: 2s}\n"
         "    idempotency: natural\n");
    file("flows/decide.yaml",
         "flow: decide\non: [call, {every: 1s, with: {id: 1}}]\nparams: {id: integer}\ntasks:\n"
         "  row: {sql: {connection: app, query: \"select 1\"}}\n"
         "  bureau: {vendor: bureau.report, with: {id: \"{{ id }}\"}}\n"
         "  extra: {shell: \"false\", optional: true}\n"
         "  decide:\n    calc: \"select case when score > 600 then 'approve' else 'refer' end as "
         "outcome, score from bureau\"\n    needs: [row, bureau, extra]\n"
         "  review: {approve: desk, needs: decide, when: \"decide.outcome = 'refer'\"}\n"
         "  tell: {publish: {dataset: decisions}, with: {outcome: \"{{ decide.outcome }}\"}, "
         "needs: [decide, review], rule: none_failed}\n");
  }
  ~TestCommand() override { EXPECT_EQ(::system(("rm -rf '" + folder_ + "'").c_str()), 0); }

  void file(const std::string& path, const std::string& text) {
    std::string const full = folder_ + "/" + path;
    EXPECT_TRUE(files_.make_folders(full.substr(0, full.rfind('/'))));
    EXPECT_TRUE(files_.write(full, text));
  }
  int run(bool json = false) {
    TestOptions options;
    options.project = folder_;
    options.json = json;
    char* text = nullptr;
    size_t size = 0;
    std::FILE* const stream = ::open_memstream(&text, &size);
    int const code = test_flows(options, stream, stream);
    std::fclose(stream);
    said_.assign(text, size);
    ::free(text);
    return code;
  }

  std::string folder_;
  std::string said_;
  io::RealLoop loop_;
  io::RealFiles real_files_{loop_};
  io::Files& files_ = real_files_;
};

constexpr const char* kGood =
    "flow: decide\ncases:\n"
    "  - name: a good one, after the vendor was busy\n    params: {id: 7}\n"
    "    vendors: {bureau.report: [{status: 503}, {body: {score: 700}}]}\n"
    "    tasks: {row: {rows: [{one: 1}]}, extra: {exit_code: 1}}\n"
    "    expect:\n      decision: {outcome: approve}\n"
    "      tasks: {review: skipped, extra: failed, tell: succeeded}\n"
    "      published: {decisions: [{outcome: approve}]}\n"
    "  - name: a doubtful one that a person rejects\n    params: {id: 8}\n"
    "    vendors: {bureau.report: {body: {score: 500}}}\n"
    "    tasks: {row: {rows: []}, extra: {output: {x: 1}}}\n"
    "    approvals: {review: {decision: reject, by: anna, comment: no}}\n"
    "    expect:\n      state: failed\n      error: rejected by anna\n"
    "      output: {decide: {outcome: refer}, extra: {x: 1}}\n";

TEST_F(TestCommand, RunsCasesOnTheRealEngineAndEvaluator) {
  file("tests/decide.yaml", kGood);
  EXPECT_EQ(run(), 0) << said_;
  EXPECT_THAT(said_, HasSubstr("2 passed, 0 failed"));
}

TEST_F(TestCommand, TellsEveryDifference) {
  file("tests/decide.yaml",
       "flow: decide\nparams: {id: 7}\n"
       "vendors: {bureau.report: {body: {score: 700}}}\ntasks: {row: {rows: []}}\n"
       "expect: {decision: {outcome: refer}, tasks: {review: succeeded}, state: failed}\n");
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(said_, HasSubstr("state: found succeeded, expected failed"));
  EXPECT_THAT(said_, HasSubstr("decision.outcome: found \"approve\", expected \"refer\""));
  EXPECT_THAT(said_, HasSubstr("tasks.review: found \"skipped\", expected \"succeeded\""));
  EXPECT_THAT(said_, HasSubstr("task decide.extra ran, and the test gives no result for it"));
  EXPECT_EQ(run(true), 1);
  auto const report = parse_json(said_);
  ASSERT_TRUE(report) << said_;
  EXPECT_EQ(report->int_or("failed", 0), 1);
}

TEST_F(TestCommand, AnUnansweredVendorIsNamed) {
  file("tests/decide.yaml",
       "flow: decide\nparams: {id: 7}\ntasks: {row: {rows: []}, extra: {}}\nexpect: {}\n");
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(said_, HasSubstr("bureau.report was asked, and the test gives no answer"));
}

TEST_F(TestCommand, MistakesOfAFileHaveTheirPlace) {
  file("tests/decide.yaml", "flow: decide\nparms: {id: 7}\nexpect: {stat: x}\n");
  EXPECT_EQ(run(), 2);
  EXPECT_THAT(said_, HasSubstr("tests/decide.yaml:2:1: unknown key 'parms' in the test; did you "
                               "mean 'params'?"));
  EXPECT_THAT(said_, HasSubstr("tests/decide.yaml:3:10: unknown key 'stat' in 'expect'; did you "
                               "mean 'state'?"));
}

TEST_F(TestCommand, WithoutTestsSaysWhatToDo) {
  EXPECT_EQ(run(), 2);
  EXPECT_THAT(said_, HasSubstr("there is no file tests/*.yaml"));
}

TEST_F(TestCommand, AFlowThatIsNotThereFails) {
  file("tests/x.yaml", "flow: nothing\nexpect: {}\n");
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(said_, HasSubstr("there is no flow 'nothing'"));
}

}  // namespace
}  // namespace tidemill::cli
