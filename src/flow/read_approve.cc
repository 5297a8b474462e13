// The settings of approve tasks.
#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "flow/params.h"
#include "flow/settings.h"
#include "flow/words.h"

namespace tidemill::flow {
namespace {

using Otherwise = ApproveSettings::Otherwise;

constexpr auto kOtherwise = std::to_array<Word<Otherwise>>(
    {{"fail", Otherwise::kFail}, {"approve", Otherwise::kApprove}, {"reject", Otherwise::kReject}});
constexpr auto kRejected = std::to_array<Word<bool>>({{"fail", false}, {"skip", true}});
// What the value has of its own.
constexpr std::string_view kTaken[] = {"decision", "by", "at", "comment"};

void read_team(const SettingsPlace& at, const YamlNode& node, const std::string& what,
               ApproveSettings& approve) {
  auto const name = at.loading.reader.name(node, what);
  if (!name) return;
  approve.team = *name;
  auto const found = at.loading.project.teams.find(*name);
  if (found != at.loading.project.teams.end()) {
    approve.members = found->second.members;
    return;
  }
  std::vector<std::string> known;
  for (const auto& [other, team] : at.loading.project.teams) known.push_back(other);
  std::string const near = at.loading.problems.did_you_mean(*name, known);
  at.loading.problems.add(
      node.mark,
      fmt::format("{}: tidemill.yaml has no team '{}'{} {}", what, *name, near.empty() ? ";" : near,
                  known.empty() ? "add teams: {NAME: {members: [...]}} to it"
                                : "it has: " + some_of(known)));
}

void read_field(const SettingsPlace& at, const YamlNode::Entry& entry, const std::string& what,
                ApproveSettings& approve) {
  bool const is_taken =
      std::find(std::begin(kTaken), std::end(kTaken), entry.key) != std::end(kTaken);
  if (!is_name(entry.key) || is_taken) {
    at.loading.problems.add(
        entry.key_mark,
        fmt::format("{}: '{}' {}", what, printable(entry.key, 60),
                    is_taken ? "is part of every answer; choose another name" : "is no name"));
    return;
  }
  Param param{.name = entry.key, .type = ParamType::kString, .otherwise = std::nullopt};
  const YamlNode* type = &entry.value;
  std::string const owner = fmt::format("field '{}' of {}", entry.key, at.what);
  if (entry.value.is_map()) {
    Fields const fields(at.loading.reader, entry.value, kInParam, owner);
    type = fields.get("type");
    if (type == nullptr) {
      at.loading.problems.add(entry.key_mark, owner + " has no 'type'");
      return;
    }
    if (fields.has("default")) param.otherwise = node_to_json(*entry.value.find("default"));
  }
  auto const found = at.loading.reader.word(*type, owner, param_type_words());
  if (!found) return;
  param.type = *found;
  if (param.otherwise && !param.otherwise->is_null()) {
    auto const checked = check_param(param, *param.otherwise);
    if (!checked) {
      at.loading.problems.add(entry.key_mark,
                              fmt::format("the default of {}", checked.error().message));
    }
  }
  approve.fields.push_back(std::move(param));
}

void read_map(const SettingsPlace& at, ApproveSettings& approve) {
  Reader& reader = at.loading.reader;
  Fields const fields(reader, at.node, kInApprove, at.what);
  if (const YamlNode* node = fields.get("team")) {
    read_team(at, *node, fields.what("team"), approve);
  } else if (!fields.has("team")) {
    at.loading.problems.add(at.node.mark, fmt::format("{} has no 'team'", at.what));
  }
  if (const YamlNode* node = fields.get("message")) {
    auto text = Values(at.loading, at.readable).text(*node, fields.what("message"));
    if (text) approve.message = std::move(*text);
  }
  if (const YamlNode* node = fields.get("fields");
      node != nullptr && reader.is_map(*node, fields.what("fields"))) {
    for (const YamlNode::Entry& entry : node->entries) {
      read_field(at, entry, fields.what("fields"), approve);
    }
  }
  if (const YamlNode* node = fields.get("at_timeout")) {
    auto const word = reader.word<Otherwise>(*node, fields.what("at_timeout"), kOtherwise);
    approve.at_timeout = word.value_or(Otherwise::kFail);
    if (!at.task.timeout) {
      at.loading.problems.add(node->mark, fmt::format("{}: the task has no timeout; add one",
                                                      fields.what("at_timeout")));
    }
  }
  if (const YamlNode* node = fields.get("rejected")) {
    approve.skip_rejected =
        reader.word<bool>(*node, fields.what("rejected"), kRejected).value_or(false);
  }
  if (const YamlNode* node = fields.get("four_eyes")) {
    approve.four_eyes = reader.boolean(*node, fields.what("four_eyes")).value_or(false);
  }
}

}  // namespace

void read_approve(const SettingsPlace& at) {
  ApproveSettings approve;
  approve.message = Rendered::constant("");
  if (at.node.is_map()) {
    read_map(at, approve);
  } else {
    read_team(at, at.node, at.what, approve);
  }
  at.task.settings = std::move(approve);
}

}  // namespace tidemill::flow
