#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "model/onnx_ops.h"

namespace tidemill::model {
namespace {

using Type = OnnxTensor::Type;

const std::vector<double>& reals(const OnnxNode& node, std::string_view name) {
  static const std::vector<double> kNone;
  const OnnxAttribute* found = node.find(name);
  return found == nullptr ? kNone : found->reals;
}

const std::vector<std::string>& texts(const OnnxNode& node, std::string_view name) {
  static const std::vector<std::string> kNone;
  const OnnxAttribute* found = node.find(name);
  return found == nullptr ? kNone : found->texts;
}

std::vector<double> wholes(const OnnxNode& node, std::string_view name) {
  std::vector<double> out;
  if (const OnnxAttribute* found = node.find(name)) {
    for (const int64_t v : found->integers) out.push_back(static_cast<double>(v));
  }
  return out;
}

Status check_numbers(const OnnxTensor& tensor) {
  if (!tensor.is_text() && tensor.type != Type::kMap) return {};
  return fail(Code::kInvalid, "it takes numbers, not texts");
}

// One number for each column, or one for all.
Result<double> of_column(const std::vector<double>& list, size_t column, size_t width,
                         std::string_view name) {
  if (list.size() == 1) return list[0];
  if (list.size() == width) return list[column];
  return fail(Code::kInvalid,
              fmt::format("{} has {} entries; the rows have {} columns", name, list.size(), width));
}

Status scaler(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(out));
  out.type = Type::kFloat;
  const size_t width = onnx_rows(out).width;
  for (size_t i = 0; i < out.numbers.size(); ++i) {
    TIDEMILL_TRY_LET(offset, of_column(reals(call.node, "offset"), i % width, width, "offset"));
    TIDEMILL_TRY_LET(scale, of_column(reals(call.node, "scale"), i % width, width, "scale"));
    const auto moved = static_cast<float>(out.numbers[i]) - static_cast<float>(offset);
    out.numbers[i] = static_cast<double>(moved * static_cast<float>(scale));
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status imputer(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(out));
  const size_t width = onnx_rows(out).width;
  const bool is_whole = !wholes(call.node, "imputed_value_int64s").empty();
  const auto values = is_whole ? wholes(call.node, "imputed_value_int64s")
                               : reals(call.node, "imputed_value_floats");
  const OnnxAttribute* replaced = call.node.find("replaced_value_float");
  const double wanted = is_whole ? static_cast<double>(call.node.integer("replaced_value_int64", 0))
                        : replaced == nullptr ? 0
                                              : replaced->real;
  for (size_t i = 0; i < out.numbers.size(); ++i) {
    const double v = out.numbers[i];
    if (v != wanted && !(std::isnan(v) && std::isnan(wanted))) continue;
    TIDEMILL_TRY_LET(value, of_column(values, i % width, width, "imputed_value"));
    out.numbers[i] = value;
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status normalizer(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(out));
  out.type = Type::kFloat;
  const std::string_view norm = call.node.text("norm", "MAX");
  if (norm != "MAX" && norm != "L1" && norm != "L2") {
    return fail(Code::kInvalid, fmt::format("norm \"{}\" is not known", printable(norm, 40)));
  }
  const auto [rows, width] = onnx_rows(out);
  for (size_t row = 0; row < rows; ++row) {
    double* const v = out.numbers.data() + row * width;
    float size = norm == "MAX" ? static_cast<float>(*std::max_element(v, v + width)) : 0;
    for (size_t i = 0; i < width; ++i) {
      const auto x = static_cast<float>(v[i]);
      if (norm == "L1") size += std::fabs(x);
      if (norm == "L2") size += x * x;
    }
    if (norm == "L2") size = std::sqrt(size);
    if (size == 0) continue;
    for (size_t i = 0; i < width; ++i) {
      v[i] = static_cast<double>(static_cast<float>(v[i]) / size);
    }
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status binarizer(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(out));
  const OnnxAttribute* threshold = call.node.find("threshold");
  const double limit = threshold == nullptr ? 0 : threshold->real;
  for (double& v : out.numbers) v = v > limit ? 1 : 0;
  call.outputs.push_back(std::move(out));
  return {};
}

Status one_hot(OnnxCall& call) {
  const OnnxTensor& in = *call.inputs[0];
  const auto& names = texts(call.node, "cats_strings");
  const auto codes = wholes(call.node, "cats_int64s");
  const size_t count = in.is_text() ? names.size() : codes.size();
  if (count == 0)
    return fail(Code::kInvalid, "OneHotEncoder has no categories of its input's type");
  OnnxTensor out{Type::kFloat, in.dims, {}, {}};
  out.dims.push_back(static_cast<int64_t>(count));
  TIDEMILL_TRY(onnx_elements(out.dims).map([](size_t) {}));
  for (size_t i = 0; i < in.size(); ++i) {
    size_t found = 0;
    if (in.is_text()) {
      found =
          static_cast<size_t>(std::find(names.begin(), names.end(), in.texts[i]) - names.begin());
    } else {
      const double code = std::trunc(in.numbers[i]);
      found = static_cast<size_t>(std::find(codes.begin(), codes.end(), code) - codes.begin());
    }
    if (found == count && call.node.integer("zeros", 1) == 0) {
      return fail(Code::kNotFound, "OneHotEncoder: a category is not known");
    }
    for (size_t k = 0; k < count; ++k) out.numbers.push_back(k == found ? 1 : 0);
  }
  call.outputs.push_back(std::move(out));
  return {};
}

// What LabelEncoder and CategoryMapper look up: keys, values, and a value for all others.
struct Lookup {
  std::vector<double> keys, values;
  std::vector<std::string> text_keys, text_values;
  double otherwise = 0;
  std::string text_otherwise;
  Type type = Type::kInt64;  // of the values
};

Status look_up(const Lookup& table, OnnxCall& call) {
  const OnnxTensor& in = *call.inputs[0];
  const bool gives_text = table.type == Type::kText;
  const size_t keys = in.is_text() ? table.text_keys.size() : table.keys.size();
  const size_t values = gives_text ? table.text_values.size() : table.values.size();
  if (keys != values) {
    return fail(Code::kInvalid,
                fmt::format("{} keys of the input's type and {} values", keys, values));
  }
  OnnxTensor out{table.type, in.dims, {}, {}};
  for (size_t i = 0; i < in.size(); ++i) {
    size_t at = 0;
    for (; at < keys; ++at) {
      if (in.is_text() ? table.text_keys[at] == in.texts[i]
                       : table.keys[at] == in.numbers[i] ||
                             (std::isnan(table.keys[at]) && std::isnan(in.numbers[i]))) {
        break;
      }
    }
    if (gives_text) {
      out.texts.push_back(at < keys ? table.text_values[at] : table.text_otherwise);
    } else {
      out.numbers.push_back(at < keys ? table.values[at] : table.otherwise);
    }
  }
  call.outputs.push_back(std::move(out));
  return {};
}

double real_or(const OnnxNode& node, std::string_view name, double otherwise) {
  const OnnxAttribute* found = node.find(name);
  return found == nullptr ? otherwise : found->real;
}

// The first version numbers its classes; the later ones have keys and values.
Status label_encoder(OnnxCall& call) {
  const OnnxNode& node = call.node;
  Lookup table;
  table.text_otherwise = node.text("default_string", "_Unused");
  table.otherwise = static_cast<double>(node.integer("default_int64", -1));
  if (const auto& classes = texts(node, "classes_strings"); !classes.empty()) {
    std::vector<double> places(classes.size());
    for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<double>(i);
    table.keys = table.values = places;
    table.text_keys = table.text_values = classes;
    table.type = call.inputs[0]->is_text() ? Type::kInt64 : Type::kText;
    return look_up(table, call);
  }
  table.text_keys = texts(node, "keys_strings");
  table.keys = wholes(node, "keys_int64s");
  if (table.keys.empty()) table.keys = reals(node, "keys_floats");
  table.text_values = texts(node, "values_strings");
  table.values = wholes(node, "values_int64s");
  if (!table.text_values.empty()) table.type = Type::kText;
  if (const auto& floats = reals(node, "values_floats"); !floats.empty()) {
    table.values = floats;
    table.type = Type::kFloat;
    table.otherwise = real_or(node, "default_float", -0.0);
  }
  for (const auto& [name, keys, values] :
       {std::tuple("keys_tensor", &table.keys, &table.text_keys),
        std::tuple("values_tensor", &table.values, &table.text_values)}) {
    const OnnxAttribute* tensor = node.find(name);
    if (tensor == nullptr || tensor->tensor.type == Type::kNone) continue;
    *keys = tensor->tensor.numbers;
    *values = tensor->tensor.texts;
    if (std::string_view(name) == "values_tensor") table.type = tensor->tensor.type;
  }
  if (const OnnxAttribute* tensor = node.find("default_tensor");
      tensor != nullptr && tensor->tensor.size() == 1) {
    if (tensor->tensor.is_text()) table.text_otherwise = tensor->tensor.texts[0];
    if (!tensor->tensor.is_text()) table.otherwise = tensor->tensor.numbers[0];
  }
  return look_up(table, call);
}

Status category_mapper(OnnxCall& call) {
  Lookup table;
  table.keys = table.values = wholes(call.node, "cats_int64s");
  table.text_keys = table.text_values = texts(call.node, "cats_strings");
  table.otherwise = static_cast<double>(call.node.integer("default_int64", -1));
  table.text_otherwise = call.node.text("default_string", "_Unused");
  table.type = call.inputs[0]->is_text() ? Type::kInt64 : Type::kText;
  return look_up(table, call);
}

Status extract(OnnxCall& call) {
  const OnnxTensor &in = *call.inputs[0], &places = *call.inputs[1];
  const auto [rows, width] = onnx_rows(in);
  if (places.is_text() || places.numbers.empty()) {
    return fail(Code::kInvalid, "ArrayFeatureExtractor has no places");
  }
  OnnxTensor out{in.type, in.dims, {}, {}};
  if (out.dims.size() < 2) out.dims = {1, 1};
  out.dims.back() = static_cast<int64_t>(places.numbers.size());
  for (size_t row = 0; row < rows; ++row) {
    for (const double place : places.numbers) {
      if (!(place >= 0 && place < static_cast<double>(width))) {
        return fail(Code::kInvalid,
                    fmt::format("ArrayFeatureExtractor of place {}, of {}", place, width));
      }
      const size_t at = row * width + static_cast<size_t>(place);
      if (in.is_text()) {
        out.texts.push_back(in.texts[at]);
      } else {
        out.numbers.push_back(in.numbers[at]);
      }
    }
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status feature_vectorizer(OnnxCall& call) {
  OnnxTensor out{Type::kFloat, {1, 0}, {}, {}};
  for (const OnnxTensor* in : call.inputs) {
    TIDEMILL_TRY(check_numbers(*in));
    if (onnx_rows(*in).rows != 1) return fail(Code::kInvalid, "FeatureVectorizer takes one row");
    for (const double v : in->numbers) out.numbers.push_back(onnx_rounded(Type::kFloat, v));
  }
  out.dims[1] = static_cast<int64_t>(out.numbers.size());
  call.outputs.push_back(std::move(out));
  return {};
}

// Scores of one row: rows of coefficients, then the intercepts.
Result<std::vector<double>> linear(const OnnxCall& call, size_t targets) {
  const OnnxTensor& in = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(in));
  const auto& coefficients = reals(call.node, "coefficients");
  const auto& intercepts = reals(call.node, "intercepts");
  const auto [rows, width] = onnx_rows(in);
  if (rows != 1 || targets == 0 || coefficients.size() != targets * width ||
      (!intercepts.empty() && intercepts.size() != targets)) {
    return fail(Code::kInvalid,
                fmt::format("{} coefficients and {} intercepts; {} outputs of {} columns",
                            coefficients.size(), intercepts.size(), targets, width));
  }
  std::vector<double> scores;
  for (size_t k = 0; k < targets; ++k) {
    double sum = 0;
    for (size_t j = 0; j < width; ++j) sum += in.numbers[j] * coefficients[k * width + j];
    if (!intercepts.empty()) sum += intercepts[k];
    scores.push_back(onnx_rounded(Type::kFloat, sum));
  }
  return scores;
}

// The label in place `place` of the labels, in one element.
Status push_label(OnnxCall& call, const OnnxTensor& labels, size_t place) {
  if (place >= labels.size()) return fail(Code::kInvalid, "a class has no label");
  OnnxTensor label{labels.type, {1}, {}, {}};
  if (labels.is_text()) label.texts = {labels.texts[place]};
  if (!labels.is_text()) label.numbers = {labels.numbers[place]};
  call.outputs.push_back(std::move(label));
  return {};
}

Status linear_classifier(OnnxCall& call) {
  OnnxTensor labels;
  labels.texts = texts(call.node, "classlabels_strings");
  labels.type = labels.texts.empty() ? Type::kInt64 : Type::kText;
  if (labels.texts.empty()) labels.numbers = wholes(call.node, "classlabels_ints");
  const auto& intercepts = reals(call.node, "intercepts");
  const size_t targets = intercepts.empty() ? labels.size() : intercepts.size();
  TIDEMILL_TRY_LET(post, onnx_post(call.node.text("post_transform", "NONE")));
  TIDEMILL_TRY_LET(scores, linear(call, targets));
  size_t label = 0;
  if (scores.size() == 1 && labels.size() == 2) {
    label = scores[0] > 0 ? 1 : 0;
    scores = post == OnnxPost::kLogistic ? std::vector<double>{-scores[0], scores[0]}
                                         : std::vector<double>{1 - scores[0], scores[0]};
  } else {
    label = static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  }
  if (post == OnnxPost::kLogistic) {
    for (double& s : scores) s = onnx_rounded(Type::kFloat, 1 / (1 + std::exp(-s)));
  } else {
    apply_onnx_post(post, scores);
  }
  TIDEMILL_TRY(push_label(call, labels, label));
  call.outputs.push_back({Type::kFloat, {1, static_cast<int64_t>(scores.size())}, scores, {}});
  return {};
}

Status linear_regressor(OnnxCall& call) {
  const int64_t targets = call.node.integer("targets", 1);
  if (targets < 1 || targets > 10'000)
    return fail(Code::kInvalid, "LinearRegressor has no targets");
  TIDEMILL_TRY_LET(post, onnx_post(call.node.text("post_transform", "NONE")));
  TIDEMILL_TRY_LET(scores, linear(call, static_cast<size_t>(targets)));
  apply_onnx_post(post, scores);
  call.outputs.push_back({Type::kFloat, {1, targets}, scores, {}});
  return {};
}

Status tree_ensemble(OnnxCall& call) {
  const OnnxTensor& in = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(in));
  if (onnx_rows(in).rows != 1) return fail(Code::kInvalid, "a tree ensemble takes one row here");
  std::vector<double> scores;
  size_t label = 0;
  TIDEMILL_TRY(call.trees->score(in.numbers, scores, label));
  const Type type =
      in.type == Type::kDouble && !call.trees->is_classifier() ? Type::kDouble : Type::kFloat;
  OnnxTensor out{type, {1, static_cast<int64_t>(scores.size())}, std::move(scores), {}};
  if (call.trees->is_classifier()) TIDEMILL_TRY(push_label(call, call.trees->labels(), label));
  call.outputs.push_back(std::move(out));
  return {};
}

Status zip_map(OnnxCall& call) {
  const OnnxTensor& in = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(in));
  OnnxTensor out{Type::kMap, in.dims, in.numbers, texts(call.node, "classlabels_strings")};
  if (out.texts.empty()) {
    for (const double label : wholes(call.node, "classlabels_int64s")) {
      out.texts.push_back(fmt::format("{}", static_cast<int64_t>(label)));
    }
  }
  if (out.texts.size() != out.numbers.size()) {
    return fail(Code::kInvalid, fmt::format("ZipMap has {} labels for {} numbers", out.texts.size(),
                                            out.numbers.size()));
  }
  call.outputs.push_back(std::move(out));
  return {};
}

constexpr std::string_view kMl = "ai.onnx.ml";
constexpr OnnxOperator kOperators[] = {
    {kMl, "ArrayFeatureExtractor", 2, 2, extract},
    {kMl, "Binarizer", 1, 1, binarizer},
    {kMl, "CategoryMapper", 1, 1, category_mapper},
    {kMl, "FeatureVectorizer", 1, 100000, feature_vectorizer},
    {kMl, "Imputer", 1, 1, imputer},
    {kMl, "LabelEncoder", 1, 1, label_encoder},
    {kMl, "LinearClassifier", 1, 1, linear_classifier},
    {kMl, "LinearRegressor", 1, 1, linear_regressor},
    {kMl, "Normalizer", 1, 1, normalizer},
    {kMl, "OneHotEncoder", 1, 1, one_hot},
    {kMl, "Scaler", 1, 1, scaler},
    {kMl, "TreeEnsemble", 1, 1, tree_ensemble},
    {kMl, "TreeEnsembleClassifier", 1, 1, tree_ensemble},
    {kMl, "TreeEnsembleRegressor", 1, 1, tree_ensemble},
    {kMl, "ZipMap", 1, 1, zip_map},
};

}  // namespace

std::span<const OnnxOperator> onnx_ml_operators() { return kOperators; }

}  // namespace tidemill::model
