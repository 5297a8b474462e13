#include "cli/run_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "cli/answers.h"
#include "cli/terminal.h"
#include "server/run_view.h"

namespace tidemill::cli {
namespace {

Result<Json> list_offline(Remote& remote, const RunListOptions& options) {
  TIDEMILL_TRY_LET(store, remote.store());
  store::RunFilter filter;
  filter.flow = options.flow;
  filter.key_prefix = options.key_prefix;
  filter.after = options.after;
  filter.limit = static_cast<size_t>(options.limit);
  if (!options.state.empty()) {
    TIDEMILL_TRY_LET(state, run::run_state(options.state));
    filter.state = state;
  }
  TIDEMILL_TRY_LET(rows, store->list_runs(filter));
  Json runs = Json::array();
  for (const run::RunRow& row : rows) runs.push(server::run_summary(row));
  return Json::object().set("runs", std::move(runs));
}

Result<Json> list_runs(Remote& remote, const RunListOptions& options) {
  if (!remote.has_server()) return list_offline(remote, options);
  std::string path = fmt::format("/api/v1/runs?limit={}", options.limit);
  auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) path += fmt::format("&{}={}", name, percent_encode(value));
  };
  add("flow", options.flow);
  add("state", options.state);
  add("key_prefix", options.key_prefix);
  add("after", options.after);
  return remote.json("GET", path);
}

Result<Json> load_run(Remote& remote, const std::string& run) {
  if (remote.has_server()) return remote.json("GET", "/api/v1/runs/" + percent_encode(run));
  TIDEMILL_TRY_LET(store, remote.store());
  TIDEMILL_TRY_LET(stored, store->load_run(run::RunId(run)));
  if (!stored) return fail(Code::kNotFound, fmt::format("there is no run '{}'", run));
  TIDEMILL_TRY_LET(attempts, store->attempts_of(run::RunId(run)));
  return server::run_detail(*stored, attempts);
}

std::string seconds_between(const Json& json, std::string_view from, std::string_view to) {
  auto const start = parse_rfc3339(json.text_or(from, ""));
  auto const end = parse_rfc3339(json.text_or(to, ""));
  if (!start || !end) return "";
  return fmt::format("{:.3f} s", static_cast<double>((*end - *start).us) / 1e6);
}

std::string error_text(const Json& json) {
  const Json* error = json.find("error");
  return error == nullptr ? "" : error->text_or("message", "");
}

void print_run(const Json& run) {
  bool const colour = shows_colour(stdout);
  std::string const state = run.text_or("state", "");
  std::printf("run      %s\nflow     %s\nkey      %s\nstate    %s\n",
              run.text_or("run", "").c_str(), run.text_or("flow", "").c_str(),
              run.text_or("key", "").c_str(), paint(state, state_colour(state), colour).c_str());
  if (const Json* paused = run.find("paused"); paused != nullptr && paused->is_object()) {
    std::printf("paused   by %s, since %s\n", paused->text_or("by", "").c_str(),
                paused->text_or("at", "").c_str());
  }
  std::printf("created  %s\n", run.text_or("created", "").c_str());
  std::string const took = seconds_between(run, "created", "finished");
  if (!took.empty()) std::printf("took     %s\n", took.c_str());
  if (const Json* cause = run.find("cause")) std::printf("cause    %s\n", cause->dump().c_str());
  if (const Json* params = run.find("params")) std::printf("params   %s\n", params->dump().c_str());
  if (std::string const error = error_text(run); !error.empty()) {
    std::printf("error    %s\n", error.c_str());
  }
  std::printf("\n");
  std::vector<std::vector<Cell>> rows;
  const Json* tasks = run.find("tasks");
  for (const Json& task : tasks != nullptr ? tasks->as_array() : Json::Array()) {
    std::string name = task.text_or("task", "");
    if (int64_t const item = task.int_or("item", -1); item >= 0) name += fmt::format("[{}]", item);
    std::string const task_state = task.text_or("state", "");
    std::string took_text = seconds_between(task, "started", "ended");
    if (took_text.empty() && task.find("took_us") != nullptr) {
      took_text = fmt::format("{} us", task.int_or("took_us", 0));
    }
    int64_t const attempt = task.int_or("attempt", 0);
    std::string const waiting = task.text_or("waiting_for", "");
    bool const has_error = !error_text(task).empty() || waiting.empty();
    rows.push_back({{name},
                    {task_state, state_colour(task_state)},
                    {took_text},
                    {attempt > 0 ? std::to_string(attempt) : ""},
                    {has_error ? error_text(task) : "waits for " + waiting,
                     has_error ? Colour::kRed : Colour::kYellow}});
  }
  print_table(stdout, {"TASK", "STATE", "TOOK", "ATTEMPT", "ERROR"}, rows);
}

