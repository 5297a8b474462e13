#include "vendor/spec.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "vendor/schema.h"

namespace tidemill::vendor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kBureau = R"(vendor: bureau
team: risk-us
base_url: https://api.bureau.example/v2/
auth: { kind: bearer, secret: bureau-token }
limits: { rate: 20/s, burst: 20, concurrency: 8, queue: 256 }
products:
  report:
    request:
      method: POST
      path: /report/{{ id }}
      query: { lang: en, full: true }
      headers: { X-Reason: "{{ reason }} again" }
      body: { ssn: "{{ ssn }}", pull: soft, depth: 3, tags: [a, "{{ tag }}"] }
    response: { schema: schemas/report.json, max_bytes: 512KiB, no_hit: "body.hit = false" }
    effect: pull
    idempotency: key:Idempotency-Key
    timeout: 3s
    connect_timeout: 250ms
    retry: { attempts: 4, base: 10ms, cap: 1s }
    classify:
      - { when: "status = 200 and body.error_code = 'THROTTLE'", as: rate_limited }
    price: { amount: 0.85, currency: USD, per: hit }
)";

std::vector<std::string> mistakes(std::string_view text) {
  auto const spec = parse_spec(text);
  std::vector<std::string> lines;
  if (spec) return lines;
  for (const VendorError& e : spec.error()) {
    lines.push_back(fmt::format("{}:{}: {}", e.mark.line, e.mark.column, e.message));
  }
  return lines;
}

// A vendor file whose product has `lines` beside its request.
std::string with_product(std::string_view lines) {
  return fmt::format(
      "vendor: v\nbase_url: https://v.example\nproducts:\n  p:\n    request: {{path: /p}}\n{}",
      lines);
}

TEST(Spec, ReadsEveryPart) {
  auto const spec = parse_spec(kBureau);
  ASSERT_TRUE(spec) << testing::PrintToString(mistakes(kBureau));
  EXPECT_EQ(spec->name, "bureau");
  EXPECT_EQ(spec->base_url, "https://api.bureau.example/v2");
  EXPECT_EQ(spec->auth.kind, Auth::Kind::kBearer);
  EXPECT_EQ(spec->limits.rate->count, 20);
  EXPECT_EQ(spec->limits.concurrency, 8);
  const Product& report = *spec->product("report");
  EXPECT_EQ(report.method, "POST");
  EXPECT_TRUE(report.path.text.has_expression());
  EXPECT_EQ(report.query[1].second.constant, Json(true));
  EXPECT_EQ(report.body->parts[2].value.constant, Json(3));
  EXPECT_TRUE(report.body->parts[3].value.parts[1].value.text.is_one_expression());
  EXPECT_EQ(report.max_bytes, 512u << 10);
  EXPECT_EQ(report.no_hit->text, "body.hit = false");
  EXPECT_EQ(report.no_hit->mark.line, 14);
  EXPECT_EQ(report.effect, Effect::kPull);
  EXPECT_EQ(report.key_header, "Idempotency-Key");
  EXPECT_EQ(report.connect_timeout, Duration::millis(250));
  EXPECT_EQ(report.stall_timeout, Duration::seconds(5));
  EXPECT_EQ(report.retry.attempts, 4);
  EXPECT_EQ(report.classify[0].as, "rate_limited");
  EXPECT_EQ(report.price->amount, "0.85");
  EXPECT_EQ(report.price->per, Per::kHit);
  EXPECT_EQ(spec->product("other"), nullptr);
}

TEST(Spec, HasTheDefaultsOfTheReference) {
  auto const spec = parse_spec(with_product("    effect: read\n"));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->limits.concurrency, 32);
  EXPECT_EQ(spec->limits.queue, 256);
  EXPECT_EQ(spec->limits.queue_wait, Duration::seconds(5));
  EXPECT_FALSE(spec->allow_private);
  const Product& p = spec->products[0];
  EXPECT_EQ(p.timeout, Duration::seconds(10));
  EXPECT_EQ(p.connect_timeout, Duration::seconds(1));
  EXPECT_EQ(p.retry.attempts, 3);
  EXPECT_EQ(p.retry.base, Duration::millis(500));
  EXPECT_EQ(p.retry.cap, Duration::seconds(10));
  EXPECT_EQ(p.max_bytes, 2u << 20);
  EXPECT_EQ(p.idempotency, Idempotency::kNone);
}

