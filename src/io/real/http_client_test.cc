#include "io/real/http_client.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "io/real/clock.h"
#include "io/real/loop.h"
#include "io/real/net.h"
#include "io/real/test_support.h"

namespace tidemill::io {
namespace {

using testing::HasSubstr;
using Kind = HttpFailure::Kind;

// Answers each request by the text that `answer` gives for its first line; "" answers nothing.
// What stands after "!close" is not sent: the connection is closed there.
class TestServer {
 public:
  struct Connection {
    std::unique_ptr<Stream> stream;
    std::string received;
  };

  TestServer(RealNet& net, std::map<std::string, std::string> answers)
      : answers_(std::move(answers)) {
    listener_ = net.listen_tcp("127.0.0.1", 0,
                               [this](std::unique_ptr<Stream> stream) { add(std::move(stream)); })
                    .value();
  }
  TestServer(RealNet& net, const std::string& path, std::map<std::string, std::string> answers)
      : answers_(std::move(answers)) {
    listener_ =
        net.listen_unix(path, [this](std::unique_ptr<Stream> stream) { add(std::move(stream)); })
            .value();
  }

  std::string url(const std::string& path) const { return "http://" + listener_->address() + path; }
  const std::vector<std::string>& requests() const { return requests_; }
  size_t connections() const { return connections_.size(); }
  void set(const std::string& path, std::string answer) { answers_[path] = std::move(answer); }

 private:
  void add(std::unique_ptr<Stream> stream) {
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->stream = std::move(stream);
    read(*connections_.back());
  }

  void read(Connection& connection) {
    connection.stream->read([&](Result<std::string_view> got) {
      if (!got || got->empty()) return connection.stream->close();
      connection.received += *got;
      const size_t head = connection.received.find("\r\n\r\n");
      const size_t length_at = connection.received.find("Content-Length: ");
      const size_t length =
          length_at < head ? std::stoul(connection.received.substr(length_at + 16)) : 0;
      if (head == std::string::npos || connection.received.size() < head + 4 + length) {
        return read(connection);
      }
      requests_.push_back(std::exchange(connection.received, ""));
      answer(connection);
    });
  }

  void answer(Connection& connection) {
    const std::string& request = requests_.back();
    const size_t path = request.find(' ') + 1;
    const auto found = answers_.find(request.substr(path, request.find(' ', path) - path));
    if (found == answers_.end() || found->second.empty()) return read(connection);
    const size_t close_at = found->second.find("!close");
    connection.stream->write(found->second.substr(0, close_at), [&, close_at](Status) {
      if (close_at != std::string::npos) return connection.stream->close();
      read(connection);
    });
  }

  std::map<std::string, std::string> answers_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::string> requests_;
};

class RealHttpClientTest : public testing::Test {
 protected:
  HttpRequest request(const std::string& path) {
    HttpRequest request;
    request.url = server_.url(path);
    request.private_addresses = HttpRequest::Private::kAllowed;
    return request;
  }

  HttpOutcome send(HttpRequest request) {
    std::optional<HttpOutcome> outcome;
    client_->send(std::move(request), [&](HttpOutcome got) {
      EXPECT_FALSE(outcome);
      outcome = std::move(got);
      loop_.stop();
    });
    EXPECT_FALSE(outcome) << "answered from within send()";
    run_to_stop(loop_);
    return outcome ? std::move(*outcome) : tl::unexpected(HttpFailure{Kind::kInvalid, "nothing"});
  }

  void expect_failure(HttpRequest request, Kind kind, const std::string& words) {
    const std::string url = request.url;
    const auto outcome = send(std::move(request));
    ASSERT_FALSE(outcome) << url << " was answered";
    EXPECT_EQ(outcome.error().kind, kind) << url << ": " << outcome.error().message;
    EXPECT_THAT(outcome.error().message, HasSubstr(words)) << url;
  }

