#include "run/branch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace tidemill::run {
namespace {

Status add_names(const Json& json, std::vector<std::string>& names) {
  if (json.is_null()) return {};
  if (json.is_string()) {
    names.push_back(json.as_string());
    return {};
  }
  if (json.is_array()) {
    for (const Json& each : json.as_array()) TIDEMILL_TRY(add_names(each, names));
    return {};
  }
  if (json.is_object()) {
    const Json* follow = json.find("follow");
    if (follow == nullptr && json.as_object().size() == 1) {
      follow = &json.as_object().begin()->second;
    }
    if (follow != nullptr && !follow->is_object()) return add_names(*follow, names);
  }
  return fail(Code::kInvalid, fmt::format("the branch gave {}; expected the name of a task that "
                                          "needs it, a list of names, or a column 'follow'",
                                          printable(json.dump(), 80)));
}

std::vector<std::string> names_of(const flow::Flow& flow,
                                  const std::vector<flow::TaskIndex>& tasks) {
  std::vector<std::string> names;
  for (flow::TaskIndex task : tasks) names.push_back(flow.task(task).name);
  return names;
}

// The children that a name means.
Result<std::vector<flow::TaskIndex>> children_named(const flow::Flow& flow,
                                                    const flow::Task& branch,
                                                    const std::string& name) {
  std::vector<flow::TaskIndex> found;
  for (flow::TaskIndex child : branch.children) {
    const flow::Task& task = flow.task(child);
    bool const is_in_group = task.name.starts_with(name + ".");
    // Within a group its tasks have short names.
    bool const is_short = task.group == branch.group && task.name.ends_with("." + name);
    if (task.name == name || is_in_group || is_short) found.push_back(child);
  }
  if (!found.empty()) return found;
  std::vector<std::string> const known = names_of(flow, branch.children);
  std::string const near = nearest_word(name, known);
  return fail(Code::kInvalid,
              fmt::format("the branch names '{}', which is no task that needs it{}; expected {}",
                          printable(name, 60),
                          near.empty() ? "" : fmt::format("; did you mean '{}'?", near),
                          join(known, ", ")));
}

}  // namespace

Result<std::vector<flow::TaskIndex>> not_chosen(const flow::Flow& flow, flow::TaskIndex branch,
                                                const flow::TaskValue& value) {
  const flow::Task& task = flow.task(branch);
  std::vector<std::string> names;
  TIDEMILL_TRY(add_names(value.json(), names));
  std::vector<bool> is_kept(flow.tasks.size(), false);
  std::vector<flow::TaskIndex> todo;
  auto keep = [&](flow::TaskIndex index) {
    if (is_kept[static_cast<size_t>(index.value)]) return;
    is_kept[static_cast<size_t>(index.value)] = true;
    todo.push_back(index);
  };
  for (const std::string& name : names) {
    TIDEMILL_TRY_LET(chosen, children_named(flow, task, name));
    for (flow::TaskIndex child : chosen) keep(child);
  }
  while (!todo.empty()) {
    flow::TaskIndex const index = todo.back();
    todo.pop_back();
    for (flow::TaskIndex child : flow.task(index).children) keep(child);
  }
  std::vector<flow::TaskIndex> skipped;
  for (flow::TaskIndex child : task.children) {
    // What a task set up is torn down whatever way the run takes.
    bool const is_own_teardown =
        std::find(flow.task(child).setups.begin(), flow.task(child).setups.end(), branch) !=
        flow.task(child).setups.end();
    if (!is_kept[static_cast<size_t>(child.value)] && !is_own_teardown) skipped.push_back(child);
  }
  return skipped;
}

}  // namespace tidemill::run
