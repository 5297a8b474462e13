#include "vendor/client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/sim/world.h"

namespace tidemill::vendor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Answer {
  Duration after;
  io::HttpOutcome outcome;
};

io::HttpOutcome answer(int status, std::string body = R"({"score":712})",
                       io::HttpHeaders headers = {{"content-type", "application/json"}}) {
  io::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

io::HttpOutcome failure(io::HttpFailure::Kind kind) {
  return tl::unexpected(io::HttpFailure{kind, "as scripted"});
}

constexpr const char* kSchema =
    R"({"type":"object","required":["score"],"properties":{"score":{"type":"number"}}})";

// The four products of the fault matrix.
constexpr const char* kVendor = R"(vendor: bureau
base_url: https://bureau.example/v1
team: risk
limits: {{ {0} }}
products:
  free: {{ request: {{path: /p}}, effect: read, idempotency: natural, {1} }}
  priced: {{ request: {{path: /p}}, effect: read, price: {{amount: 1, currency: USD}}, {1} }}
  pull: {{ request: {{path: /p}}, effect: pull, {1} }}
  write: {{ request: {{method: POST, path: /p}}, effect: write, idempotency: "key:X-Key", {1} }}
)";
constexpr const char* kProduct =
    "timeout: 300ms, retry: {attempts: 3, base: 10ms, cap: 1s}, response: {schema: s}";

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    world_.http().set_handler([this](const io::HttpRequest& request) { return serve(request); });
  }
  std::shared_ptr<const Spec> spec(const std::string& limits = "rate: 1000/s, burst: 100",
                                   const std::string& product = kProduct) {
    auto parsed = parse_spec(fmt::format(kVendor, limits, product),
                             [](const std::string&) -> Result<std::string> { return kSchema; });
    if (!parsed) ADD_FAILURE() << parsed.error()[0].message;
    return std::make_shared<const Spec>(std::move(*parsed));
  }
  CallRequest request(const std::string& product = "free") {
    CallRequest r;
    r.spec = spec_;
    r.product = product;
    r.rendered.path = "/p";
    r.idempotency_key = "run-1/bureau";
    r.deadline = now() + Duration::seconds(10);
    return r;
  }
  CallHandle start(CallRequest r) {
    size_t const at = results_.size();
    results_.emplace_back();
    return client_.call(std::move(r), [this, at](CallResult result) {
      EXPECT_FALSE(results_[at]) << "done was called twice";
      results_[at] = std::move(result);
      ended_ms_.push_back(now_ms());
    });
  }
  CallResult call(const std::string& product = "free") {
    start(request(product));
    world_.run_until_idle();
    EXPECT_EQ(client_.open_calls(), 0u);
    return *results_.back();
  }
  std::string name(const CallResult& result) { return std::string(row(result.id).name); }

  // Answers the n-th request by the script's n-th entry, its last one from then on.
  io::SimHttpAnswer serve(const io::HttpRequest& request) {
    const Answer& answer = script_[std::min(requests_.size(), script_.size() - 1)];
    io::HttpOutcome outcome = answer.outcome;
    if (outcome && outcome->body.size() > request.max_response_bytes) {
      outcome = failure(io::HttpFailure::Kind::kTooLarge);
    }
    requests_.push_back(request);
    at_ms_.push_back(now_ms());
    most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
    world_.loop().after(std::min(answer.after, request.timeout), [this] { --in_flight_; });
    return {outcome, answer.after};
  }
  Elapsed now() { return world_.clock().elapsed(); }
  int64_t now_ms() { return (now() - began_).us / 1000; }
  std::string header(size_t request, std::string_view name) const {
    for (const auto& [key, value] : requests_[request].headers) {
      if (key == name) return value;
    }
    return "";
  }

  io::SimWorld world_{42};
  Elapsed began_ = world_.clock().elapsed();
  Time start_ = world_.clock().wall();
  Metrics metrics_;
  Client client_{world_.loop(), world_.clock(), world_.http(), world_.random(), metrics_};
  std::shared_ptr<const Spec> spec_ = spec();
  std::vector<std::optional<CallResult>> results_;
  std::vector<int64_t> ended_ms_;
  std::vector<Answer> script_;
  std::vector<io::HttpRequest> requests_;
  std::vector<int64_t> at_ms_;
  int in_flight_ = 0;
  int most_in_flight_ = 0;
};

