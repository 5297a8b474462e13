#include "server/http.h"

#include <gmock/gmock.h>

#include <random>

namespace tidemill::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Feeds `bytes` in pieces of `step` and gathers what comes out: "METHOD target [body]" or
// "!status".
std::vector<std::string> parse(const std::string& bytes, size_t step, HttpLimits limits = {}) {
  HttpParser parser(limits);
  std::vector<std::string> seen;
  for (size_t at = 0; at < bytes.size(); at += step) {
    parser.feed(std::string_view(bytes).substr(at, step));
    while (true) {
      auto request = parser.next();
      if (!request) {
        seen.push_back("!" + std::to_string(request.error().status));
        return seen;
      }
      if (!*request) break;
      seen.push_back((**request).method + " " + (**request).target + " [" + (**request).body + "]");
    }
  }
  return seen;
}

constexpr const char* kGet = "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr const char* kPost = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
constexpr const char* kChunked =
    "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n";

TEST(HttpParser, ReadsPipelinedRequestsHoweverTheBytesAreCut) {
  std::string const bytes = std::string(kGet) + kPost + kGet;
  for (size_t step = 1; step <= bytes.size(); ++step) {
    EXPECT_THAT(parse(bytes, step),
                ElementsAre("GET /a?b=c []", "POST /p [hello]", "GET /a?b=c []"))
        << step;
  }
}

TEST(HttpParser, WantsALengthAndNotChunks) {
  EXPECT_THAT(parse(kChunked, 1), ElementsAre("!411"));
  EXPECT_THAT(parse(std::string(kGet) + kChunked, 1000), ElementsAre("GET /a?b=c []", "!411"));
}

TEST(HttpParser, KnowsWhenItStandsBetweenTwoRequests) {
  HttpParser parser;
  EXPECT_TRUE(parser.is_idle());
  parser.feed("GET / HT");
  ASSERT_TRUE(parser.next());
  EXPECT_FALSE(parser.is_idle());
  parser.feed("TP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(parser.next()->has_value());
  EXPECT_TRUE(parser.is_idle());
}

TEST(HttpParser, LowersTheNamesOfHeadersAndKeepsTheirValues) {
  HttpParser parser;
  parser.feed(
      "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer  Tok En \r\nX-A: 1\r\nX-A: 2\r\n\r\n");
  auto const request = parser.next();
  ASSERT_TRUE(request && *request);
  EXPECT_EQ((**request).header("authorization"), "Bearer  Tok En");
  EXPECT_EQ((**request).header("x-a"), "1");
  EXPECT_EQ((**request).header("missing"), "");
  EXPECT_TRUE((**request).keep_alive);
}

TEST(HttpParser, ClosesAfterConnectionCloseAndAfterHttp10) {
  for (const char* text :
       {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    HttpParser parser;
    parser.feed(text);
    auto const request = parser.next();
    ASSERT_TRUE(request && *request) << text;
    EXPECT_FALSE((**request).keep_alive);
  }
}

// Each of these could mean two things to two servers in a row.
TEST(HttpParser, RefusesWhatCouldBeReadInTwoWays) {
  std::string const tail = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
  std::string const heads[] = {
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
      "5\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551617\r\n\r\nh",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\nHost: h\n\n",
      "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n",
      "GET / HTTP/1.1\r\n: h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nA\x01: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n",
      std::string("GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n", 35),
      "GET / HTTP/1.2\r\nHost: h\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
      "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / http/1.1\r\nHost: h\r\n\r\n",
      "GET /\r\nHost: h\r\n\r\n",
      "G@T / HTTP/1.1\r\nHost: h\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  };
  for (const std::string& head : heads) {
    for (size_t step : {size_t{1}, size_t{7}, head.size() + tail.size()}) {
      auto const seen = parse(head + tail, step);
      ASSERT_FALSE(seen.empty()) << head;
      EXPECT_TRUE(seen.back() == "!400" || seen.back() == "!411") << head << " by " << step;
      EXPECT_EQ(seen.size(), 1u) << head << "\n" << seen[0];
    }
  }
}

TEST(HttpParser, RefusesHeadersAndBodiesOverTheirLimits) {
  HttpLimits const limits{.header_bytes = 1000, .body_bytes = 100};
  std::string const header =
      "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n";
  std::string const endless = "GET /" + std::string(5000, 'a');
  std::string const body =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'b');
  for (size_t step : {1u, 100u, 100'000u}) {
    EXPECT_THAT(parse(header, step, limits), ElementsAre("!431"));
    EXPECT_THAT(parse(endless, step, limits), ElementsAre("!431"));
    EXPECT_THAT(parse(body, step, limits), ElementsAre("!413"));
  }
  std::string const fits =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'b');
  EXPECT_EQ(parse(fits, 3, limits).size(), 1u);
}

TEST(HttpParser, SurvivesGarbageInEveryPosition) {
  std::mt19937 random(7);
  std::string const good = std::string(kPost) + kChunked + kGet;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 1 + round % 4; ++i) {
      size_t const at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1 + random() % 5);
          break;
        default:
          bytes.insert(at, 1, static_cast<char>(random()));
          break;
      }
      if (bytes.empty()) bytes = "x";
    }
    auto const whole = parse(bytes, bytes.size());
    EXPECT_EQ(parse(bytes, 1), whole) << bytes;
    EXPECT_LE(whole.size(), 4u);
  }
}

