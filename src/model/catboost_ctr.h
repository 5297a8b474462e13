// Target statistics of CatBoost models: what number a category stands for.
#pragma once

#include <cstdint>
#include <map>

#include "base/result.h"
#include "model/catboost_model.h"

namespace tidemill::model {

struct CatboostCtrValues {
  std::map<uint32_t, float> by_hash;  // of the category's text
  float of_others = 0;                // categories that training did not see
};

// Refused: counts that do not fit the type.
Result<CatboostCtrValues> catboost_ctr_values(const CatboostCtr& ctr,
                                              const CatboostCtrTable& table);

// A table knows a category by a hash of its hash; this is the way back.
uint32_t category_of_ctr_hash(uint64_t hash);
uint64_t ctr_hash_of_category(uint32_t hash);

}  // namespace tidemill::model
