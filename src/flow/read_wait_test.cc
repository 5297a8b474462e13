#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

using For = WaitSettings::For;

class ReadWait : public FlowTest {
 protected:
  const WaitSettings& wait(const std::string& task) {
    flow_ = AssertLoads("flow: f\nparams: {p: string, n: number}\ntasks:\n  t: " + task + "\n");
    return std::get<WaitSettings>(flow_->tasks.at(0).settings);
  }
  std::optional<Duration> timeout() const { return flow_->tasks.at(0).timeout; }
  std::shared_ptr<const Flow> flow_;
};

TEST_F(ReadWait, ADurationAlone) {
  const WaitSettings& settings = wait("{wait: 10m}");
  EXPECT_EQ(settings.what, For::kDuration);
  EXPECT_EQ(settings.duration, Duration::seconds(600));
  EXPECT_FALSE(timeout());
}

TEST_F(ReadWait, AFileWithItsPace) {
  const WaitSettings& settings =
      wait("{wait: {file: \"in/{{ p }}.csv\", every: 5s, timeout: 6h, soft: true}}");
  EXPECT_EQ(settings.what, For::kFile);
  EXPECT_EQ(settings.every, Duration::seconds(5));
  EXPECT_TRUE(settings.soft);
  EXPECT_EQ(timeout(), Duration::seconds(6 * 3600));
}

TEST_F(ReadWait, WithoutATimeoutAWeekIsTheLimit) {
  wait("{wait: {file: a.csv}}");
  EXPECT_EQ(timeout(), Duration::seconds(7 * 86'400));
  wait("{wait: {file: a.csv}, timeout: 1h}");
  EXPECT_EQ(timeout(), Duration::seconds(3600));
}

TEST_F(ReadWait, TheOtherSources) {
  const WaitSettings& url = wait(
      "{wait: {url: \"https://a.example/{{ p }}\", status: 200, expect: {ready: true, n: \"{{ n "
      "}}\"}}}");
  EXPECT_EQ(url.what, For::kUrl);
  EXPECT_EQ(url.status, 200);
  EXPECT_TRUE(url.expect);
  EXPECT_EQ(
      wait("{wait: {url: {url: \"https://a.example/\", headers: {X: y}}}}").url.headers.size(), 1u);
  const WaitSettings& query =
      wait("{wait: {query: {connection: app, query: \"select 1 where {{ n }} > 1\"}}}");
  EXPECT_EQ(query.what, For::kQuery);
  EXPECT_EQ(query.query.params.size(), 1u);
  EXPECT_EQ(wait("{wait: {dataset: signups}}").every, Duration::seconds(1));
  EXPECT_EQ(wait("{wait: {until: \"{{ run.interval_end }}\"}}").what, For::kUntil);
  EXPECT_EQ(wait("{wait: {for: 90s}}").duration, Duration::seconds(90));
}

TEST_F(ReadWait, RefusesWhatIsNoWait) {
  AssertTaskErrors("{wait: soon}",
                   "5:13: 'wait' of task 't': found 'soon', expected a duration such as 50ms, 3s, "
                   "2m, 1h30m or 30d");
  AssertTaskErrors("{wait: {every: 5s}}",
                   "5:13: 'wait' of task 't' does not say for what; expected one of: file, url, "
                   "query, dataset, until, for");
  AssertTaskErrors("{wait: {file: a, dataset: b}}",
                   "5:13: 'wait' of task 't' has 'file' and 'dataset'; expected one of them: make "
                   "two tasks of it");
  AssertTaskErrors("{wait: {file: a, status: 200}}",
                   "5:31: 'status' of 'wait' of task 't' is for a url; this task waits for "
                   "something else");
  AssertTaskErrors("{wait: {url: {method: POST, url: \"https://a.example/\"}}}",
                   "5:19: 'url' of 'wait' of task 't': the request is sent again and again, so it "
                   "must change nothing; use GET, or say effect: read");
  AssertTaskErrors("{wait: {file: a, timeout: 1h}, timeout: 2h}",
                   "5:32: 'timeout' of 'wait' of task 't' and the task's own timeout; state one of "
                   "them");
  AssertTaskErrors("{wait: {file: a}, retry: 3}",
                   "5:24: 'retry' does not apply to task 't', which is of kind wait; it is for "
                   "shell, python, http, sql, calc, model, publish, flow");
}

}  // namespace
}  // namespace tidemill::flow
