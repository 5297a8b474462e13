#include "model/onnx_model.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "base/text.h"
#include "model/ensemble.h"
#include "model/onnx_ops.h"

namespace tidemill::model {

struct OnnxModel::Step {
  const OnnxOperator* op = nullptr;
  std::optional<OnnxTrees> trees;
};

namespace {

const OnnxOperator* find_operator(const OnnxNode& node) {
  for (const auto table : {onnx_ml_operators(), onnx_math_operators(), onnx_shape_operators()}) {
    for (const OnnxOperator& op : table) {
      if (op.name == node.op && op.domain == node.domain) return &op;
    }
  }
  return nullptr;
}

std::string place(size_t index, const OnnxNode& node) {
  return fmt::format("node {} ({} \"{}\")", index, printable(node.op, 40),
                     printable(node.name, 40));
}

}  // namespace

Result<OnnxModel> OnnxModel::read(std::string_view file) {
  OnnxModel model;
  TIDEMILL_TRY_LET(graph, read_onnx_graph(file));
  model.graph_ = std::make_shared<const OnnxGraph>(std::move(graph));
  TIDEMILL_TRY(model.prepare());
  TIDEMILL_TRY(model.try_row());
  return model;
}

Status OnnxModel::prepare() {
  std::vector<Step> steps;
  for (size_t i = 0; i < graph_->nodes.size(); ++i) {
    const OnnxNode& node = graph_->nodes[i];
    Step step;
    step.op = find_operator(node);
    if (step.op == nullptr) {
      return fail(Code::kInvalid,
                  fmt::format("{}: the operator {}{}{} is not run here; models that need it take "
                              "ONNX Runtime, which is not there",
                              place(i, node), printable(node.domain, 40),
                              node.domain.empty() ? "" : ".", printable(node.op, 40)));
    }
    if (node.inputs.size() < step.op->least_inputs || node.inputs.size() > step.op->most_inputs) {
      return fail(Code::kInvalid,
                  fmt::format("{} has {} inputs", place(i, node), node.inputs.size()));
    }
    if (node.op.starts_with("TreeEnsemble")) {
      auto trees = OnnxTrees::make(node);
      if (!trees) return fail(trees.error().in(place(i, node)));
      step.trees = std::move(*trees);
    }
    steps.push_back(std::move(step));
  }
  steps_ = std::make_shared<const std::vector<Step>>(std::move(steps));
  return {};
}

// A row of missing values: what fails for it other than by a value fails for every row.
Status OnnxModel::try_row() const {
  OnnxValues values;
  for (const OnnxInput& input : graph_->inputs) {
    if (input.width == 0) return fail(Code::kInvalid, "an input has no columns");
    if (input.width < 0) return {};  // any width may come
    OnnxTensor tensor{input.type, {1, input.width}, {}, {}};
    if (tensor.is_text()) {
      tensor.texts.resize(static_cast<size_t>(input.width));
    } else {
      tensor.numbers.assign(static_cast<size_t>(input.width), tensor.is_real() ? std::nan("") : 0);
    }
    values[input.name] = std::move(tensor);
  }
  const auto answer = run(std::move(values));
  if (answer || answer.error().code == Code::kNotFound) return {};
  return fail(answer.error());
}

Result<OnnxValues> OnnxModel::run(OnnxValues values) const {
  const auto find = [&](const std::string& name) -> const OnnxTensor* {
    if (const auto found = values.find(name); found != values.end()) return &found->second;
    const auto found = graph_->constants.find(name);
    return found == graph_->constants.end() ? nullptr : &found->second;
  };
  for (size_t i = 0; i < graph_->nodes.size(); ++i) {
    const OnnxNode& node = graph_->nodes[i];
    const Step& step = (*steps_)[i];
    OnnxCall call{node, step.trees ? &*step.trees : nullptr, {}};
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const OnnxTensor* in = find(node.inputs[k]);
      if (in == nullptr && (k < step.op->least_inputs || !node.inputs[k].empty())) {
        return fail(Code::kInvalid, fmt::format("{}: its input \"{}\" is missing", place(i, node),
                                                printable(node.inputs[k], 40)));
      }
      call.inputs.push_back(in);
    }
    if (auto status = step.op->run(call); !status) return fail(status.error().in(place(i, node)));
    if (call.outputs.size() < node.outputs.size()) {
      return fail(Code::kInvalid, fmt::format("{} has {} outputs, {} are wanted", place(i, node),
                                              call.outputs.size(), node.outputs.size()));
    }
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      values[node.outputs[k]] = std::move(call.outputs[k]);
    }
  }
  OnnxValues out;
  for (const std::string& name : graph_->outputs) {
    if (const OnnxTensor* tensor = find(name)) out[name] = *tensor;
  }
  return out;
}

}  // namespace tidemill::model
