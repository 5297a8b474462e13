// Reads a model as LightGBM saves it (`booster.save_model("model.txt")`, versions v2 to v4).
//
// Read: numeric and categorical splits, the three kinds of missing values, linear trees, several
// classes, random forests, the objectives of lightgbm_objective.cc, categories of a pandas frame by
// their text. The file is hostile until proven otherwise; a refusal names the line.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

// Pure; any thread. `file` is not kept.
Result<Ensemble> read_lightgbm(std::string_view file);

}  // namespace tidemill::model
