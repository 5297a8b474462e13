#include "value/csv.h"

#include <gtest/gtest.h>

namespace tidemill::value {
namespace {

TEST(CsvTest, TypesAreSniffedOverAllRows) {
  const auto batch = read_csv(
      "b,i,d,t,ts,s,n\n"
      "true,1,1.5,2024-01-05,2024-01-05 10:00:00,x,\n"
      "false,-2,2,2024-02-29,2024-01-05,\"y, \"\"z\"\"\",\n");
  ASSERT_TRUE(batch) << batch.error().text();
  const Kind kinds[] = {Kind::kBool,      Kind::kInt64,   Kind::kDouble, Kind::kDate,
                        Kind::kTimestamp, Kind::kVarchar, Kind::kVarchar};
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(batch->column(i).type().kind(), kinds[i]) << i;
  EXPECT_EQ(batch->at(1, 5).as_text(), "y, \"z\"");
  EXPECT_TRUE(batch->at(0, 6).is_null());
}

TEST(CsvTest, QuotedEmptyCellIsTextAndUnquotedIsNull) {
  const auto batch = read_csv("a,b\n\"\",1\n,2\n");
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->at(0, 0), Value::text(""));
  EXPECT_TRUE(batch->at(1, 0).is_null());
}

TEST(CsvTest, NewlinesInQuotesAndWindowsLineEndsAreRead) {
  const auto batch = read_csv(
      "\xef\xbb\xbf"
      "a,b\r\n\"x\ny\",1\r\nz,2");
  ASSERT_TRUE(batch) << batch.error().text();
  ASSERT_EQ(batch->rows(), 2u);
  EXPECT_EQ(batch->name(0), "a");
  EXPECT_EQ(batch->at(0, 0).as_text(), "x\ny");
  EXPECT_EQ(batch->at(1, 1), Value::bigint(2));
}

TEST(CsvTest, OneBadRowMakesTheColumnText) {
  const auto batch = read_csv("n\n1\n2x\n");
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->at(0, 0), Value::text("1"));
}

TEST(CsvTest, NullTextIsAnOption) {
  const auto batch = read_csv("n\n1\n\\N\n", {.null_text = "\\N"});
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->at(0, 0), Value::bigint(1));
  EXPECT_TRUE(batch->at(1, 0).is_null());
}

TEST(CsvTest, ErrorsNameTheLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"a,b\n1,2\n1,2,3\n", "CSV line 3: found 3 cells, expected 2 as in line 1"},
      {"a\n\"x", "CSV line 2: a quote opens here and is never closed"},
      {"a\n\"x\"y\n", "CSV line 2: found 'y' behind a closing quote"},
      {"a\nb\n\xff\n", "CSV line 3: the text is not UTF-8"},
      {"", "the CSV text is empty"},
  };
  for (const auto& [text, message] : cases) {
    const auto batch = read_csv(text);
    ASSERT_FALSE(batch) << text;
    EXPECT_NE(batch.error().message.find(message), std::string::npos) << batch.error().message;
  }
}

TEST(CsvTest, WhatIsWrittenReadsBack) {
  const auto batch = read_csv("a,b\n\"x,\"\"\n\",1\n\"\",\n");
  ASSERT_TRUE(batch);
  const auto again = read_csv(write_csv(*batch));
  ASSERT_TRUE(again) << again.error().text();
  ASSERT_EQ(again->rows(), batch->rows());
  for (size_t row = 0; row < batch->rows(); ++row) {
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(again->at(row, i), batch->at(row, i));
  }
}

}  // namespace
}  // namespace tidemill::value
