// Every model of tests/vectors/models is scored; the answers are XGBoost's own.
#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "model/feature_map.h"
#include "model/json_row.h"
#include "model/model_testing.h"
#include "model/score.h"
#include "model/transform.h"

namespace tidemill::model {
namespace {

std::vector<std::string> model_folders() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(vector_path(""))) {
    if (entry.path().filename().string().starts_with("xgb"))
      names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_refused_by_name(const std::string& folder) {
  return folder.starts_with("xgb-gblinear") || folder == "xgb-vector-leaf";
}

std::vector<float> numbers(const Json& array) {
  std::vector<float> out;
  for (const auto& n : array.as_array()) out.push_back(static_cast<float>(n.as_double()));
  return out;
}

std::vector<uint32_t> bits(std::span<const float> values) {
  std::vector<uint32_t> out;
  for (const float v : values) out.push_back(std::bit_cast<uint32_t>(v));
  return out;
}

Iterations range_of(const std::string& text) {
  Iterations range;
  const size_t colon = text.find(':');
  std::from_chars(text.data(), text.data() + colon, range.begin);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), range.end);
  return range;
}

class Oracle : public testing::TestWithParam<std::string> {
 protected:
  void check_case(const OwnedModel& owned, const Json& c) {
    const FlatModel& model = owned.model;
    FeatureNames names(model);
    Scratch scratch(model);
    std::vector<float> row(model.features()), margins(model.outputs());
    ASSERT_TRUE(json_row_by_order(names, *c.find("x"), row));
    const auto status = score_row(model, row, scratch, margins);
    if (c.find("error") != nullptr) {
      EXPECT_FALSE(status);
      ++refused_;
      return;
    }
    ASSERT_TRUE(status);
    check_answers(model, c, margins);
    if (const Json* leaf = c.find("leaf")) {
      std::vector<uint32_t> leaves(model.trees());
      last_leaves(model, scratch, leaves);
      for (size_t i = 0; i < leaves.size(); ++i) EXPECT_EQ(leaf->as_array()[i].as_int(), leaves[i]);
    }
    const Json* ranges = c.find("ranges");
    if (ranges == nullptr) return;
    for (const auto& [range, expected] : ranges->as_object()) {
      ASSERT_TRUE(score_row(model, row, scratch, margins, range_of(range)));
      check_answers(model, expected, margins);
    }
  }

  void check_answers(const FlatModel& model, const Json& expected, std::span<const float> margins) {
    const auto margin = numbers(*expected.find("margin"));
    if (margin.size() == margins.size()) {  // softmax may give its class as the margin
      EXPECT_EQ(bits(margin), bits(margins));
      ++margins_;
    }
    std::vector<float> prediction(model.predictions());
    predict(model.transform(), margins, prediction);
    EXPECT_EQ(bits(numbers(*expected.find("prediction"))), bits(prediction));
  }

  int margins_ = 0, refused_ = 0;
};

TEST_P(Oracle, margins_predictions_and_leaves_have_the_trainers_bits) {
  const std::string file = read_vector(GetParam() + "/model.json");
  if (is_refused_by_name(GetParam())) {
    EXPECT_FALSE(compile_and_open(file));
    return;
  }
  const auto owned = compile_and_open(file);
  ASSERT_TRUE(owned) << owned.error().text();
  std::istringstream cases(read_vector(GetParam() + "/cases.jsonl"));
  for (std::string line; std::getline(cases, line);) {
    SCOPED_TRACE(line.substr(0, 60));
    const auto c = parse_json(line);
    ASSERT_TRUE(c);
    check_case(*owned, *c);
    if (HasFailure()) break;
  }
  EXPECT_GE(margins_, 41);
}

TEST_P(Oracle, rows_in_a_batch_get_what_they_get_alone) {
  if (is_refused_by_name(GetParam())) return;
  const auto owned = compile_and_open(read_vector(GetParam() + "/model.json"));
  ASSERT_TRUE(owned);
  const FlatModel& model = owned->model;
  FeatureNames names(model);
  std::vector<float> rows;
  std::istringstream cases(read_vector(GetParam() + "/cases.jsonl"));
  size_t count = 0;
  for (std::string line; std::getline(cases, line); ++count) {
    rows.resize(rows.size() + model.features());
    const auto c = parse_json(line);
    ASSERT_TRUE(json_row_by_order(names, *c->find("x"), std::span(rows).last(model.features())));
  }
  Scratch scratch(model);
  std::vector<float> margins(count * model.outputs()), alone(model.outputs());
  std::vector<uint8_t> refused(count);
  const size_t total = score_rows(model, rows, scratch, margins, refused);
  EXPECT_EQ(total, static_cast<size_t>(std::count(refused.begin(), refused.end(), 1)));
  for (size_t i = 0; i < count; ++i) {
    const auto row = std::span(rows).subspan(i * model.features(), model.features());
    ASSERT_EQ(refused[i] == 0, score_row(model, row, scratch, alone).has_value());
    if (refused[i] != 0) continue;
    EXPECT_EQ(bits(alone), bits(std::span(margins).subspan(i * model.outputs(), model.outputs())));
  }
}

INSTANTIATE_TEST_SUITE_P(Vectors, Oracle, testing::ValuesIn(model_folders()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace tidemill::model
