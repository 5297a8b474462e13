#include "flow/task_value.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace tidemill::flow {
namespace {

value::Batch two_columns() {
  value::Batch table = value::Batch::empty(
      {{"id", value::Type(value::Kind::kVarchar)}, {"score", value::Type(value::Kind::kFloat)}});
  table.append_row({value::Value::text("a"), value::Value::single(0.1F)});
  return table;
}

void expect_round_trip(const TaskValuePtr& value) {
  std::string const text = value->dump();
  auto const read = TaskValue::parse(text);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ((*read)->dump(), text);
  EXPECT_EQ((*read)->shape(), value->shape());
  EXPECT_EQ((*read)->json(), value->json());
  ASSERT_EQ((*read)->table().names(), value->table().names());
  ASSERT_EQ((*read)->table().rows(), value->table().rows());
  for (size_t c = 0; c < value->table().width(); ++c) {
    EXPECT_EQ((*read)->table().column(c).type(), value->table().column(c).type());
    for (size_t r = 0; r < value->table().rows(); ++r) {
      EXPECT_EQ((*read)->table().at(r, c), value->table().at(r, c));
    }
  }
}

TEST(TaskValue, ShowsATableOfOneRowAsAnObject) {
  auto const value = TaskValue::of_table(two_columns(), false);
  EXPECT_EQ(value->shape(), TaskValue::Shape::kRow);
  EXPECT_TRUE(value->json().is_object());
  EXPECT_EQ(TaskValue::of_table(two_columns(), true)->shape(), TaskValue::Shape::kRows);
  EXPECT_EQ(TaskValue::of_table(value::Batch::empty({}), false)->json().dump(), "[]");
}

TEST(TaskValue, RoundTripsExactly) {
  expect_round_trip(TaskValue::of_table(two_columns(), false));
  expect_round_trip(TaskValue::of_table(two_columns(), true));
  expect_round_trip(TaskValue::missing());
  for (const char* json :
       {"null", "5", "\"x\"", "[]", "{}", "[1,2.5,null]", R"({"a":1,"b":[{"c":"d"}]})",
        R"([{"a":1},{"b":"x"}])", "1e300", "18446744073709551615"}) {
    expect_round_trip(TaskValue::of_json(*parse_json(json)));
  }
}

TEST(TaskValue, RoundTripsADocumentAsDeepAsTheParserAllows) {
  expect_round_trip(TaskValue::of_json(*parse_json(std::string(100, '[') + std::string(100, ']'))));
}

TEST(TaskValue, JoinsTheRowsOfAMappedTask) {
  auto const row = TaskValue::of_table(two_columns(), false);
  auto const list = TaskValue::of_list({row, row});
  EXPECT_EQ(list->shape(), TaskValue::Shape::kRows);
  EXPECT_EQ(list->table().rows(), 2u);
  EXPECT_EQ(list->table().column(1).type().name(), "FLOAT");
  expect_round_trip(list);
}

TEST(TaskValue, ListsItemsThatDiffer) {
  auto const list = TaskValue::of_list(
      {TaskValue::of_json(*parse_json(R"({"a":1})")), TaskValue::missing(), TaskValue::of_json(5)});
  EXPECT_EQ(list->json().dump(), R"([{"a":1},null,5])");
  expect_round_trip(list);
  EXPECT_EQ(TaskValue::of_list({})->json().dump(), "[]");
}

TEST(TaskValue, RefusesWhatIsBroken) {
  for (const char* text : {"", "{}", "[]", R"({"v":2,"shape":"json","json":1})",
                           R"({"v":1,"shape":"json"})", R"({"v":1,"shape":"row"})",
                           R"({"v":1,"shape":"cube"})", R"({"v":1,"shape":"row","table":5})",
                           R"({"v":1,"shape":"row","table":{"columns":[],"rows":[]}})"}) {
    auto const read = TaskValue::parse(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::kInternal);
    EXPECT_TRUE(read.error().message.starts_with("a stored task value is broken: "));
  }
}

}  // namespace
}  // namespace tidemill::flow
