// Reads a model as XGBoost saves it in JSON (`booster.save_model("model.json")`, 1.0 to 3.x).
//
// The file is hostile until proven otherwise: every length, index and number is checked before it
// is used, and a refusal says what was found and where ("tree 3, node 17: ..."). Memory stays below
// 4 bytes for each byte of the file and some MiB.
//
// Read: boosters gbtree and dart, numeric and categorical splits, category names, several outputs,
// parallel trees, the objectives of xgboost_objective.cc. Refused by name: gblinear, vector leaves,
// other objectives, other formats (UBJSON, pickle...).
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

// Pure; any thread. `file` is not kept.
Result<Ensemble> read_xgboost_json(std::string_view file);

}  // namespace tidemill::model