  RealLoop loop_;
  RealNet net_{loop_};
  TestServer server_{net_, {{"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\nhi"}}};
  std::unique_ptr<RealHttpClient> client_ = std::make_unique<RealHttpClient>(loop_);
};

TEST_F(RealHttpClientTest, SendsWhatWasAskedAndGivesTheAnswer) {
  HttpRequest post = request("/ok");
  post.method = "POST";
  post.headers = {{"Idempotency-Key", "k 1"}, {"X-Empty", ""}};
  post.body = std::string("a\0b", 3);
  const auto response = send(post).value();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hi");
  EXPECT_EQ(response.header("x-one"), "1");
  EXPECT_GT(response.took.us, 0);
  const std::string& seen = server_.requests().at(0);
  EXPECT_THAT(seen, testing::StartsWith("POST /ok HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(seen, HasSubstr("\r\nIdempotency-Key: k 1\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nX-Empty:\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nContent-Length: 3\r\n"));
  EXPECT_THAT(seen, testing::EndsWith(std::string("\r\n\r\na\0b", 7)));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Content-Type")));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Expect")));
}

TEST_F(RealHttpClientTest, KnowsTheOtherMethods) {
  server_.set("/none", "HTTP/1.1 204 No Content\r\n\r\n");
  server_.set("/head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  HttpRequest put = request("/none");
  put.method = "PUT";
  EXPECT_EQ(send(put).value().status, 204);
  EXPECT_THAT(server_.requests().back(), testing::StartsWith("PUT /none "));
  EXPECT_THAT(server_.requests().back(), HasSubstr("Content-Length: 0"));
  HttpRequest remove = request("/none");
  remove.method = "DELETE";
  EXPECT_EQ(send(remove).value().status, 204);
  EXPECT_THAT(server_.requests().back(), testing::StartsWith("DELETE /none "));
  HttpRequest head = request("/head");
  head.method = "HEAD";
  EXPECT_EQ(send(head).value().body, "");
}

TEST_F(RealHttpClientTest, KeepsTheConnectionForTheNextRequest) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(send(request("/ok")));
  EXPECT_EQ(server_.connections(), 1u);
}

TEST_F(RealHttpClientTest, CarriesManyRequestsAtOnce) {
  int answered = 0;
  for (int i = 0; i < 300; ++i) {
    client_->send(request("/ok"), [&](HttpOutcome outcome) {
      EXPECT_TRUE(outcome) << outcome.error().message;
      if (++answered == 300) loop_.stop();
    });
  }
  run_to_stop(loop_);
  EXPECT_EQ(answered, 300);
}

TEST_F(RealHttpClientTest, FollowsNoRedirectAndSkipsInterimAnswers) {
  server_.set("/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(send(request("/moved")).value().status, 302);
  server_.set("/hints",
              "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Late: 2\r\n\r\nz");
  const auto response = send(request("/hints")).value();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("x-early"), "");
  EXPECT_EQ(response.header("x-late"), "2");
}

TEST_F(RealHttpClientTest, ReadsAChunkedAnswerAndOneThatEndsWithTheConnection) {
  server_.set("/chunks",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(send(request("/chunks")).value().body, "abcde");
  server_.set("/end", "HTTP/1.1 200 OK\r\n\r\nall!close");
  EXPECT_EQ(send(request("/end")).value().body, "all");
}

TEST_F(RealHttpClientTest, TellsApartWhyThereIsNoAnswer) {
  server_.set("/none", "!close");
  expect_failure(request("/none"), Kind::kReset, "GET http://127.0.0.1");
  server_.set("/half", "HTTP/1.1 200 OK\r\nX-Ha!close");
  expect_failure(request("/half"), Kind::kReset, "");
  server_.set("/garbage", "hello there, this is no HTTP\r\n\r\n");
  expect_failure(request("/garbage"), Kind::kReset, "HTTP/0.9");
  server_.set("/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc!close");
  expect_failure(request("/cut"), Kind::kTruncated, "");
  server_.set("/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nabc!close");
  expect_failure(request("/cut-chunk"), Kind::kTruncated, "");
  server_.set("/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc");
  expect_failure(request("/bad-chunk"), Kind::kTruncated, "");
}

TEST_F(RealHttpClientTest, CapsHeadersAndBodies) {
  HttpRequest small = request("/ok");
  small.max_response_bytes = 2;
  EXPECT_TRUE(send(small));
  small.max_response_bytes = 1;
  expect_failure(small, Kind::kTooLarge, "1 of body");
  small.max_response_bytes = 0;
  expect_failure(small, Kind::kTooLarge, "0 of body");
  server_.set("/unannounced", "HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x') + "!close");
  HttpRequest unannounced = request("/unannounced");
  unannounced.max_response_bytes = 99'999;
  expect_failure(unannounced, Kind::kTooLarge, "99999 of body");
  unannounced.max_response_bytes = 100'000;
  EXPECT_TRUE(send(unannounced));
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 9000; ++i) many += "X: 12345\r\n";
  server_.set("/headers", many);
  expect_failure(request("/headers"), Kind::kTooLarge, "of headers");
  server_.set("/long-header", "HTTP/1.1 200 OK\r\nX: " + std::string(400'000, 'x'));
  expect_failure(request("/long-header"), Kind::kTooLarge, "of headers");
}

TEST_F(RealHttpClientTest, ATimeoutAfterTheRequestWasSentIsOfUnknownOutcome) {
  HttpRequest slow = request("/silent");
  slow.timeout = Duration::millis(400);
  expect_failure(slow, Kind::kTimeout, "");
  EXPECT_EQ(server_.requests().size(), 1u);
}

TEST_F(RealHttpClientTest, AnAnswerThatStopsIsGivenUp) {
  server_.set("/stall", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  HttpRequest stall = request("/stall");
  stall.stall_timeout = Duration::millis(50);
  const RealClock clock;
  const Elapsed before = clock.elapsed();
  expect_failure(stall, Kind::kTimeout, "no byte for 50ms");
  EXPECT_LT(clock.elapsed() - before, Duration::seconds(4));
}

TEST_F(RealHttpClientTest, WhatCannotBeReachedWasNotAsked) {
  HttpRequest refused = request("/ok");
  {
    TestServer gone(net_, {});
    refused.url = gone.url("/ok");
  }
  expect_failure(refused, Kind::kUnreachable, "");
  HttpRequest unknown = request("/ok");
  unknown.url = "http://no-such-name.invalid/";
  expect_failure(unknown, Kind::kUnreachable, "no-such-name.invalid");
  HttpRequest late = request("/ok");
  late.timeout = Duration{};
  expect_failure(late, Kind::kUnreachable, "no time is left");
  HttpRequest plain = request("/ok");
  plain.url.replace(0, 4, "https");
  plain.timeout = Duration::millis(50);
  expect_failure(plain, Kind::kUnreachable, "");
  EXPECT_TRUE(server_.requests().empty());
}

// A listener that never accepts and whose queue is full: the handshake gets no answer.
TEST_F(RealHttpClientTest, AConnectThatHangsIsUnreachableNotATimeout) {
  const int full = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof any;
  ASSERT_EQ(bind(full, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  ASSERT_EQ(listen(full, 0), 0);
  ASSERT_EQ(getsockname(full, reinterpret_cast<sockaddr*>(&any), &size), 0);
  std::vector<int> fill;
  for (int i = 0; i < 4; ++i) {
    fill.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    (void)connect(fill.back(), reinterpret_cast<sockaddr*>(&any), sizeof any);
  }
  HttpRequest hangs = request("/ok");
  hangs.url = "http://127.0.0.1:" + std::to_string(ntohs(any.sin_port)) + "/";
  hangs.connect_timeout = Duration::millis(50);
  expect_failure(hangs, Kind::kUnreachable, "");
  hangs.connect_timeout = Duration::seconds(5);
  hangs.timeout = Duration::millis(50);
  expect_failure(hangs, Kind::kUnreachable, "");
  for (const int one : fill) close(one);
  close(full);
}

// libcurl by itself sends the request again on a fresh connection, up to five times.
TEST_F(RealHttpClientTest, NeverRepeatsARequestOnItsOwn) {
  for (const char* method : {"GET", "POST"}) {
    EXPECT_TRUE(send(request("/ok")));
    const size_t before = server_.requests().size();
    server_.set("/dies", "!close");
    HttpRequest dies = request("/dies");
    dies.method = method;
    expect_failure(dies, Kind::kReset, "");
    EXPECT_EQ(server_.requests().size(), before + 1) << method;
  }
}

TEST_F(RealHttpClientTest, OpensANewConnectionWhenTheKeptOneIsClosed) {
  server_.set("/bye", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!close");
  EXPECT_TRUE(send(request("/bye")));
  loop_.after(Duration::millis(5), [&] { loop_.stop(); });
  run_to_stop(loop_);
  EXPECT_TRUE(send(request("/ok")));
  EXPECT_EQ(server_.connections(), 2u);
}

TEST_F(RealHttpClientTest, PrivateAddressesAreRefusedBeforeAnythingIsSent) {
  HttpRequest literal = request("/ok");
  literal.private_addresses = HttpRequest::Private::kRefused;
  expect_failure(literal, Kind::kDenied,
                 "address 127.0.0.1 is refused: it is not public (loopback");
  HttpRequest named = literal;
  named.url.replace(named.url.find("127.0.0.1"), 9, "localhost");
  expect_failure(named, Kind::kDenied, "of localhost is refused: it is not public (loopback");
  HttpRequest mapped = literal;
  mapped.url.replace(mapped.url.find("127.0.0.1"), 9, "[::ffff:7f00:1]");
  expect_failure(mapped, Kind::kDenied, "127.0.0.1 inside IPv6");
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(RealHttpClientTest, AKeptConnectionDoesNotLeadPastTheRefusal) {
  HttpRequest allowed = request("/ok");
  allowed.url.replace(allowed.url.find("127.0.0.1"), 9, "localhost");
  EXPECT_TRUE(send(allowed));
  HttpRequest refused = allowed;
  refused.private_addresses = HttpRequest::Private::kRefused;
  expect_failure(refused, Kind::kDenied, "of localhost is refused");
  EXPECT_EQ(server_.requests().size(), 1u);
}

TEST_F(RealHttpClientTest, RefusesBadRequests) {
  HttpRequest bad = request("/ok");
  bad.method = "GET /x";
  expect_failure(bad, Kind::kInvalid, "HTTP method");
  bad = request("/ok");
  bad.headers = {{"X-A", "1\r\nX-B: 2"}};
  expect_failure(bad, Kind::kInvalid, "header X-A has a line break");
  bad.headers = {{"X A", "1"}};
  expect_failure(bad, Kind::kInvalid, "header name \"X A\"");
  bad.headers = {{"Content-Length", "1"}};
  expect_failure(bad, Kind::kInvalid, "leave it out");
  bad = request("/ok");
  bad.url = "ftp://127.0.0.1/";
  expect_failure(bad, Kind::kInvalid, "expected http or https");
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(RealHttpClientTest, SpeaksOverAUnixSocket) {
  TestFolder folder;
  TestServer local(net_, folder / "s", {{"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nu"}});
  HttpRequest by_path = request("/ok");
  by_path.url = "http://tidemill/ok";
  by_path.unix_socket = folder / "s";
  by_path.private_addresses = HttpRequest::Private::kRefused;
  EXPECT_EQ(send(by_path).value().body, "u");
  EXPECT_EQ(send(by_path).value().body, "u");
  EXPECT_EQ(local.connections(), 1u);
}

TEST_F(RealHttpClientTest, CancelAnswersOnceAndLater) {
  int answers = 0;
  const HttpHandle handle = client_->send(request("/silent"), [&](HttpOutcome outcome) {
    ++answers;
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, Kind::kCancelled);
    loop_.after(Duration::millis(5), [&] { loop_.stop(); });
  });
  loop_.after(Duration::millis(5), [&] {
    client_->cancel(handle);
    client_->cancel(handle);
    EXPECT_EQ(answers, 0);
  });
  run_to_stop(loop_);
  EXPECT_EQ(answers, 1);
  client_->cancel(HttpHandle{999});
}

TEST_F(RealHttpClientTest, ADestroyedClientDropsItsCallbacksAndMayBeDestroyedByOne) {
  for (int i = 0; i < 3; ++i) client_->send(request("/silent"), [](HttpOutcome) { FAIL(); });
  HttpRequest bad = request("/ok");
  bad.method = "";
  client_->send(request("/ok"), [&](HttpOutcome outcome) {
    EXPECT_TRUE(outcome);
    client_->send(bad, [](HttpOutcome) { FAIL(); });
    client_.reset();
    loop_.after(Duration::millis(5), [&] { loop_.stop(); });
  });
  run_to_stop(loop_);
  EXPECT_FALSE(client_);
}

}  // namespace
}  // namespace tidemill::io
