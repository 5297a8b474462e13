// Backfills over HTTP.
#include <fmt/format.h>

#include "base/text.h"
#include "server/api_control.h"
#include "server/request_body.h"

namespace tidemill::server {
namespace {

constexpr size_t kListed = 1'000;

Json time_or_null(const std::optional<Time>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}

Json backfill_json(const run::BackfillRow& row) {
  Json open = Json::array();
  for (const std::string& run : row.open) open.push(run);
  return Json::object()
      .set("backfill", row.id.value)
      .set("flow", row.flow)
      .set("state", word(row.state))
      .set("by", row.by)
      .set("created", format_rfc3339(row.created))
      .set("finished", time_or_null(row.finished))
      .set("total", row.total)
      .set("decided", row.next)
      .set("started", row.started)
      .set("there", row.there)
      .set("refused", row.refused)
      .set("succeeded", row.succeeded)
      .set("failed", row.failed)
      .set("open", std::move(open))
      .set("last_error", row.last_error);
}

Result<std::optional<Time>> time_member(const Json& body, std::string_view name) {
  TIDEMILL_TRY_LET(text, text_member(body, name, ""));
  if (text.empty()) return std::optional<Time>();
  auto const time = parse_rfc3339(text);
  if (!time) return fail(time.error().in(fmt::format("'{}'", name)));
  return std::optional<Time>(*time);
}

Status check_range(const Json& body, const engine::BackfillRequest& request) {
  bool const has_keys = body.find("keys") != nullptr;
  bool const has_range = request.from || request.to;
  if (has_keys == has_range) {
    return fail(Code::kInvalid, "expected either 'from' and 'to', or 'keys'");
  }
  if (has_range && (!request.from || !request.to)) {
    return fail(Code::kInvalid, "'from' and 'to' go together");
  }
  if (has_range && *request.from >= *request.to) {
    return fail(Code::kInvalid,
                fmt::format("'from' ({}) is not before 'to' ({})", format_rfc3339(*request.from),
                            format_rfc3339(*request.to)));
  }
  return {};
}

Result<engine::BackfillRequest> backfill_request(const Request& request) {
  TIDEMILL_TRY_LET(body, object_body(request, {"flow", "from", "to", "trigger", "keys", "order",
                                               "max_running", "reprocess", "dry_run"}));
  engine::BackfillRequest asked;
  asked.by = request.principal.name;
  TIDEMILL_TRY_LET(flow, text_member(body, "flow", ""));
  asked.flow = flow;
  TIDEMILL_TRY_LET(from, time_member(body, "from"));
  asked.from = from;
  TIDEMILL_TRY_LET(to, time_member(body, "to"));
  asked.to = to;
  TIDEMILL_TRY(check_range(body, asked));
  TIDEMILL_TRY_LET(trigger, text_member(body, "trigger", ""));
  asked.trigger = trigger;
  TIDEMILL_TRY_LET(lines, texts_member(body, "keys"));
  asked.lines = lines;
  TIDEMILL_TRY_LET(order, text_member(body, "order", "oldest"));
  if (order != "oldest" && order != "newest") {
    return fail(Code::kInvalid, fmt::format("'order' is '{}', expected oldest or newest", order));
  }
  asked.newest_first = order == "newest";
  TIDEMILL_TRY_LET(most, number_member(body, "max_running", 1, 1, run::kMaxBackfillRunning));
  asked.max_running = most;
  TIDEMILL_TRY_LET(again_word, text_member(body, "reprocess", "none"));
  TIDEMILL_TRY_LET(again, run::reprocess(again_word));
  asked.reprocess = again;
  TIDEMILL_TRY_LET(dry_run, flag_member(body, "dry_run"));
  asked.dry_run = dry_run;
  return asked;
}

Json planned_json(const engine::BackfillAnswer& answer) {
  Json planned = Json::array();
  for (const auto& one : answer.planned) {
    planned.push(Json::object()
                     .set("key", one.key)
                     .set("scheduled_at", time_or_null(one.scheduled_at))
                     .set("what", one.what));
  }
  return planned;
}

}  // namespace

std::vector<Route> ControlApi::backfill_routes() {
  auto bind = [this](void (ControlApi::*handler)(const Request&, Respond)) {
    return [this, handler](const Request& request, Respond respond) {
      (this->*handler)(request, std::move(respond));
    };
  };
  auto order = [this](engine::BackfillOrder what) {
    return [this, what](const Request& request, Respond respond) {
      order_backfill(request, what, std::move(respond));
    };
  };
  using engine::BackfillOrder;
  return {
      {"POST", "/api/v1/backfills", Auth::kToken, "Runs for a range of ticks, or for keys",
       bind(&ControlApi::create_backfill)},
      {"GET", "/api/v1/backfills", Auth::kToken, "Backfills, newest first",
       bind(&ControlApi::list_backfills)},
      {"GET", "/api/v1/backfills/{backfill}", Auth::kToken, "One backfill with its progress",
       bind(&ControlApi::show_backfill)},
      {"POST", "/api/v1/backfills/{backfill}/pause", Auth::kToken, "It makes no new run",
       order(BackfillOrder::kPause)},
      {"POST", "/api/v1/backfills/{backfill}/resume", Auth::kToken, "It makes runs again",
       order(BackfillOrder::kResume)},
      {"POST", "/api/v1/backfills/{backfill}/cancel", Auth::kToken,
       "It ends; runs that are under way go on", order(BackfillOrder::kCancel)},
  };
}

void ControlApi::create_backfill(const Request& request, Respond respond) {
  auto asked = backfill_request(request);
  if (!asked) {
    respond(Response::error(asked.error()));
    return;
  }
  bool const dry_run = asked->dry_run;
  engine_.create_backfill(
      std::move(*asked), [respond, dry_run](const Result<engine::BackfillAnswer>& answer) {
        if (!answer) {
          respond(Response::error(answer.error()));
        } else if (dry_run) {
          respond(Response::json(200, Json::object()
                                          .set("flow", answer->row.flow)
                                          .set("dry_run", true)
                                          .set("total", answer->row.total)
                                          .set("planned", planned_json(*answer))));
        } else {
          respond(Response::json(201, backfill_json(answer->row)));
        }
      });
}

void ControlApi::read(std::function<Result<Json>()> query, Respond respond) {
  auto const queued =
      parts_.executor.run(io::Lane::kRead, [this, query = std::move(query), respond] {
        auto answer = query();
        Response response = answer ? Response::json(200, *answer) : Response::error(answer.error());
        parts_.loop.post([respond, response = std::move(response)] { respond(response); });
      });
  if (!queued) respond(Response::error(queued.error()));
}

void ControlApi::list_backfills(const Request&, Respond respond) {
  read(
      [this]() -> Result<Json> {
        TIDEMILL_TRY_LET(rows, parts_.store.list_backfills(kListed));
        Json list = Json::array();
        for (const run::BackfillRow& row : rows) list.push(backfill_json(row));
        return Json::object().set("backfills", std::move(list));
      },
      std::move(respond));
}

void ControlApi::show_backfill(const Request& request, Respond respond) {
  std::string const id = request.captures[0];
  read(
      [this, id]() -> Result<Json> {
        TIDEMILL_TRY_LET(row, parts_.store.find_backfill(run::BackfillId(id)));
        if (row) return backfill_json(*row);
        return fail(Code::kNotFound, fmt::format("there is no backfill '{}'", printable(id, 60)));
      },
      std::move(respond));
}

void ControlApi::order_backfill(const Request& request, engine::BackfillOrder order,
                                Respond respond) {
  engine_.order_backfill(
      run::BackfillId(request.captures[0]), order, request.principal.name,
      [respond](const Result<run::BackfillRow>& row) {
        respond(row ? Response::json(200, backfill_json(*row)) : Response::error(row.error()));
      });
}

}  // namespace tidemill::server
