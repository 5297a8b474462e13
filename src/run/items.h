// Lists of mapped tasks, and counts of what tasks need: shared by the machine and by restoring.
#pragma once

#include <vector>

#include "flow/scope.h"
#include "run/instance.h"

namespace tidemill::run {

// The items of a mapped task. `exhausted` if there are more than kMaxItems.
Result<std::vector<Json>> item_list(const Instance& run, const flow::Task& task,
                                    const flow::Scope& scope);

// Sets TaskNode::upstream of every task from the states of what it needs.
void recount(Instance& run);

}  // namespace tidemill::run
