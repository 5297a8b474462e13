// How tasks stand together: groups, setups with their teardowns, branches, and the graph.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "flow/graph.h"
#include "flow/loading.h"

namespace tidemill::flow {
namespace {

constexpr size_t kShownOfCircle = 20;
constexpr size_t kDeepestGroup = 10;

size_t at(TaskIndex index) { return static_cast<size_t>(index.value); }

// Names of tasks and groups, before anything else is read.
class NameReader {
 public:
  explicit NameReader(Loading& loading) : loading_(loading) {}

  void read_tasks(const YamlNode& tasks, const std::string& prefix, GroupIndex group) {
    size_t const count = loading_.entries.size() + tasks.entries.size();
    if (count > kMaxTasks) {
      loading_.problems.add(
          tasks.mark,
          fmt::format("the flow has {} tasks; at most {} are accepted", count, kMaxTasks));
      return;
    }
    for (const auto& entry : tasks.entries) {
      TaskIndex const index(static_cast<int32_t>(loading_.entries.size()));
      std::string const name = prefix + entry.key;
      loading_.entries.push_back({name, &entry, group});
      loading_.task_names.push_back(name);
      check_name(entry, "task");
      auto const [other, is_new] = loading_.folded_names.emplace(to_lower_ascii(name), index);
      if (!is_new) {
        loading_.problems.add(
            entry.key_mark,
            fmt::format("task '{}' differs from '{}' only by case; SQL reads both as one name",
                        printable(name, 60), loading_.task_name(other->second)));
      }
      loading_.flow.names.emplace(name, index);
    }
  }

  void read_groups(const YamlNode& groups, const std::string& prefix, GroupIndex parent,
                   size_t depth) {
    if (!loading_.reader.is_map(groups, "'groups'")) return;
    for (const auto& entry : groups.entries) {
      std::string const name = prefix + entry.key;
      std::string const owner = fmt::format("group '{}'", printable(name, 60));
      check_name(entry, "group");
      if (depth >= kDeepestGroup || loading_.group_entries.size() >= kMaxEntries) {
        loading_.problems.add(entry.key_mark, owner + ": too many groups, or too deep");
        return;
      }
      if (!loading_.reader.is_map(entry.value, owner)) continue;
      GroupIndex const index(static_cast<int32_t>(loading_.flow.groups.size()));
      Fields const fields(loading_.reader, entry.value, kInGroup, owner);
      Group group;
      group.name = name;
      group.mark = entry.key_mark;
      group.is_mapped = fields.get("for_each") != nullptr;
      loading_.flow.groups.push_back(std::move(group));
      loading_.group_entries.push_back({name, &entry, parent});
      size_t const first = loading_.entries.size();
      if (const YamlNode* tasks = fields.get("tasks")) {
        if (loading_.reader.is_map(*tasks, "'tasks' of " + owner)) {
          read_tasks(*tasks, name + ".", index);
        }
      }
      if (const YamlNode* inner = fields.get("groups")) {
        read_groups(*inner, name + ".", index, depth + 1);
      }
      finish_group(index, first);
    }
  }

  // A short name within a group must not mean a task outside of it too.
  void check_short_names() {
    for (const TaskEntry& entry : loading_.entries) {
      size_t dot = entry.name.rfind('.');
      if (dot == std::string::npos) continue;
      std::string const own = entry.name.substr(dot + 1);
      std::string prefix = entry.name.substr(0, dot);
      while (true) {
        dot = prefix.rfind('.');
        prefix = dot == std::string::npos ? "" : prefix.substr(0, dot);
        std::string const outer = prefix.empty() ? own : prefix + "." + own;
        if (loading_.folded_names.contains(to_lower_ascii(outer))) {
          loading_.problems.add(
              entry.entry->key_mark,
              fmt::format(
                  "task '{}': within its group it is called '{}', as the task '{}' is; give "
                  "one of them another name",
                  entry.name, own, outer));
          break;
        }
        if (prefix.empty()) break;
      }
    }
  }

 private:
  void check_name(const YamlNode::Entry& entry, std::string_view what) {
    std::string const shown_name = printable(entry.key, 60);
    std::string const folded = to_lower_ascii(entry.key);
    if (!is_name(entry.key)) {
      loading_.problems.add(entry.key_mark,
                            fmt::format("'{}' is no name for a {}; expected letters, digits, _ and "
                                        "-, beginning with a letter or _, at most 100 long",
                                        shown_name, what));
    } else if (folded == "params" || folded == "run" || folded == "item") {
      loading_.problems.add(entry.key_mark,
                            fmt::format("a {} cannot be named '{}', which has a meaning of its own "
                                        "in expressions; choose another name",
                                        what, shown_name));
    }
  }

  void finish_group(GroupIndex index, size_t first) {
    Group& group = loading_.flow.groups[static_cast<size_t>(index.value)];
    for (size_t i = first; i < loading_.entries.size(); ++i) {
      group.tasks.push_back(TaskIndex(static_cast<int32_t>(i)));
      if (group.is_mapped && loading_.entries[i].group != index) {
        loading_.problems.add(group.mark,
                              fmt::format("group '{}' has for_each and a group within; expected "
                                          "only tasks in it",
                                          group.name));
        break;
      }
    }
    if (group.tasks.empty()) {
      loading_.problems.add(group.mark, fmt::format("group '{}' has no tasks", group.name));
    }
    if (loading_.find_task(group.name)) {
      loading_.problems.add(group.mark, fmt::format("group '{}' has the name of a task; give one "
                                                    "of them another name",
                                                    group.name));
    }
  }