TEST(Spec, RefusesAPolicyThatIsNotHereByItsName) {
  for (const char* key : {"breaker", "cache", "budget", "tls", "hedge", "mode", "consent",
                          "purposes", "redact", "reconcile", "fallback", "slow_call"}) {
    auto const lines = mistakes(with_product(fmt::format("    effect: read\n    {}: x\n", key)));
    EXPECT_THAT(lines, ElementsAre(HasSubstr(fmt::format(
                           "7:5: '{}' of product 'p' is not available in this version", key))));
  }
  EXPECT_THAT(mistakes("breaker: {window: 3}\n" + with_product("    effect: read\n")),
              ElementsAre(HasSubstr("1:1: 'breaker' of a vendor file is not available")));
  EXPECT_THAT(
      mistakes("auth: {kind: oauth2_client, secret: s}\n" + with_product("    effect: read\n")),
      ElementsAre(HasSubstr("1:14: auth kind 'oauth2_client' is not available")));
  EXPECT_THAT(mistakes("limits: {rate: 5000/day}\n" + with_product("    effect: read\n")),
              ElementsAre(HasSubstr("1:16: a quota a calendar day ('5000/day') is not available")));
}

TEST(Spec, NamesTheNearestWordOfAnUnknownKey) {
  EXPECT_THAT(mistakes(with_product("    effect: reed\n    timout: 3s\n")),
              ElementsAre("6:13: effect is 'reed'; did you mean 'read'?",
                          "7:5: 'timout' is not a key of product 'p'; did you mean 'timeout'?"));
}

TEST(Spec, DemandsThatTheEffectIsSaid) {
  EXPECT_THAT(mistakes(with_product("")),
              ElementsAre("4:3: product 'p' must say its 'effect': read, pull (looking counts) or "
                          "write"));
}

TEST(Spec, DemandsARateOfWhatHasAPrice) {
  std::string const priced = "    effect: read\n    price: {amount: 1, currency: EUR}\n";
  EXPECT_THAT(mistakes(with_product(priced)), ElementsAre(HasSubstr("so it must have a rate")));
  EXPECT_THAT(mistakes(with_product(priced + "    limits: {rate: 1/s}\n")), ElementsAre());
  EXPECT_THAT(mistakes("limits: {rate: 1/s}\n" + with_product(priced)), ElementsAre());
  EXPECT_THAT(
      mistakes(with_product("    effect: read\n    price: {amount: 0.00, currency: EUR}\n")),
      ElementsAre());
}

TEST(Spec, SaysWhatMayBeRepeated) {
  struct Case {
    const char* lines;
    bool repeatable;
  };
  std::string const priced = "limits: {rate: 1/s}\n";
  for (const Case& c :
       {Case{"effect: read, idempotency: natural", true}, Case{"effect: read", true},
        Case{"effect: read, price: {amount: 1, currency: USD}", false},
        Case{"effect: read, idempotency: natural, price: {amount: 1, currency: USD}", true},
        Case{"effect: pull", false}, Case{"effect: pull, idempotency: natural", false},
        Case{"effect: write", false}, Case{"effect: write, idempotency: 'key:K'", true},
        Case{"effect: pull, idempotency: 'key:K'", true}}) {
    auto const spec = parse_spec(
        fmt::format("vendor: v\nbase_url: https://v.example\nlimits: {{rate: 1/s}}\nproducts:\n"
                    "  p: {{request: {{path: /p}}, {}}}\n",
                    c.lines));
    ASSERT_TRUE(spec) << c.lines;
    EXPECT_EQ(spec->products[0].repeatable(), c.repeatable) << c.lines;
  }
}

