// What a LightGBM objective means for scoring.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

struct LightgbmObjective {
  std::string_view name;
  Transform transform = Transform::kIdentity;
  double slope = 1;      // "sigmoid:2"
  uint32_t classes = 0;  // "num_class:3"
};

// "binary sigmoid:1". Refused: an objective or a word that is not known: the prediction would be a
// guess.
Result<LightgbmObjective> read_lightgbm_objective(std::string_view text);

}  // namespace tidemill::model
