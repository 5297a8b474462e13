// `tasks`: the keys that all kinds share, and the graph.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "flow/graph.h"
#include "flow/loading.h"
#include "flow/settings.h"
#include "flow/words.h"

namespace tidemill::flow {
namespace {

constexpr Duration kLongestTimeout = Duration::seconds(30LL * 86'400);
constexpr size_t kShownOfCircle = 20;

class TaskReader {
 public:
  TaskReader(Loading& loading, const YamlNode::Entry& entry, TaskIndex index)
      : loading_(loading),
        entry_(entry),
        node_(entry.value),
        owner_(fmt::format("task '{}'", printable(entry.key, 60))) {
    task_ = &loading.flow.tasks[static_cast<size_t>(index.value)];
    index_ = index;
  }

  void read() {
    task_->name = entry_.key;
    task_->mark = entry_.key_mark;
    if (!node_.is_map()) {
      loading_.reader.report(node_, owner_, "a map with a kind, such as {shell: \"echo hello\"}");
      return;
    }
    std::optional<Kind> const kind = find_kind();
    if (!kind) return;
    task_->kind = *kind;
    Fields const fields(loading_.reader, node_, place_of(*kind), owner_);
    if (const YamlNode* needs = fields.get("needs")) read_needs(*needs);
    if (const YamlNode* for_each = fields.get("for_each")) read_for_each(*for_each, fields);
    readable_.item = task_->for_each || !task_->for_each_rows.empty();
    read_expressions(fields);
    read_policies(fields);
    if (const YamlNode* settings = fields.get(word(*kind))) {
      read_settings(loading_, *task_, *settings, readable_, node_);
    }
    read_on_unknown(fields);
  }

 private:
  // The one key that names a kind; reports if there is none, or several.
  std::optional<Kind> find_kind() {
    std::vector<Kind> found;
    std::vector<std::string> words;
    for (const Word<Kind>& row : kind_words()) {
      words.emplace_back(row.text);
      if (node_.find(row.text) != nullptr) found.push_back(row.value);
    }
    if (found.size() == 1) return found[0];
    if (found.size() > 1) {
      loading_.problems.add(entry_.key_mark,
                            fmt::format("{} has two kinds, '{}' and '{}'; expected one: make two "
                                        "tasks of it",
                                        owner_, word(found[0]), word(found[1])));
      return std::nullopt;
    }
    for (const auto& entry : node_.entries) {
      const NotBuilt* row = find_not_built(kAnyTask, entry.key);
      if (row == nullptr) continue;
      loading_.problems.add(entry.key_mark,
                            fmt::format("the kind '{}' of {} is not available in this version; "
                                        "expected one of: {}",
                                        entry.key, owner_, join(words, ", ")));
      return std::nullopt;
    }
    for (const auto& entry : node_.entries) {
      if (find_field(kAnyTask, entry.key) != nullptr) continue;
      std::string const near = loading_.problems.did_you_mean(entry.key, words);
      if (near.empty()) continue;
      loading_.problems.add(
          entry.key_mark,
          fmt::format("unknown key '{}' in {}{} expected one of: {}", printable(entry.key, 60),
                      owner_, near, join(field_names(kAnyTask), ", ")));
      return std::nullopt;
    }
    loading_.problems.add(entry_.key_mark, fmt::format("{} has no kind; expected one of: {}",
                                                       owner_, join(words, ", ")));
    return std::nullopt;
  }

  void add_need(TaskIndex need) {
    if (std::find(task_->needs.begin(), task_->needs.end(), need) == task_->needs.end()) {
      task_->needs.push_back(need);
      readable_.needs.push_back(need);
    }
  }

  void read_needs(const YamlNode& node) {
    std::vector<const YamlNode*> const items = loading_.reader.one_or_many(node);
    if (items.size() > kMaxNeeds) {
      loading_.problems.add(node.mark, fmt::format("{} has {} needs; at most {} are accepted",
                                                   owner_, items.size(), kMaxNeeds));
      return;
    }
    for (const YamlNode* item : items) {
      if (!item->is_scalar()) {
        loading_.reader.report(*item, fmt::format("'needs' of {}", owner_), "the name of a task");
        continue;
      }
      auto const found = loading_.find_task(item->scalar);
      if (!found || loading_.task_name(*found) != item->scalar) {
        std::string const near = loading_.problems.did_you_mean(item->scalar, loading_.task_names);
        loading_.problems.add(
            item->mark, fmt::format("{} needs '{}', which is no task of this flow{} {}", owner_,
                                    printable(item->scalar, 60), near.empty() ? ";" : near,
                                    "expected one of: " + some_of(loading_.task_names)));
      } else if (*found == index_) {
        loading_.problems.add(item->mark,
                              fmt::format("{} needs itself; take it out of needs", owner_));
      } else if (std::find(task_->needs.begin(), task_->needs.end(), *found) !=
                 task_->needs.end()) {
        loading_.problems.add(item->mark, fmt::format("{} needs '{}' twice", owner_, item->scalar));
      } else {
        add_need(*found);
      }
    }
  }

  // A task that for_each names is needed without being listed.
  void read_for_each(const YamlNode& node, const Fields& fields) {
    std::string const what = fields.what("for_each");
    std::string_view const text = node.is_scalar() ? trim(node.scalar) : std::string_view();
    if (text.ends_with(".rows")) {
      std::string_view const name = text.substr(0, text.size() - 5);
      auto const task = loading_.find_task(name);
      if (task && *task == index_) {
        loading_.problems.add(node.mark,
                              fmt::format("{}: a task cannot go over its own rows", what));
      } else if (task) {
        add_need(*task);
        task_->for_each_rows = loading_.task_name(*task);
      } else {
        std::string const near = loading_.problems.did_you_mean(name, loading_.task_names);
        loading_.problems.add(node.mark,
                              fmt::format("{}: '{}' is no task of this flow{} {}", what,
                                          printable(name, 60), near.empty() ? ";" : near,
                                          "expected one of: " + some_of(loading_.task_names)));
      }
      return;
    }
    auto const parsed = node.is_scalar() ? sql::Expression::parse(node.scalar)
                                         : Result<sql::Expression>(fail(Code::kInvalid, ""));
    if (parsed) {
      for (const sql::NameRef& ref : parsed->references()) {
        auto const task = loading_.find_task(ref.qualifier);
        if (task && *task != index_) add_need(*task);
      }
    }
    readable_.why_no_item = "'item' is what for_each makes; for_each itself cannot read it";
    task_->for_each = Values(loading_, readable_).expression(node, what);
  }

  void read_expressions(const Fields& fields) {
    Values values(loading_, readable_);
    if (const YamlNode* node = fields.get("when")) {
      Readable without_item = readable_;
      without_item.item = false;
      without_item.why_no_item =
          "'when' is decided once for the task, before its items; 'item' cannot be read here";
      task_->when = Values(loading_, without_item).expression(*node, fields.what("when"));
    }
    bool const is_process = task_->kind == Kind::kShell || task_->kind == Kind::kPython;
    if (is_process) {
      if (const YamlNode* node = fields.get("env")) {
        task_->env = values.text_map(*node, fields.what("env"), Values::Naming::kEnvironment);
      }
      if (const YamlNode* node = fields.get("args")) read_args(*node, fields.what("args"), values);
    }
    if (find_field(place_of(task_->kind), "with") == nullptr) return;
    if (const YamlNode* node = fields.get("with")) {
      task_->with = values.typed_map(*node, fields.what("with"));
    }
  }

  void read_args(const YamlNode& node, const std::string& what, Values& values) {
    if (!node.is_sequence()) {
      loading_.reader.report(node, what, "a list");
      return;
    }
    if (node.items.size() > kMaxEntries) {
      loading_.problems.add(node.mark, fmt::format("{}: {} entries; at most {} are accepted", what,
                                                   node.items.size(), kMaxEntries));
      return;
    }
    for (const YamlNode& item : node.items) {
      // The command line knows only text: 007 stays 007.
      auto rendered =
          task_->kind == Kind::kShell ? values.text(item, what) : values.typed(item, what);
      if (rendered) task_->args.push_back(std::move(*rendered));
    }
  }

  void read_policies(const Fields& fields) {
    Reader& reader = loading_.reader;
    if (const YamlNode* node = fields.get("rule")) {
      auto const found = reader.word(*node, fields.what("rule"), rule_words());
      if (found) task_->rule = *found;
    }
    if (const YamlNode* node = fields.get("timeout")) {
      task_->timeout =
          reader.duration(*node, fields.what("timeout"), {Duration::millis(1), kLongestTimeout});
    }
    if (const YamlNode* node = fields.get("optional")) {
      task_->optional = reader.boolean(*node, fields.what("optional")).value_or(false);
    }
    if (const YamlNode* node = fields.get("writes")) {
      for (const YamlNode* item : reader.one_or_many(*node)) {
        auto name = reader.name(*item, fields.what("writes"));
        if (name) task_->writes.push_back({std::move(*name), std::nullopt});
      }
    }
    if (find_field(place_of(task_->kind), "retry") == nullptr) return;
    if (const YamlNode* node = fields.get("retry")) read_retry(*node, fields.what("retry"));
  }

  void read_retry(const YamlNode& node, const std::string& what) {
    Reader& reader = loading_.reader;
    Retry& retry = task_->retry;
    if (!node.is_map()) {
      auto const attempts = reader.integer(node, what, 1, 100);
      if (attempts) retry.attempts = static_cast<int>(*attempts);
      return;
    }
    Fields const fields(reader, node, kInRetry, fmt::format("'retry' of {}", owner_));
    DurationRange const range{Duration::millis(1), Duration::seconds(7LL * 86'400)};
    retry.attempts = 3;
    if (const YamlNode* attempts = fields.get("attempts")) {
      auto const number = reader.integer(*attempts, fields.what("attempts"), 1, 100);
      if (number) retry.attempts = static_cast<int>(*number);
    }
    const YamlNode* base = fields.get("base");
    const YamlNode* cap = fields.get("cap");
    auto const base_value =
        base ? reader.duration(*base, fields.what("base"), range) : std::nullopt;
    auto const cap_value = cap ? reader.duration(*cap, fields.what("cap"), range) : std::nullopt;
    if (base_value) retry.base = *base_value;
    if (cap_value) {
      retry.cap = *cap_value;
      if (!base) retry.base = std::min(retry.base, retry.cap);
    } else if (!cap) {
      retry.cap = std::max(retry.cap, retry.base);
    }
    if (base_value && cap_value && *base_value > *cap_value) {
      loading_.problems.add(cap->mark, fmt::format("{}: {} is shorter than the base of {}",
                                                   fields.what("cap"), cap->scalar, base->scalar));
    }
  }

  bool may_rerun() const {
    switch (task_->kind) {
      case Kind::kCalc:
      case Kind::kModel:
      case Kind::kWait:
      case Kind::kApprove:
        return true;
      case Kind::kHttp: {
        const auto& http = std::get<HttpSettings>(task_->settings);
        return http.effect == HttpSettings::Effect::kRead || !http.idempotency_header.empty();
      }
      case Kind::kVendor: {
        const auto& vendor = std::get<VendorSettings>(task_->settings);
        const vendor::Product* product =
            vendor.spec == nullptr ? nullptr : vendor.spec->product(vendor.product);
        return product != nullptr && product->repeatable();
      }
      default:
        return false;
    }
  }

  void read_on_unknown(const Fields& fields) {
    if (const YamlNode* node = fields.get("on_unknown")) {
      auto const found = loading_.reader.word(*node, fields.what("on_unknown"), on_unknown_words());
      if (found) task_->on_unknown = *found;
      return;
    }
    bool const has_settings = task_->settings.index() == static_cast<size_t>(task_->kind);
    task_->on_unknown = has_settings && may_rerun() ? OnUnknown::kRerun : OnUnknown::kFail;
  }

  Loading& loading_;
  const YamlNode::Entry& entry_;
  const YamlNode& node_;
  std::string owner_;
  Task* task_ = nullptr;
  TaskIndex index_;
  Readable readable_;
};

// Fills the names; a name that is wrong is reported, its task is read all the same.
void read_names(Loading& loading, const YamlNode& tasks) {
  for (const auto& entry : tasks.entries) {
    TaskIndex const index(static_cast<int32_t>(loading.task_names.size()));
    std::string const shown_name = printable(entry.key, 60);
    std::string const folded = to_lower_ascii(entry.key);
    loading.task_names.push_back(entry.key);
    if (!is_name(entry.key)) {
      loading.problems.add(
          entry.key_mark, fmt::format("'{}' is no name for a task; expected letters, digits, _ and "
                                      "-, beginning with a letter or _, at most 100 long",
                                      shown_name));
    } else if (folded == "params" || folded == "run" || folded == "item") {
      loading.problems.add(
          entry.key_mark, fmt::format("a task cannot be named '{}', which has a meaning of its own "
                                      "in expressions; choose another name",
                                      shown_name));
    }
    auto const [other, is_new] = loading.folded_names.emplace(folded, index);
    if (!is_new) {
      loading.problems.add(
          entry.key_mark, fmt::format("task '{}' differs from '{}' only by case; SQL reads both as "
                                      "one name",
                                      shown_name, loading.task_name(other->second)));
    }
    loading.flow.names.emplace(entry.key, index);
  }
}

// The order of the tasks and their children, or the circle in which they need each other.
void read_graph(Loading& loading) {
  Flow& flow = loading.flow;
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
      flow.tasks[static_cast<size_t>(need.value)].children.push_back(
          TaskIndex(static_cast<int32_t>(i)));
    }
  }
}

}  // namespace

void read_tasks(Loading& loading, const YamlNode& tasks) {
  if (!loading.reader.is_map(tasks, "'tasks' of the flow")) return;
  if (tasks.entries.empty()) {
    loading.problems.add(tasks.mark, "the flow has no tasks; expected at least one");
    return;
  }
  if (tasks.entries.size() > kMaxTasks) {
    loading.problems.add(tasks.mark, fmt::format("the flow has {} tasks; at most {} are accepted",
                                                 tasks.entries.size(), kMaxTasks));
    return;
  }
  read_names(loading, tasks);
  loading.flow.tasks.resize(tasks.entries.size());
  for (size_t i = 0; i < tasks.entries.size(); ++i) {
    TaskReader(loading, tasks.entries[i], TaskIndex(static_cast<int32_t>(i))).read();
  }
  read_graph(loading);
}

}  // namespace tidemill::flow