TEST_F(ClientTest, SendsWhatTheFileSaysAndKeepsTheAnswer) {
  script_ = {{Duration::millis(20), answer(200, R"({"score": 9007199254740993})")}};
  CallRequest r = request("write");
  r.rendered.query = {{"q", "a b&c"}};
  r.rendered.body = R"({"id":7})";
  start(std::move(r));
  world_.run_until_idle();
  EXPECT_EQ(requests_[0].method, "POST");
  EXPECT_EQ(requests_[0].url, "https://bureau.example/v1/p?q=a%20b%26c");
  EXPECT_EQ(requests_[0].body, R"({"id":7})");
  EXPECT_EQ(header(0, "X-Key"), "run-1/bureau");
  EXPECT_EQ(header(0, "Content-Type"), "application/json");
  EXPECT_EQ(requests_[0].private_addresses, io::HttpRequest::Private::kRefused);
  EXPECT_EQ(results_[0]->body.find("score")->as_int(), 9007199254740993);
  EXPECT_EQ(results_[0]->raw, R"({"score": 9007199254740993})");
  EXPECT_EQ(results_[0]->tries.size(), 1u);
  EXPECT_EQ(results_[0]->tries[0].took, Duration::millis(20));
  EXPECT_EQ(results_[0]->tries[0].status, 200);
  EXPECT_EQ(results_[0]->message, "");
}

struct Fault {
  const char* name;
  std::vector<Answer> script;
  std::vector<size_t> tries;  // of free, priced, pull, write
  std::vector<const char*> classes;
};

std::vector<Fault> fault_matrix() {
  using Kind = io::HttpFailure::Kind;
  Duration const quick = Duration::millis(5);
  auto always = [&](io::HttpOutcome o) { return std::vector<Answer>{{quick, std::move(o)}}; };
  auto once = [&](io::HttpOutcome o) {
    return std::vector<Answer>{{quick, std::move(o)}, {quick, answer(200)}};
  };
  auto same = [](const char* c) { return std::vector<const char*>{c, c, c, c}; };
  std::vector<size_t> const if_repeatable = {3, 1, 1, 3}, always3 = {3, 3, 3, 3};
  std::vector<size_t> const twice = {2, 1, 1, 2}, single = {1, 1, 1, 1};
  return {
      {"slow", {{Duration::seconds(10), answer(200)}}, if_repeatable, same("unknown")},
      {"within", {{Duration::millis(280), answer(200)}}, single, same("ok")},
      {"503", always(answer(503)), if_repeatable, same("unavailable")},
      {"503 once", once(answer(503)), twice, {"ok", "unavailable", "unavailable", "ok"}},
      {"500", always(answer(500)), if_repeatable, same("server_error")},
      {"502", always(answer(502, "<html>")), if_repeatable, same("server_error")},
      {"501", always(answer(501)), single, same("rejected")},
      {"refused", always(failure(Kind::kUnreachable)), always3, same("unreachable")},
      {"reset", always(failure(Kind::kReset)), if_repeatable, same("unknown")},
      {"half", always(failure(Kind::kTruncated)), if_repeatable, same("truncated")},
      {"not JSON", always(answer(200, R"({"score":)")), twice, same("malformed")},
      {"page", always(answer(200, "<html/>", {{"content-type", "text/html"}})), twice,
       same("malformed")},
      {"page with JSON", always(answer(200, "{\"score\":1}", {{"content-type", "text/html"}})),
       twice, same("malformed")},
      {"type", always(answer(200, R"({"score":"712"})")), single, same("schema")},
      {"absent", always(answer(200, "{}")), single, same("schema")},
      {"3 MiB", always(answer(200, std::string(3u << 20, ' '))), single, same("too_large")},
      {"401 once", once(answer(401)), {2, 2, 2, 2}, same("ok")},
      {"401", always(answer(401)), {2, 2, 2, 2}, same("auth")},
      {"404", always(answer(404)), single, same("rejected")},
      {"408", always(answer(408)), if_repeatable, same("timeout_vendor")},
      {"302", always(answer(302, "", {{"location", "http://127.0.0.1/"}})), single,
       same("redirect")},
      {"certificate", always(failure(Kind::kTls)), single, same("tls")},
      {"private", always(failure(Kind::kDenied)), single, same("denied")},
      {"invalid", always(failure(Kind::kInvalid)), single, same("invalid_request")},
  };
}

