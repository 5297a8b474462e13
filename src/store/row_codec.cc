#include "store/row_codec.h"

#include <fmt/format.h>

#include "store/history/run_record.h"

namespace tidemill::store {
namespace {

Json cause_json(const run::Cause& cause) {
  Json json = Json::object();
  auto put = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) json.set(name, value);
  };
  put("trigger", cause.trigger);
  put("trigger_id", cause.trigger_id);
  put("principal", cause.principal);
  put("parent", cause.parent.value);
  put("parent_task", cause.parent_task);
  put("origin", cause.origin);
  return json;
}

run::Cause read_cause(const Json& json) {
  return {json.text_or("trigger", ""),     json.text_or("trigger_id", ""),
          json.text_or("principal", ""),   run::RunId(json.text_or("parent", "")),
          json.text_or("parent_task", ""), json.text_or("origin", "")};
}

}  // namespace

RunTexts::RunTexts(const run::RunRow& row)
    : cause(cause_json(row.cause).dump()), params(row.params.dump()) {}

void bind_run(io::Statement& statement, const run::RunRow& row, const RunTexts& texts) {
  statement.add(row.id.value)
      .add(row.flow.value)
      .add(row.bundle.value)
      .add(row.key.value)
      .add(word(row.state))
      .add(row.epoch.value)
      .add(texts.cause)
      .add(texts.params)
      .add(row.body_hash)
      .add(row.created)
      .add(row.scheduled_at)
      .add(row.interval_start)
      .add(row.interval_end)
      .add(row.deadline)
      .add(row.started)
      .add(row.finished)
      .add(row.error_code)
      .add(row.error);
}

template <class Columns>
Result<run::RunRow> read_run(const Columns& statement) {
  run::RunRow row;
  row.id = run::RunId(statement.text(0));
  row.flow = flow::FlowName(statement.text(1));
  row.bundle = flow::BundleId(statement.text(2));
  row.key = run::Key(statement.text(3));
  TIDEMILL_TRY_LET(state, run::run_state(statement.text(4)));
  row.state = state;
  row.epoch = run::Epoch(statement.integer(5));
  TIDEMILL_TRY_LET(cause, parse_json(statement.text(6)));
  row.cause = read_cause(cause);
  TIDEMILL_TRY_LET(params, parse_json(statement.text(7)));
  row.params = std::move(params);
  row.body_hash = statement.text(8);
  row.created = statement.time(9);
  row.scheduled_at = statement.time(10);
  row.interval_start = statement.time(11);
  row.interval_end = statement.time(12);
  row.deadline = statement.optional_time(13);
  row.started = statement.optional_time(14);
  row.finished = statement.optional_time(15);
  row.error_code = statement.text(16);
  row.error = statement.text(17);
  return row;
}

template <class Columns>
Result<run::TaskRow> read_task(const Columns& statement) {
  run::TaskRow row;
  row.run = run::RunId(statement.text(0));
  row.task = flow::TaskIndex(static_cast<int32_t>(statement.integer(1)));
  row.item = run::Item(static_cast<int32_t>(statement.integer(2)));
  row.name = statement.text(3);
  TIDEMILL_TRY_LET(state, run::task_state(statement.text(4)));
  row.state = state;
  row.attempt = run::Attempt(static_cast<int32_t>(statement.integer(5)));
  row.failures = static_cast<int32_t>(statement.integer(6));
  row.width = static_cast<int32_t>(statement.integer(7));
  row.started = statement.optional_time(8);
  row.ended = statement.optional_time(9);
  row.due = statement.optional_time(10);
  row.error_code = statement.text(11);
  row.error = statement.text(12);
  row.value = statement.text(13);
  return row;
}

template <class Columns>
Result<run::AttemptRow> read_attempt(const Columns& statement) {
  run::AttemptRow row;
  row.run = run::RunId(statement.text(0));
  row.task = flow::TaskIndex(static_cast<int32_t>(statement.integer(1)));
  row.item = run::Item(static_cast<int32_t>(statement.integer(2)));
  row.attempt = run::Attempt(static_cast<int32_t>(statement.integer(3)));
  TIDEMILL_TRY_LET(state, run::task_state(statement.text(4)));
  row.state = state;
  row.started = statement.time(5);
  row.ended = statement.time(6);
  row.error_code = statement.text(7);
  row.error = statement.text(8);
  TIDEMILL_TRY_LET(detail, parse_json(statement.text(9)));
  row.detail = std::move(detail);
  return row;
}

template Result<run::RunRow> read_run(const io::Statement&);
template Result<run::RunRow> read_run(const Cells&);
template Result<run::TaskRow> read_task(const io::Statement&);
template Result<run::TaskRow> read_task(const Cells&);
template Result<run::AttemptRow> read_attempt(const io::Statement&);
template Result<run::AttemptRow> read_attempt(const Cells&);

// {"v":1,"e":[{"t":task,"i":item,"n":name,"s":state,...}]}. Absent members have their defaults.
std::string dump_chain(const std::vector<run::ChainEntry>& entries) {
  std::string out = "{\"v\":1,\"e\":[";
  for (size_t i = 0; i < entries.size(); ++i) {
    const run::ChainEntry& entry = entries[i];
    if (i > 0) out += ',';
    out += "{\"t\":";
    out += fmt::format_int(entry.task.value).c_str();
    if (entry.item != run::kWhole) {
      out += ",\"i\":";
      out += fmt::format_int(entry.item.value).c_str();
    }
    out += ",\"n\":";
    append_json_string(out, entry.name);
    if (entry.state != run::TaskState::kSucceeded) {
      out += ",\"s\":";
      append_json_string(out, word(entry.state));
    }
    if (entry.width >= 0) {
      out += ",\"w\":";
      out += fmt::format_int(entry.width).c_str();
    }
    if (entry.took.us != 0) {
      out += ",\"us\":";
      out += fmt::format_int(entry.took.us).c_str();
    }
    auto put = [&](std::string_view name, const std::string& text) {
      if (text.empty()) return;
      out += name;
      append_json_string(out, text);
    };
    put(",\"c\":", entry.error_code);
    put(",\"m\":", entry.error);
    put(",\"x\":", entry.value);
    if (!entry.detail.is_null()) {
      out += ",\"d\":";
      entry.detail.dump_to(out);
    }
    out += '}';
  }
  return out + "]}";
}

Result<std::vector<run::ChainEntry>> parse_chain(std::string_view text) {
  TIDEMILL_TRY_LET(json, parse_json(text));
  const Json* list = json.find("e");
  if (json.int_or("v", 0) != 1 || list == nullptr || !list->is_array()) {
    return fail(Code::kInternal, "a chain row that this program cannot read");
  }
  std::vector<run::ChainEntry> entries;
  for (const Json& item : list->as_array()) {
    run::ChainEntry entry;
    entry.task = flow::TaskIndex(static_cast<int32_t>(item.int_or("t", -1)));
    entry.item = run::Item(static_cast<int32_t>(item.int_or("i", -1)));
    entry.name = item.text_or("n", "");
    TIDEMILL_TRY_LET(state, run::task_state(item.text_or("s", "succeeded")));
    entry.state = state;
    entry.width = static_cast<int32_t>(item.int_or("w", -1));
    entry.took = Duration::micros(item.int_or("us", 0));
    entry.error_code = item.text_or("c", "");
    entry.error = item.text_or("m", "");
    entry.value = item.text_or("x", "");
    if (const Json* detail = item.find("d")) entry.detail = *detail;
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace tidemill::store
