#include "value/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tidemill::value {
namespace {

Batch typed(std::string_view text) {
  auto batch = batch_from_json(*parse_json(text));
  EXPECT_TRUE(batch) << batch.error().text();
  return *std::move(batch);
}

TEST(ValueJsonTest, TypedFormRoundTripsExactly) {
  constexpr std::string_view kText =
      R"~({"columns":[{"name":"a","type":"BIGINT"},{"name":"b","type":"DECIMAL(4,2)"},)~"
      R"~({"name":"c","type":"DOUBLE"},{"name":"d","type":"HUGEINT"},{"name":"e",)~"
      R"~("type":"VARCHAR"},)~"
      R"~({"name":"f","type":"TIMESTAMP"},{"name":"g","type":"INTERVAL"},{"name":"h",)~"
      R"~("type":"INTEGER[]"},)~"
      R"~({"name":"i","type":"MAP(VARCHAR, UBIGINT)"},{"name":"j","type":"BLOB"},)~"
      R"~({"name":"k","type":"\"NULL\""},{"name":"l","type":"STRUCT(x DATE)"},{"name":"m",)~"
      R"~("type":"FLOAT"}],)~"
      R"~("rows":[[9223372036854775807,"-0.05","nan",)~"
      R"~("170141183460469231731687303715884105727","é\n",)~"
      R"~("2024-01-05 03:04:05.678","1 year 2 days 00:00:01",[1,null],{"a":2},"a\\x00b",null,)~"
      R"~({"x":"2024-02-29"},0.10000000149011612],)~"
      R"~([null,null,null,null,null,null,null,null,null,null,null,null,null]]})~";
  const Batch batch = typed(kText);
  ASSERT_EQ(batch.rows(), 2u);
  EXPECT_EQ(batch_to_json(batch).dump(), kText);
  EXPECT_TRUE(std::isnan(batch.at(0, 2).as_double()));
  EXPECT_EQ(batch.at(0, 9).as_text(), std::string("a\0b", 3));
}

TEST(ValueJsonTest, ErrorNamesRowAndColumn) {
  const auto batch = batch_from_json(
      *parse_json(R"~({"columns":[{"name":"n","type":"TINYINT"}],"rows":[[1],[300]]})~"));
  ASSERT_FALSE(batch);
  EXPECT_NE(batch.error().text().find("row 2, column n"), std::string::npos)
      << batch.error().text();
}

TEST(ValueJsonTest, ObjectBecomesOneRow) {
  const auto batch =
      infer_table(*parse_json(R"~({"i":1,"d":1.5,"b":true,"s":"x","o":{"k":[1]},"n":null})~"));
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->rows(), 1u);
  const Kind kinds[] = {Kind::kInt64,   Kind::kDouble, Kind::kBool,
                        Kind::kVarchar, Kind::kJson,   Kind::kNull};
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(batch->column(i).type().kind(), kinds[i]) << i;
  EXPECT_EQ(batch->at(0, 4).as_text(), R"~({"k":[1]})~");
}

TEST(ValueJsonTest, ArrayOfObjectsUnifiesTypes) {
  const auto batch = infer_table(*parse_json(R"~([{"a":1,"b":"x"},{"a":2.5,"b":3},{"c":true}])~"));
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->rows(), 3u);
  EXPECT_EQ(batch->column(0).type(), Type(Kind::kDouble));
  EXPECT_EQ(batch->column(1).type(), Type(Kind::kJson));
  EXPECT_EQ(batch->at(0, 1).as_text(), "\"x\"");
  EXPECT_TRUE(batch->at(2, 0).is_null());
  EXPECT_EQ(batch->at(2, 2), Value::boolean(true));
}

TEST(ValueJsonTest, ScalarsAndMixedArraysAreOneColumn) {
  EXPECT_EQ(infer_table(Json(5))->at(0, 0), Value::bigint(5));
  EXPECT_EQ(infer_table(Json(5))->name(0), "value");
  const auto list = infer_table(*parse_json("[1,2,null]"));
  EXPECT_EQ(list->rows(), 3u);
  EXPECT_EQ(infer_table(*parse_json("[]"))->rows(), 0u);
}

TEST(ValueJsonTest, RowsAsObjects) {
  const Batch batch = typed(R"~({"columns":[{"name":"a","type":"INTEGER"}],"rows":[[1],[null]]})~");
  EXPECT_EQ(rows_to_json(batch).dump(), R"~([{"a":1},{"a":null}])~");
}

TEST(ValueJsonTest, MalformedBatchesAreErrors) {
  for (const char* text : {"{}", R"~({"columns":1,"rows":[]})~", R"~({"columns":[{}],"rows":[]})~",
                           R"~({"columns":[{"name":"a","type":"NOPE"}],"rows":[]})~",
                           R"~({"columns":[{"name":"a","type":"DATE"}],"rows":[[5]]})~",
                           R"~({"columns":[{"name":"a","type":"DATE"}],"rows":[[]]})~",
                           R"~({"columns":[{"name":"a","type":"DATE"}],"rows":[["2024-13-01"]]})~",
                           R"~({"columns":[{"name":"a","type":"BLOB"}],"rows":[["\\q"]]})~"}) {
    EXPECT_FALSE(batch_from_json(*parse_json(text))) << text;
  }
}

}  // namespace
}  // namespace tidemill::value
