// Which failures are tried again.
#include "run/test_support.h"

namespace tidemill::run {
namespace {

// The state after one end of that kind.
std::string after(const std::string& retry, Outcome outcome) {
  Driver driver(load_text("flow: f\ntasks:\n  a: {shell: x, retry: " + retry + "}\n"));
  driver.begin();
  driver.end("a", outcome);
  return driver.state("a");
}
Outcome exited(int code) {
  return Outcome::failure({Code::kInvalid, "exited", {}}, Json::object().set("exit_code", code));
}
Outcome of_class(Code code) { return Outcome::failure({code, "failed", {}}); }

TEST(Retry, TriesOnlyTheNamedFailuresAgain) {
  std::string const retry = "{attempts: 3, on: [exit:75, timeout, unavailable]}";
  EXPECT_EQ(after(retry, exited(75)), "retrying");
  EXPECT_EQ(after(retry, exited(1)), "failed");
  EXPECT_EQ(after(retry, of_class(Code::kUnavailable)), "retrying");
  EXPECT_EQ(after(retry, of_class(Code::kTooLate)), "retrying");
  EXPECT_EQ(after(retry, of_class(Code::kDenied)), "failed");
}

TEST(Retry, DoesNotTryAgainWhatIsExcluded) {
  std::string const retry = "{attempts: 3, not_on: [exit:2, denied]}";
  EXPECT_EQ(after(retry, exited(2)), "failed");
  EXPECT_EQ(after(retry, exited(1)), "retrying");
  EXPECT_EQ(after(retry, of_class(Code::kDenied)), "failed");
  EXPECT_EQ(after(retry, of_class(Code::kUnavailable)), "retrying");
  EXPECT_EQ(after("{attempts: 3, on: exit:2, not_on: exit:2}", exited(2)), "failed");
}

TEST(Retry, AClassOfErrorsDoesNotMeanAProcessThatExited) {
  EXPECT_EQ(after("{attempts: 3, on: invalid}", exited(1)), "failed");
  EXPECT_EQ(after("{attempts: 3, on: invalid}", of_class(Code::kInvalid)), "retrying");
}

TEST(Retry, AProcessThatExitsWith99IsNeverTriedAgain) {
  EXPECT_EQ(after("3", exited(99)), "failed");
  EXPECT_EQ(after("{attempts: 3, on: exit:99}", exited(99)), "failed");
  EXPECT_EQ(after("3", exited(98)), "retrying");
}

TEST(Retry, ATimeoutIsNoExitCode) {
  Driver driver(load_text(
      "flow: f\ntasks:\n  a: {shell: x, timeout: 1s, retry: {attempts: 2, on: timeout}}\n"));
  driver.begin();
  Driver::Running const one = *driver.running.begin();
  driver.turn(
      [&](Instance& run, Step& step) { Machine::timed_out(run, one.ref, one.attempt, step); });
  driver.end(one, exited(143));
  EXPECT_EQ(driver.state("a"), "retrying");
}

}  // namespace
}  // namespace tidemill::run
