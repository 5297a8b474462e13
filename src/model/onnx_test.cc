// Every ONNX model of tests/vectors/models is run; the answers are those of ONNX Runtime.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "base/json.h"
#include "model/model_testing.h"
#include "model/onnx_model.h"
#include "model/onnx_row.h"

namespace tidemill::model {
namespace {

std::vector<std::string> model_folders() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(vector_path(""))) {
    const std::string name = entry.path().filename();
    if (name.starts_with("onnx") && name != "onnx-node-matrix") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

double number(const Json& value) {
  if (value.is_null()) return std::nan("");
  if (!value.is_string()) return value.as_double();
  const double infinite = std::numeric_limits<double>::infinity();
  return value.as_string() == "inf" ? infinite : -infinite;
}

// Lists within lists are compared element by element.
void expect_near(const Json& expected, const Json& got) {
  if (expected.is_array()) {
    ASSERT_TRUE(got.is_array());
    ASSERT_EQ(expected.as_array().size(), got.as_array().size());
    for (size_t i = 0; i < expected.as_array().size(); ++i) {
      expect_near(expected.as_array()[i], got.as_array()[i]);
    }
    return;
  }
  const double wanted = number(expected), found = number(got);
  if (wanted == found || (std::isnan(wanted) && std::isnan(found))) return;
  EXPECT_NEAR(wanted, found, 2e-7 * (1 + 4 * std::fabs(wanted)));
}

void expect_answer(const OnnxModel& model, const Json& c) {
  const auto text = onnx_answer(model, *c.find("x"));
  ASSERT_TRUE(text) << text.error().text();
  const auto answer = parse_json(*text);
  ASSERT_TRUE(answer);
  for (const auto& [name, expected] : c.find("ort")->as_object()) {
    SCOPED_TRACE(name);
    ASSERT_NE(answer->find(name), nullptr);
    expect_near(expected, *answer->find(name));
  }
}

class OnnxOracle : public testing::TestWithParam<std::string> {};

TEST_P(OnnxOracle, outputs_are_those_of_onnx_runtime) {
  const auto model = OnnxModel::read(read_vector(GetParam() + "/model.onnx"));
  ASSERT_TRUE(model) << model.error().text();
  std::istringstream cases(read_vector(GetParam() + "/cases.jsonl"));
  size_t count = 0;
  for (std::string line; std::getline(cases, line) && !HasFailure(); ++count) {
    SCOPED_TRACE(line.substr(0, 60));
    expect_answer(*model, *parse_json(line));
  }
  EXPECT_GE(count, 56u);
}

INSTANTIATE_TEST_SUITE_P(Vectors, OnnxOracle, testing::ValuesIn(model_folders()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Every branch mode, aggregate and transform, with missing and infinite values; several rows a
// case.
TEST(Onnx, tree_ensembles_answer_like_onnx_runtime_in_every_mode) {
  std::istringstream cases(read_vector("onnx-node-matrix/cases.jsonl"));
  size_t count = 0;
  for (std::string line; std::getline(cases, line); ++count) {
    const auto c = parse_json(line, {.bytes = 1u << 20});
    ASSERT_TRUE(c);
    const std::string file(c->find("file")->as_string());
    SCOPED_TRACE(file);
    const auto model = OnnxModel::read(read_vector("onnx-node-matrix/" + file));
    ASSERT_TRUE(model) << model.error().text();
    expect_answer(*model, *c);
  }
  EXPECT_EQ(count, 29u);
}

std::string refusal(std::string_view file) {
  const auto model = OnnxModel::read(file);
  return model ? "" : model.error().text();
}

TEST(Onnx, every_hostile_file_is_refused_with_its_place) {
  const std::pair<const char*, const char*> files[] = {
      {"onnx-bad-mode", "BRANCH_MAYBE"},
      {"onnx-child-missing", "tree 0, node 0: its child 4242"},
      {"onnx-class-range", "class_ids has 99"},
      {"onnx-cycle", "not trees"},
      {"onnx-empty", "no graph"},
      {"onnx-feature-negative", "feature -3"},
      {"onnx-future-opset", "9999"},
      {"onnx-short-values", "58 entries, expected 59"},
      {"onnx-truncated", "byte 36"},
      {"onnx-unknown-op", "TreeEnsembleOracle"},
      {"onnx-varint", "byte 10"},
  };
  for (const auto& [name, part] : files) {
    const std::string text = refusal(read_vector(std::string("hostile/") + name + ".onnx"));
    EXPECT_NE(text.find(part), std::string::npos) << name << ": " << text;
  }
}

TEST(Onnx, a_file_that_is_cut_or_changed_is_an_error_and_never_a_fault) {
  for (const auto name : {"onnx-tree-clf/model.onnx", "onnx-mlp/model.onnx",
                          "onnx-columns-strings/model.onnx", "onnx-node-matrix/17.onnx"}) {
    const std::string file = read_vector(name);
    for (size_t at = 0; at < file.size(); at += 1 + at / 200) {
      static_cast<void>(refusal(std::string_view(file).substr(0, at)));
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] + 1 + static_cast<char>(at % 250));
      if (const auto model = OnnxModel::read(changed)) {
        static_cast<void>(onnx_answer(*model, *parse_json("[1, null, 0.5, -1]")));
      }
    }
  }
}

TEST(Onnx, a_row_that_does_not_fit_is_refused_alone) {
  const auto model = OnnxModel::read(read_vector("onnx-columns-strings/model.onnx"));
  ASSERT_TRUE(model);
  const auto unknown = onnx_answer(*model, *parse_json(R"({"agee":1})"));
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().text().find("nearest is \"age\""), std::string::npos);
  EXPECT_FALSE(onnx_answer(*model, *parse_json("[1,2]")));
  EXPECT_FALSE(onnx_answer(*model, *parse_json(R"({"age":"old"})")));
  EXPECT_TRUE(onnx_answer(*model, *parse_json(R"([30, 100, 500, 2, "rent", "fixed", "no"])")));
}

}  // namespace
}  // namespace tidemill::model
