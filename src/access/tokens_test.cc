#include "access/tokens.h"

#include <gtest/gtest.h>

namespace tidemill::access {
namespace {

Time at(int64_t seconds) { return Time::from_seconds(seconds); }

TEST(Tokens, AreFoundByTheirTextUntilTheyExpire) {
  auto const token = make_token("demo", std::string(32, 'x'), at(100), Duration::seconds(10));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->text.substr(0, 7), "tm_api_");
  EXPECT_EQ(token->row.hash.find("x"), std::string::npos);
  Tokens tokens;
  tokens.add(token->row);
  EXPECT_EQ(tokens.find(token->text, at(109))->name, "demo");
  EXPECT_FALSE(tokens.find(token->text, at(110)));
  tokens.remove("demo");
  EXPECT_FALSE(tokens.find(token->text, at(100)));
}

TEST(Tokens, RefuseGarbage) {
  Tokens tokens;
  tokens.add(make_token("a", std::string(32, 'y'), at(0), kTokenLifetime)->row);
  for (const char* text :
       {"", "tm_api_", "x", "tm_api_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(tokens.find(text, at(1))) << text;
  }
  EXPECT_FALSE(make_token("a b", std::string(32, 'y'), at(0), kTokenLifetime));
}

}  // namespace
}  // namespace tidemill::access