TEST(Spec, RefusesBadValuesWithTheirPlace) {
  EXPECT_THAT(
      mistakes("vendor: 1x\nbase_url: ftp://u@h/\nlimits: {rate: fast, burst: 0, concurrency: -1}\n"
               "private: perhaps\nproducts:\n  p:\n    request: {method: FETCH, path: report}\n"
               "    effect: read\n    timeout: 3\n    idempotency: sometimes\n"
               "    response: {max_bytes: 9GiB}\n    retry: {attempts: 0, base: 5s, cap: 1s}\n"),
      ElementsAre(HasSubstr("1:9: vendor is '1x', expected a name"), HasSubstr("2:11: base_url"),
                  HasSubstr("3:16: rate is 'fast'"), HasSubstr("3:29: burst is '0'"),
                  HasSubstr("3:45: concurrency is '-1'"), HasSubstr("4:10: private is 'perhaps'"),
                  HasSubstr("7:23: method is 'FETCH'"), HasSubstr("7:36: path must be a text"),
                  HasSubstr("9:14: timeout is '3', expected a duration"),
                  HasSubstr("10:18: idempotency is 'sometimes'"),
                  HasSubstr("11:27: max_bytes is '9GiB'"),
                  HasSubstr("12:12: retry: cap is shorter"), HasSubstr("12:23: attempts is '0'")));
}

TEST(Spec, RefusesASecretSentInTheClear) {
  std::string const text =
      "vendor: v\nbase_url: http://v.example\nauth: {kind: bearer, secret: s}\nproducts:\n"
      "  p: {request: {path: /p}, effect: read}\n";
  EXPECT_THAT(mistakes(text), ElementsAre(HasSubstr("would send a secret unencrypted")));
  EXPECT_THAT(mistakes("private: true\n" + text), ElementsAre());
}

TEST(Spec, RefusesHeadersThatTheClientSets) {
  EXPECT_THAT(
      mistakes("vendor: v\nbase_url: https://v.example\nproducts:\n"
               "  p: {request: {path: /p, headers: {Host: x, \"a b\": y}}, effect: read}\n"),
      ElementsAre(HasSubstr("'Host' cannot be used"), HasSubstr("'a b' cannot be used")));
}

TEST(Spec, ReadsSchemasThroughTheCaller) {
  std::string const text = with_product("    effect: read\n    response: {schema: s.json}\n");
  std::vector<std::string> asked;
  auto const good = parse_spec(text, [&](const std::string& path) -> Result<std::string> {
    asked.push_back(path);
    return R"({"type": "object"})";
  });
  ASSERT_TRUE(good);
  EXPECT_THAT(asked, ElementsAre("s.json"));
  EXPECT_EQ(*good->products[0].schema->check(Json(1)), "$ is number, expected object");
  auto const bad = parse_spec(
      text, [](const std::string&) -> Result<std::string> { return R"({"typ": "object"})"; });
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error()[0].message, HasSubstr("schema s.json: $: the keyword \"typ\" is not"));
  EXPECT_EQ(bad.error()[0].mark.line, 7);
  auto const lost = parse_spec(text, [](const std::string&) -> Result<std::string> {
    return fail(Code::kNotFound, "no such file");
  });
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error()[0].message, HasSubstr("cannot be read: no such file"));
}

TEST(Spec, ReadsTheVendorsOfTheExample) {
  std::string const folder = TIDEMILL_SOURCE_DIR "/examples/lending/";
  auto const read = [&](const std::string& path) -> Result<std::string> {
    std::ifstream file(folder + path);
    if (!file) return fail(Code::kNotFound, "no " + path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  for (const char* name : {"bureau", "bank"}) {
    auto const spec = parse_spec(*read(fmt::format("vendors/{}.yaml", name)), read);
    ASSERT_TRUE(spec) << name;
    EXPECT_EQ(spec->name, name);
    ASSERT_EQ(spec->products.size(), 1u);
    EXPECT_NE(spec->products[0].schema, nullptr);
    EXPECT_TRUE(spec->products[0].repeatable()) << "a call that a crash cuts must be repeatable";
  }
}

TEST(Spec, RefusesWhatIsNoVendorFile) {
  for (const char* text :
       {"", "[]", "a: [", "vendor: v", "x", "vendor: v\nproducts: {}\n", "\xff"}) {
    EXPECT_FALSE(parse_spec(text)) << text;
  }
}

}  // namespace
}  // namespace tidemill::vendor
