// Rows of an ONNX model as JSON, and its answers.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "model/onnx_model.h"

namespace tidemill::model {

// `x` is an array with the columns of the inputs, one after another; or an object with a value, or
// an array of them, for each input; or an array of such arrays: several rows, run one by one.
// null is a missing value, "inf" infinite. The answer is {"output": [...], ...}; of several rows,
// an array of rows for each output. Numbers are shortest decimals of their type.
Result<std::string> onnx_answer(const OnnxModel& model, const Json& x);

}  // namespace tidemill::model
