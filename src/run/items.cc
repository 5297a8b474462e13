#include "run/items.h"

#include <fmt/format.h>

#include <algorithm>

#include "run/machine.h"

namespace tidemill::run {
namespace {

// The rows of a task's value: of a table its rows, of {"rows": [...]} those, of one row that row.
Json rows_of(const flow::TaskValuePtr& value) {
  if (!value) return {};
  const Json& json = value->json();
  if (const Json* rows = json.find("rows"); rows != nullptr && rows->is_array()) return *rows;
  if (json.is_object()) return Json::array().push(json);
  return json;
}

Result<std::vector<Json>> list_of(const Instance& run, const std::string& rows,
                                  const std::optional<sql::Expression>& expression,
                                  const flow::Scope& scope) {
  Json list;
  if (!rows.empty()) {
    list = rows_of(run.task(run.flow->names.at(rows)).whole.value);
  } else {
    TIDEMILL_TRY_LET(evaluated, scope.evaluate_json(*expression));
    list = std::move(evaluated);
  }
  if (list.is_null()) return std::vector<Json>{};
  if (!list.is_array()) {
    return fail(Code::kInvalid, fmt::format("found {}, expected a list", list.kind()));
  }
  return std::move(list.as_array());
}

Status within_limit(size_t items) {
  if (items <= kMaxItems) return {};
  return fail(Code::kExhausted,
              fmt::format("a list of {} items; at most {} are accepted", items, kMaxItems));
}

// Several lists: their elements side by side as far as the shortest goes, or each with each, the
// last list changing fastest.
Result<std::vector<Json>> combined(const Instance& run, const flow::Task& task,
                                   const flow::Scope& scope) {
  std::vector<std::vector<Json>> lists;
  size_t width = task.is_zipped ? kMaxItems : 1;
  for (const flow::MappedList& each : task.for_each_lists) {
    TIDEMILL_TRY_LET(list, list_of(run, each.rows, each.expression, scope));
    TIDEMILL_TRY(within_limit(list.size()));
    width = task.is_zipped ? std::min(width, list.size()) : width * list.size();
    TIDEMILL_TRY(within_limit(width));
    lists.push_back(std::move(list));
  }
  std::vector<Json> items;
  for (size_t i = 0; i < width; ++i) {
    Json item = Json::object();
    size_t rest = i;
    size_t block = width;
    for (size_t n = 0; n < lists.size(); ++n) {
      if (!task.is_zipped) block /= lists[n].size();
      size_t const at = task.is_zipped ? i : rest / block;
      if (!task.is_zipped) rest %= block;
      item.set(task.for_each_lists[n].name, lists[n][at]);
    }
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

Result<std::vector<Json>> item_list(const Instance& run, const flow::Task& task,
                                    const flow::Scope& scope) {
  if (!task.for_each_lists.empty()) return combined(run, task, scope);
  TIDEMILL_TRY_LET(list, list_of(run, task.for_each_rows, task.for_each, scope));
  TIDEMILL_TRY(within_limit(list.size()));
  return list;
}

bool is_grouped(const flow::Flow& flow, const flow::Task& task) {
  return task.group != flow::kNoGroup &&
         flow.groups[static_cast<size_t>(task.group.value)].is_mapped;
}

bool is_inner_need(const flow::Flow& flow, const flow::Task& task, flow::TaskIndex need) {
  return is_grouped(flow, task) && flow.task(need).group == task.group;
}

void count_end(Upstream& upstream, const flow::Flow& flow, const flow::Task& task,
               flow::TaskIndex need_index, TaskState state) {
  const flow::Task& need = flow.task(need_index);
  bool const succeeded =
      state == TaskState::kSucceeded || (state == TaskState::kFailed && need.optional);
  // A teardown looks at what it tears down, not at other setups that happened in between.
  bool const is_setup = task.is_teardown() ? std::find(task.setups.begin(), task.setups.end(),
                                                       need_index) != task.setups.end()
                                           : need.is_setup;
  if (succeeded) {
    ++upstream.succeeded;
    upstream.succeeded_setups += is_setup ? 1 : 0;
  } else if (state == TaskState::kSkipped) {
    ++upstream.skipped;
    upstream.skipped_setups += is_setup ? 1 : 0;
  } else if (state == TaskState::kUpstreamFailed) {
    ++upstream.upstream_failed;
  } else {
    ++upstream.failed;
  }
}

Upstream& upstream_for(Instance& run, flow::TaskIndex index, flow::TaskIndex need) {
  TaskNode& node = run.task(index);
  const flow::Task& task = run.flow->task(index);
  if (!is_grouped(*run.flow, task)) return node.upstream;
  const auto& gate = run.flow->groups[static_cast<size_t>(task.group.value)].needs;
  return std::find(gate.begin(), gate.end(), need) != gate.end() ? node.upstream : node.outer;
}

Upstream item_upstream(const TaskNode& node, Item item) {
  Upstream sum = node.of_items[static_cast<size_t>(item.value)];
  const Upstream& outer = node.outer;
  sum.total += outer.total;
  sum.succeeded += outer.succeeded;
  sum.failed += outer.failed;
  sum.upstream_failed += outer.upstream_failed;
  sum.skipped += outer.skipped;
  sum.setups += outer.setups;
  sum.succeeded_setups += outer.succeeded_setups;
  sum.skipped_setups += outer.skipped_setups;
  sum.item = item.value;
  return sum;
}

namespace {

int setups_of(const flow::Flow& flow, const flow::Task& task) {
  if (task.is_teardown()) return static_cast<int>(task.setups.size());
  int setups = 0;
  for (flow::TaskIndex need : task.needs) setups += flow.task(need).is_setup ? 1 : 0;
  return setups;
}

}  // namespace

void recount_items(Instance& run, TaskNode& node) {
  const flow::Flow& flow = *run.flow;
  const flow::Task& task = flow.task(node.whole.row.task);
  if (!is_grouped(flow, task)) return;
  node.of_items.assign(node.items.size(), Upstream());
  for (flow::TaskIndex need : task.needs) {
    if (!is_inner_need(flow, task, need)) continue;
    const TaskNode& other = run.task(need);
    for (size_t i = 0; i < node.of_items.size(); ++i) {
      Upstream& upstream = node.of_items[i];
      ++upstream.total;
      // What came to its end before its list was known has no items.
      const Node& end = other.is_mapped() && i < other.items.size() ? other.items[i] : other.whole;
      if (end.is_final()) count_end(upstream, flow, task, need, end.row.state);
    }
  }
}

void recount_active(TaskNode& node) {
  node.held_items.clear();
  node.active_items = 0;
  for (const Node& item : node.items) {
    node.active_items += item.is_final() || item.row.state == TaskState::kWaiting ? 0 : 1;
  }
}

void recount(Instance& run) {
  for (TaskNode& node : run.tasks) {
    flow::TaskIndex const index = node.whole.row.task;
    const flow::Task& task = run.flow->task(index);
    node.upstream = {};
    node.outer = {};
    for (flow::TaskIndex need : task.needs) {
      if (is_inner_need(*run.flow, task, need)) continue;
      Upstream& upstream = upstream_for(run, index, need);
      ++upstream.total;
      const Node& whole = run.task(need).whole;
      if (whole.is_final()) count_end(upstream, *run.flow, task, need, whole.row.state);
    }
    (is_grouped(*run.flow, task) ? node.outer : node.upstream).setups = setups_of(*run.flow, task);
    recount_items(run, node);
  }
}

}  // namespace tidemill::run
