// Branches: a task whose value names the children that go on.
#pragma once

#include <vector>

#include "flow/flow.h"
#include "flow/task_value.h"

namespace tidemill::run {

// The children of a branch that are skipped, given its value: a name, a list of names, or a row (or
// rows) whose only column, or the column `follow`, holds names. A name is a task or a group; null
// and an empty list skip all. A child that also comes after a chosen one, by whatever way, is not
// skipped (as Airflow's branches have it). `invalid` if a name is no child of the branch.
Result<std::vector<flow::TaskIndex>> not_chosen(const flow::Flow& flow, flow::TaskIndex branch,
                                                const flow::TaskValue& value);

}  // namespace tidemill::run
