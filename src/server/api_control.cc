#include "server/api_control.h"

#include <fmt/format.h>

#include <functional>

#include "server/request_body.h"

namespace tidemill::server {
namespace {

Json cleared_json(const flow::Flow& flow, const run::Cleared& cleared) {
  Json json = Json::object()
                  .set("task", flow.task(cleared.task).name)
                  .set("state", word(cleared.state))
                  .set("attempt", int64_t{cleared.attempt.value});
  if (cleared.items.empty()) return json;
  Json items = Json::array();
  for (run::Item item : cleared.items) items.push(int64_t{item.value});
  return json.set("items", std::move(items)).set("keeps_list", cleared.keeps_list);
}

Result<run::TaskState> markable(const std::string& text) {
  for (run::TaskState state :
       {run::TaskState::kSucceeded, run::TaskState::kFailed, run::TaskState::kSkipped}) {
    if (word(state) == text) return state;
  }
  return fail(Code::kInvalid,
              fmt::format("'state' is '{}', expected succeeded, failed or skipped", text));
}

Result<engine::MarkRequest> mark_request(const Request& request) {
  TIDEMILL_TRY_LET(body, object_body(request, {"task", "state", "value"}));
  engine::MarkRequest mark;
  mark.run = run::RunId(request.captures[0]);
  mark.by = request.principal.name;
  TIDEMILL_TRY_LET(task, text_member(body, "task", ""));
  mark.task = task;
  if (task.empty()) return fail(Code::kInvalid, "'task' is missing, expected a task's name");
  TIDEMILL_TRY_LET(state_word, text_member(body, "state", ""));
  TIDEMILL_TRY_LET(state, markable(state_word));
  mark.state = state;
  if (const Json* value = body.find("value")) {
    if (state != run::TaskState::kSucceeded) {
      return fail(Code::kInvalid,
                  fmt::format("'value' goes with succeeded only, not with {}", state_word));
    }
    mark.value = flow::TaskValue::of_json(*value);
  }
  return mark;
}

Result<engine::ClearRequest> clear_request(const Request& request) {
  TIDEMILL_TRY_LET(body, object_body(request, {"tasks", "reach", "failed", "dry_run"}));
  engine::ClearRequest clear;
  clear.run = run::RunId(request.captures[0]);
  clear.by = request.principal.name;
  TIDEMILL_TRY_LET(tasks, texts_member(body, "tasks"));
  clear.tasks = tasks;
  TIDEMILL_TRY_LET(reach, text_member(body, "reach", "downstream"));
  if (reach != "downstream" && reach != "only") {
    return fail(Code::kInvalid, fmt::format("'reach' is '{}', expected downstream or only", reach));
  }
  if (reach == "only") clear.reach = run::ClearOrder::Reach::kOnly;
  TIDEMILL_TRY_LET(failed, flag_member(body, "failed"));
  clear.only_failed = failed;
  TIDEMILL_TRY_LET(dry_run, flag_member(body, "dry_run"));
  clear.dry_run = dry_run;
  return clear;
}

}  // namespace

Json pause_json(const run::PauseRow* pause) {
  if (pause == nullptr) return {};
  return Json::object().set("by", pause->by).set("at", format_rfc3339(pause->at));
}

std::vector<Route> ControlApi::routes() {
  using What = run::PauseRow::What;
  auto bind = [this](void (ControlApi::*handler)(const Request&, Respond)) {
    return [this, handler](const Request& request, Respond respond) {
      (this->*handler)(request, std::move(respond));
    };
  };
  auto bind_pause = [this](void (ControlApi::*handler)(const Request&, What, Respond), What what) {
    return [this, handler, what](const Request& request, Respond respond) {
      (this->*handler)(request, what, std::move(respond));
    };
  };
  std::vector<Route> routes = {
      {"POST", "/api/v1/runs/{run}/clear", Auth::kToken, "Begin tasks of a run anew",
       bind(&ControlApi::clear_run)},
      {"POST", "/api/v1/runs/{run}/rerun", Auth::kToken, "Begin anew from the failed tasks",
       bind(&ControlApi::rerun)},
      {"POST", "/api/v1/runs/{run}/mark", Auth::kToken, "Set how a task has ended",
       bind(&ControlApi::mark_task)},
      {"POST", "/api/v1/runs/{run}/pause", Auth::kToken, "Nothing new starts in the run",
       bind_pause(&ControlApi::pause, What::kRun)},
      {"POST", "/api/v1/runs/{run}/resume", Auth::kToken, "A paused run goes on",
       bind_pause(&ControlApi::unpause, What::kRun)},
      {"POST", "/api/v1/flows/{flow}/pause", Auth::kToken, "No trigger of the flow starts a run",
       bind_pause(&ControlApi::pause, What::kFlow)},
      {"POST", "/api/v1/flows/{flow}/unpause", Auth::kToken, "Triggers start runs again",
       bind_pause(&ControlApi::unpause, What::kFlow)},
      {"GET", "/api/v1/runs/{run}/why", Auth::kToken,
       "Why a run or a task is as it is, in words: ?task=", bind(&ControlApi::why_run)},
      {"GET", "/api/v1/flows/{flow}/why", Auth::kToken, "Why a flow has no run now, in words",
       bind(&ControlApi::why_flow)},
  };
  for (Route& route : backfill_routes()) routes.push_back(std::move(route));
  return routes;
}

void ControlApi::clear_run(const Request& request, Respond respond) {
  auto order = clear_request(request);
  if (!order) {
    respond(Response::error(order.error()));
    return;
  }
  order_clear(std::move(*order), std::move(respond));
}

void ControlApi::rerun(const Request& request, Respond respond) {
  auto const body = object_body(request, {"dry_run"});
  auto const dry_run = body ? flag_member(*body, "dry_run") : Result<bool>(false);
  if (!body || !dry_run) {
    respond(Response::error(body ? dry_run.error() : body.error()));
    return;
  }
  engine::ClearRequest order;
  order.run = run::RunId(request.captures[0]);
  order.by = request.principal.name;
  order.only_failed = true;
  order.dry_run = *dry_run;
  order_clear(std::move(order), std::move(respond));
}

void ControlApi::order_clear(engine::ClearRequest order, Respond respond) {
  std::string const run = order.run.value;
  bool const dry_run = order.dry_run;
  engine_.clear(std::move(order),
                [respond, run, dry_run](const Result<engine::ClearAnswer>& answer) {
                  if (!answer) {
                    respond(Response::error(answer.error()));
                    return;
                  }
                  Json cleared = Json::array();
                  for (const run::Cleared& one : answer->cleared)
                    cleared.push(cleared_json(*answer->flow, one));
                  respond(Response::json(200, Json::object()
                                                  .set("run", run)
                                                  .set("flow", answer->flow->name.value)
                                                  .set("dry_run", dry_run)
                                                  .set("cleared", std::move(cleared))));
                });
}

void ControlApi::mark_task(const Request& request, Respond respond) {
  auto mark = mark_request(request);
  if (!mark) {
    respond(Response::error(mark.error()));
    return;
  }
  Json json = Json::object()
                  .set("run", mark->run.value)
                  .set("task", mark->task)
                  .set("state", word(mark->state));
  engine_.mark(std::move(*mark), [respond, json](const Result<engine::MarkAnswer>& answer) {
    if (!answer) {
      respond(Response::error(answer.error()));
      return;
    }
    Json released = Json::array();
    for (const std::string& task : answer->released) released.push(task);
    respond(Response::json(
        200, Json(json).set("before", word(answer->before)).set("released", std::move(released))));
  });
}

void ControlApi::pause(const Request& request, run::PauseRow::What what, Respond respond) {
  run::PauseRow const row{what, request.captures[0], request.principal.name, {}};
  engine_.pause(row, [this, respond, row](const Status& done) {
    if (!done) {
      respond(Response::error(done.error()));
      return;
    }
    bool const is_flow = row.what == run::PauseRow::What::kFlow;
    respond(
        Response::json(200, Json::object()
                                .set(is_flow ? "flow" : "run", row.name)
                                .set("paused", pause_json(engine_.pause_of(row.what, row.name)))));
  });
}

void ControlApi::unpause(const Request& request, run::PauseRow::What what, Respond respond) {
  run::PauseRow const row{what, request.captures[0], request.principal.name, {}};
  engine_.unpause(row, [respond, row](const Status& done) {
    bool const is_flow = row.what == run::PauseRow::What::kFlow;
    respond(done ? Response::json(
                       200,
                       Json::object().set(is_flow ? "flow" : "run", row.name).set("paused", Json()))
                 : Response::error(done.error()));
  });
}

// Attempts are read off the loop; the machine is asked on it.
void ControlApi::why_run(const Request& request, Respond respond) {
  run::RunId const id(request.captures[0]);
  std::string const task = request.query_value("task").value_or("");
  auto work = [this, id, task, respond] {
    auto attempts = parts_.store.attempts_of(id);
    parts_.loop.post([this, id, task, respond, attempts = std::move(attempts)] {
      auto const answer =
          attempts ? engine_.why(id, task, *attempts) : Result<Json>(fail(attempts.error()));
      respond(answer ? Response::json(200, *answer) : Response::error(answer.error()));
    });
  };
  if (auto const queued = parts_.executor.run(io::Lane::kRead, work); !queued) {
    respond(Response::error(queued.error()));
  }
}

void ControlApi::why_flow(const Request& request, Respond respond) {
  const engine::FlowVersion* version = engine_.flows().current(flow::FlowName(request.captures[0]));
  // The file of a flow that never loaded is known by its path alone.
  std::string const path =
      version != nullptr ? version->flow->path : "flows/" + request.captures[0] + ".";
  Json errors = Json::array();
  for (const engine::FlowStatus& status : parts_.loader.statuses()) {
    if (version != nullptr ? status.path != path : !status.path.starts_with(path)) continue;
    for (const flow::FileError& error : status.errors) errors.push(error.text());
  }
  auto answer = engine_.why_flow(flow::FlowName(request.captures[0]));
  if (!answer && !errors.as_array().empty()) {  // no version of it was ever good
    answer = Json::object().set("flow", request.captures[0]).set("version", Json());
  }
  if (!answer) {
    respond(Response::error(answer.error()));
    return;
  }
  respond(Response::json(200, answer->set("errors", std::move(errors))));
}

}  // namespace tidemill::server
