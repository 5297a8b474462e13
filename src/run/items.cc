#include "run/items.h"

#include <fmt/format.h>

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

}  // namespace

Result<std::vector<Json>> item_list(const Instance& run, const flow::Task& task,
                                    const flow::Scope& scope) {
  Json list;
  if (!task.for_each_rows.empty()) {
    list = rows_of(run.task(run.flow->names.at(task.for_each_rows)).whole.value);
  } else {
    TIDEMILL_TRY_LET(evaluated, scope.evaluate_json(*task.for_each));
    list = std::move(evaluated);
  }
  if (list.is_null()) return std::vector<Json>{};
  if (!list.is_array()) {
    return fail(Code::kInvalid, fmt::format("found {}, expected a list", list.kind()));
  }
  if (list.as_array().size() > kMaxItems) {
    return fail(Code::kExhausted, fmt::format("a list of {} items; at most {} are accepted",
                                              list.as_array().size(), kMaxItems));
  }
  return std::move(list.as_array());
}

void recount(Instance& run) {
  for (TaskNode& node : run.tasks) {
    node.upstream = {};
    const flow::Task& task = run.flow->task(node.whole.row.task);
    node.upstream.total = static_cast<int>(task.needs.size());
    for (flow::TaskIndex need : task.needs) {
      TaskState const state = run.task(need).whole.row.state;
      bool const optional = run.flow->task(need).optional;
      if (state == TaskState::kSucceeded || (state == TaskState::kFailed && optional)) {
        ++node.upstream.succeeded;
      } else if (state == TaskState::kFailed || state == TaskState::kCancelled) {
        ++node.upstream.failed;
      } else if (state == TaskState::kUpstreamFailed) {
        ++node.upstream.upstream_failed;
      } else if (state == TaskState::kSkipped) {
        ++node.upstream.skipped;
      }
    }
  }
}

}  // namespace tidemill::run
