#include "flow/params.h"

#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

class Params : public FlowTest {
 protected:
  Params() {
    flow_ = AssertLoads(
        "flow: f\nparams:\n  id: string\n  count: {type: integer, default: 3}\n"
        "  amount: {type: number, default: 0}\n  yes: {type: boolean, default: true}\n"
        "  day: {type: date, default: 2026-03-01}\n  at: {type: timestamp, default: null}\n"
        "  doc: {type: json, default: {a: [1]}}\ntasks: {a: {shell: x}}\n");
  }
  std::string checked(std::string_view given) {
    auto const json = check_params(*flow_, *parse_json(given));
    return json ? json->dump() : json.error().message;
  }
  std::shared_ptr<const Flow> flow_;
};

TEST_F(Params, FillsDefaultsInDeclaredOrder) {
  EXPECT_EQ(checked(R"({"id":"x"})"),
            R"({"id":"x","count":3,"amount":0.0,"yes":true,"day":"2026-03-01",)"
            R"("at":null,"doc":{"a":[1]}})");
}

TEST_F(Params, BringsValuesToOneForm) {
  EXPECT_EQ(checked(R"({"at":"2026-03-01T02:00:00+02:00","amount":5,"id":"","doc":null})"),
            R"({"id":"","count":3,"amount":5.0,"yes":true,"day":"2026-03-01",)"
            R"("at":"2026-03-01T00:00:00Z","doc":null})");
  EXPECT_NE(checked(R"({"id":"x","at":"2026-03-01 02:00:00"})").find("2026-03-01T02:00:00Z"),
            std::string::npos);
}

TEST_F(Params, RefusesUnknownMissingAndWrongOnes) {
  EXPECT_EQ(
      checked(R"({"id":"x","amonut":1})"),
      "flow 'f' has no param 'amonut'; did you mean 'amount'? it has: id, count, amount, yes, "
      "day, at, doc");
  EXPECT_EQ(checked("{}"),
            "flow 'f' needs the param 'id' (string), which was not given and has no "
            "default");
  EXPECT_EQ(checked("null"), checked("{}"));
  EXPECT_EQ(checked("[1]"), "params: found array, expected an object of names and values");
  EXPECT_EQ(checked(R"({"id":5})"), "param 'id': found 5, expected text in quotes");
  EXPECT_EQ(checked(R"({"id":null})"), "param 'id': found null, expected string");
  EXPECT_EQ(checked(R"({"id":"x","count":1.5})"),
            "param 'count': found 1.5, expected a whole number of at most 64 bits");
  EXPECT_EQ(
      checked(R"({"id":"x","count":18446744073709551615})"),
      "param 'count': found 18446744073709551615, expected a whole number of at most 64 bits");
  EXPECT_EQ(checked(R"({"id":"x","amount":"1"})"),
            "param 'amount': found \"1\", expected a number");
  EXPECT_EQ(checked(R"({"id":"x","yes":1})"), "param 'yes': found 1, expected true or false");
  EXPECT_EQ(checked(R"({"id":"x","day":"2026-02-30"})"),
            "param 'day': found \"2026-02-30\", expected a date such as \"2026-03-01\"");
  EXPECT_EQ(checked(R"({"id":"x","at":"noon"})"),
            "param 'at': found \"noon\", expected a time such as \"2026-03-01T02:00:00Z\"");
}

TEST_F(Params, RefusesMoreThanAMebibyte) {
  Json given = Json::object();
  given.set("id", std::string(kMaxParamBytes, 'x'));
  auto const json = check_params(*flow_, given);
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, Code::kExhausted);
}

TEST_F(Params, ReadsTheTextOfACommandLine) {
  const auto& params = flow_->params;
  EXPECT_EQ(param_from_text(params[0], "5")->dump(), "\"5\"");
  EXPECT_EQ(param_from_text(params[1], "5")->dump(), "5");
  EXPECT_EQ(param_from_text(params[6], "[1,2]")->dump(), "[1,2]");
  EXPECT_FALSE(param_from_text(params[1], "five"));
}

TEST_F(Params, AreATableOfTheirTypes) {
  value::Batch const table =
      params_table(flow_->params,
                   *check_params(*flow_, *parse_json(R"({"id":"x","at":"1970-01-01T00:00:01Z"})")));
  ASSERT_EQ(table.rows(), 1u);
  std::string types;
  for (size_t i = 0; i < table.width(); ++i) types += table.column(i).type().name() + " ";
  EXPECT_EQ(types, "VARCHAR BIGINT DOUBLE BOOLEAN DATE TIMESTAMP JSON ");
  EXPECT_EQ(table.at(0, 4).to_text(), "2026-03-01");
  EXPECT_EQ(table.at(0, 5).to_text(), "1970-01-01 00:00:01");
  EXPECT_EQ(table.at(0, 6).to_text(), R"({"a":[1]})");
}

}  // namespace
}  // namespace tidemill::flow
