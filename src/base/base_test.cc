#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "base/ulid.h"
#include "base/yaml.h"

namespace tidemill {
namespace {

TEST(Time, RoundTripsRfc3339) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2038-01-19T03:14:08Z", "1969-12-31T23:59:59.5Z",
                           "2400-02-29T12:00:00.000001Z"}) {
    EXPECT_EQ(format_rfc3339(*parse_rfc3339(text)), text);
  }
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2024-03-10 02:00:00+02:00")), "2024-03-10T00:00:00Z");
}

TEST(Time, RefusesWhatIsNotATime) {
  for (const char* text : {"", "2024-02-30T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00",
                           "2024-01-01T25:00:00Z", "2024-01-01T00:00:00Zx", "x"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Duration, ReadsUnitsFromLargeToSmall) {
  EXPECT_EQ(parse_duration("1h30m")->us, 5'400'000'000);
  EXPECT_EQ(parse_duration("50ms")->us, 50'000);
  EXPECT_EQ(format_duration(*parse_duration("90m")), "1h30m");
  for (const char* text : {"", "5", "m", "5x", "1m1h", "1s1s", "-1s", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Json, RoundTripsAndKeepsOrder) {
  std::string const text = R"({"b":1,"a":[true,null,-2.5,"x\"y\n"],"n":18446744073709551615})";
  EXPECT_EQ(parse_json(text)->dump(), text);
  EXPECT_EQ(parse_json("0.1")->as_double(), 0.1);
  EXPECT_EQ(parse_json(" 1e3 ")->dump(), "1000.0");
}

TEST(Json, RefusesWithAPlace) {
  EXPECT_EQ(
      parse_json("{\"a\":1,\n\"a\":2}").error().message,
      "not valid JSON: the name \"a\" stands twice in the object that ends at line 2, column 6");
  for (const char* text : {"", "{", "[1,]", "nul", "'a'", "1 2", "{\"a\":NaN}", "\"\xff\"", "01"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  EXPECT_FALSE(parse_json(std::string(1000, '[')));
}

TEST(Yaml, KnowsPlaces) {
  auto const root = parse_yaml("a: 1\nb:\n  - x\n  - {c: \"null\"}\n");
  ASSERT_TRUE(root);
  const YamlNode& item = root->find("b")->items[1];
  EXPECT_EQ(item.find("c")->scalar, "null");
  EXPECT_TRUE(item.find("c")->is_scalar());
  EXPECT_EQ(item.find("c")->mark.line, 4);
}

TEST(Yaml, RefusesWhatIsHostile) {
  EXPECT_EQ(parse_yaml("a: 1\na: 2\n").error().mark.line, 2);
  EXPECT_FALSE(parse_yaml("&x\n- *x\n"));
  EXPECT_FALSE(parse_yaml("a: !!python/object x"));
  EXPECT_FALSE(parse_yaml("a: b\n---\nc: d\n"));
  EXPECT_FALSE(parse_yaml("a: \xff\n"));
  EXPECT_FALSE(parse_yaml("<<: {a: b}"));
  EXPECT_FALSE(parse_yaml(std::string(100, '[')));
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) bomb += (j ? "," : "") + ("*a" + std::to_string(i - 1));
    bomb += "]\n";
  }
  EXPECT_FALSE(parse_yaml(bomb));
}

TEST(Text, FindsTheNearestWord) {
  std::vector<std::string> const words = {"timeout", "retry", "needs"};
  EXPECT_EQ(nearest_word("timout", words), "timeout");
  EXPECT_EQ(nearest_word("nedes", words), "needs");  // two letters swapped
  EXPECT_EQ(nearest_word("zzz", words), "");
}

TEST(Text, ShowsBytesSafely) {
  EXPECT_EQ(printable("a\nb\xff\x1b[0m", 60), "a\\nb\\xff\\x1b[0m");
  EXPECT_FALSE(is_utf8("\xc0\x80"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_TRUE(is_utf8("東京"));
}

TEST(Hash, KnowsTheStandardVectors) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
  EXPECT_EQ(make_ulid(Time::from_seconds(0), 0, 0), std::string(26, '0'));
}

}  // namespace
}  // namespace tidemill
