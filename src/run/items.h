// Lists of mapped tasks, and counts of what tasks need: shared by the machine and by restoring.
#pragma once

#include <vector>

#include "flow/scope.h"
#include "run/instance.h"

namespace tidemill::run {

// The items of a mapped task. `exhausted` if there are more than kMaxItems.
Result<std::vector<Json>> item_list(const Instance& run, const flow::Task& task,
                                    const flow::Scope& scope);

// Whether `task` stands in a mapped group: its items are judged one by one.
bool is_grouped(const flow::Flow& flow, const flow::Task& task);
// Whether both stand in one mapped group: item i needs item i.
bool is_inner_need(const flow::Flow& flow, const flow::Task& task, flow::TaskIndex need);

// Counts the end of a need (its index given) for `task`.
void count_end(Upstream& upstream, const flow::Flow& flow, const flow::Task& task,
               flow::TaskIndex need, TaskState state);
// Where the end of a whole need is counted for a task: with what its group needs, or its own.
Upstream& upstream_for(Instance& run, flow::TaskIndex task, flow::TaskIndex need);
// What an item of a task in a mapped group needs, in all.
Upstream item_upstream(const TaskNode& node, Item item);
// Sets TaskNode::of_items once the items are known.
void recount_items(Instance& run, TaskNode& node);

// Counts anew which items are released and have not ended; none is held. Whoever orders something
// about items that are under way changes their states one by one, and counts once.
void recount_active(TaskNode& node);

// Sets TaskNode::upstream of every task from the states of what it needs.
void recount(Instance& run);

}  // namespace tidemill::run
