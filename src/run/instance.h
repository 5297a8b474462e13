// One open run in memory: its rows, and what of the graph is still to do. Made and changed by the
// machine only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/flow.h"
#include "flow/task_value.h"
#include "run/rows.h"
#include "run/rules.h"

namespace tidemill::run {

// A task of the run, or one item of a mapped task.
struct Node {
  TaskRow row;
  flow::TaskValuePtr value;
  bool has_row = false;  // the store has a TaskRow of it, which wins over the chains
  Error stopping;        // why a running attempt was told to stop; no message: it was not
  bool is_final() const { return run::is_final(row.state); }
};

// A task with its items.
struct TaskNode {
  Node whole;
  std::vector<Node> items;  // of a mapped task, once its list is known
  std::vector<Json> list;   // the item values
  int32_t open_items = 0;
  int32_t active_items = 0;        // released and not ended: what max_items_running limits
  std::deque<int32_t> held_items;  // may run by their rule, and wait for that limit
  Upstream upstream;               // of a task in a mapped group: of what the group needs
  Upstream outer;                  // in a mapped group: of its needs outside the group
  std::vector<Upstream> of_items;  // in a mapped group: of its needs within, by item
  Attempt last_attempt;            // of items that a shorter list no longer has
  bool is_mapped() const { return whole.row.width >= 0; }
};

struct Instance {
  std::shared_ptr<const flow::Flow> flow;
  RunRow row;
  std::vector<TaskNode> tasks;
  int32_t open_tasks = 0;  // not final
  int32_t chains = 0;      // chain rows so far
  bool is_cancelling = false;
  bool is_paused = false;  // nothing new starts; kept beside the run's rows

  TaskNode& task(flow::TaskIndex index) { return tasks[static_cast<size_t>(index.value)]; }
  const TaskNode& task(flow::TaskIndex index) const {
    return tasks[static_cast<size_t>(index.value)];
  }
  // Not if its list was made anew and is shorter: late news of an item may still come.
  bool has_item(flow::TaskIndex index, Item item) const {
    return item == kWhole || static_cast<size_t>(item.value) < task(index).items.size();
  }
  Node& node(flow::TaskIndex index, Item item) {
    TaskNode& task_node = task(index);
    return item == kWhole ? task_node.whole : task_node.items[static_cast<size_t>(item.value)];
  }
  const Node& node(flow::TaskIndex index, Item item) const {
    return const_cast<Instance*>(this)->node(index, item);
  }
};

// Everything in the store about one run.
struct StoredRun {
  RunRow row;
  std::vector<TaskRow> tasks;
  std::vector<ChainRow> chains;
};

}  // namespace tidemill::run