TEST_F(ClientTest, MakesTheTriesOfTheFaultMatrix) {
  const char* const products[] = {"free", "priced", "pull", "write"};
  for (const Fault& fault : fault_matrix()) {
    for (size_t i = 0; i < 4; ++i) {
      requests_.clear();
      script_ = fault.script;
      CallResult const result = call(products[i]);
      EXPECT_EQ(name(result), fault.classes[i]) << fault.name << " " << products[i];
      EXPECT_EQ(requests_.size(), fault.tries[i]) << fault.name << " " << products[i];
      EXPECT_EQ(result.tries.size(), fault.tries[i]) << fault.name << " " << products[i];
      EXPECT_EQ(result.message.empty(), result.succeeded()) << fault.name;
      for (size_t n = 0; i == 3 && n < requests_.size(); ++n) {
        EXPECT_EQ(header(n, "X-Key"), "run-1/bureau") << "one key a call, not a try";
      }
    }
  }
}

TEST_F(ClientTest, SaysWhatAnUnknownOutcomeMayMean) {
  script_ = {{Duration::seconds(10), answer(200)}};
  CallResult const result = call("pull");
  EXPECT_EQ(result.message,
            "vendor bureau.pull: no complete answer after the request was sent, timeout 300ms "
            "(GET https://bureau.example/v1/p: no answer within 300ms). It may have counted as a "
            "pull. Not repeated because effect is \"pull\" "
            "and idempotency is \"none\".");
  EXPECT_EQ(result.error().code, Code::kUnknown);
  EXPECT_EQ(call("write").error().code, Code::kUnavailable);
}

TEST_F(ClientTest, NamesTheFieldThatBreaksTheSchema) {
  script_ = {{Duration::millis(1), answer(200, R"({"score":"712"})")}};
  CallResult const result = call();
  EXPECT_EQ(result.message, "vendor bureau.free: $.score is string, expected number");
  EXPECT_EQ(result.raw, R"({"score":"712"})");
}

TEST_F(ClientTest, WaitsForRetryAfterAndHoldsBackEveryCaller) {
  script_ = {{Duration::millis(1), answer(429, "", {{"retry-after", "1"}})},
             {Duration::millis(1), answer(200)}};
  start(request("pull"));
  world_.run_for(Duration::millis(100));
  start(request("free"));
  world_.run_until_idle();
  EXPECT_EQ(name(*results_[0]), "ok");
  EXPECT_EQ(name(*results_[1]), "ok");
  EXPECT_EQ(results_[0]->tries.size(), 2u);
  for (size_t i = 1; i < 3; ++i) EXPECT_GE(at_ms_[i], 1001);
}

TEST_F(ClientTest, HoldsBackACallThatHasItsPermitAlready) {
  spec_ = spec("rate: 10/s, burst: 1");
  script_ = {{Duration::millis(1), answer(429, "", {{"retry-after", "2"}})},
             {Duration::millis(1), answer(200)}};
  for (int i = 0; i < 3; ++i) start(request("free"));
  world_.run_until_idle();
  for (const auto& result : results_) EXPECT_EQ(name(*result), "ok");
  ASSERT_EQ(at_ms_.size(), 4u);
  for (size_t i = 1; i < 4; ++i) EXPECT_GE(at_ms_[i], 2001);
  EXPECT_GE(at_ms_[3] - at_ms_[1], 200) << "at the rate, not all at once";
}

