#include "base/json_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> differences(const char* found, const char* expected) {
  return json_differences(*parse_json(found), *parse_json(expected));
}

TEST(JsonMatch, OnlyWhatIsExpectedCounts) {
  EXPECT_THAT(differences(R"({"a":1,"b":{"c":[1,2],"d":3}})", R"({"b":{"c":[1,2]}})"), IsEmpty());
  EXPECT_THAT(differences(R"({"a":1.0})", R"({"a":1})"), IsEmpty());
  EXPECT_THAT(differences(R"([{"a":1,"b":2}])", R"([{"a":1}])"), IsEmpty());
}

TEST(JsonMatch, TellsWhereAndWhat) {
  EXPECT_THAT(differences(R"({"decide":{"outcome":"refer"},"n":1})",
                          R"({"decide":{"outcome":"approve","limit":5},"n":"1"})"),
              ElementsAre(R"(decide.outcome: found "refer", expected "approve")",
                          "decide.limit: not there, expected 5", R"(n: found 1, expected "1")"));
  EXPECT_THAT(differences("[1,2]", "[1]"), ElementsAre("found 2 items, expected 1: [1,2]"));
  EXPECT_THAT(differences(R"({"l":[{"a":1}]})", R"({"l":[{"a":2}]})"),
              ElementsAre("l[0].a: found 1, expected 2"));
  EXPECT_THAT(differences("null", "{}"), ElementsAre("found null, expected {}"));
}

}  // namespace
}  // namespace tidemill
