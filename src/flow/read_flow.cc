// The keys of a flow but for its triggers and tasks.
#include <fmt/format.h>

#include "base/text.h"
#include "clock/zone.h"
#include "flow/loading.h"
#include "flow/params.h"
#include "flow/read_alerts.h"
#include "flow/words.h"

namespace tidemill::flow {
namespace {

constexpr Duration kHour = Duration::seconds(3600);
constexpr Duration kDay = Duration::seconds(86'400);

void read_param(Loading& loading, const YamlNode::Entry& entry) {
  std::string const what = fmt::format("param '{}'", printable(entry.key, 60));
  if (!is_name(entry.key)) {
    loading.problems.add(entry.key_mark,
                         fmt::format("{}: expected a name: letters, digits, _ and -", what));
    return;
  }
  std::string const folded = to_lower_ascii(entry.key);
  for (const Param& other : loading.flow.params) {
    if (loading.folded_params.count(folded) == 0) break;
    if (to_lower_ascii(other.name) != folded) continue;
    loading.problems.add(entry.key_mark, fmt::format("{} differs from '{}' only by case; SQL reads "
                                                     "both as one name",
                                                     what, other.name));
    return;
  }
  if (folded == "item" || folded == "run" || folded == "params") {
    loading.problems.add(entry.key_mark, fmt::format("{}: '{}' has a meaning of its own in "
                                                     "expressions; choose another name",
                                                     what, folded));
    return;
  }
  Param param{.name = entry.key, .type = ParamType::kString, .otherwise = std::nullopt};
  const YamlNode* type = &entry.value;
  const YamlNode* otherwise = nullptr;
  if (entry.value.is_map()) {
    Fields const fields(loading.reader, entry.value, kInParam, what);
    type = fields.get("type");
    otherwise = entry.value.find("default");
    if (type == nullptr && !fields.has("type")) {
      loading.problems.add(entry.value.mark, fmt::format("{} has no type; expected 'type'", what));
    }
  }
  if (type != nullptr) {
    auto const found = loading.reader.word(*type, what, param_type_words());
    if (found) param.type = *found;
    if (found && otherwise != nullptr) {
      Json const json = node_to_json(*otherwise);
      param.otherwise = json;
      auto checked = check_param(param, json);
      if (checked) {
        param.otherwise = std::move(*checked);
      } else {
        loading.problems.add(otherwise->mark,
                             fmt::format("the default of {}", checked.error().message));
      }
    }
  }
  loading.folded_params.insert(folded);
  loading.flow.params.push_back(std::move(param));
}

void read_params(Loading& loading, const YamlNode& node) {
  if (!loading.reader.is_map(node, "'params' of the flow")) return;
  if (node.entries.size() > kMaxEntries) {
    loading.problems.add(node.mark, fmt::format("{} params; at most {} are accepted",
                                                node.entries.size(), kMaxEntries));
    return;
  }
  for (const YamlNode::Entry& entry : node.entries) read_param(loading, entry);
}

void read_flow_python(Loading& loading, const YamlNode* node) {
  loading.interpreter = loading.project.interpreter;
  loading.preload = loading.project.preload;
  if (node == nullptr || !loading.reader.is_map(*node, "'python' of the flow")) return;
  Fields const fields(loading.reader, *node, kInPython, "the flow's python");
  if (const YamlNode* interpreter = fields.get("interpreter")) {
    auto const text = loading.reader.text(*interpreter, fields.what("interpreter"));
    if (text) loading.interpreter = *text;
  }
  if (const YamlNode* preload = fields.get("preload")) {
    loading.preload.clear();
    for (const YamlNode* item : loading.reader.one_or_many(*preload)) {
      auto const text = loading.reader.text(*item, fields.what("preload"));
      if (text) loading.preload.push_back(*text);
    }
  }
}

void read_limits(Loading& loading, const Fields& fields) {
  Flow& flow = loading.flow;
  if (const YamlNode* node = fields.get("max_running")) {
    flow.max_running = loading.reader.integer(*node, fields.what("max_running"), 1, 100'000);
  }
  if (const YamlNode* node = fields.get("deadline")) {
    flow.deadline =
        loading.reader.duration(*node, fields.what("deadline"), {Duration::millis(1), kDay * 365});
  }
  flow.dedupe_for = kDay * 400;
  if (const YamlNode* node = fields.get("dedupe_for")) {
    auto const duration =
        loading.reader.duration(*node, fields.what("dedupe_for"), {kHour, kDay * 3660});
    if (duration) flow.dedupe_for = *duration;
  }
}

void read_identity(Loading& loading, const Fields& fields) {
  Flow& flow = loading.flow;
  if (const YamlNode* node = fields.get("flow")) {
    auto name = loading.reader.name(*node, fields.what("flow"));
    if (name) flow.name = FlowName(std::move(*name));
  } else if (!fields.has("flow")) {
    loading.problems.add(fields.mark(), "the flow has no name; expected 'flow: NAME'");
  }
  flow.team = loading.project.team;
  flow.zone = loading.project.zone;
  if (const YamlNode* node = fields.get("team")) {
    auto team = loading.reader.name(*node, fields.what("team"));
    if (team) flow.team = std::move(*team);
  }
  if (const YamlNode* node = fields.get("description")) {
    auto text = loading.reader.text(*node, fields.what("description"));
    if (text) flow.description = std::move(*text);
  }
  if (const YamlNode* node = fields.get("zone")) {
    auto zone = loading.reader.text(*node, fields.what("zone"));
    auto const loaded = zone ? clock::Zone::load(*zone) : clock::Zone::utc();
    if (!loaded) {
      loading.problems.add(node->mark,
                           fmt::format("{}: {}", fields.what("zone"), loaded.error().message));
    } else if (zone) {
      flow.zone = std::move(*zone);
    }
  }
}

}  // namespace

void read_flow(Loading& loading, const YamlNode& root) {
  if (!root.is_map()) {
    loading.problems.add(
        root.mark.line == 0 ? Mark{1, 1} : root.mark,
        fmt::format("found {}, expected a map with the keys 'flow' and 'tasks'", shown(root)));
    return;
  }
  Fields const fields(loading.reader, root, kInFlow, "the flow");
  read_identity(loading, fields);
  if (const YamlNode* node = fields.get("params")) read_params(loading, *node);
  read_limits(loading, fields);
  read_flow_python(loading, fields.get("python"));
  Readable const only_params{.params = true,
                             .run = false,
                             .item = false,
                             .why_no_item = "'item' cannot be read here",
                             .needs = {}};
  if (const YamlNode* node = fields.get("key")) {
    loading.flow.key = Values(loading, only_params).text(*node, fields.what("key"));
    if (loading.flow.key && loading.flow.key->is_constant()) {
      loading.problems.add(node->mark,
                           "'key' of the flow is the same for every run; expected an "
                           "expression, such as \"{{ applicant_id }}\"");
    }
  }
  loading.flow.alerts = loading.project.alerts;
  std::erase_if(loading.flow.alerts, [&](const AlertRule& rule) {
    return !rule.team.empty() && rule.team != loading.flow.team;
  });
  if (const YamlNode* node = fields.get("alerts")) {
    for (AlertRule& rule : read_alert_rules(loading.reader, *node, fields.what("alerts"), kInAlert,
                                            loading.project.channels)) {
      loading.flow.alerts.push_back(std::move(rule));
    }
  }
  Readable const with_run{.params = true,
                          .run = true,
                          .item = false,
                          .why_no_item = "'item' cannot be read here",
                          .needs = {}};
  if (const YamlNode* node = fields.get("env")) {
    loading.flow.env =
        Values(loading, with_run).text_map(*node, fields.what("env"), Values::Naming::kEnvironment);
  }
  std::optional<Overlap> overlap;
  std::optional<Missed> missed;
  if (const YamlNode* node = fields.get("overlap")) {
    overlap = loading.reader.word(*node, fields.what("overlap"), overlap_words());
  }
  if (const YamlNode* node = fields.get("missed")) {
    missed = read_missed(loading, *node, fields.what("missed"));
  }
  const YamlNode* tasks = fields.get("tasks");
  const YamlNode* groups = fields.get("groups");
  if (tasks != nullptr || groups != nullptr) {
    read_tasks(loading, tasks, groups);
  } else if (!fields.has("tasks")) {
    loading.problems.add(fields.mark(), "the flow has no tasks; expected 'tasks: {NAME: ...}'");
  }
  read_triggers(loading, fields.get("on"), overlap, missed);
}

}  // namespace tidemill::flow
