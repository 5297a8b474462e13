// One load of a flow file: what the parts of the parser share.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "flow/flow.h"
#include "flow/load.h"
#include "flow/reader.h"
#include "flow/source_text.h"

namespace tidemill::flow {

inline constexpr size_t kMaxFileBytes = 1u << 20;      // of a YAML, SQL, schema or Python file
inline constexpr size_t kMaxModelBytes = 256u << 20;   // of a model or its golden rows
inline constexpr size_t kMaxBundleBytes = 512u << 20;  // of all files of a flow
inline constexpr size_t kMaxBundleFiles = 20'000;
inline constexpr size_t kMaxTasks = 10'000;
inline constexpr size_t kMaxNeeds = 1'000;    // of one task
inline constexpr size_t kMaxEntries = 1'000;  // of env, with, args, headers, params, on...

// What an expression may read at the place where it stands.
struct Readable {
  bool params = true;
  bool run = true;
  bool item = false;
  std::string why_no_item = "'item' is known only in a task with for_each";
  std::vector<TaskIndex> needs;
};

// A task or group of the file.
struct TaskEntry {
  std::string name;  // with the groups before it
  const YamlNode::Entry* entry = nullptr;
  GroupIndex group = kNoGroup;  // of a group: its parent
};

struct Loading {
  Loading(const Source& from, const Project& of, std::string path, std::string content)
      : source(from), project(of), text(std::move(content)), problems(path), reader(problems) {
    flow.path = std::move(path);
  }

  const Source& source;
  const Project& project;
  SourceText text;
  Problems problems;
  Reader reader;
  Flow flow;
  std::vector<std::string> task_names;            // in file order, also of tasks with mistakes
  std::vector<TaskEntry> entries;                 // the tasks, in file order
  std::vector<TaskEntry> group_entries;           // of flow.groups
  std::string group_prefix;                       // of the task that is read now: "a.b."
  std::map<std::string, TaskIndex> folded_names;  // by lower-case name, as SQL reads them
  std::set<std::string> folded_params;            // lower-case names
  std::string interpreter;
  std::vector<std::string> preload;
  std::map<std::string, std::string> files;  // of the bundle
  size_t bundle_bytes = 0;
  std::map<std::string, std::vector<std::string>> folders;             // already listed
  std::map<std::string, std::shared_ptr<const vendor::Spec>> vendors;  // null: it has mistakes

  // Files below a folder of the source; each folder is listed once.
  const std::vector<std::string>& list(const std::string& folder);

  // Case does not matter; within a group, names of its tasks and of groups around it are short.
  std::optional<TaskIndex> find_task(std::string_view name) const;
  // The tasks of a group, by its exact name; nothing if there is no such group.
  std::vector<TaskIndex> find_group(std::string_view name) const;
  // Whether the name, as written in a task of group_prefix, is exactly that of the task.
  bool is_spelled(std::string_view name, TaskIndex index) const;
  const std::string& task_name(TaskIndex index) const {
    return task_names[static_cast<size_t>(index.value)];
  }

  // Reads a file into the bundle. The answer is null after a mistake was reported at `anchor`;
  // `what` names who wants the file.
  const std::string* add_file(const std::string& path, size_t limit_bytes, Mark anchor,
                              std::string_view what);

  // What is wrong with reading that name there; nothing if it may be read.
  std::optional<std::string> complaint(const sql::NameRef& ref, const Readable& readable) const;
};

// Values of the file that may hold expressions.
class Values {
 public:
  Values(Loading& loading, const Readable& readable) : loading_(loading), readable_(readable) {}

  // SQL without braces: `when`, `for_each`.
  std::optional<sql::Expression> expression(const YamlNode& node, std::string_view what);
  // Any value; plain numbers and booleans are typed.
  std::optional<Rendered> typed(const YamlNode& node, std::string_view what);
  // A scalar that is text however it looks.
  std::optional<Rendered> text(const YamlNode& node, std::string_view what);
  std::vector<std::pair<std::string, Rendered>> typed_map(const YamlNode& node,
                                                          std::string_view what);
  // Names of an environment or of headers to texts.
  enum class Naming { kEnvironment, kHeader };
  std::vector<std::pair<std::string, Rendered>> text_map(const YamlNode& node,
                                                         std::string_view what, Naming naming);
  // Reports the names that may not be read; `offset` of the text within the scalar.
  void check(const YamlNode& node, const std::vector<sql::NameRef>& references,
             std::string_view expression, size_t offset);

 private:
  bool is_short_enough(const YamlNode& node, std::string_view what);

  Loading& loading_;
  const Readable& readable_;
};

bool is_header_name(std::string_view text);

// The parts. Each reads its keys, reports mistakes and fills the flow.
void read_flow(Loading& loading, const YamlNode& root);
void read_triggers(Loading& loading, const YamlNode* on, std::optional<Overlap> overlap,
                   std::optional<Missed> missed);
std::optional<Missed> read_missed(Loading& loading, const YamlNode& node, std::string_view what);
void read_tasks(Loading& loading, const YamlNode* tasks, const YamlNode* groups);
// Names of all tasks and groups; false if there is nothing to be read.
bool read_names(Loading& loading, const YamlNode* tasks, const YamlNode* groups);
// Once all tasks are read.
void read_graph(Loading& loading);
// `for_each` of a task or a group: fills the fields of `task`, and tells which tasks it names.
std::vector<TaskIndex> read_for_each(Loading& loading, const YamlNode& node,
                                     const std::string& what, std::optional<TaskIndex> own,
                                     Readable readable, Task& task);

}  // namespace tidemill::flow
