#include "server/api.h"

#include <fmt/format.h>

#include "base/text.h"
#include "flow/graph_text.h"
#include "server/run_view.h"

namespace tidemill::server {

std::vector<Route> Api::routes() {
  auto bind = [this](void (Api::*handler)(const Request&, Respond)) {
    return [this, handler](const Request& request, Respond respond) {
      (this->*handler)(request, std::move(respond));
    };
  };
  std::vector<Route> routes = {
      {"GET", "/healthz", Auth::kNone, "The process is alive", bind(&Api::health)},
      {"GET", "/readyz", Auth::kNone, "Flows are loaded and runs are taken up", bind(&Api::ready)},
      {"GET", "/metrics", Auth::kToken, "Prometheus text", bind(&Api::metrics)},
      {"GET", "/api/v1/version", Auth::kToken, "Version of the server", bind(&Api::version)},
      {"GET", "/api/v1/flows", Auth::kToken, "Every flow with its triggers and status",
       bind(&Api::list_flows)},
      {"GET", "/api/v1/flows/{flow}", Auth::kToken, "One flow with its graph",
       bind(&Api::show_flow)},
      {"POST", "/api/v1/reload", Auth::kLocal, "Load the project's files again",
       bind(&Api::reload)},
      {"POST", "/api/v1/flows/{flow}/call", Auth::kToken, "Run a flow and wait for its result",
       bind(&Api::call)},
      {"POST", "/api/v1/flows/{flow}/runs", Auth::kToken, "Start a run by hand",
       bind(&Api::start_run)},
      {"GET", "/api/v1/runs", Auth::kToken,
       "Runs, newest first: ?flow= &state= &key_prefix= &after= &limit=", bind(&Api::list_runs)},
      {"GET", "/api/v1/runs/{run}", Auth::kToken, "One run with its tasks and attempts",
       bind(&Api::show_run)},
      {"POST", "/api/v1/runs/{run}/cancel", Auth::kToken, "Cancel an open run",
       bind(&Api::cancel_run)},
      {"GET", "/api/v1/approvals", Auth::kToken, "Approvals that wait for somebody",
       bind(&Api::list_approvals)},
      {"POST", "/api/v1/runs/{run}/tasks/{task}/decision", Auth::kToken, "Approve or reject",
       bind(&Api::decide)},
      {"GET", "/api/v1/runs/{run}/tasks/{task}/log", Auth::kToken,
       "Output of an attempt: ?attempt= &item=", bind(&Api::task_log)},
      {"GET", "/api/v1/tokens", Auth::kLocal, "Names of tokens", bind(&Api::list_tokens)},
      {"POST", "/api/v1/tokens", Auth::kLocal, "Make a token; its text is shown once",
       bind(&Api::add_token)},
      {"DELETE", "/api/v1/tokens/{name}", Auth::kLocal, "Remove a token", bind(&Api::remove_token)},
  };
  for (Route& route : control_.routes()) routes.push_back(std::move(route));
  return routes;
}

void Api::health(const Request&, Respond respond) {
  respond(Response::json(200, Json::object().set("status", "alive")));
}

void Api::ready(const Request&, Respond respond) {
  respond(Response::json(is_ready_ ? 200 : 503,
                         Json::object().set("status", is_ready_ ? "ready" : "starting")));
}

void Api::metrics(const Request&, Respond respond) {
  Response response = Response::text(200, parts_.metrics.prometheus_text());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  respond(std::move(response));
}

void Api::version(const Request&, Respond respond) {
  respond(Response::json(200, Json::object().set("version", parts_.version)));
}

void Api::read(std::function<Result<Json>()> query, Respond respond) {
  auto const queued =
      parts_.executor.run(io::Lane::kRead, [this, query = std::move(query), respond] {
        auto answer = query();
        Response response = answer ? Response::json(200, *answer) : Response::error(answer.error());
        parts_.loop.post([respond, response = std::move(response)] { respond(response); });
      });
  if (!queued) respond(Response::error(queued.error()));
}

Json Api::flow_json(const engine::FlowVersion& version) const {
  const flow::Flow& flow = *version.flow;
  Json triggers = Json::array();
  for (const flow::Trigger& trigger : flow.triggers) {
    triggers.push(Json::object()
                      .set("id", trigger.id)
                      .set("kind", word(trigger.kind))
                      .set("text", trigger.text));
  }
  Json params = Json::array();
  for (const flow::Param& param : flow.params) {
    Json one = Json::object().set("name", param.name).set("type", word(param.type));
    if (param.otherwise) one.set("default", *param.otherwise);
    params.push(std::move(one));
  }
  Json json = Json::object();
  json.set("flow", flow.name.value)
      .set("team", flow.team)
      .set("file", flow.path)
      .set("version", version.bundle.value)
      .set("description", flow.description)
      .set("zone", flow.zone)
      .set("tasks", static_cast<int64_t>(flow.tasks.size()))
      .set("triggers", std::move(triggers))
      .set("params", std::move(params));
  auto const next = parts_.engine.next_tick(flow.name);
  json.set("next_tick", next ? Json(format_rfc3339(*next)) : Json());
  json.set("paused",
           pause_json(parts_.engine.pause_of(run::PauseRow::What::kFlow, flow.name.value)));
  return json;
}

void Api::list_flows(const Request&, Respond respond) {
  Json flows = Json::array();
  for (const auto& [name, version] : parts_.engine.flows().all()) flows.push(flow_json(version));
  Json errors = Json::array();
  auto add = [&](const flow::FileError& error) {
    errors.push(Json::object()
                    .set("file", error.path)
                    .set("line", error.mark.line)
                    .set("column", error.mark.column)
                    .set("message", error.message));
  };
  for (const auto& error : parts_.loader.project_errors()) add(error);
  for (const auto& status : parts_.loader.statuses()) {
    for (const auto& error : status.errors) add(error);
  }
  respond(Response::json(
      200, Json::object().set("flows", std::move(flows)).set("errors", std::move(errors))));
}

void Api::show_flow(const Request& request, Respond respond) {
  const auto* version = parts_.engine.flows().current(flow::FlowName(request.captures[0]));
  if (version == nullptr) {
    std::string const near = nearest_word(request.captures[0], parts_.engine.flows().names());
    respond(
        Response::error({Code::kNotFound,
                         fmt::format("there is no flow '{}'{}", printable(request.captures[0], 80),
                                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near)),
                         {}}));
    return;
  }
  Json tasks = Json::array();
  for (const flow::Task& task : version->flow->tasks) {
    Json needs = Json::array();
    for (flow::TaskIndex need : task.needs) needs.push(version->flow->task(need).name);
    tasks.push(Json::object()
                   .set("task", task.name)
                   .set("kind", word(task.kind))
                   .set("needs", std::move(needs)));
  }
  respond(Response::json(200, flow_json(*version)
                                  .set("graph", std::move(tasks))
                                  .set("text", flow::graph_text(*version->flow))));
}

