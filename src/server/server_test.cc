// The doors of a whole server on a simulated machine.
#include "server/server.h"

#include "engine/test_support.h"
#include "server/api.h"

namespace tidemill::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* kSecret = "0123456789abcdef0123456789abcdef";

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    bed.flow(
        "decide",
        "on: [call]\nparams: {x: integer}\n"
        "tasks: {work: {shell: x}, double: {calc: \"select {{ x }} * 2 as y\", needs: work}}\n");
    bed.flow("hidden", "tasks: {work: {shell: x}}\n");
    bed.start();
    auto const made =
        access::make_token("desk", kSecret, bed.world.clock().wall(), Duration::seconds(3600));
    EXPECT_TRUE(made);
    token = made->text;
    tokens.add(made->row);
    api = std::make_unique<Api>(ApiParts{bed.world.clock(), bed.world.loop(), bed.world.executor(),
                                         bed.world.files(), bed.world.random(), *bed.store,
                                         *bed.engine, *bed.loader, bed.tasks(), tokens,
                                         *bed.metrics, "/data", "1.2.3"});
    server = std::make_unique<Server>(ServerParts{bed.world.clock(), bed.world.loop(),
                                                  bed.world.net(), tokens, bed.log, *bed.metrics},
                                      Router(api->routes()), 1000);
    auto const bound = server->listen_tcp("127.0.0.1", 7070);
    EXPECT_TRUE(bound);
    if (bound) address = *bound;
  }
  ~ServerTest() override {
    client.reset();
    server.reset();
  }

  void connect() {
    auto stream = bed.world.net().connect(address);
    ASSERT_TRUE(stream) << stream.error().text();
    client = std::move(*stream);
    received.clear();
    closed = false;
    read();
  }
  void read() {
    client->read([this](Result<std::string_view> bytes) {
      if (!bytes || bytes->empty()) {
        closed = true;
        return;
      }
      received += *bytes;
      read();
    });
  }
  void send(const std::string& bytes) {
    client->write(bytes, [](const Status&) {});
  }
  // Sends `bytes` on a new connection, and gives what came back within a minute.
  std::string exchange(const std::string& bytes, Duration wait = Duration::seconds(60)) {
    connect();
    send(bytes);
    bed.world.run_for(wait);
    return received;
  }
  std::string request(const std::string& method, const std::string& target,
                      const std::string& headers = "", const std::string& body = "") {
    return exchange(
        fmt::format("{} {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{}"
                    "Content-Length: {}\r\n\r\n{}",
                    method, target, headers, body.size(), body));
  }
  std::string authorized(const std::string& method, const std::string& target,
                         const std::string& body = "", const std::string& headers = "") {
    return request(method, target, "Authorization: Bearer " + token + "\r\n" + headers, body);
  }
  static int status(const std::string& answer) {
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 "));
    return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3));
  }
  static Json body(const std::string& answer) {
    size_t const at = answer.find("\r\n\r\n");
    auto json = parse_json(at == std::string::npos ? "" : answer.substr(at + 4));
    EXPECT_TRUE(json) << answer;
    return json ? *json : Json();
  }

  engine::EngineBed bed;
  access::Tokens tokens;
  std::string token;
  std::unique_ptr<Api> api;
  std::unique_ptr<Server> server;
  std::string address;
  std::unique_ptr<io::Stream> client;
  std::string received;
  bool closed = false;
};

TEST_F(ServerTest, EveryRouteWantsATokenButHealthAndReadiness) {
  std::set<std::string> open;
  int walked = 0;
  for (const Route& route : api->routes()) {
    std::string target(route.pattern);
    for (size_t at; (at = target.find('{')) != std::string::npos;) {
      target.replace(at, target.find('}') - at + 1, "x");
    }
    for (const char* headers :
         {"", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n",
          "Authorization: Bearer tm_api_0000\r\n", "Authorization: Basic ZGVzazpkZXNr\r\n",
          "Authorization: \r\nX-Forwarded-For: 127.0.0.1\r\n", "Cookie: token=x\r\n"}) {
      int const got = status(request(std::string(route.method), target, headers));
      ++walked;
      if (got == 401) continue;
      EXPECT_TRUE(got == 200 || got == 503) << route.pattern;
      open.insert(target);
    }
  }
  EXPECT_EQ(open, (std::set<std::string>{"/healthz", "/readyz"}));
  EXPECT_GE(walked, 100);
  // What does not exist tells a stranger nothing.
  EXPECT_EQ(status(request("GET", "/nowhere")), 401);
  EXPECT_EQ(status(request("DELETE", "/api/v1/flows")), 401);
  EXPECT_EQ(status(request("POST", "/healthz")), 401);
  EXPECT_THAT(bed.runs(), IsEmpty());
}