  Loading& loading_;
};

// Everything that comes after a task, by what tasks need.
std::vector<bool> after(const Flow& flow, const std::vector<std::vector<TaskIndex>>& children,
                        const std::vector<TaskIndex>& from) {
  std::vector<bool> found(flow.tasks.size(), false);
  std::vector<TaskIndex> todo = from;
  while (!todo.empty()) {
    TaskIndex const index = todo.back();
    todo.pop_back();
    for (TaskIndex child : children[at(index)]) {
      if (found[at(child)]) continue;
      found[at(child)] = true;
      todo.push_back(child);
    }
  }
  return found;
}

// Setups and teardowns in pairs. A teardown that states no needs comes after everything that comes
// after its setup, and so after the teardowns of setups in between.
class Pairing {
 public:
  explicit Pairing(Loading& loading) : loading_(loading), flow_(loading.flow) {}

  void run() {
    bool has_teardowns = false;
    for (Task& task : flow_.tasks) {
      has_teardowns = has_teardowns || task.is_teardown();
      for (TaskIndex setup : task.setups) check_setup(task, setup);
    }
    for (size_t i = 0; i < flow_.tasks.size(); ++i) {
      const Task& task = flow_.tasks[i];
      if (!task.is_setup || paired_.contains(TaskIndex(static_cast<int32_t>(i)))) continue;
      loading_.problems.add(task.mark, fmt::format("setup task '{}' has no teardown; add a task "
                                                   "with 'teardown: {}', or take setup away",
                                                   task.name, task.name));
    }
    if (has_teardowns) add_needs();
  }

 private:
  void check_setup(const Task& teardown, TaskIndex index) {
    paired_.insert(index);
    Task& setup = flow_.tasks[at(index)];
    setup.is_setup = true;
    if (!setup.is_teardown()) return;
    loading_.problems.add(teardown.mark,
                          fmt::format("task '{}' tears down '{}', which is a teardown itself",
                                      teardown.name, setup.name));
  }

  void add_needs() {
    std::vector<std::vector<TaskIndex>> children(flow_.tasks.size());
    for (size_t i = 0; i < flow_.tasks.size(); ++i) {
      for (TaskIndex need : flow_.tasks[i].needs) {
        children[at(need)].push_back(TaskIndex(static_cast<int32_t>(i)));
      }
    }
    for (size_t i = 0; i < flow_.tasks.size(); ++i) {
      Task& teardown = flow_.tasks[i];
      if (!teardown.is_teardown() || teardown.needs.size() > teardown.setups.size()) continue;
      TaskIndex const own(static_cast<int32_t>(i));
      std::vector<bool> const between = after(flow_, children, teardown.setups);
      std::vector<bool> const later = after(flow_, children, {own});
      for (size_t n = 0; n < flow_.tasks.size(); ++n) {
        const Task& other = flow_.tasks[n];
        bool const is_inner = std::all_of(other.setups.begin(), other.setups.end(),
                                          [&](TaskIndex setup) { return between[at(setup)]; });
        bool const is_known = std::find(teardown.needs.begin(), teardown.needs.end(),
                                        TaskIndex(static_cast<int32_t>(n))) != teardown.needs.end();
        if (n == i || !between[n] || later[n] || !is_inner || is_known) continue;
        teardown.needs.push_back(TaskIndex(static_cast<int32_t>(n)));
      }
    }
  }

  Loading& loading_;
  Flow& flow_;
  std::set<TaskIndex> paired_;
};

void check_branches(Loading& loading) {
  for (const Task& task : loading.flow.tasks) {
    if (!task.is_branch) continue;
    if (task.is_mapped()) {
      loading.problems.add(task.mark,
                           fmt::format("task '{}' is a branch and has for_each; expected "
                                       "one of them",
                                       task.name));
    } else if (task.children.empty()) {
      loading.problems.add(task.mark, fmt::format("task '{}' is a branch that no task needs; its "
                                                  "value names the tasks that go on",
                                                  task.name));
    }
  }
}

}  // namespace

bool read_names(Loading& loading, const YamlNode* tasks, const YamlNode* groups) {
  NameReader names(loading);
  if (tasks != nullptr) {
    if (!loading.reader.is_map(*tasks, "'tasks' of the flow")) return false;
    names.read_tasks(*tasks, "", kNoGroup);
  }
  if (groups != nullptr) names.read_groups(*groups, "", kNoGroup, 0);
  names.check_short_names();
  return true;
}

// The order of the tasks and their children, or the circle in which they need each other.
void read_graph(Loading& loading) {
  Flow& flow = loading.flow;
  Pairing(loading).run();
  Needs needs(flow.tasks.size());
  for (size_t i = 0; i < flow.tasks.size(); ++i) {
    for (TaskIndex need : flow.tasks[i].needs) needs[i].push_back(need.value);
  }
  std::vector<int32_t> const circle = find_circle(needs);
  if (!circle.empty()) {
    std::vector<std::string> names;
    for (int32_t node : circle) {
      if (names.size() < kShownOfCircle) names.push_back(loading.task_name(TaskIndex(node)));
    }
    if (circle.size() > names.size()) names.push_back("...");
    names.push_back(names[0]);
    loading.problems.add(
        flow.tasks[static_cast<size_t>(circle[0])].mark,
        fmt::format("tasks need each other in a circle: {}; take one of these needs "
                    "away",
                    join(names, " -> ")));
    return;
  }
  for (int32_t node : topological_order(needs)) flow.order.push_back(TaskIndex(node));
  for (size_t i = 0; i < flow.tasks.size(); ++i) {
    for (TaskIndex need : flow.tasks[i].needs) {
      flow.tasks[at(need)].children.push_back(TaskIndex(static_cast<int32_t>(i)));
    }
  }
  check_branches(loading);
}

}  // namespace tidemill::flow
