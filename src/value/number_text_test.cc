// Messages of conversions, which recorded answers do not show.
#include "value/number_text.h"

#include <gtest/gtest.h>

#include "value/date.h"
#include "value/decimal.h"
#include "value/interval.h"

namespace tidemill::value {
namespace {

TEST(NumberText, ErrorsNameTheTextAndTheType) {
  EXPECT_EQ(parse_integer<int32_t>("12a").error().message,
            "Conversion Error: Could not convert string '12a' to INT32");
  EXPECT_EQ(parse_bool("on").error().message,
            "Conversion Error: Could not convert string 'on' to BOOL");
  EXPECT_EQ((integer_cast<int8_t, int32_t>(300).error().message),
            "Conversion Error: Type INT32 with value 300 can't be cast because the value is out of "
            "range for the destination type INT8");
  EXPECT_EQ(rescale(123456, {6, 1}, {4, 1}).error().message,
            "Conversion Error: Casting value \"12345.6\" to type DECIMAL(4,1) failed: value is out "
            "of range!");
}

TEST(NumberText, HostileTextIsCutInTheMessage) {
  const auto result = parse_integer<int64_t>(std::string(1'000'000, '9'));
  ASSERT_FALSE(result);
  EXPECT_LT(result.error().message.size(), 400U);
  EXPECT_FALSE(parse_decimal("1e999999999999", {38, 0}));
  EXPECT_EQ(parse_decimal("0e999999999", {38, 0}).value(), 0);
}

TEST(DateText, ErrorsTellFormatFromRange) {
  EXPECT_EQ(parse_date("05-01-2024").error().message,
            "Conversion Error: invalid date field format: \"05-01-2024\", expected format is "
            "(YYYY-MM-DD)");
  EXPECT_EQ(parse_date("2024-02-30").error().message,
            "Conversion Error: date field value out of range: \"2024-02-30\"");
  EXPECT_EQ(make_date(2023, 2, 29).error().message,
            "Conversion Error: Date out of range: 2023-2-29");
}

TEST(IntervalText, NothingMayFollowATimeOfDay) {
  EXPECT_FALSE(parse_interval("04:05:06 1 day"));
  EXPECT_TRUE(parse_interval("1 day 04:05:06"));
}

TEST(IntervalText, FractionsOfAUnitCountForSecondsOnly) {
  EXPECT_EQ(format_interval(make_interval(1.5, "day").value()), "1 day");
  EXPECT_EQ(format_interval(make_interval(1.5, "SECOND").value()), "00:00:01.5");
}

TEST(DecimalLiteral, CountsLeadingZeros) {
  EXPECT_EQ(parse_decimal_literal("00.10").value().type, (DecimalType{4, 2}));
  EXPECT_EQ(parse_decimal_literal(".5").value().type, (DecimalType{1, 1}));
  EXPECT_FALSE(parse_decimal_literal(std::string(39, '1')));
}

}  // namespace
}  // namespace tidemill::value