TEST_F(ServerTest, ATokenOpensWhatIsNotLocalUntilItExpires) {
  for (const Route& route : api->routes()) {
    if (route.auth != Auth::kLocal) continue;
    std::string target(route.pattern);
    size_t const at = target.find('{');
    if (at != std::string::npos) target.replace(at, target.size() - at, "x");
    EXPECT_EQ(status(authorized(std::string(route.method), target)), 403) << route.pattern;
  }
  EXPECT_EQ(body(authorized("GET", "/api/v1/version")).text_or("version", ""), "1.2.3");
  EXPECT_EQ(status(authorized("GET", "/nowhere")), 404);
  EXPECT_EQ(status(authorized("DELETE", "/api/v1/flows")), 405);
  bed.world.run_for(Duration::seconds(3600));
  EXPECT_EQ(status(authorized("GET", "/api/v1/version")), 401);
}

TEST_F(ServerTest, ACallAnswersWithTheResult) {
  auto const answer =
      authorized("POST", "/api/v1/flows/decide/call", R"({"params":{"x":21},"deadline_ms":5000})");
  EXPECT_EQ(status(answer), 200);
  Json const json = body(answer);
  EXPECT_EQ(json.text_or("state", ""), "succeeded");
  EXPECT_EQ(json.find("output")->find("double")->int_or("y", 0), 42);
  std::string const id = json.text_or("run", "");
  Json const run = body(authorized("GET", "/api/v1/runs/" + id));
  EXPECT_EQ(run.find("tasks")->as_array().size(), 2u);
  EXPECT_EQ(run.find("cause")->text_or("principal", ""), "desk");
  EXPECT_EQ(body(authorized("GET", "/api/v1/runs")).find("runs")->as_array().size(), 1u);
}

TEST_F(ServerTest, ACallThatFailsSaysWhy) {
  bed.behaviour["work"].exit_code = 9;
  auto const answer = authorized("POST", "/api/v1/flows/decide/call", R"({"params":{"x":21}})");
  EXPECT_EQ(status(answer), 200);
  EXPECT_EQ(body(answer).text_or("state", ""), "failed");
  EXPECT_THAT(body(answer).find("error")->text_or("message", ""), HasSubstr("code 9"));
}

TEST_F(ServerTest, ACallThatTakesLongerThanItsDeadlineGoesOn) {
  bed.behaviour["work"].takes = Duration::seconds(30);
  connect();
  std::string const json = R"({"params":{"x":1},"deadline_ms":200})";
  send(
      fmt::format("POST /api/v1/flows/decide/call HTTP/1.1\r\nHost: h\r\nIdempotency-Key: k\r\n"
                  "Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
                  token, json.size(), json));
  bed.world.run_for(Duration::seconds(1));
  EXPECT_EQ(status(received), 202);
  std::string const id = body(received).text_or("run", "");
  bed.world.run_for(Duration::seconds(60));
  auto const again = authorized("POST", "/api/v1/flows/decide/call", R"({"params":{"x":1}})",
                                "Idempotency-Key: k\r\n");
  EXPECT_EQ(status(again), 200);
  EXPECT_EQ(body(again).text_or("run", ""), id);
  auto const other = authorized("POST", "/api/v1/flows/decide/call", R"({"params":{"x":2}})",
                                "Idempotency-Key: k\r\n");
  EXPECT_EQ(status(other), 409);
}

TEST_F(ServerTest, RefusesBadBodiesAndSaysWhatWasExpected) {
  struct Case {
    const char* body;
    const char* says;
  };
  for (const Case& one : {Case{"{", ""}, Case{"[1]", "expected an object"},
                          Case{R"({"param":{}})", "did you mean 'params'"},
                          Case{R"({"params":[1]})", "must be an object"},
                          Case{R"({"deadline_ms":-1})", "whole number"},
                          Case{R"({"deadline_ms":1.5})", "whole number"},
                          Case{R"({"deadline_ms":9999999999})", "whole number"},
                          Case{R"({"params":{"x":"one"}})", "x"}, Case{R"({"params":{}})", "x"}}) {
    auto const answer = authorized("POST", "/api/v1/flows/decide/call", one.body);
    EXPECT_EQ(status(answer), 400) << one.body;
    EXPECT_THAT(body(answer).find("error")->text_or("message", ""), HasSubstr(one.says));
  }
  EXPECT_EQ(status(authorized("POST", "/api/v1/flows/hidden/call")), 400);
  EXPECT_EQ(status(authorized("POST", "/api/v1/flows/decid/call")), 404);
  EXPECT_EQ(status(authorized("POST", "/api/v1/flows/decide/call", R"({"params":{"x":1}})",
                              "Idempotency-Key: " + std::string(201, 'k') + "\r\n")),
            400);
  EXPECT_EQ(status(authorized("POST", "/api/v1/flows/decide/call", std::string(1'100'000, ' '))),
            413);
  EXPECT_THAT(bed.runs(), IsEmpty());
}

