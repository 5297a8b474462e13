// Every model of tests/vectors/models is scored; the answers are those of the library that trained
// it.
#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "base/json.h"
#include "model/feature_map.h"
#include "model/json_row.h"
#include "model/model_testing.h"
#include "model/score.h"

namespace tidemill::model {
namespace {

// "xgb-dart/model.json" and so on.
std::vector<std::string> model_files() {
  std::vector<std::string> names;
  for (const auto& folder : std::filesystem::directory_iterator(vector_path(""))) {
    const std::string name = folder.path().filename();
    if (!folder.is_directory() || name == "hostile" || name.starts_with("onnx")) continue;
    for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
      const std::string file_name = file.path().filename();
      if (file_name.starts_with("model.")) names.push_back(name + "/" + file_name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string cases_of(const std::string& file) {
  return read_vector(file.substr(0, file.find('/')) + "/cases.jsonl");
}

double number(const Json& value) {
  if (value.is_null()) return std::nan("");
  if (!value.is_string()) return value.as_double();
  const double infinite = std::numeric_limits<double>::infinity();
  return value.as_string() == "inf" ? infinite : -infinite;
}

std::vector<double> numbers(const Json& array) {
  std::vector<double> out;
  for (const auto& n : array.as_array()) out.push_back(number(n));
  return out;
}

// Equal bits, or both no number. Expected float32 results are written as their shortest decimals.
void expect_same(std::span<const double> expected, std::span<const double> got, bool is_float32) {
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(expected[i]) && std::isnan(got[i])) continue;
    const double wanted =
        is_float32 ? static_cast<double>(static_cast<float>(expected[i])) : expected[i];
    EXPECT_EQ(wanted, got[i]);
  }
}

void expect_near(std::span<const double> expected, std::span<const double> got) {
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (expected[i] == got[i] || (std::isnan(expected[i]) && std::isnan(got[i]))) continue;
    EXPECT_LE(std::fabs(expected[i] - got[i]), 1e-15 * (1 + std::fabs(expected[i])));
  }
}

std::vector<uint64_t> bits(std::span<const double> values) {
  std::vector<uint64_t> out;
  for (const double v : values) out.push_back(std::bit_cast<uint64_t>(v));
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
    std::vector<double> row(model.features()), margins(model.outputs());
    ASSERT_TRUE(json_row_by_order(names, *c.find("x"), row));
    const auto status = score_row(model, row, scratch, margins);
    if (c.find("error") != nullptr) {
      EXPECT_FALSE(status);
      ++refused_;
      return;
    }
    ASSERT_TRUE(status);
    check_answers(model, c, margins, scratch, {});
    if (const Json* leaf = c.find("leaf")) {
      std::vector<uint32_t> leaves(model.trees());
      last_leaves(model, scratch, leaves);
      for (size_t i = 0; i < leaves.size(); ++i) EXPECT_EQ(leaf->as_array()[i].as_int(), leaves[i]);
    }
    const Json* ranges = c.find("ranges");
    if (ranges == nullptr) return;
    for (const auto& [range, expected] : ranges->as_object()) {
      ASSERT_TRUE(score_row(model, row, scratch, margins, range_of(range)));
      check_answers(model, expected, margins, scratch, range_of(range));
    }
  }

  void check_answers(const FlatModel& model, const Json& expected, std::span<const double> margins,
                     Scratch& scratch, Iterations iterations) {
    const auto margin = numbers(*expected.find("margin"));
    if (margin.size() == margins.size()) {  // softmax may give its class as the margin
      expect_same(margin, margins, model.is_float32());
      ++margins_;
    }
    std::vector<double> prediction(model.predictions());
    predict(model, margins, scratch, prediction, iterations);
    const auto wanted = numbers(*expected.find("prediction"));
    if (model.is_float32()) {
      expect_same(wanted, prediction, true);
    } else {
      expect_near(wanted, prediction);
    }
  }

  int margins_ = 0, refused_ = 0;
};

TEST_P(Oracle, margins_predictions_and_leaves_have_the_trainers_bits) {
  const auto owned = compile_and_open(read_vector(GetParam()));
  ASSERT_TRUE(owned) << owned.error().text();
  std::istringstream cases(cases_of(GetParam()));
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
  const auto owned = compile_and_open(read_vector(GetParam()));
  ASSERT_TRUE(owned);
  const FlatModel& model = owned->model;
  FeatureNames names(model);
  std::vector<double> rows;
  std::istringstream cases(cases_of(GetParam()));
  size_t count = 0;
  for (std::string line; std::getline(cases, line); ++count) {
    rows.resize(rows.size() + model.features());
    const auto c = parse_json(line);
    ASSERT_TRUE(json_row_by_order(names, *c->find("x"), std::span(rows).last(model.features())));
  }
  Scratch scratch(model);
  std::vector<double> margins(count * model.outputs()), alone(model.outputs());
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

INSTANTIATE_TEST_SUITE_P(Vectors, Oracle, testing::ValuesIn(model_files()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

}  // namespace
}  // namespace tidemill::model
