// The operators of ONNX that are run here, as a table. Private to onnx_model.cc and the files of
// operators.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/onnx_graph.h"
#include "model/onnx_tree.h"

namespace tidemill::model {

struct OnnxCall {
  const OnnxNode& node;
  const OnnxTrees* trees;                 // of tree ensembles
  std::vector<const OnnxTensor*> inputs;  // null: left out
  std::vector<OnnxTensor> outputs = {};   // filled by the operator
};

struct OnnxOperator {
  std::string_view domain, name;
  size_t least_inputs, most_inputs;
  Status (*run)(OnnxCall& call);
};

std::span<const OnnxOperator> onnx_math_operators();   // ai.onnx: one number at a time
std::span<const OnnxOperator> onnx_shape_operators();  // ai.onnx: where numbers stand
std::span<const OnnxOperator> onnx_ml_operators();     // ai.onnx.ml

// A number as the type holds it.
double onnx_rounded(OnnxTensor::Type type, double value);
// An axis, counted from the end if negative.
Result<size_t> onnx_axis(int64_t axis, size_t rank);
// Rows of the last dimension: how many, and how wide.
struct OnnxRows {
  size_t rows, width;
};
OnnxRows onnx_rows(const OnnxTensor& tensor);

}  // namespace tidemill::model
