#include "server/run_view.h"

#include <map>

#include "flow/task_value.h"

namespace tidemill::server {
namespace {

Json time_or_null(const std::optional<Time>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}

Json error_json(const std::string& code, const std::string& message) {
  if (message.empty() && code.empty()) return {};
  return Json::object().set("code", code).set("message", message);
}

Json value_json(const std::string& dump) {
  if (dump.empty()) return {};
  auto const value = flow::TaskValue::parse(dump);
  return value ? (*value)->json() : Json();
}

// One entry of "tasks", by (task, item), whichever row it comes from.
using Entries = std::map<std::pair<int32_t, int32_t>, Json>;

void add_chains(const run::StoredRun& stored, Entries& entries) {
  for (const run::ChainRow& chain : stored.chains) {
    for (const run::ChainEntry& entry : chain.entries) {
      Json json = Json::object();
      json.set("task", entry.name);
      if (entry.item != run::kWhole) json.set("item", int64_t{entry.item.value});
      json.set("state", word(entry.state));
      json.set("ended", format_rfc3339(chain.at));
      json.set("took_us", entry.took.us);
      json.set("error", error_json(entry.error_code, entry.error));
      json.set("value", value_json(entry.value));
      if (!entry.detail.is_null()) json.set("detail", entry.detail);
      entries[{entry.task.value, entry.item.value}] = std::move(json);
    }
  }
}

void add_tasks(const run::StoredRun& stored, Entries& entries) {
  for (const run::TaskRow& row : stored.tasks) {
    Json json = Json::object();
    json.set("task", row.name);
    if (row.item != run::kWhole) json.set("item", int64_t{row.item.value});
    json.set("state", word(row.state));
    json.set("attempt", int64_t{row.attempt.value});
    json.set("started", time_or_null(row.started));
    json.set("ended", time_or_null(row.ended));
    if (row.due) json.set("due", time_or_null(row.due));
    json.set("error", error_json(row.error_code, row.error));
    json.set("value", value_json(row.value));
    entries[{row.task.value, row.item.value}] = std::move(json);
  }
}

void add_attempts(const std::vector<run::AttemptRow>& attempts, Entries& entries) {
  for (const run::AttemptRow& row : attempts) {
    auto const entry = entries.find({row.task.value, row.item.value});
    if (entry == entries.end()) continue;
    Json json = Json::object();
    json.set("attempt", int64_t{row.attempt.value});
    json.set("state", word(row.state));
    json.set("started", format_rfc3339(row.started));
    json.set("ended", format_rfc3339(row.ended));
    json.set("error", error_json(row.error_code, row.error));
    if (!row.detail.is_null()) json.set("detail", row.detail);
    const Json* known = entry->second.find("attempts");
    Json list = known != nullptr ? *known : Json::array();
    list.push(std::move(json));
    entry->second.set("attempts", std::move(list));
  }
}

// Items of a list that was made anew, or that its task no longer has.
void drop_old_items(const run::StoredRun& stored, Entries& entries) {
  for (const run::TaskRow& row : stored.tasks) {
    if (row.item != run::kWhole) continue;
    std::erase_if(entries, [&](const auto& entry) {
      return entry.first.first == row.task.value && entry.first.second >= std::max(row.width, 0);
    });
  }
}

}  // namespace

Json run_summary(const run::RunRow& row) {
  Json cause = Json::object();
  auto put = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) cause.set(name, value);
  };
  put("trigger", row.cause.trigger);
  put("trigger_id", row.cause.trigger_id);
  put("principal", row.cause.principal);
  put("parent", row.cause.parent.value);
  put("parent_task", row.cause.parent_task);
  put("origin", row.cause.origin);
  Json json = Json::object();
  json.set("run", row.id.value)
      .set("flow", row.flow.value)
      .set("version", row.bundle.value)
      .set("key", row.key.value)
      .set("state", word(row.state))
      .set("cause", std::move(cause))
      .set("params", row.params)
      .set("created", format_rfc3339(row.created))
      .set("scheduled_at", format_rfc3339(row.scheduled_at))
      .set("interval_start", format_rfc3339(row.interval_start))
      .set("interval_end", format_rfc3339(row.interval_end))
      .set("deadline", time_or_null(row.deadline))
      .set("started", time_or_null(row.started))
      .set("finished", time_or_null(row.finished))
      .set("error", error_json(row.error_code, row.error));
  return json;
}

Json run_detail(const run::StoredRun& stored, const std::vector<run::AttemptRow>& attempts,
                const std::vector<task::Waiting>& waiting) {
  Entries entries;
  add_chains(stored, entries);
  add_tasks(stored, entries);
  add_attempts(attempts, entries);
  drop_old_items(stored, entries);
  Json tasks = Json::array();
  for (auto& [key, entry] : entries) {
    for (const task::Waiting& one : waiting) {
      bool const is_same = one.item.value == key.second && one.task == entry.text_or("task", "");
      if (is_same && entry.text_or("state", "") == "running") entry.set("waiting_for", one.text);
    }
    tasks.push(std::move(entry));
  }
  return run_summary(stored.row).set("tasks", std::move(tasks));
}

Json run_output(const run::StoredRun& stored) {
  Entries entries;
  add_chains(stored, entries);
  add_tasks(stored, entries);
  Json output = Json::object();
  std::map<int32_t, Json> lists;  // of mapped tasks: the values of their items
  for (const auto& [key, entry] : entries) {
    if (entry.text_or("state", "") != "succeeded") continue;
    const Json* value = entry.find("value");
    if (key.second != run::kWhole.value) {
      lists[key.first].push(value != nullptr ? *value : Json());
    } else if (value != nullptr && !value->is_null()) {
      output.set(entry.text_or("task", ""), *value);
    }
  }
  for (auto& [task, list] : lists) {
    auto const whole = entries.find({task, run::kWhole.value});
    if (whole == entries.end() || whole->second.text_or("state", "") != "succeeded") continue;
    output.set(whole->second.text_or("task", ""), std::move(list));
  }
  return output;
}

}  // namespace tidemill::server
