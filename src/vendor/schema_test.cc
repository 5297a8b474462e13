#include "vendor/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemill::vendor {
namespace {

using testing::HasSubstr;

constexpr const char* kReport = R"({
  "type": "object", "required": ["id", "score"], "additionalProperties": false,
  "properties": {
    "id": {"type": "integer", "maximum": 9007199254740993},
    "score": {"type": "number", "minimum": 300, "maximum": 850},
    "grade": {"enum": ["A", "B", 3]},
    "since": {"type": ["string", "null"], "pattern": "^[0-9]{4}-"},
    "lines": {"type": "array", "items": {"type": "object", "required": ["x"],
              "properties": {"x": {"type": "boolean"}}}}}})";

std::string mistake(std::string_view document, std::string_view schema = kReport) {
  return (*Schema::compile(schema))->check(*parse_json(document)).value_or("none");
}

TEST(Schema, NamesThePlaceAndWhatWasExpected) {
  EXPECT_EQ(mistake(R"({"id": 1, "score": 712})"), "none");
  EXPECT_EQ(mistake(R"({"id": 1, "score": "712"})"), "$.score is string, expected number");
  EXPECT_EQ(mistake(R"({"id": 1})"), "$.score is missing, expected number");
  EXPECT_EQ(mistake(R"([])"), "$ is array, expected object");
  EXPECT_EQ(mistake(R"({"id": 1.5, "score": 712})"),
            "$.id is a number with a fraction, expected integer");
  EXPECT_EQ(mistake(R"({"id": 1.0, "score": 712})"), "none");
  EXPECT_EQ(mistake(R"({"id": 1, "score": 712, "more": 1})"), "$.more is not expected");
  EXPECT_EQ(mistake(R"({"id": 1, "score": 712, "lines": [{"x": true}, {"x": 1}]})"),
            "$.lines[1].x is number, expected boolean");
  EXPECT_EQ(mistake(R"({"id": 1, "score": 712, "a b": 1})"), "$[\"a b\"] is not expected");
}

TEST(Schema, ChecksBoundsEnumsAndPatterns) {
  EXPECT_EQ(mistake(R"({"id": 1, "score": 299.9})"), "$.score is below the minimum 300");
  EXPECT_EQ(mistake(R"({"id": 1, "score": 851})"), "$.score is above the maximum 850");
  EXPECT_EQ(mistake(R"({"id": 1, "score": 700, "grade": "C"})"),
            "$.grade is none of [\"A\",\"B\",3]");
  EXPECT_EQ(mistake(R"({"id": 1, "score": 700, "grade": 3.0})"), "none");
  EXPECT_EQ(mistake(R"({"id": 1, "score": 700, "since": "19"})"),
            "$.since does not match its pattern");
  EXPECT_EQ(mistake(R"({"id": 1, "score": 700, "since": null})"), "none");
}

TEST(Schema, ComparesLargeIntegersExactly) {
  EXPECT_EQ(mistake(R"({"id": 9007199254740993, "score": 700})"), "none");
  EXPECT_EQ(mistake(R"({"id": 9007199254740994, "score": 700})"),
            "$.id is above the maximum 9007199254740993");
}

TEST(Schema, NeverShowsAValueOfTheDocument) {
  for (const char* document : {R"({"id": "SECRET", "score": 1})", R"({"id": 1, "score": "SECRET"})",
                               R"({"id": 1, "score": 700, "grade": "SECRET"})",
                               R"({"id": 1, "score": 700, "since": "SECRET"})"}) {
    EXPECT_THAT(mistake(document), testing::Not(HasSubstr("SECRET"))) << document;
  }
}

TEST(Schema, RefusesKeywordsItDoesNotKeep) {
  auto const error = [](std::string_view text) { return Schema::compile(text).error().message; };
  EXPECT_THAT(error(R"({"requird": []})"), HasSubstr("did you mean \"required\"?"));
  EXPECT_THAT(error(R"({"oneOf": []})"), HasSubstr("\"oneOf\" is not available here"));
  EXPECT_THAT(error(R"({"type": "text"})"), HasSubstr("$.type: \"text\" is not a type"));
  EXPECT_THAT(error(R"({"properties": {"a": {"pattern": "("}}})"),
              HasSubstr("$.properties.a.pattern: not a regular expression"));
  EXPECT_THAT(error(R"({"properties": {"a": 3}})"), HasSubstr("$.properties.a: is number"));
  EXPECT_THAT(error(R"({"minimum": "1"})"), HasSubstr("$.minimum: is string, expected number"));
  for (const char* text : {"", "[]", "3", R"({"enum": []})", R"({"type": []})"}) {
    EXPECT_FALSE(Schema::compile(text)) << text;
  }
}

}  // namespace
}  // namespace tidemill::vendor
