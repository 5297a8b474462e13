// What an XGBoost objective means for scoring: where the margin starts and how it becomes a
// prediction.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ensemble.h"

namespace tidemill::model {

struct XgboostObjective {
  std::string_view name;
  Transform transform;
  enum class Base { kAsIs, kLogit, kLog } base;
  enum class Outputs { kAny, kClasses } outputs;  // kClasses: num_class must be given
};

// Refused if the objective is not known: its transform would be a guess.
Result<XgboostObjective> find_xgboost_objective(std::string_view name);

// The margins that sums start from. `base_score` is the text of the file: "5E-1", "[3E-1]" or
// "[a,b,c]"; one number stands for all outputs.
Result<std::vector<double>> xgboost_base_margins(const XgboostObjective& objective,
                                                 std::string_view base_score, size_t outputs);

}  // namespace tidemill::model
