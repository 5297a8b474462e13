#include "model/onnx_row.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/text.h"
#include "model/onnx_ops.h"

namespace tidemill::model {
namespace {

using Type = OnnxTensor::Type;

Status push_value(OnnxTensor& tensor, const Json& value) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (tensor.is_text()) {
    if (value.is_string()) {
      tensor.texts.emplace_back(value.as_string());
    } else if (value.is_number()) {
      tensor.texts.push_back(fmt::format("{}", value.as_double()));
    } else if (value.is_null()) {
      tensor.texts.emplace_back();
    } else {
      return fail(Code::kInvalid, fmt::format("expected a text, found {}", value.kind()));
    }
    return {};
  }
  double number = 0;
  if (value.is_number()) {
    number = value.as_double();
  } else if (value.is_bool()) {
    number = value.as_bool() ? 1 : 0;
  } else if (value.is_null() && tensor.is_real()) {
    number = std::nan("");
  } else if (value.is_string() && value.as_string() == "inf" && tensor.is_real()) {
    number = kInfinity;
  } else if (value.is_string() && value.as_string() == "-inf" && tensor.is_real()) {
    number = -kInfinity;
  } else {
    return fail(Code::kInvalid, fmt::format("expected a number, found {}", value.kind()));
  }
  tensor.numbers.push_back(onnx_rounded(tensor.type, number));
  return {};
}

Status check_width(const OnnxInput& input, const OnnxTensor& tensor) {
  if (input.width < 0 || tensor.size() == static_cast<size_t>(input.width)) return {};
  return fail(Code::kInvalid, fmt::format("input {} takes {} values, the row has {}", input.name,
                                          input.width, tensor.size()));
}

Result<OnnxValues> values_by_name(const OnnxModel& model, const Json& x) {
  OnnxValues values;
  for (const OnnxInput& input : model.inputs()) {
    const Json* value = x.find(input.name);
    OnnxTensor tensor{input.type, {1, 0}, {}, {}};
    if (value != nullptr && value->is_array()) {
      for (const Json& element : value->as_array()) TIDEMILL_TRY(push_value(tensor, element));
    } else {
      TIDEMILL_TRY(push_value(tensor, value == nullptr ? Json() : *value));
    }
    TIDEMILL_TRY(check_width(input, tensor));
    tensor.dims[1] = static_cast<int64_t>(tensor.size());
    values[input.name] = std::move(tensor);
  }
  for (const auto& [name, value] : x.as_object()) {
    if (values.contains(name)) continue;
    std::vector<std::string_view> known;
    for (const OnnxInput& input : model.inputs()) known.push_back(input.name);
    const std::string near = nearest_word(name, known);
    return fail(Code::kNotFound,
                fmt::format("the model has no input \"{}\"{}", printable(name, 60),
                            near.empty() ? "" : "; the nearest is \"" + near + "\""));
  }
  return values;
}

Result<OnnxValues> values_by_order(const OnnxModel& model, const Json& x) {
  OnnxValues values;
  const auto& row = x.as_array();
  size_t at = 0;
  for (size_t i = 0; i < model.inputs().size(); ++i) {
    const OnnxInput& input = model.inputs()[i];
    const bool is_last = i + 1 == model.inputs().size();
    const size_t width = is_last || input.width < 0 ? row.size() - std::min(at, row.size())
                                                    : static_cast<size_t>(input.width);
    OnnxTensor tensor{input.type, {1, static_cast<int64_t>(width)}, {}, {}};
    if (at > row.size() || width > row.size() - at) {
      return fail(Code::kInvalid, fmt::format("the row has {} values, too few for input {}",
                                              row.size(), input.name));
    }
    for (size_t k = 0; k < width; ++k) TIDEMILL_TRY(push_value(tensor, row[at + k]));
    at += width;
    TIDEMILL_TRY(check_width(input, tensor));
    values[input.name] = std::move(tensor);
  }
  return values;
}

Result<OnnxValues> run_row(const OnnxModel& model, const Json& x) {
  if (x.is_object()) {
    TIDEMILL_TRY_LET(values, values_by_name(model, x));
    return model.run(std::move(values));
  }
  if (!x.is_array()) {
    return fail(Code::kInvalid, fmt::format("a row is an array or an object, found {}", x.kind()));
  }
  TIDEMILL_TRY_LET(values, values_by_order(model, x));
  return model.run(std::move(values));
}

void append_element(std::string& out, const OnnxTensor& tensor, size_t at) {
  if (tensor.is_text()) return append_json_string(out, tensor.texts[at]);
  const double value = tensor.numbers[at];
  if (std::isnan(value)) {
    out += "null";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"inf\"" : "\"-inf\"";
  } else if (tensor.type == Type::kBool) {
    out += value != 0 ? "true" : "false";
  } else if (tensor.is_real() || tensor.type == Type::kMap) {
    out += tensor.type == Type::kDouble ? fmt::format("{}", value)
                                        : fmt::format("{}", static_cast<float>(value));
  } else {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<int64_t>(value));
  }
}

// The elements of one row, without its first dimension.
void append_tensor(std::string& out, const OnnxTensor& tensor) {
  if (tensor.type == Type::kMap) {
    out += '{';
    for (size_t i = 0; i < tensor.numbers.size(); ++i) {
      if (i != 0) out += ',';
      append_json_string(out, tensor.texts[i]);
      out += ':';
      append_element(out, tensor, i);
    }
    out += '}';
    return;
  }
  out += '[';
  for (size_t i = 0; i < tensor.size(); ++i) {
    if (i != 0) out += ',';
    append_element(out, tensor, i);
  }
  out += ']';
}

}  // namespace

Result<std::string> onnx_answer(const OnnxModel& model, const Json& x) {
  const bool is_many = x.is_array() && !x.as_array().empty() && x.as_array()[0].is_array();
  std::vector<OnnxValues> answers;
  if (!is_many) {
    TIDEMILL_TRY_LET(answer, run_row(model, x));
    answers.push_back(std::move(answer));
  } else {
    for (size_t i = 0; i < x.as_array().size(); ++i) {
      auto answer = run_row(model, x.as_array()[i]);
      if (!answer) return fail(answer.error().in(fmt::format("row {}", i)));
      answers.push_back(std::move(*answer));
    }
  }
  std::string out = "{";
  for (const std::string& name : model.outputs()) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    if (is_many) out += '[';
    for (size_t i = 0; i < answers.size(); ++i) {
      if (i != 0) out += ',';
      const OnnxTensor& tensor = answers[i][name];
      if (is_many && tensor.dims.size() < 2 && tensor.size() == 1) {
        append_element(out, tensor, 0);
      } else {
        append_tensor(out, tensor);
      }
    }
    if (is_many) out += ']';
  }
  return out + "}";
}

}  // namespace tidemill::model
