#include "model/batch_score.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/model_testing.h"
#include "value/decimal.h"

namespace tidemill::model {
namespace {

using value::Batch;
using value::Column;
using value::Kind;
using value::Type;
using value::Value;

Column column_of(Type type, const std::vector<Value>& values) {
  Column column(std::move(type));
  for (const auto& v : values) column.append(v);
  return column;
}

// The tiny model gives 1.75 below the age of 30.5 or without one, and 2.75 above.
double score_age(const Column& age) {
  const auto owned = compile_and_open(tiny_model());
  Batch batch;
  batch.add_column("age", age);
  batch.add_column("income", column_of(Kind::kNull, {Value::null()}));
  auto map = FeatureMap::make(owned->model, batch.names());
  BatchScorer scorer(owned->model, *map);
  const auto status = scorer.score(batch);
  EXPECT_TRUE(status) << status.error().text();
  return scorer.prediction(0)[0];
}

TEST(BatchScorer, every_numeric_type_is_a_feature) {
  for (const Kind kind :
       {Kind::kInt8, Kind::kInt16, Kind::kInt32, Kind::kInt64, Kind::kInt128, Kind::kUint8,
        Kind::kUint16, Kind::kUint32, Kind::kUint64, Kind::kUint128}) {
    EXPECT_EQ(score_age(column_of(kind, {Value::of_int(kind, 30)})), 1.75f);
    EXPECT_EQ(score_age(column_of(kind, {Value::of_int(kind, 31)})), 2.75f);
    EXPECT_EQ(score_age(column_of(kind, {Value::null(kind)})), 1.75f);
  }
  EXPECT_EQ(score_age(column_of(Kind::kDouble, {Value::real(30.49)})), 1.75f);
  EXPECT_EQ(score_age(column_of(Kind::kDouble, {Value::real(30.5)})), 2.75f);
  EXPECT_EQ(score_age(column_of(Kind::kFloat, {Value::single(30.5f)})), 2.75f);
  EXPECT_EQ(score_age(column_of(Kind::kDouble, {Value::real(NAN)})), 1.75f);
  EXPECT_EQ(score_age(column_of(Kind::kBool, {Value::boolean(true)})), 1.75f);
  EXPECT_EQ(score_age(column_of(Kind::kNull, {Value::null()})), 1.75f);
  const Type decimal = Type::decimal(4, 1);
  EXPECT_EQ(score_age(column_of(decimal, {Value::of_int(decimal, 304)})), 1.75f);
  EXPECT_EQ(score_age(column_of(decimal, {Value::of_int(decimal, 305)})), 2.75f);
}

TEST(BatchScorer, a_column_that_is_no_number_refuses_the_batch) {
  const auto owned = compile_and_open(tiny_model());
  Batch batch;
  batch.add_column("age", column_of(Kind::kVarchar, {Value::text("31")}));
  batch.add_column("income", column_of(Kind::kInt32, {Value::integer(1)}));
  auto map = FeatureMap::make(owned->model, batch.names());
  BatchScorer scorer(owned->model, *map);
  const auto status = scorer.score(batch);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text().find("age of the model is numeric; its column is VARCHAR"),
            std::string::npos)
      << status.error().text();
}

TEST(BatchScorer, a_wrong_row_is_refused_alone) {
  const auto owned = compile_and_open(read_vector("xgb-cat-strings/model.json"));
  const FlatModel& model = owned->model;
  Batch batch;
  for (uint32_t f = 0; f < model.features(); ++f) {
    Column column(model.categories(f) != 0 ? Kind::kVarchar : Kind::kDouble);
    for (int row = 0; row < 4; ++row) {
      if (model.categories(f) != 0) {
        column.append_text(row == 2 ? "nowhere" : model.category(f, 0));
      } else {
        column.append(Value::real(row == 1 ? INFINITY : 30.0 + f));
      }
    }
    batch.add_column(std::string(model.feature_name(f)), column);
  }
  auto map = FeatureMap::make(model, batch.names());
  BatchScorer scorer(model, *map);
  ASSERT_TRUE(scorer.score(batch));
  ASSERT_EQ(scorer.refused().size(), 2u);
  EXPECT_EQ(scorer.refused()[0].row, 1u);
  EXPECT_NE(scorer.refused()[0].reason.find("seniority is infinite"), std::string::npos);
  EXPECT_EQ(scorer.refused()[1].row, 2u);
  EXPECT_NE(scorer.refused()[1].reason.find("\"nowhere\" is not a category"), std::string::npos);
  EXPECT_EQ(scorer.prediction(0)[0], scorer.prediction(3)[0]);
  EXPECT_TRUE(std::isnan(scorer.prediction(1)[0]));
  EXPECT_TRUE(std::isnan(scorer.margin(2)[0]));

  Scratch scratch(model);
  std::vector<double> row(model.features()), margin(1);
  for (uint32_t f = 0; f < model.features(); ++f) {
    row[f] = model.categories(f) != 0 ? 0.0 : 30.0 + f;
  }
  ASSERT_TRUE(score_row(model, row, scratch, margin));
  EXPECT_EQ(margin[0], scorer.margin(0)[0]);
}

TEST(BatchScorer, an_empty_batch_has_no_answers) {
  const auto owned = compile_and_open(tiny_model());
  const auto batch = Batch::empty({{"age", Kind::kInt32}, {"income", Kind::kInt32}});
  auto map = FeatureMap::make(owned->model, batch.names());
  BatchScorer scorer(owned->model, *map);
  EXPECT_TRUE(scorer.score(batch));
  EXPECT_TRUE(scorer.refused().empty());
}

}  // namespace
}  // namespace tidemill::model
