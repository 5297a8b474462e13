// Writes the flat form of a model (docs/formats/model.md).
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

// `source` is the trainer's file; its SHA-256 goes into the header. Equal input gives equal bytes.
// Pure; any thread.
Result<std::vector<std::byte>> write_flat(const Ensemble& ensemble, std::string_view source);

// Both steps: a trainer's file into the flat form. The format is recognised by content (source.h).
Result<std::vector<std::byte>> compile_model(std::string_view file);

}  // namespace tidemill::model
