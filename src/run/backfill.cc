#include "run/backfill.h"

#include <fmt/format.h>

#include <array>
#include <set>

#include "base/text.h"
#include "flow/params.h"
#include "run/keys.h"

namespace tidemill::run {
namespace {

constexpr std::array<std::pair<Reprocess, std::string_view>, 3> kWords = {{
    {Reprocess::kNone, "none"},
    {Reprocess::kFailed, "failed"},
    {Reprocess::kAll, "all"},
}};

// The param that a line without names gives.
Result<const flow::Param*> only_param(const flow::Flow& flow) {
  const flow::Param* found = nullptr;
  int needed = 0;
  for (const flow::Param& param : flow.params) {
    if (param.otherwise) continue;
    ++needed;
    found = &param;
  }
  if (needed == 0 && flow.params.size() == 1) return &flow.params[0];
  if (needed == 1) return found;
  return fail(Code::kInvalid,
              fmt::format("flow {} has {} params that must be given: write each line as a JSON "
                          "object such as {{\"name\": \"value\"}}",
                          flow.name.value, needed));
}

Result<Json> params_of_line(const flow::Flow& flow, const std::string& line) {
  Json given = Json::object();
  if (line.starts_with('{')) {
    TIDEMILL_TRY_LET(parsed, parse_json(line));
    given = std::move(parsed);
  } else {
    TIDEMILL_TRY_LET(param, only_param(flow));
    TIDEMILL_TRY_LET(value, flow::param_from_text(*param, line));
    given.set(param->name, std::move(value));
  }
  return flow::check_params(flow, given);
}

Json time_json(const std::optional<Time>& time) { return time ? Json(time->us) : Json(); }

std::optional<Time> time_of(const Json& json, size_t at) {
  const Json& value = json.as_array()[at];
  if (!value.is_int()) return std::nullopt;
  return Time{value.as_int()};
}

}  // namespace

Result<Reprocess> reprocess(std::string_view word) {
  for (const auto& [value, known] : kWords) {
    if (known == word) return value;
  }
  return fail(Code::kInvalid,
              fmt::format("reprocess '{}': expected none, failed or all", printable(word, 40)));
}

std::string_view word(Reprocess reprocess) {
  for (const auto& [value, known] : kWords) {
    if (value == reprocess) return known;
  }
  return "?";
}

// Entries as [key, scheduled_at, interval_start, params]: there can be many.
Json dump_spec(const BackfillSpec& spec) {
  Json entries = Json::array();
  for (const BackfillEntry& entry : spec.entries) {
    entries.push(Json::array()
                     .push(entry.key ? Json(entry.key->value) : Json())
                     .push(time_json(entry.scheduled_at))
                     .push(time_json(entry.interval_start))
                     .push(entry.params));
  }
  return Json::object()
      .set("trigger", spec.trigger)
      .set("reprocess", word(spec.reprocess))
      .set("newest_first", spec.newest_first)
      .set("max_running", spec.max_running)
      .set("entries", std::move(entries));
}

Result<BackfillSpec> parse_spec(const Json& json) {
  BackfillSpec spec;
  spec.trigger = json.text_or("trigger", "");
  TIDEMILL_TRY_LET(again, reprocess(json.text_or("reprocess", "")));
  spec.reprocess = again;
  const Json* newest = json.find("newest_first");
  spec.newest_first = newest != nullptr && newest->is_bool() && newest->as_bool();
  spec.max_running = json.int_or("max_running", 1);
  const Json* entries = json.find("entries");
  if (entries == nullptr || !entries->is_array()) {
    return fail(Code::kInternal, "a stored backfill has no entries");
  }
  for (const Json& one : entries->as_array()) {
    if (!one.is_array() || one.as_array().size() != 4) {
      return fail(Code::kInternal, "an entry of a stored backfill has another form");
    }
    BackfillEntry entry;
    const Json& key = one.as_array()[0];
    if (key.is_string()) entry.key = Key(key.as_string());
    entry.scheduled_at = time_of(one, 1);
    entry.interval_start = time_of(one, 2);
    entry.params = one.as_array()[3];
    spec.entries.push_back(std::move(entry));
  }
  return spec;
}

Result<std::vector<BackfillEntry>> entries_of_lines(const flow::Flow& flow,
                                                    const std::vector<std::string>& lines) {
  std::vector<BackfillEntry> entries;
  std::set<std::string> seen;
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string const line(trim(lines[i]));
    if (line.empty()) continue;
    auto params = params_of_line(flow, line);
    if (!params) return fail(params.error().in(fmt::format("line {}", i + 1)));
    std::string const hash = body_hash(*params);
    if (!seen.insert(hash).second) continue;
    BackfillEntry entry;
    entry.key = Key("backfill:" + hash);
    entry.params = std::move(*params);
    entries.push_back(std::move(entry));
  }
  if (entries.size() > kMaxBackfillEntries) {
    return fail(Code::kExhausted, fmt::format("{} keys; a backfill has at most {}", entries.size(),
                                              kMaxBackfillEntries));
  }
  return entries;
}

EntryAction action_for(std::optional<RunState> state, Reprocess reprocess) {
  if (!state) return EntryAction::kRun;
  if (!is_final(*state) || reprocess == Reprocess::kNone) return EntryAction::kLeave;
  if (reprocess == Reprocess::kAll) return EntryAction::kAllTasks;
  return *state == RunState::kSucceeded ? EntryAction::kLeave : EntryAction::kFailedTasks;
}

}  // namespace tidemill::run
