#include "run/rule_question.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace tidemill::run {
namespace {

TEST(RuleQuestion, IsAnsweredAsAirflowAnswersIt) {
  std::ifstream file(TIDEMILL_SOURCE_DIR "/tests/vectors/trigger_rules/trigger_rules.jsonl");
  ASSERT_TRUE(file);
  int asked = 0;
  std::string line;
  while (std::getline(file, line)) {
    auto const vector = parse_json(line);
    ASSERT_TRUE(vector) << line;
    Json question = Json::object();
    for (const auto& [key, value] : vector->as_object()) {
      if (key != "result" && key != "dep_met") question.set(key, value);
    }
    Json const answer = answer_rule_line(question.dump());
    EXPECT_EQ(answer.find("error"), nullptr) << answer.dump();
    for (std::string const key : {"id", "result", "dep_met"}) {
      const Json* found = answer.find(key);
      ASSERT_NE(found, nullptr) << line;
      EXPECT_EQ(found->dump(), vector->find(key)->dump()) << line;
    }
    ++asked;
  }
  EXPECT_EQ(asked, 667);
}

TEST(RuleQuestion, WithoutUpstreamsRuns) {
  EXPECT_EQ(answer_rule_line(R"({"rule": "all_success", "upstreams": 0, "counts": {}})").dump(),
            R"({"result":"run","dep_met":true})");
}

TEST(RuleQuestion, SaysWhatIsWrong) {
  auto error = [](const std::string& line) {
    return answer_rule_line(line).text_or("error", "no error");
  };
  EXPECT_NE(error("{").find("JSON"), std::string::npos) << error("{");
  EXPECT_NE(error("[]").find("expected an object"), std::string::npos);
  EXPECT_NE(error(R"({"rule": "all_succes", "upstreams": 0, "counts": {}})").find("all_success"),
            std::string::npos);
  EXPECT_NE(error(R"({"rule": "always", "counts": {}})").find("'upstreams' is missing"),
            std::string::npos);
  EXPECT_NE(
      error(R"({"rule": "always", "upstreams": 2, "counts": {"success": 1}})").find("add up to 1"),
      std::string::npos);
  EXPECT_NE(error(R"({"rule": "always", "upstreams": 1, "counts": {"success": -1}})")
                .find("expected a whole number"),
            std::string::npos);
  EXPECT_NE(error(R"({"rule": "always", "upstreams": 1, "counts": {"won": 1}})")
                .find("'won' is no state"),
            std::string::npos);
  EXPECT_NE(error(R"({"rule": "always", "upstreams": 1, "counts": {"success": 1},
                      "setup_counts": {"failed": 1}})")
                .find("more of failed"),
            std::string::npos);
  EXPECT_EQ(answer_rule_line(R"({"id": 7, "rule": "x"})").find("id")->as_int(), 7);
}

}  // namespace
}  // namespace tidemill::run
