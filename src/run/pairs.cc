#include "run/pairs.h"

namespace tidemill::run {
namespace {

size_t at(flow::TaskIndex index) { return static_cast<size_t>(index.value); }

// All that comes after (by children) or before (by needs) the given tasks.
std::vector<bool> reach(const flow::Flow& flow, std::vector<flow::TaskIndex> todo,
                        std::vector<flow::TaskIndex> flow::Task::* edges) {
  std::vector<bool> found(flow.tasks.size(), false);
  while (!todo.empty()) {
    flow::TaskIndex const index = todo.back();
    todo.pop_back();
    for (flow::TaskIndex next : flow.task(index).*edges) {
      if (found[at(next)]) continue;
      found[at(next)] = true;
      todo.push_back(next);
    }
  }
  return found;
}

// Whether the pair must be done again, and was not to be so far.
bool add_pair(const flow::Flow& flow, flow::TaskIndex teardown, std::vector<bool>& again) {
  const flow::Task& task = flow.task(teardown);
  std::vector<bool> const after = reach(flow, task.setups, &flow::Task::children);
  std::vector<bool> const before = reach(flow, {teardown}, &flow::Task::needs);
  bool is_needed = false;
  for (flow::TaskIndex setup : task.setups) is_needed = is_needed || again[at(setup)];
  for (size_t i = 0; i < again.size(); ++i) {
    is_needed = is_needed || (again[i] && after[i] && before[i]);
  }
  if (!is_needed) return false;
  bool changed = !again[at(teardown)];
  again[at(teardown)] = true;
  for (flow::TaskIndex setup : task.setups) {
    changed = changed || !again[at(setup)];
    again[at(setup)] = true;
  }
  return changed;
}

}  // namespace

void add_pairs(const flow::Flow& flow, std::vector<bool>& again) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < flow.tasks.size(); ++i) {
      flow::TaskIndex const index(static_cast<int32_t>(i));
      if (flow.tasks[i].is_teardown() && add_pair(flow, index, again)) changed = true;
    }
  }
}

}  // namespace tidemill::run
