#include "model/golden.h"

#include <gtest/gtest.h>

#include "model/model_testing.h"

namespace tidemill::model {
namespace {

// The tiny model gives 0.25 + 1 + 0.5 below the age of 30.5, and one more above.
class Golden : public testing::Test {
 protected:
  std::string difference(const std::string& rows) {
    const auto checked = check_golden(owned_.model, rows);
    return checked ? "" : checked.error().text();
  }
  OwnedModel owned_ = *compile_and_open(tiny_model());
};

TEST_F(Golden, rows_that_agree_are_counted) {
  const auto rows =
      check_golden(owned_.model, R"({"features":{"age":20,"income":1},"prediction":1.75}
{"features":{"income":5,"age":40.5},"prediction":2.75,"margin":2.75}

{"features":{"age":null},"prediction":1.75,"margin":1.75}
)");
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_EQ(*rows, 3u);
}

TEST_F(Golden, the_first_difference_is_shown_with_its_row) {
  const std::string text = difference(R"({"features":{"age":20},"prediction":1.75}
{"features":{"age":40},"prediction":2.5}
{"features":{"age":40},"prediction":9})");
  for (const auto part : {"line 2", "expected 2.5", "got 2.75"}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
}

TEST_F(Golden, a_margin_must_agree_to_the_bit_and_a_prediction_to_one_step) {
  EXPECT_EQ(difference(R"({"features":{"age":20},"prediction":1.7500001,"margin":1.75})"), "");
  EXPECT_NE(difference(R"({"features":{"age":20},"prediction":1.7500003,"margin":1.75})"), "");
  EXPECT_NE(difference(R"({"features":{"age":20},"prediction":1.75,"margin":1.7500001})"), "");
}

TEST_F(Golden, at_least_one_row_is_required) {
  EXPECT_NE(difference("").find("at least one"), std::string::npos);
  EXPECT_NE(difference("\n \n").find("at least one"), std::string::npos);
}

TEST_F(Golden, rows_that_cannot_be_read_are_refused) {
  EXPECT_NE(difference("{"), "");
  EXPECT_NE(difference("[]"), "");
  EXPECT_NE(difference(R"({"prediction":1.75})"), "");
  EXPECT_NE(difference(R"({"features":{"age":20}})"), "");
  EXPECT_NE(difference(R"({"features":{"age":20},"prediction":"x"})"), "");
  EXPECT_NE(difference(R"({"features":{"age":20},"prediction":[1.75,2]})"), "");
  EXPECT_NE(difference(R"({"features":{"age":1e300},"prediction":1.75})").find("age"),
            std::string::npos);
  EXPECT_NE(difference(R"({"features":{"agee":20},"prediction":1.75})").find("nearest is \"age\""),
            std::string::npos);
  EXPECT_NE(difference(R"({"features":{"age":20},"prediction":1.75,"margn":1})").find("margn"),
            std::string::npos);
  EXPECT_NE(difference(R"({"features":{"age":"old"},"prediction":1.75})").find("numeric"),
            std::string::npos);
}

TEST(GoldenOutputs, several_outputs_are_arrays) {
  const auto owned = compile_and_open(read_vector("xgb-softmax/model.json"));
  ASSERT_TRUE(owned);
  const std::string row = R"({"features":{"f0":3.0,"f1":24.0,"f2":1.0,"f3":2.0,"f4":5804.0,)"
                          R"("f5":1.0,"f6":2.0,"f7":4.0,"f8":3.0,"f9":2.0,"f10":2.0,"f11":2.0,)"
                          R"("f12":27.0,"f13":1.0,"f14":2.0,"f15":1.0,"f16":1.0,"f17":0.0,)"
                          R"("f18":1.0,"f19":0.0},"prediction":1.0,)";
  EXPECT_TRUE(check_golden(owned->model, row + R"("margin":[-2.0558739,1.6629518,-0.5862585]})"));
  EXPECT_FALSE(check_golden(owned->model, row + R"("margin":[-2.0558739,1.6629518,-0.58625]})"));
  EXPECT_FALSE(check_golden(owned->model, row + R"("margin":-2.0558739})"));
}

}  // namespace
}  // namespace tidemill::model
