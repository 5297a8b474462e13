// Messages, limits and hostile input, which recorded answers do not show.
#include <gtest/gtest.h>

#include <vector>

#include "sql/kernels/format.h"
#include "sql/kernels/integer_math.h"
#include "sql/kernels/pattern.h"
#include "sql/kernels/strings.h"

namespace tidemill::sql::kernels {
namespace {

TEST(IntegerMath, OverflowNamesWidthAndOperands) {
  EXPECT_EQ(add<int32_t>(2147483647, 1).error().message,
            "Out of Range Error: Overflow in addition of INT32 (2147483647 + 1)!");
  EXPECT_EQ(subtract<uint8_t>(0, 1).error().message,
            "Out of Range Error: Overflow in subtraction of UINT8 (0 - 1)!");
  EXPECT_EQ(divide<int64_t>(INT64_MIN, -1).error().message,
            "Out of Range Error: Overflow in division of -9223372036854775808 / -1");
  EXPECT_EQ(abs<int8_t>(-128).error().message, "Out of Range Error: Overflow on abs(-128)");
}

TEST(IntegerMath, DivisionByZeroShowsTheExpression) {
  EXPECT_TRUE(divide<int32_t>(1, 0).error().message.starts_with(
      "Invalid Input Error: Division by zero in expression (1 // 0)."));
  EXPECT_TRUE(modulo<int32_t>(1, 0).error().message.starts_with(
      "Invalid Input Error: Division by zero in expression (1 % 0)."));
}

TEST(IntegerMath, ShiftsOutsideTheWidthAreErrors) {
  EXPECT_EQ(shift_left<int32_t>(1, 64).error().message,
            "Out of Range Error: Left-shift value 64 is out of range");
  EXPECT_EQ(shift_left<int32_t>(-1, 1).error().message,
            "Out of Range Error: Cannot left-shift negative number -1");
}

TEST(Like, ManyWildcardsStayFast) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "%a";
  const auto like = LikePattern::compile(pattern + "%b", "", LetterCase::kSensitive);
  ASSERT_TRUE(like);
  EXPECT_FALSE(like->matches(std::string(20'000, 'a')));
}

TEST(Like, EscapeAtTheEndIsAnError) {
  EXPECT_EQ(LikePattern::compile("ab!", "!", LetterCase::kSensitive).error().message,
            "Syntax Error: Like pattern must not end with escape character!");
}

TEST(Glob, ManyStarsStayFast) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(std::string(5'000, 'a'), pattern + "b"));
}

TEST(Regex, NestedRepeatsStayFast) {
  const auto regex = Regex::compile("(a*)*b", "");
  ASSERT_TRUE(regex);
  EXPECT_FALSE(regex->matches_whole(std::string(50'000, 'a')));
}

TEST(Regex, BrokenPatternSaysWhy) {
  EXPECT_EQ(Regex::compile("(", "").error().message, "Invalid Input Error: missing ): (");
}

TEST(Strings, MalformedBytesCountAsCharacters) {
  const std::string broken = "a\xFF\xC3";
  EXPECT_EQ(length(broken), 3);
  EXPECT_EQ(upper(broken), "A\xFF\xC3");
  EXPECT_EQ(reverse(broken),
            "\xC3\xFF"
            "a");
  EXPECT_EQ(substr(broken, 2, 1), "\xFF");
}

TEST(Strings, PositionsBeyondEveryTextAreCutOff) {
  EXPECT_EQ(substr("abc", INT64_MIN, 5), "");
  EXPECT_EQ(substr("abc", INT64_MAX, INT64_MIN), "abc");
  EXPECT_EQ(left("abc", INT64_MIN), "");
  EXPECT_EQ(right("abc", INT64_MAX), "abc");
}

TEST(Strings, HugeResultsAreErrors) {
  EXPECT_FALSE(repeat("ab", INT64_MAX));
  EXPECT_FALSE(lpad("a", INT64_MAX, "x"));
  EXPECT_FALSE(levenshtein(std::string(100'000, 'a'), std::string(100'000, 'b')));
}

TEST(Format, LimitsWidthAndPrecision) {
  const std::vector<FormatArgument> one = {1.5};
  EXPECT_FALSE(format("{:99999999999f}", one));
  EXPECT_FALSE(kernels::printf(std::string_view("%.5000f"), one));
  EXPECT_EQ(format("{} {}", one).error().message,
            "Invalid Input Error: Argument index \"1\" out of range");
}

}  // namespace
}  // namespace tidemill::sql::kernels
