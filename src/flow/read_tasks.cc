// `tasks`: the keys that all kinds share, and the graph.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "flow/loading.h"
#include "flow/settings.h"
#include "flow/words.h"

namespace tidemill::flow {
namespace {

constexpr Duration kLongestTimeout = Duration::seconds(30LL * 86'400);

// What a group gives to all its tasks.
struct GroupHead {
  std::vector<TaskIndex> needs;
  Task list;  // only what for_each says
};

// Groups stand after their parents, so that those are known.
std::vector<GroupHead> read_group_heads(Loading& loading) {
  std::vector<GroupHead> heads;
  for (size_t i = 0; i < loading.group_entries.size(); ++i) {
    const TaskEntry& entry = loading.group_entries[i];
    std::string const owner = fmt::format("group '{}'", printable(entry.name, 60));
    loading.group_prefix = entry.name.substr(0, entry.name.size() - entry.entry->key.size());
    GroupHead head;
    if (entry.group != kNoGroup) head.needs = heads[static_cast<size_t>(entry.group.value)].needs;
    auto add = [&](TaskIndex need) {
      if (std::find(head.needs.begin(), head.needs.end(), need) == head.needs.end()) {
        head.needs.push_back(need);
      }
    };
    const YamlNode* needs = entry.entry->value.find("needs");
    for (const YamlNode* item :
         needs == nullptr ? std::vector<const YamlNode*>() : loading.reader.one_or_many(*needs)) {
      auto const found = item->is_scalar() ? loading.find_task(item->scalar) : std::nullopt;
      auto group =
          item->is_scalar() && !found ? loading.find_group(item->scalar) : std::vector<TaskIndex>();
      if (found) group.push_back(*found);
      if (group.empty()) {
        std::string const near =
            item->is_scalar() ? loading.problems.did_you_mean(item->scalar, loading.task_names)
                              : "";
        loading.problems.add(
            item->mark, fmt::format("'needs' of {}: found {}, expected a task or group of this "
                                    "flow{}",
                                    owner, shown(*item), near));
      }
      for (TaskIndex need : group) add(need);
    }
    const YamlNode* for_each = entry.entry->value.find("for_each");
    if (for_each != nullptr && !for_each->is_null()) {
      Readable readable;
      readable.needs = head.needs;
      for (TaskIndex named : read_for_each(loading, *for_each, "'for_each' of " + owner,
                                           std::nullopt, readable, head.list)) {
        add(named);
      }
    }
    loading.flow.groups[i].needs = head.needs;
    heads.push_back(std::move(head));
  }
  return heads;
}

class TaskReader {
 public:
  TaskReader(Loading& loading, const TaskEntry& entry, TaskIndex index, const GroupHead* group)
      : loading_(loading),
        entry_(*entry.entry),
        node_(entry.entry->value),
        owner_(fmt::format("task '{}'", printable(entry.name, 60))),
        group_(group) {
    task_ = &loading.flow.tasks[static_cast<size_t>(index.value)];
    index_ = index;
    task_->name = entry.name;
    task_->group = entry.group;
  }

  void read() {
    task_->mark = entry_.key_mark;
    if (!node_.is_map()) {
      loading_.reader.report(node_, owner_, "a map with a kind, such as {shell: \"echo hello\"}");
      return;
    }
    std::optional<Kind> const kind = find_kind();
    if (!kind) return;
    task_->kind = *kind;
    Fields const fields(loading_.reader, node_, place_of(*kind), owner_);
    if (group_ != nullptr) join_group(fields);
    if (const YamlNode* teardown = fields.get("teardown")) read_teardown(*teardown, fields);
    if (const YamlNode* needs = fields.get("needs")) read_needs(*needs);
    if (const YamlNode* for_each = fields.get("for_each")) {
      for (TaskIndex named : flow::read_for_each(loading_, *for_each, fields.what("for_each"),
                                                 index_, readable_, *task_)) {
        add_need(named);
      }
    }
    readable_.item = task_->is_mapped();
    read_expressions(fields);
    read_policies(fields);
    read_part(fields);
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
    for (const YamlNode* item : items) read_need(*item);
  }

  void read_need(const YamlNode& item) {
    if (!item.is_scalar()) {
      loading_.reader.report(item, fmt::format("'needs' of {}", owner_), "the name of a task");
      return;
    }
    auto const found = loading_.find_task(item.scalar);
    std::vector<TaskIndex> const group =
        found ? std::vector<TaskIndex>() : loading_.find_group(item.scalar);
    if (!group.empty()) {
      if (std::find(group.begin(), group.end(), index_) != group.end()) {
        loading_.problems.add(item.mark,
                              fmt::format("{} needs the group that it stands in", owner_));
        return;
      }
      for (TaskIndex need : group) add_need(need);
    } else if (!found || !loading_.is_spelled(item.scalar, *found)) {
      std::string const near = loading_.problems.did_you_mean(item.scalar, loading_.task_names);
      loading_.problems.add(item.mark,
                            fmt::format("{} needs '{}', which is no task of this flow{} {}", owner_,
                                        printable(item.scalar, 60), near.empty() ? ";" : near,
                                        "expected one of: " + some_of(loading_.task_names)));
    } else if (*found == index_) {
      loading_.problems.add(item.mark,
                            fmt::format("{} needs itself; take it out of needs", owner_));
    } else if (std::find(explicit_needs_.begin(), explicit_needs_.end(), *found) !=
               explicit_needs_.end()) {
      loading_.problems.add(item.mark, fmt::format("{} needs '{}' twice", owner_, item.scalar));
    } else {
      explicit_needs_.push_back(*found);
      add_need(*found);
    }
  }

  // What every task of a group has: the group's needs, and its items.
  void join_group(const Fields& fields) {
    for (TaskIndex need : group_->needs) add_need(need);
    if (!group_->list.is_mapped()) return;
    task_->for_each = group_->list.for_each;
    task_->for_each_rows = group_->list.for_each_rows;
    task_->for_each_lists = group_->list.for_each_lists;
    task_->is_zipped = group_->list.is_zipped;
    if (const YamlNode* node = fields.get("for_each")) {
      loading_.problems.add(node->mark,
                            fmt::format("{} has for_each and stands in a group that has "
                                        "it; expected one of them",
                                        owner_));
    }
  }

  void read_teardown(const YamlNode& node, const Fields& fields) {
    for (const YamlNode* item : loading_.reader.one_or_many(node)) {
      auto const found = item->is_scalar() ? loading_.find_task(item->scalar) : std::nullopt;
      if (!found || *found == index_ || !loading_.is_spelled(item->scalar, *found)) {
        std::string const near =
            item->is_scalar() ? loading_.problems.did_you_mean(item->scalar, loading_.task_names)
                              : std::string();
        loading_.problems.add(item->mark, fmt::format("{}: found {}, expected the name of the task "
                                                      "that sets up{}",
                                                      fields.what("teardown"), shown(*item), near));
        continue;
      }
      if (std::find(task_->setups.begin(), task_->setups.end(), *found) != task_->setups.end()) {
        continue;
      }
      task_->setups.push_back(*found);
      add_need(*found);
    }
    task_->rule = Rule::kAllDoneSetupSuccess;
    task_->fails_run = false;
  }

  // What part the task has in the graph.
  void read_part(const Fields& fields) {
    Reader& reader = loading_.reader;
    auto flag = [&](std::string_view name, bool otherwise) {
      const YamlNode* node = fields.get(name);
      return node == nullptr ? otherwise
                             : reader.boolean(*node, fields.what(name)).value_or(otherwise);
    };
    task_->is_branch = flag("branch", false);
    task_->is_setup = flag("setup", false);
    bool const fails_run = flag("fails_run", task_->fails_run);
    const YamlNode* only_teardown = task_->is_teardown() ? nullptr : fields.get("fails_run");
    if (only_teardown != nullptr) {
      loading_.problems.add(only_teardown->mark,
                            fmt::format("{} is for teardowns; use 'optional: true' for a task that "
                                        "may fail",
                                        fields.what("fails_run")));
    } else {
      task_->fails_run = fails_run;
    }
    const YamlNode* rule = task_->is_teardown() ? fields.get("rule") : nullptr;
    if (rule != nullptr) {
      loading_.problems.add(rule->mark, fmt::format("{}: a teardown runs whenever its setup has "
                                                    "succeeded; take rule away",
                                                    fields.what("rule")));
    }
    if (const YamlNode* node = fields.get("max_items_running")) {
      auto const limit = reader.integer(*node, fields.what("max_items_running"), 1, 10'000);
      if (limit) task_->max_items_running = static_cast<int>(*limit);
      if (!task_->is_mapped()) {
        loading_.problems.add(node->mark, fmt::format("{} is for tasks with for_each",
                                                      fields.what("max_items_running")));
      }
    }
  }

  void read_expressions(const Fields& fields) {
    Values values(loading_, readable_);
    if (const YamlNode* node = fields.get("when")) {
      Readable without_item = readable_;
      // In a mapped group it is decided by item.
      without_item.item = group_ != nullptr && group_->list.is_mapped();
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

  std::optional<FailureKind> read_failure_kind(const YamlNode& node, const std::string& what) {
    constexpr std::pair<std::string_view, Code> kClasses[] = {
        {"timeout", Code::kTooLate},     {"invalid", Code::kInvalid},
        {"not_found", Code::kNotFound},  {"conflict", Code::kConflict},
        {"denied", Code::kDenied},       {"unavailable", Code::kUnavailable},
        {"exhausted", Code::kExhausted}, {"unknown", Code::kUnknown},
        {"internal", Code::kInternal},
    };
    std::string_view const text = node.is_scalar() ? std::string_view(node.scalar) : "";
    for (const auto& [word, code] : kClasses) {
      if (text == word) return FailureKind{std::nullopt, code};
    }
    int exit_code = -1;
    if (text.starts_with("exit:")) {
      const char* const end = text.data() + text.size();
      auto const parsed = std::from_chars(text.data() + 5, end, exit_code);
      if (parsed.ec != std::errc() || parsed.ptr != end) exit_code = -1;
    }
    if (exit_code >= 1 && exit_code <= 255) return FailureKind{exit_code, std::nullopt};
    loading_.reader.report(node, what,
                           "exit:<code> from 1 to 255, timeout, invalid, not_found, conflict, "
                           "denied, unavailable, exhausted, unknown or internal");
    return std::nullopt;
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
    for (auto const& [name, kinds] :
         {std::pair{"on", &retry.on}, std::pair{"not_on", &retry.not_on}}) {
      const YamlNode* list = fields.get(name);
      if (list == nullptr) continue;
      for (const YamlNode* item : reader.one_or_many(*list)) {
        auto const failure = read_failure_kind(*item, fields.what(name));
        if (failure) kinds->push_back(*failure);
      }
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
  const GroupHead* group_;
  std::vector<TaskIndex> explicit_needs_;
};

}  // namespace

void read_tasks(Loading& loading, const YamlNode* tasks, const YamlNode* groups) {
  if (!read_names(loading, tasks, groups)) return;
  bool const is_given = (tasks != nullptr && !tasks->entries.empty()) ||
                        (groups != nullptr && !groups->entries.empty());
  if (loading.entries.empty() && is_given) return;
  if (loading.entries.empty()) {
    Mark const mark = tasks != nullptr ? tasks->mark : groups->mark;
    loading.problems.add(mark, "the flow has no tasks; expected at least one");
    return;
  }
  loading.flow.tasks.resize(loading.entries.size());
  std::vector<GroupHead> const heads = read_group_heads(loading);
  for (size_t i = 0; i < loading.entries.size(); ++i) {
    const TaskEntry& entry = loading.entries[i];
    loading.group_prefix = entry.name.substr(0, entry.name.size() - entry.entry->key.size());
    const GroupHead* head =
        entry.group == kNoGroup ? nullptr : &heads[static_cast<size_t>(entry.group.value)];
    TaskReader(loading, entry, TaskIndex(static_cast<int32_t>(i)), head).read();
  }
  loading.group_prefix.clear();
  read_graph(loading);
}

}  // namespace tidemill::flow