std::string next_tick_text(const Json& flow) {
  const Json* paused = flow.find("paused");
  if (paused == nullptr || !paused->is_object()) return flow.text_or("next_tick", "");
  return fmt::format("paused by {}", paused->text_or("by", ""));
}

// "3 of 8 tasks; running: bureau, bank": what of a run has come to its end. Of the graph's tasks
// those that wait have no entry.
std::string progress_line(const Json& run, size_t tasks) {
  size_t ended = 0;
  std::string running;
  const Json* entries = run.find("tasks");
  for (const Json& task : entries != nullptr ? entries->as_array() : Json::Array()) {
    if (task.find("item") != nullptr) continue;
    std::string const state = task.text_or("state", "");
    bool const is_open = state == "running" || state == "retrying";
    ended += is_open ? 0 : 1;
    if (is_open) running += (running.empty() ? "; running: " : ", ") + task.text_or("task", "");
  }
  return fmt::format("{} of {} tasks{}", ended, tasks, running);
}

// Waits for the end of a run, with one line of progress on a terminal. 0 if it succeeded.
int wait_for(const Common& common, Remote& remote, const std::string& run, size_t tasks) {
  bool const is_live = !common.json && ::isatty(::fileno(stderr)) != 0;
  while (true) {
    auto const answer = load_run(remote, run);
    if (!answer) return refuse(common, answer.error());
    std::string const state = answer->text_or("state", "");
    if (state != "running" && state != "queued") {
      if (is_live) std::fprintf(stderr, "\r\x1b[K");
      if (common.json) {
        std::printf("%s\n", answer->dump().c_str());
      } else {
        print_run(*answer);
      }
      return state == "succeeded" ? 0 : 1;
    }
    if (is_live) std::fprintf(stderr, "\r\x1b[K%s", progress_line(*answer, tasks).c_str());
    ::usleep(100'000);
  }
}

}  // namespace

int run_list(const Common& common, const RunListOptions& options) {
  Remote remote = remote_of(common);
  auto const answer = list_runs(remote, options);
  if (!answer) return refuse(common, answer.error());
  if (common.json) {
    std::printf("%s\n", answer->dump().c_str());
    return 0;
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& run : answer->find("runs")->as_array()) {
    std::string const state = run.text_or("state", "");
    rows.push_back({{run.text_or("run", "")},
                    {run.text_or("flow", "")},
                    {state, state_colour(state)},
                    {run.text_or("key", "")},
                    {run.text_or("created", "")},
                    {seconds_between(run, "created", "finished")}});
  }
  print_table(stdout, {"RUN", "FLOW", "STATE", "KEY", "CREATED", "TOOK"}, rows);
  return 0;
}

int run_show(const Common& common, const std::string& run) {
  Remote remote = remote_of(common);
  auto const answer = load_run(remote, run);
  if (!answer) return refuse(common, answer.error());
  if (common.json) {
    std::printf("%s\n", answer->dump().c_str());
  } else {
    print_run(*answer);
  }
  return 0;
}

int run_cancel(const Common& common, const std::string& run) {
  Remote remote = remote_of(common);
  auto const answer = remote.json(
      "POST", fmt::format("/api/v1/runs/{}/cancel", percent_encode(run)), Json::object());
  if (!answer) return refuse(common, answer.error());
  std::printf("%s\n", common.json ? answer->dump().c_str()
                                  : fmt::format("run {} is being cancelled", run).c_str());
  return 0;
}

int run_log(const Common& common, const RunLogOptions& options) {
  Remote remote = remote_of(common);
  std::string path = fmt::format("/api/v1/runs/{}/tasks/{}/log?", percent_encode(options.run),
                                 percent_encode(options.task));
  if (!options.item.empty()) path += "item=" + percent_encode(options.item) + "&";
  if (!options.attempt.empty()) path += "attempt=" + percent_encode(options.attempt);
  auto const answer = remote.text("GET", path);
  if (!answer) return refuse(common, answer.error());
  std::fwrite(answer->data(), 1, answer->size(), stdout);
  return 0;
}

