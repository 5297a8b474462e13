#include "cli/control_commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/answers.h"
#include "cli/terminal.h"

namespace tidemill::cli {
namespace {

std::string items_text(const Json& task) {
  auto const& items = list_of(task, "items");
  const Json* keeps = task.find("keeps_list");
  if (items.empty()) return "";
  if (keeps == nullptr || !keeps->as_bool()) {
    return fmt::format("all {} items, and the list", items.size());
  }
  std::string text = items.size() == 1 ? "item" : "items";
  for (size_t i = 0; i < items.size() && i < 10; ++i) text += fmt::format(" {}", items[i].as_int());
  if (items.size() > 10) text += fmt::format("... ({} in all)", items.size());
  return text;
}

void show_cleared(const Json& answer) {
  auto const& cleared = list_of(answer, "cleared");
  bool const dry_run = answer.find("dry_run")->as_bool();
  std::string const run = answer.text_or("run", "");
  if (cleared.empty()) {
    std::printf("Nothing to clear in run %s.\n", run.c_str());
    return;
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& task : cleared) {
    std::string const state = task.text_or("state", "");
    int64_t const attempt = task.int_or("attempt", 0);
    rows.push_back({{task.text_or("task", "")},
                    {state, state_colour(state)},
                    {attempt > 0 ? std::to_string(attempt) : ""},
                    {items_text(task)}});
  }
  print_table(stdout, {"TASK", "WAS", "ATTEMPT", "ITEMS"}, rows);
  std::printf("\n");
  if (dry_run) {
    std::printf("%zu tasks would be cleared. Nothing was changed.\n", cleared.size());
  } else {
    std::printf("%zu tasks are cleared; run %s goes on.\n", cleared.size(), run.c_str());
  }
}

std::string run_path(const std::string& run, std::string_view verb) {
  return fmt::format("/api/v1/runs/{}/{}", percent_encode(run), verb);
}

}  // namespace

int run_clear(const Common& common, const ClearOptions& options) {
  Json tasks = Json::array();
  for (const std::string& task : options.tasks) tasks.push(task);
  Json body = Json::object()
                  .set("tasks", std::move(tasks))
                  .set("reach", options.only ? "only" : "downstream")
                  .set("failed", options.failed)
                  .set("dry_run", options.dry_run);
  return answer(common, remote_of(common).json("POST", run_path(options.run, "clear"), body),
                show_cleared);
}

int run_rerun(const Common& common, const ClearOptions& options) {
  Json const body = Json::object().set("dry_run", options.dry_run);
  return answer(common, remote_of(common).json("POST", run_path(options.run, "rerun"), body),
                show_cleared);
}

int run_mark(const Common& common, const MarkOptions& options) {
  Json body = Json::object().set("task", options.task).set("state", options.state);
  if (!options.value.empty()) {
    auto value = parse_json(options.value);
    if (!value) {
      return refuse(common, {Code::kInvalid,
                             fmt::format("--value: {}; expected JSON, such as 5, '\"text\"' or "
                                         "'{{\"score\": 5}}'",
                                         value.error().message),
                             {}});
    }
    body.set("value", std::move(*value));
  }
  return answer(common, remote_of(common).json("POST", run_path(options.run, "mark"), body),
                [&](const Json& json) {
                  std::printf("task %s is %s (it was %s)\n", options.task.c_str(),
                              json.text_or("state", "").c_str(),
                              json.text_or("before", "").c_str());
                  for (const Json& task : list_of(json, "released")) {
                    std::printf("task %s goes on\n", task.as_string().c_str());
                  }
                });
}

int run_pause(const Common& common, const std::string& run, PauseChange change) {
  bool const pauses = change == PauseChange::kPause;
  auto const done =
      remote_of(common).json("POST", run_path(run, pauses ? "pause" : "resume"), Json::object());
  return answer(common, done, [&](const Json&) {
    std::printf(
        pauses ? "run %s is paused: what runs goes on, nothing new starts\n" : "run %s goes on\n",
        run.c_str());
  });
}

int flow_pause(const Common& common, const std::string& flow, PauseChange change) {
  bool const pauses = change == PauseChange::kPause;
  std::string const path =
      fmt::format("/api/v1/flows/{}/{}", percent_encode(flow), pauses ? "pause" : "unpause");
  return answer(common, remote_of(common).json("POST", path, Json::object()), [&](const Json&) {
    std::printf(pauses ? "flow %s is paused: its triggers start no run; calls, 'flow run' and "
                         "flow tasks still do\n"
                       : "flow %s goes on; its `missed` decides about the ticks since\n",
                flow.c_str());
  });
}

}  // namespace tidemill::cli
