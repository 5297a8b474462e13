#include "model/json_reader.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>

namespace tidemill::model {
namespace {

Status skip_all(std::string_view text) {
  JsonReader reader(text);
  TIDEMILL_TRY(reader.skip());
  return reader.end();
}

std::vector<float> floats(std::string_view text) {
  JsonReader reader(text);
  std::vector<float> out;
  EXPECT_TRUE(reader.floats(out, 100)) << text;
  return out;
}

bool integers_are_refused(std::string_view text) {
  JsonReader reader(text);
  std::vector<int32_t> out;
  return !(reader.integers(out, 4) && reader.end());
}

TEST(JsonReader, accepts_what_json_is) {
  for (const auto text : {"{}", "[]", " [ 1 , -2.5e+3 , true,false,null,\"a\\u00e9\\\"\"] ",
                          "{\"a\":{\"b\":[{}]},\"c\":0}", "0", "-0.0", "\"\"", "1e5"}) {
    EXPECT_TRUE(skip_all(text)) << text;
  }
}

TEST(JsonReader, refuses_what_json_is_not) {
  for (const auto text : {"",
                          " ",
                          "{",
                          "[",
                          "[1,]",
                          "[,1]",
                          "{\"a\"}",
                          "{\"a\":}",
                          "{\"a\":1,}",
                          "{a:1}",
                          "01",
                          "1.",
                          ".5",
                          "+1",
                          "1e",
                          "-",
                          "tru",
                          "nul",
                          "NaN",
                          "\"",
                          "\"\\x\"",
                          "\"\\u12\"",
                          "\"\\ud800\"",
                          "\"\xff\"",
                          "\"\t\"",
                          "\"\\u0000\"",
                          "[1] 2",
                          "{}}",
                          "[1 2]",
                          "{\"a\":1,\"a\":2}",
                          "{\"a\":1,\"\\u0061\":2}",
                          "/* */ 1"}) {
    EXPECT_FALSE(skip_all(text)) << text;
  }
}

TEST(JsonReader, a_name_twice_is_refused_in_a_large_object_too) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(skip_all(text + "\"k1000\":0}"));
  EXPECT_FALSE(skip_all(text + "\"k999\":0}"));
}

TEST(JsonReader, nesting_is_limited) {
  EXPECT_TRUE(skip_all(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(skip_all(std::string(65, '[') + std::string(65, ']')));
  EXPECT_FALSE(skip_all(std::string(200'000, '[')));
}

TEST(JsonReader, floats_are_rounded_once_from_the_decimal_text) {
  // The first lies above the middle of two floats by less than a double can tell: rounding to
  // double first would lose it.
  EXPECT_EQ(floats("[1.00000005960464477540,1.00000005960464477539]"),
            (std::vector<float>{1.00000011920928955078125f, 1.0f}));
  EXPECT_EQ(floats("[0.1,16777217,-0.0,1e-46,1e-45,123456789]"),
            (std::vector<float>{0.1f, 16777216.0f, -0.0f, 0.0f, 1e-45f, 123456792.0f}));
}

TEST(JsonReader, every_shortest_decimal_reads_back_to_its_float) {
  for (uint32_t i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<float>(i * 21'469u);
    if (!std::isfinite(value)) continue;
    char text[40] = "[";
    char* end = std::to_chars(text + 1, text + 38, value).ptr;
    *end++ = ']';
    ASSERT_EQ(std::bit_cast<uint32_t>(floats({text, end})[0]), std::bit_cast<uint32_t>(value));
  }
}

TEST(JsonReader, what_trainers_write_for_no_number_is_read_in_arrays_of_floats) {
  const auto values = floats("[NaN,Infinity,-Infinity,1e60,-1e400]");
  ASSERT_EQ(values.size(), 5u);
  EXPECT_TRUE(std::isnan(values[0]));
  for (const size_t i : {1, 3}) EXPECT_EQ(values[i], INFINITY);
  for (const size_t i : {2, 4}) EXPECT_EQ(values[i], -INFINITY);
}

TEST(JsonReader, integers_are_whole_and_within_32_bits) {
  JsonReader reader("[ 1, -2,true , false]");
  std::vector<int32_t> out;
  ASSERT_TRUE(reader.integers(out, 4));
  EXPECT_EQ(out, (std::vector<int32_t>{1, -2, 1, 0}));
  for (const auto text : {"[1.0]", "[1e2]", "[4294967297]", "[-2147483649]", "[01]", "[\"1\"]",
                          "[null]", "[1,2,3,4,5]", "[-]", "[--1]", "[1", "[1,"}) {
    EXPECT_TRUE(integers_are_refused(text)) << text;
  }
}

TEST(JsonReader, an_error_names_the_byte) {
  const auto status = skip_all("{\"a\": nil}");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("byte 6"), std::string::npos) << status.error().message;
}

}  // namespace
}  // namespace tidemill::model
