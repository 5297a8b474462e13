// `model`: scores one row or many by feature name. Pure.
#pragma once

#include "task/model_store.h"
#include "task/work.h"

namespace tidemill::task {

// A table with the columns score (of one output) or score_0, score_1..., and margin likewise.
// A feature is `with`'s entry of its name, or else the column of that name of a needed task; a name
// that two of them have is refused. NULL is a missing value. `detail` gets the model's name and
// version.
Result<flow::TaskValuePtr> score(const ModelStore& models, const flow::BundleId& bundle,
                                 const flow::Task& task, const flow::Scope& scope, Json& detail);

}  // namespace tidemill::task