void Api::reload(const Request&, Respond respond) {
  parts_.loader.load([this, respond] { list_flows({}, respond); });
}

void Api::list_runs(const Request& request, Respond respond) {
  store::RunFilter filter;
  filter.flow = request.query_value("flow").value_or("");
  filter.key_prefix = request.query_value("key_prefix").value_or("");
  filter.after = request.query_value("after").value_or("");
  if (auto const state = request.query_value("state")) {
    auto const known = run::run_state(*state);
    if (!known) {
      respond(Response::error(known.error()));
      return;
    }
    filter.state = *known;
  }
  if (auto const limit = request.query_value("limit")) {
    filter.limit = static_cast<size_t>(std::clamp(std::atoll(limit->c_str()), 1LL, 10'000LL));
  }
  read(
      [this, filter]() -> Result<Json> {
        TIDEMILL_TRY_LET(rows, parts_.store.list_runs(filter));
        Json runs = Json::array();
        for (const run::RunRow& row : rows) runs.push(run_summary(row));
        return Json::object().set("runs", std::move(runs));
      },
      std::move(respond));
}

void Api::show_run(const Request& request, Respond respond) {
  run::RunId const id(request.captures[0]);
  Json const paused = pause_json(parts_.engine.pause_of(run::PauseRow::What::kRun, id.value));
  read(
      [this, id, paused, waiting = parts_.tasks.waiting(id.value)]() -> Result<Json> {
        TIDEMILL_TRY_LET(stored, parts_.store.load_run(id));
        if (!stored) {
          return fail(Code::kNotFound,
                      fmt::format("there is no run '{}'", printable(id.value, 60)));
        }
        TIDEMILL_TRY_LET(attempts, parts_.store.attempts_of(id));
        return run_detail(*stored, attempts, waiting).set("paused", paused);
      },
      std::move(respond));
}

void Api::cancel_run(const Request& request, Respond respond) {
  std::string const reason = "cancelled by " + request.principal.name;
  run::RunId const id(request.captures[0]);
  parts_.engine.cancel(id, reason, [respond, id](const Status& done) {
    respond(
        done ? Response::json(200, Json::object().set("run", id.value).set("state", "cancelling"))
             : Response::error(done.error()));
  });
}

void Api::task_log(const Request& request, Respond respond) {
  run::RunId const id(request.captures[0]);
  std::string const task = request.captures[1];
  std::string const item = request.query_value("item").value_or("");
  std::string const attempt = request.query_value("attempt").value_or("");
  auto digits = [](const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!is_name(task) || !digits(item) || !digits(attempt)) {
    respond(Response::error({Code::kInvalid, "expected a task's name and numbers", {}}));
    return;
  }
  auto work = [this, id, task, item, attempt, respond] {
    auto answer = [&]() -> Result<std::string> {
      TIDEMILL_TRY_LET(stored, parts_.store.load_run(id));
      if (!stored) return fail(Code::kNotFound, "there is no such run");
      std::string number = attempt;
      for (const run::TaskRow& row : stored->tasks) {
        bool const is_item =
            item.empty() ? row.item == run::kWhole : std::to_string(row.item.value) == item;
        if (number.empty() && row.name == task && is_item)
          number = std::to_string(row.attempt.value);
      }
      if (number.empty()) return fail(Code::kNotFound, "the task has no attempt with a log");
      std::string const stem = item.empty() ? fmt::format("{}.{}", task, number)
                                            : fmt::format("{}.{}.{}", task, item, number);
      std::string const path =
          fmt::format("{}/tasklogs/{}/{}/{}.log", parts_.data_folder,
                      format_rfc3339(stored->row.created).substr(0, 10), id.value, stem);
      return parts_.files.read_tail(path, 8u << 20);
    }();
    Response response = answer ? Response::text(200, *answer) : Response::error(answer.error());
    parts_.loop.post([respond, response = std::move(response)] { respond(response); });
  };
  if (auto const queued = parts_.executor.run(io::Lane::kRead, work); !queued) {
    respond(Response::error(queued.error()));
  }
}

void Api::list_tokens(const Request&, Respond respond) {
  Json list = Json::array();
  for (const run::TokenRow& row : parts_.tokens.all()) {
    list.push(Json::object()
                  .set("name", row.name)
                  .set("created", format_rfc3339(row.created))
                  .set("expires", format_rfc3339(row.expires)));
  }
  respond(Response::json(200, Json::object().set("tokens", std::move(list))));
}

void Api::add_token(const Request& request, Respond respond) {
  auto const body = parse_json(request.body);
  if (!body || !body->is_object()) {
    respond(Response::error({Code::kInvalid, "expected {\"name\": NAME}", {}}));
    return;
  }
  std::string bits;
  for (int i = 0; i < 4; ++i) {
    uint64_t const word = parts_.random.next();
    bits.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  std::string const name = body->text_or("name", "");
  auto const token = access::make_token(name, bits, parts_.clock.wall(), access::kTokenLifetime);
  if (!token) {
    respond(Response::error(token.error()));
    return;
  }
  if (parts_.tokens.contains(name)) {
    respond(Response::error({Code::kConflict,
                             fmt::format("there is a token named '{}' already; "
                                         "remove it first or take another name",
                                         name),
                             {}}));
    return;
  }
  run::Changes changes;
  changes.tokens.push_back(token->row);
  parts_.engine.write(std::move(changes), [this, respond, token = *token](const Status& done) {
    if (!done) {
      respond(Response::error(done.error()));
      return;
    }
    parts_.tokens.add(token.row);
    respond(Response::json(201, Json::object()
                                    .set("name", token.row.name)
                                    .set("token", token.text)
                                    .set("expires", format_rfc3339(token.row.expires))));
  });
}

void Api::remove_token(const Request& request, Respond respond) {
  std::string const name = request.captures[0];
  if (!parts_.tokens.contains(name)) {
    respond(Response::error(
        {Code::kNotFound, fmt::format("there is no token named '{}'", printable(name, 60)), {}}));
    return;
  }
  run::Changes changes;
  changes.removed_tokens.push_back(name);
  parts_.engine.write(std::move(changes), [this, respond, name](const Status& done) {
    if (done) parts_.tokens.remove(name);
    respond(done ? Response::json(200, Json::object().set("removed", name))
                 : Response::error(done.error()));
  });
}

}  // namespace tidemill::server
