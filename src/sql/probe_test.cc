#include "sql/probe.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace tidemill::sql {
namespace {

std::string read_vectors(const std::string& name) {
  std::ifstream file(std::string(TIDEMILL_SOURCE_DIR) + "/tests/vectors/sql/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << name;
  return text.str();
}

std::set<std::string> not_covered() {
  std::istringstream lines(read_vectors("not_covered.txt"));
  std::set<std::string> ids;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != '#') ids.insert(line);
  }
  return ids;
}

TEST(ProbeTest, EveryProbeIsAnsweredAsDuckDbDoesUnlessListed) {
  const auto outcomes = run_probes(read_vectors("probes.jsonl"));
  ASSERT_TRUE(outcomes) << outcomes.error().text();
  EXPECT_EQ(outcomes->size(), 471u);
  const std::set<std::string> listed = not_covered();
  for (const ProbeOutcome& outcome : *outcomes) {
    if (listed.count(outcome.id) == 0) {
      EXPECT_EQ(outcome.difference, "") << outcome.id << ": " << outcome.sql;
    } else {
      EXPECT_NE(outcome.difference, "")
          << outcome.id << ": " << outcome.sql << " is answered now: take it off the list";
    }
  }
}

TEST(ProbeTest, FurtherProbesAreAnsweredAsDuckDbDoes) {
  const auto outcomes = run_probes(read_vectors("more_probes.jsonl"));
  ASSERT_TRUE(outcomes) << outcomes.error().text();
  EXPECT_GT(outcomes->size(), 500u);
  for (const ProbeOutcome& outcome : *outcomes) {
    EXPECT_EQ(outcome.difference, "") << outcome.id << ": " << outcome.sql;
  }
}

TEST(ProbeTest, ADifferenceInValueTypeTextOrErrorIsSeen) {
  const char* lines[] = {
      R"({"id":1,"sql":"1","type":"INTEGER","value":2,"text":"1"})",
      R"({"id":1,"sql":"1","type":"BIGINT","value":1,"text":"1"})",
      R"({"id":1,"sql":"1","type":"INTEGER","value":1,"text":"2"})",
      R"({"id":1,"sql":"1","error":"x","error_class":"ConversionException"})",
      R"({"id":1,"sql":"1//0","type":"INTEGER","value":1,"text":"1"})",
      R"({"id":1,"sql":"1//0","error":"x","error_class":"ConversionException"})",
  };
  for (const char* line : lines) {
    const auto outcomes = run_probes(line);
    ASSERT_TRUE(outcomes && outcomes->size() == 1) << line;
    EXPECT_NE(outcomes->front().difference, "") << line;
  }
}

TEST(ProbeTest, LinesThatAreNoProbesAreErrors) {
  EXPECT_FALSE(run_probes("nonsense"));
  EXPECT_FALSE(run_probes("{\"sql\":5}"));
  EXPECT_TRUE(run_probes("{\"engine\":\"x\"}\n\n")->empty());
}

}  // namespace
}  // namespace tidemill::sql