TEST_F(ClientTest, GivesTheTimeToAskAgainWhenItIsAfterTheDeadline) {
  script_ = {{Duration::millis(1), answer(429, "", {{"retry-after", "3600"}})}};
  CallResult const result = call("free");
  EXPECT_EQ(name(result), "rate_limited");
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_EQ(result.retry_at, start_ + Duration::seconds(3600) + Duration::millis(1));
  EXPECT_EQ(ended_ms_[0], 1);
}

TEST_F(ClientTest, SendsNothingWhenTheDeadlineIsNear) {
  script_ = {{Duration::millis(1), answer(200)}};
  CallRequest r = request();
  r.deadline = now() + Duration::millis(49);
  start(std::move(r));
  world_.run_until_idle();
  EXPECT_EQ(name(*results_[0]), "deadline");
  EXPECT_TRUE(requests_.empty());
  EXPECT_EQ(results_[0]->error().code, Code::kTooLate);
}

TEST_F(ClientTest, CutsTheTimeoutToTheDeadlineLessTheReserve) {
  script_ = {{Duration::seconds(10), answer(200)}};
  CallRequest r = request();
  r.deadline = now() + Duration::millis(200);
  start(std::move(r));
  world_.run_until_idle();
  EXPECT_EQ(requests_[0].timeout, Duration::millis(180));
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_THAT(results_[0]->message, HasSubstr("after the deadline"));
}

TEST_F(ClientTest, KeepsTheRate) {
  spec_ = spec("rate: 10/s, burst: 5");
  script_ = {{Duration::millis(1), answer(200)}};
  for (int i = 0; i < 8; ++i) start(request());
  world_.run_until_idle();
  EXPECT_THAT(at_ms_, ElementsAre(0, 0, 0, 0, 0, 100, 200, 300));
}

