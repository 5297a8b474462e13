// Reads models as CatBoost saves them: `model.save_model("m.json", format="json")` and CBM, its
// binary form.
//
// Read: oblivious and other trees, numeric features, one-hot categories, target statistics of
// single categories (max_ctr_complexity=1), several outputs. Refused by name: statistics of several
// features together, text and embedding features. The file is hostile until proven otherwise.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

// Pure; any thread. `file` is not kept.
Result<Ensemble> read_catboost_json(std::string_view file);
Result<Ensemble> read_catboost_binary(std::string_view file);

}  // namespace tidemill::model