int flow_list(const Common& common) {
  Remote remote = remote_of(common);
  auto const answer = remote.json("GET", "/api/v1/flows");
  if (!answer) return refuse(common, answer.error());
  if (common.json) {
    std::printf("%s\n", answer->dump().c_str());
    return 0;
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& flow : answer->find("flows")->as_array()) {
    std::string triggers;
    for (const Json& trigger : flow.find("triggers")->as_array()) {
      triggers += (triggers.empty() ? "" : ", ") + trigger.text_or("text", "");
    }
    rows.push_back({{flow.text_or("flow", "")},
                    {flow.text_or("team", "")},
                    {std::to_string(flow.int_or("tasks", 0))},
                    {triggers},
                    {next_tick_text(flow)}});
  }
  print_table(stdout, {"FLOW", "TEAM", "TASKS", "STARTED BY", "NEXT TICK"}, rows);
  for (const Json& error : answer->find("errors")->as_array()) {
    std::fprintf(stderr, "%s:%lld:%lld: %s\n", error.text_or("file", "").c_str(),
                 static_cast<long long>(error.int_or("line", 0)),
                 static_cast<long long>(error.int_or("column", 0)),
                 error.text_or("message", "").c_str());
  }
  return 0;
}

int flow_show(const Common& common, const std::string& flow) {
  Remote remote = remote_of(common);
  auto const answer = remote.json("GET", "/api/v1/flows/" + percent_encode(flow));
  if (!answer) return refuse(common, answer.error());
  std::printf("%s\n", common.json ? answer->dump().c_str() : answer->text_or("text", "").c_str());
  return 0;
}

int flow_run(const Common& common, const FlowRunOptions& options) {
  Remote remote = remote_of(common);
  std::string const base = "/api/v1/flows/" + percent_encode(options.flow);
  auto const flow = remote.json("GET", base);
  if (!flow) return refuse(common, flow.error());
  Json params = Json::object();
  for (const std::string& text : options.params) {
    size_t const equals = text.find('=');
    if (equals == std::string::npos) {
      return refuse(common,
                    {Code::kInvalid, fmt::format("--param {}: expected NAME=VALUE", text), {}});
    }
    std::string const name = text.substr(0, equals);
    std::string const value = text.substr(equals + 1);
    std::string type = "string";
    for (const Json& param : flow->find("params")->as_array()) {
      if (param.text_or("name", "") == name) type = param.text_or("type", "string");
    }
    bool const is_text = type == "string" || type == "date" || type == "timestamp";
    auto parsed = is_text ? Result<Json>(Json(value)) : parse_json(value);
    params.set(name, parsed ? std::move(*parsed) : Json(value));
  }
  auto started =
      remote.json("POST", base + "/runs", Json::object().set("params", std::move(params)));
  if (!started) return refuse(common, started.error());
  std::string const run = started->text_or("run", "");
  if (options.wait) {
    return wait_for(common, remote, run, static_cast<size_t>(flow->int_or("tasks", 0)));
  }
  std::printf("%s\n", common.json ? started->dump().c_str() : fmt::format("run {}", run).c_str());
  return 0;
}

int token_add(const Common& common, const std::string& name) {
  Remote remote = remote_of(common);
  auto const answer = remote.json("POST", "/api/v1/tokens", Json::object().set("name", name));
  if (!answer) return refuse(common, answer.error());
  if (!common.json) std::fprintf(stderr, "This token is shown once; keep it.\n");
  std::printf("%s\n", common.json ? answer->dump().c_str() : answer->text_or("token", "").c_str());
  return 0;
}

int token_list(const Common& common) {
  Remote remote = remote_of(common);
  auto const answer = remote.json("GET", "/api/v1/tokens");
  if (!answer) return refuse(common, answer.error());
  if (common.json) {
    std::printf("%s\n", answer->dump().c_str());
    return 0;
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& token : answer->find("tokens")->as_array()) {
    rows.push_back({{token.text_or("name", "")},
                    {token.text_or("created", "")},
                    {token.text_or("expires", "")}});
  }
  print_table(stdout, {"NAME", "CREATED", "EXPIRES"}, rows);
  return 0;
}

int token_remove(const Common& common, const std::string& name) {
  Remote remote = remote_of(common);
  auto const answer = remote.json("DELETE", "/api/v1/tokens/" + percent_encode(name));
  if (!answer) return refuse(common, answer.error());
  std::printf("%s\n", common.json ? answer->dump().c_str()
                                  : fmt::format("token {} is removed", name).c_str());
  return 0;
}

}  // namespace tidemill::cli
