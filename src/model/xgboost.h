// Reads a model as XGBoost saves it in JSON or UBJSON (`booster.save_model("model.ubj")`, 1.0
// to 3.x).
//
// The file is hostile until proven otherwise: every length, index and number is checked before it
// is used, and a refusal says what was found and where ("tree 3, node 17: ..."). Memory stays below
// 4 bytes for each byte of the file and some MiB.
//
// Read: boosters gbtree, dart and gblinear, numeric and categorical splits, category names, several
// outputs, vector leaves, parallel trees, the objectives of xgboost_objective.cc. Others are
// refused by name.
#pragma once

#include "base/result.h"
#include "model/document_reader.h"
#include "model/ensemble.h"

namespace tidemill::model {

// Pure; any thread. The reader stands before the document and is left at its end.
Result<Ensemble> read_xgboost(DocumentReader& reader);

}  // namespace tidemill::model