TEST_F(ServerTest, AFullDiskIs503AndReadsGoOn) {
  bed.commit_fails = [](const run::Changes&) { return Code::kExhausted; };
  EXPECT_EQ(status(authorized("POST", "/api/v1/flows/decide/call", R"({"params":{"x":1}})")), 503);
  EXPECT_EQ(status(authorized("GET", "/api/v1/runs")), 200);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  std::string bytes;
  for (int i = 0; i < 20; ++i) {
    bytes += fmt::format(
        "GET /api/v1/runs/none{} HTTP/1.1\r\nHost: h\r\n"
        "Authorization: Bearer {}\r\n\r\n",
        i, token);
  }
  auto const answer = exchange(bytes);
  size_t at = 0;
  for (int i = 0; i < 20; ++i) {
    at = answer.find(fmt::format("'none{}'", i), at);
    ASSERT_NE(at, std::string::npos) << i << answer;
  }
}

TEST_F(ServerTest, ClosesAfterWhatItCannotRead) {
  auto const answer = exchange("GARBAGE\r\n\r\nGET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status(answer), 400);
  EXPECT_TRUE(closed);
  EXPECT_THAT(answer, Not(HasSubstr("alive")));
  // And serves the next one.
  EXPECT_EQ(status(request("GET", "/healthz")), 200);
}

TEST_F(ServerTest, AClientThatSaysNothingIsClosed) {
  connect();
  send("GET /healthz HT");
  bed.world.run_for(Duration::seconds(119));
  EXPECT_FALSE(closed);
  bed.world.run_for(Duration::seconds(2));
  EXPECT_TRUE(closed);
}

TEST_F(ServerTest, AClientThatLeavesWhileItsCallRunsHarmsNothing) {
  bed.behaviour["work"].takes = Duration::seconds(5);
  connect();
  std::string const json = R"({"params":{"x":1}})";
  send(
      fmt::format("POST /api/v1/flows/decide/call HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}"
                  "\r\nContent-Length: {}\r\n\r\n{}",
                  token, json.size(), json));
  bed.world.run_for(Duration::seconds(1));
  client.reset();
  bed.world.run_for(Duration::seconds(30));
  EXPECT_EQ(bed.runs()[0].state, run::RunState::kSucceeded);
}

TEST_F(ServerTest, ListensOnLoopbackOnly) {
  for (const char* host : {"0.0.0.0", "::", "192.168.1.1", "localhost", ""}) {
    auto const bound = server->listen_tcp(host, 0);
    ASSERT_FALSE(bound) << host;
    EXPECT_EQ(bound.error().code, Code::kInvalid);
  }
}

TEST_F(ServerTest, CancelStopsARun) {
  bed.behaviour["work"].takes = Duration::seconds(3000);
  std::string const id =
      body(authorized("POST", "/api/v1/flows/decide/runs", R"({"params":{"x":1}})"))
          .text_or("run", "");
  EXPECT_EQ(status(authorized("POST", "/api/v1/runs/" + id + "/cancel")), 200);
  EXPECT_EQ(body(authorized("GET", "/api/v1/runs/" + id)).text_or("state", ""), "cancelled");
  EXPECT_EQ(status(authorized("POST", "/api/v1/runs/" + id + "/cancel")), 404);
}

TEST_F(ServerTest, ALogIsFoundByNumbersAndNamesOnly) {
  bed.behaviour["work"].log = "hello from work\n";
  std::string const id =
      body(authorized("POST", "/api/v1/flows/decide/call", R"({"params":{"x":1}})"))
          .text_or("run", "");
  std::string const base = "/api/v1/runs/" + id + "/tasks/";
  EXPECT_THAT(authorized("GET", base + "work/log"), HasSubstr("hello from work"));
  EXPECT_EQ(status(authorized("GET", base + "work/log?attempt=7")), 404);
  for (const char* target :
       {"work/log?attempt=../../x", "work/log?item=-1", "w%20x/log", "work/log?attempt=1.log"}) {
    EXPECT_EQ(status(authorized("GET", base + target)), 400) << target;
  }
}

}  // namespace
}  // namespace tidemill::server
