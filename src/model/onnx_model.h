// ONNX models that are run here: ai.onnx.ml as skl2onnx and onnxmltools write it, and the simple
// operators around it. Other operators are refused by name.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/onnx_graph.h"

namespace tidemill::model {

// Values of a run, by name.
using OnnxValues = std::map<std::string, OnnxTensor, std::less<>>;

class OnnxModel {
 public:
  // Refused: what read_onnx_graph refuses, unknown operators, attributes that make no sense, shapes
  // that do not fit. `file` is not kept. Pure.
  static Result<OnnxModel> read(std::string_view file);

  const std::vector<OnnxInput>& inputs() const { return graph_->inputs; }
  const std::vector<std::string>& outputs() const { return graph_->outputs; }
  size_t nodes() const { return graph_->nodes.size(); }

  // One row: every input with its first dimension 1. The answer has each output. Immutable, any
  // thread; it allocates.
  Result<OnnxValues> run(OnnxValues inputs) const;

 private:
  struct Step;
  OnnxModel() = default;
  Status prepare();
  Status try_row() const;
  std::shared_ptr<const OnnxGraph> graph_;
  std::shared_ptr<const std::vector<Step>> steps_;
};

}  // namespace tidemill::model