TEST(HttpParser, ContinuesWhenAskedTo) {
  HttpParser parser;
  parser.feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_FALSE(parser.next()->has_value());
  EXPECT_TRUE(parser.wants_continue());
  parser.feed("ok");
  ASSERT_TRUE(parser.next()->has_value());
  EXPECT_FALSE(parser.wants_continue());
}

struct Target {
  std::string text;
  std::vector<std::string> segments;
};

TEST(ParseTarget, SplitsAndDecodes) {
  for (const Target& target : {Target{"/", {}}, Target{"/a", {"a"}}, Target{"/a/b", {"a", "b"}},
                               Target{"/a%20b/%c3%A9", {"a b", "é"}}, Target{"/a?x=/../", {"a"}},
                               Target{"/a+b", {"a+b"}}, Target{"/...", {"..."}}}) {
    Request request;
    ASSERT_TRUE(parse_target(target.text, request)) << target.text;
    EXPECT_EQ(request.segments, target.segments) << target.text;
  }
  Request request;
  ASSERT_TRUE(parse_target("/a?x=1&y=a%20b+c&z&=e&x=2&u=%e2%82%ac", request));
  EXPECT_EQ(request.query_value("x"), "1");
  EXPECT_EQ(request.query_value("y"), "a b c");
  EXPECT_EQ(request.query_value("z"), "");
  EXPECT_EQ(request.query_value("u"), "€");
  EXPECT_FALSE(request.query_value("none"));
}

TEST(ParseTarget, RefusesWhatCouldNameAnotherPath) {
  for (const char* text :
       {"",       "a",     "*",       "http://h/a",  "//a",     "/a//b",    "/a/",
        "/.",     "/..",   "/a/../b", "/a/%2e%2e/b", "/%2e",    "/a%2fb",   "/a%2Fb",
        "/a%5cb", "/a\\b", "/a%00b",  "/a#b",        "/a%",     "/a%2",     "/a%zz",
        "/%ff",   "/%c3",  "/%c0%af", "/a?x=%",      "/a?x=%f", "/a?x=%ff", "/a?%=1"}) {
    Request request;
    EXPECT_FALSE(parse_target(text, request)) << text;
  }
}

TEST(Response, HasALengthAndItsHeadersAndNeverSniffing) {
  Response response = Response::json(202, Json::object().set("a", 1));
  response.headers.emplace_back("X-B", "c");
  EXPECT_EQ(
      serialize(response, true),
      "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 7\r\n"
      "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nX-B: c\r\n\r\n{\"a\":1}");
  EXPECT_THAT(serialize(Response::text(200, "x"), false), HasSubstr("Connection: close\r\n\r\nx"));
}

TEST(Response, OfAnErrorHasTheStatusOfItsCode) {
  EXPECT_EQ(status_of(Code::kInvalid), 400);
  EXPECT_EQ(status_of(Code::kNotFound), 404);
  EXPECT_EQ(status_of(Code::kConflict), 409);
  EXPECT_EQ(status_of(Code::kExhausted), 429);
  EXPECT_EQ(status_of(Code::kUnavailable), 503);
  Response const response = Response::error({Code::kConflict, "other params", "flow f"});
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.body, R"({"error":{"code":"conflict","message":"flow f: other params"}})");
}

}  // namespace
}  // namespace tidemill::server