TEST_F(ClientTest, RefusesWhatTheRateWouldDelayPastTheDeadline) {
  spec_ = spec("rate: 1/s");
  script_ = {{Duration::millis(1), answer(200)}};
  for (int i = 0; i < 3; ++i) {
    CallRequest r = request();
    r.deadline = now() + Duration::millis(500);
    start(std::move(r));
  }
  world_.run_until_idle();
  EXPECT_EQ(name(*results_[0]), "ok");
  EXPECT_EQ(name(*results_[1]), "rate_limited");
  EXPECT_EQ(results_[1]->retry_at, start_ + Duration::seconds(1));
  EXPECT_EQ(results_[2]->error().code, Code::kExhausted);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(ClientTest, NeverPassesTheConcurrencyAndServesInOrder) {
  spec_ = spec("concurrency: 2, queue: 4, rate: 100000/s, burst: 100");
  script_ = {{Duration::millis(100), answer(200)}};
  for (int i = 0; i < 8; ++i) {
    CallRequest r = request();
    r.rendered.path = fmt::format("/{}", i);
    if (i == 5) r.priority = Priority::kBackfill;
    if (i == 2) r.priority = Priority::kScheduled;
    start(std::move(r));
  }
  world_.run_until_idle();
  EXPECT_EQ(most_in_flight_, 2);
  std::string order;
  for (const auto& r : requests_) order += r.url.back();
  EXPECT_EQ(order, "013425");
  for (int i : {6, 7}) {
    EXPECT_EQ(name(*results_[i]), "overloaded");
    EXPECT_THAT(results_[i]->message, HasSubstr("Nothing was sent"));
  }
}

TEST_F(ClientTest, LeavesTheQueueWhenTheWaitIsOver) {
  spec_ = spec("concurrency: 1, queue_wait: 50ms, rate: 1000/s");
  script_ = {{Duration::millis(200), answer(200)}};
  start(request());
  start(request());
  world_.run_until_idle();
  EXPECT_EQ(name(*results_[1]), "overloaded");
  EXPECT_THAT(ended_ms_, ElementsAre(50, 200));
}

TEST_F(ClientTest, AppliesTheLimitsOfTheProductAsWell) {
  spec_ = spec("concurrency: 8, rate: 1000/s, burst: 100",
               "timeout: 300ms, limits: {concurrency: 1, queue: 8}");
  script_ = {{Duration::millis(10), answer(200)}};
  for (int i = 0; i < 4; ++i) start(request("free"));
  for (int i = 0; i < 4; ++i) start(request("pull"));
  world_.run_until_idle();
  EXPECT_EQ(most_in_flight_, 2);
  EXPECT_EQ(requests_.size(), 8u);
}

TEST_F(ClientTest, StopsARetryStormByTheBudget) {
  spec_ = spec("concurrency: 1000, rate: 1000000/s, burst: 1000");
  script_ = {{Duration::millis(5), answer(503)}};
  for (int i = 0; i < 100; ++i) start(request());
  world_.run_until_idle();
  size_t suppressed = 0;
  for (const auto& result : results_) {
    EXPECT_EQ(name(*result), "unavailable");
    suppressed += result->retry_suppressed ? 1 : 0;
  }
  EXPECT_GE(suppressed, 80u);
  EXPECT_LE(requests_.size(), 125u);
}

TEST_F(ClientTest, EndsAWaitAtOnceWhenCancelled) {
  spec_ = spec("rate: 1/s");
  script_ = {{Duration::millis(1), answer(200)}};
  start(request());
  CallHandle const waiting = start(request());
  world_.run_for(Duration::millis(10));
  client_.cancel(waiting);
  client_.cancel(waiting);
  world_.run_until_idle();
  EXPECT_EQ(name(*results_[1]), "cancelled");
  EXPECT_EQ(ended_ms_[1], 10);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(ClientTest, LeavesASentTryThatMayBeBilledToFinish) {
  script_ = {{Duration::millis(100), answer(200)}};
  for (const char* product : {"free", "priced", "pull", "write"}) {
    CallHandle const handle = start(request(product));
    world_.run_for(Duration::millis(10));
    client_.cancel(handle);
    world_.run_until_idle();
  }
  EXPECT_EQ(name(*results_[0]), "cancelled");
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(name(*results_[i]), "ok");
}

TEST_F(ClientTest, ReportsTheTryWhenALaterGateRefuses) {
  spec_ = spec("rate: 1/h");
  script_ = {{Duration::seconds(10), answer(200)}};
  CallResult const result = call("write");
  EXPECT_EQ(name(result), "unknown");
  EXPECT_EQ(result.tries.size(), 1u);
  EXPECT_THAT(result.message, HasSubstr("not repeated: the rate allows the next call in"));
}

TEST_F(ClientTest, AsksTheFileWhatAnAnswerMeans) {
  spec_ = spec("rate: 1000/s, burst: 10",
               "timeout: 300ms, response: {no_hit: hit}, retry: {attempts: 2, base: 10ms}, "
               "classify: [{when: throttled, as: rate_limited}]");
  script_ = {{Duration::millis(1), answer(200, R"({"throttled":true})")},
             {Duration::millis(1), answer(200, R"({"throttled":false,"hit":false})")}};
  CallRequest r = request("pull");
  r.evaluate = [](const Condition& c, int status, const Json& body) -> Result<bool> {
    EXPECT_EQ(status, 200);
    const Json* const member = body.find(c.text);
    if (!member) return fail(Code::kInvalid, "no member " + c.text);
    return c.text == "hit" ? !member->as_bool() : member->as_bool();
  };
  start(r);
  world_.run_until_idle();
  EXPECT_EQ(name(*results_[0]), "no_hit");
  EXPECT_TRUE(results_[0]->succeeded());
  EXPECT_EQ(results_[0]->tries[0].id, Class::kRateLimited);
  EXPECT_THAT(results_[0]->tries[0].message, HasSubstr("taken for rate_limited by: throttled"));

  script_ = {{Duration::millis(1), answer(200, R"({"other":1})")}};
  start(r);
  world_.run_until_idle();
  EXPECT_EQ(name(*results_[1]), "schema");
  EXPECT_THAT(results_[1]->message, HasSubstr("classify (throttled) cannot be evaluated"));
}

TEST_F(ClientTest, RefusesARequestThatWouldAskSomethingElse) {
  script_ = {{Duration::millis(1), answer(200)}};
  for (const char* path : {"p", "/a/../b", "/a/%2E%2e", "/a b", "/a?b", "/a#b", "/\n", ""}) {
    CallRequest r = request();
    r.rendered.path = path;
    start(std::move(r));
  }
  CallRequest header = request();
  header.rendered.headers = {{"X-A", "b\r\nX-C: d"}};
  start(std::move(header));
  CallRequest key = request("write");
  key.idempotency_key = "";
  start(std::move(key));
  CallRequest large = request("write");
  large.rendered.body = std::string((1u << 20) + 1, 'x');
  start(std::move(large));
  world_.run_until_idle();
  for (const auto& result : results_) EXPECT_EQ(name(*result), "invalid_request");
  EXPECT_TRUE(requests_.empty());
}

TEST_F(ClientTest, TakesNoNoteOfTheWallClock) {
  spec_ = spec("rate: 10/s, burst: 1");
  script_ = {{Duration::millis(1), answer(200)}};
  for (int i = 0; i < 4; ++i) start(request());
  world_.step_clock(Duration::seconds(-3600));
  world_.run_until_idle();
  EXPECT_THAT(at_ms_, ElementsAre(0, 100, 200, 300));
}

TEST_F(ClientTest, CountsCallsAndTries) {
  script_ = {{Duration::millis(1), answer(503)}, {Duration::millis(1), answer(200)}};
  call();
  std::string const page = metrics_.prometheus_text();
  std::string const labels = R"(vendor="bureau",product="free",team="risk")";
  EXPECT_THAT(page, HasSubstr("vendor_calls_total{" + labels + ",outcome=\"ok\"} 1"));
  EXPECT_THAT(page, HasSubstr("vendor_tries_total{" + labels + ",class=\"unavailable\"} 1"));
  EXPECT_THAT(page, HasSubstr("vendor_retries_total{" + labels + "} 1"));
  EXPECT_THAT(page, HasSubstr("vendor_inflight{" + labels + "} 0"));
}

TEST_F(ClientTest, SendsTheSecretAsTheFileSays) {
  script_ = {{Duration::millis(1), answer(200)}};
  struct Case {
    Auth::Kind kind;
    const char* header;
    const char* expected;
  };
  for (const Case& c : {Case{Auth::Kind::kBearer, "Authorization", "Bearer u:p?"},
                        Case{Auth::Kind::kBasic, "Authorization", "Basic dTpwPw=="},
                        Case{Auth::Kind::kHeader, "X-Api-Key", "u:p?"}}) {
    Spec changed = *spec_;
    changed.auth = {c.kind, "token", "X-Api-Key"};
    CallRequest r = request();
    r.spec = std::make_shared<const Spec>(std::move(changed));
    r.secret = "u:p?";
    start(r);
    world_.run_until_idle();
    EXPECT_EQ(header(requests_.size() - 1, c.header), c.expected);
    r.secret = "";
    start(r);
    world_.run_until_idle();
    EXPECT_THAT(results_.back()->message, HasSubstr("the secret 'token' is missing"));
  }
}

TEST_F(ClientTest, CallsNobodyAfterItIsGone) {
  script_ = {{Duration::millis(1), answer(200)}};
  int calls = 0;
  {
    Client gone(world_.loop(), world_.clock(), world_.http(), world_.random(), metrics_);
    gone.call(request(), [&](CallResult) { ++calls; });
    world_.run_now();
    gone.call(request(), [&](CallResult) { ++calls; });
  }
  world_.run_until_idle();
  EXPECT_EQ(calls, 0);
}

TEST_F(ClientTest, ServesALongLineOfRefusedWaitersWithoutAStack) {
  spec_ = spec("rate: 1/h, concurrency: 1, queue: 20000");
  script_ = {{Duration::millis(1), answer(200)}};
  for (int i = 0; i < 10'000; ++i) start(request());
  world_.run_until_idle();
  for (size_t i = 1; i < results_.size(); ++i) ASSERT_EQ(name(*results_[i]), "rate_limited");
}

}  // namespace
}  // namespace tidemill::vendor
