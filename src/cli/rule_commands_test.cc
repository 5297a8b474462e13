#include "cli/rule_commands.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace tidemill::cli {
namespace {

std::string answered(std::string input, int expected_code) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* in = fmemopen(input.data(), input.size(), "r");
  std::FILE* out = open_memstream(&text, &size);
  EXPECT_EQ(answer_rule_questions(in, out), expected_code);
  std::fclose(in);
  std::fclose(out);
  std::string answer(text, size);
  std::free(text);
  return answer;
}

TEST(FlowRules, AnswersEachLineInOrder) {
  EXPECT_EQ(
      answered(
          R"({"id":"a","rule":"one_failed","upstreams":2,"counts":{"failed":1,"unfinished":1}})"
          "\n"
          R"({"rule":"all_success","upstreams":2,"counts":{"skipped":1,"failed":1}})"
          "\r\n\n"
          R"({"id":"c","rule":"all_done","upstreams":1,"counts":{"unfinished":1}})",
          0),
      R"({"id":"a","result":"run","dep_met":true})"
      "\n"
      R"({"result":"set:upstream_failed","dep_met":false})"
      "\n"
      R"({"id":"c","result":"wait","dep_met":false})"
      "\n");
}

TEST(FlowRules, GoesOnAfterABadLine) {
  std::string const text = answered(
      "nonsense\n{\"rule\":\"always\",\"upstreams\":1,\"counts\":{\"unfinished\":1}}\n", 1);
  EXPECT_EQ(text.find("{\"error\":"), 0u) << text;
  EXPECT_NE(text.find("\n{\"result\":\"run\",\"dep_met\":true}\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace tidemill::cli
