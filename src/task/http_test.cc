#include "task/http.h"

#include "task/test_support.h"

namespace tidemill::task {
namespace {

using Kind = io::HttpFailure::Kind;
using testing::HasSubstr;

class HttpTest : public TaskTest {
 protected:
  void answer(int status, const std::string& body, const std::string& type = "application/json") {
    world.http().set_handler([=](const io::HttpRequest&) {
      return io::SimHttpAnswer{io::HttpResponse{status, {{"content-type", type}}, body, {}},
                               Duration::millis(20)};
    });
  }
  void break_with(Kind kind) {
    world.http().set_handler([=](const io::HttpRequest&) {
      return io::SimHttpAnswer{tl::unexpected(io::HttpFailure{kind, "broken"}),
                               Duration::millis(5)};
    });
  }
  run::Outcome outcome(const std::string& task, const Json& p = Json()) {
    auto const end = start(runner, work("  t: " + task + "\n"), p);
    world.run_for(Duration::seconds(60));
    EXPECT_EQ(end->times, 1);
    return end->outcome.value_or(run::Outcome::unknown("no end"));
  }

  HttpRunner runner{world.http(), {"10.0.0.7"}};
};

constexpr const char* kRead = "{http: \"https://a.example/x\"}";
constexpr const char* kWrite = "{http: {url: \"https://a.example/x\", method: POST}}";
constexpr const char* kKeyed =
    "{http: {url: \"https://a.example/x\", method: POST, idempotency: \"key:Idem-Key\"}}";

TEST_F(HttpTest, TheAnswerIsStatusAndBody) {
  answer(200, R"({"a":[1]})");
  EXPECT_EQ(outcome(kRead).value->json().dump(), R"({"status":200,"body":{"a":[1]}})");
  answer(204, "", "");
  EXPECT_EQ(outcome(kRead).value->json().int_or("status", 0), 204);
  answer(200, "plain words", "text/plain");
  EXPECT_EQ(outcome(kRead).value->json().find("body")->dump(), "\"plain words\"");
  answer(200, "\xff\xfe", "application/octet-stream");
  EXPECT_TRUE(outcome(kRead).value->json().find("body")->is_null());
}

TEST_F(HttpTest, StatusesSayWhetherTryingAgainHelps) {
  for (auto const& [status, code] : {std::pair{400, Code::kInvalid},
                                     {404, Code::kInvalid},
                                     {301, Code::kInvalid},
                                     {429, Code::kUnavailable},
                                     {500, Code::kUnavailable},
                                     {503, Code::kUnavailable}}) {
    answer(status, "no");
    auto const end = outcome(kRead);
    EXPECT_EQ(end.kind, run::Outcome::Kind::kFailed) << status;
    EXPECT_EQ(end.error.code, code) << status;
    EXPECT_THAT(end.error.message, HasSubstr(std::to_string(status)));
  }
}

TEST_F(HttpTest, AnAnswerThatDidNotComeIsUnknownWhereItMayNotBeRepeated) {
  for (Kind kind : {Kind::kTimeout, Kind::kReset, Kind::kTruncated, Kind::kCancelled}) {
    break_with(kind);
    EXPECT_EQ(outcome(kWrite).kind, run::Outcome::Kind::kUnknown);
    EXPECT_EQ(outcome(kRead).kind, run::Outcome::Kind::kFailed);
    EXPECT_EQ(outcome(kKeyed).kind, run::Outcome::Kind::kFailed);
    EXPECT_EQ(outcome(kKeyed).error.code, Code::kUnavailable);
  }
}

TEST_F(HttpTest, WhatWasNotSentIsNeverUnknown) {
  for (auto const& [kind, code] : {std::pair{Kind::kUnreachable, Code::kUnavailable},
                                   {Kind::kTls, Code::kUnavailable},
                                   {Kind::kInvalid, Code::kInvalid},
                                   {Kind::kDenied, Code::kDenied}}) {
    break_with(kind);
    auto const end = outcome(kWrite);
    EXPECT_EQ(end.kind, run::Outcome::Kind::kFailed);
    EXPECT_EQ(end.error.code, code);
  }
}

TEST_F(HttpTest, AWriteWhoseAnswerIsTooLargeWasSentAllTheSame) {
  break_with(Kind::kTooLarge);
  EXPECT_EQ(outcome(kRead).error.code, Code::kExhausted);
  EXPECT_EQ(outcome(kWrite).kind, run::Outcome::Kind::kUnknown);
}

TEST_F(HttpTest, TheKeyIsTheSameForEveryAttemptAndDiffersByItem) {
  answer(200, "{}");
  std::string const task = std::string("  t: ") + kKeyed + "\n";
  for (auto const& [attempt, item] : {std::pair{1, -1}, {2, -1}, {1, 4}}) {
    start(runner, work(task, "t", attempt, item));
  }
  world.run_for(Duration::seconds(1));
  std::vector<std::string> keys;
  for (const auto& request : world.http().sent()) {
    for (const auto& [name, value] : request.headers) {
      if (name == "Idem-Key") keys.push_back(value);
    }
  }
  EXPECT_THAT(keys, testing::ElementsAre("01RUN/t", "01RUN/t", "01RUN/t[4]"));
}

TEST_F(HttpTest, ExpressionsAreEncodedInUrlsAndTypedInBodies) {
  answer(200, "{}");
  outcome("{http: {url: \"https://a.example/{{ s }}\", method: POST, body: {v: \"{{ s }}\"}}}",
          Json("a/b?c=d#e"));
  ASSERT_FALSE(world.http().sent().empty());
  EXPECT_EQ(world.http().sent()[0].url, "https://a.example/a%2Fb%3Fc%3Dd%23e");
  EXPECT_EQ(world.http().sent()[0].body, R"({"v":"a/b?c=d#e"})");
}

TEST_F(HttpTest, AHeaderWithALineBreakIsRefused) {
  answer(200, "{}");
  auto const end = outcome("{http: {url: \"https://a.example/\", headers: {X-A: \"{{ s }}\"}}}",
                           Json("a\r\nHost: evil"));
  EXPECT_EQ(end.kind, run::Outcome::Kind::kFailed);
  EXPECT_TRUE(world.http().sent().empty());
}

TEST_F(HttpTest, PrivateAddressesAreRefusedUnlessAllowed) {
  answer(200, "{}");
  EXPECT_EQ(outcome("{http: \"http://10.0.0.8/\"}").error.code, Code::kDenied);
  EXPECT_EQ(outcome("{http: \"http://127.0.0.1:8080/\"}").error.code, Code::kDenied);
  EXPECT_EQ(outcome("{http: \"http://10.0.0.7/\"}").kind, run::Outcome::Kind::kSucceeded);
  EXPECT_EQ(outcome("{http: {url: \"http://10.0.0.8/\", private: true}}").kind,
            run::Outcome::Kind::kSucceeded);
}

TEST_F(HttpTest, StopEndsARequestThatIsUnderWay) {
  world.http().set_handler([](const io::HttpRequest&) {
    return io::SimHttpAnswer{io::HttpResponse{200, {}, "{}", {}}, Duration::seconds(8)};
  });
  Work const one = work(std::string("  t: ") + kWrite + "\n");
  auto const end = start(runner, one);
  world.run_for(Duration::seconds(1));
  runner.stop(one);
  world.run_for(Duration::seconds(1));
  EXPECT_EQ(end->times, 1);
  runner.stop(one);  // it is over
}

}  // namespace
}  // namespace tidemill::task
