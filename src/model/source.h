// Which trainer wrote a file, told by its content, never by its name; and the way to its reader.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

enum class SourceFormat {
  kXgboostJson,
  kXgboostUbjson,
  kLightgbmText,
  kCatboostJson,
  kCatboostBinary,
  kOnnx,
  kScorecardYaml,
  kScorecardCsv,
};

// Refused: what is none of them, with the way out where there is one (a pickle is a program).
Result<SourceFormat> recognise(std::string_view file);

// The file as an ensemble; refused for an ONNX graph, which onnx_model.h runs. Hostile until
// checked; errors name the place. Pure; any thread.
Result<Ensemble> read_model(std::string_view file);

}  // namespace tidemill::model
