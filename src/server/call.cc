// Runs that are asked for: `call` waits for the result, `runs` starts one by hand.
#include <fmt/format.h>

#include "base/text.h"
#include "run/keys.h"
#include "server/api.h"

namespace tidemill::server {
namespace {

constexpr int64_t kDefaultDeadlineMs = 10'000;
constexpr int64_t kLongestDeadlineMs = 600'000;
constexpr size_t kKeyBytes = 200;

struct CallBody {
  Json params = Json::object();
  int64_t deadline_ms = kDefaultDeadlineMs;
};

Result<CallBody> parse_body(const Request& request) {
  CallBody call;
  if (trim(request.body).empty()) return call;
  TIDEMILL_TRY_LET(json, parse_json(request.body, {.bytes = 1u << 20, .depth = 64}));
  if (!json.is_object()) {
    return fail(Code::kInvalid, fmt::format("the body is {}, expected an object such as "
                                            "{{\"params\":{{}},\"deadline_ms\":5000}}",
                                            json.kind()));
  }
  for (auto& [name, value] : json.as_object()) {
    if (name == "params") {
      if (!value.is_object()) return fail(Code::kInvalid, "'params' must be an object");
      call.params = value;
    } else if (name == "deadline_ms") {
      if (!value.is_int() || value.as_int() < 0 || value.as_int() > kLongestDeadlineMs) {
        return fail(Code::kInvalid, fmt::format("'deadline_ms' must be a whole number from 0 to {}",
                                                kLongestDeadlineMs));
      }
      call.deadline_ms = value.as_int();
    } else {
      std::string const near =
          nearest_word(name, std::vector<std::string>{"params", "deadline_ms"});
      return fail(Code::kInvalid,
                  fmt::format("unknown field '{}'{}; expected 'params' and 'deadline_ms'",
                              printable(name, 60),
                              near.empty() ? "" : fmt::format(", did you mean '{}'?", near)));
    }
  }
  return call;
}

Response result_response(const engine::RunResult& result) {
  Json json = Json::object().set("run", result.id.value).set("state", word(result.state));
  if (result.state != run::RunState::kSucceeded) {
    json.set("error", Json::object().set("code", result.error_code).set("message", result.error));
  }
  json.set("output", result.output);
  return Response::json(200, json);
}

// One answer, whichever comes first: the end of the run, or the deadline.
struct Waiting {
  Respond respond;
  std::optional<io::TimerHandle> timer;
  run::RunId run;
  bool is_answered = false;
};

}  // namespace

void Api::call(const Request& request, Respond respond) {
  flow::FlowName const name(request.captures[0]);
  const auto* version = parts_.engine.flows().current(name);
  const flow::Trigger* trigger =
      version != nullptr ? version->flow->trigger(flow::Trigger::Kind::kCall) : nullptr;
  if (version != nullptr && trigger == nullptr) {
    respond(Response::error(
        {Code::kInvalid,
         fmt::format("flow {} is not started by calls; add '- call' to its `on`", name.value),
         {}}));
    return;
  }
  auto body = parse_body(request);
  std::string_view const key = request.header("idempotency-key");
  if (!body || key.size() > kKeyBytes) {
    respond(Response::error(body ? Error{Code::kInvalid,
                                         fmt::format("the Idempotency-Key is longer "
                                                     "than {} bytes",
                                                     kKeyBytes),
                                         {}}
                                 : body.error()));
    return;
  }
  engine::RunRequest asked;
  asked.flow = name;
  asked.params = std::move(body->params);
  asked.cause.trigger = "call";
  asked.cause.origin = "call";
  asked.cause.principal = request.principal.name;
  if (trigger != nullptr) asked.cause.trigger_id = trigger->id;
  if (!key.empty()) asked.key = run::call_key(request.principal.name, key);
  auto waiting = std::make_shared<Waiting>();
  waiting->respond = std::move(respond);
  auto answer = [this, waiting](const Response& response) {
    if (waiting->is_answered) return;
    waiting->is_answered = true;
    if (waiting->timer) parts_.loop.cancel(*waiting->timer);
    waiting->respond(response);
  };
  asked.on_finished = [answer](const engine::RunResult& result) {
    answer(result_response(result));
  };
  asked.on_accepted = [this, waiting, answer,
                       limit = body->deadline_ms](const Result<run::RunId>& accepted) {
    if (!accepted) {
      answer(Response::error(accepted.error()));
      return;
    }
    waiting->run = *accepted;
    waiting->timer = parts_.loop.after(Duration::millis(limit), [waiting, answer] {
      waiting->timer.reset();
      answer(Response::json(202,
                            Json::object().set("run", waiting->run.value).set("state", "running")));
    });
  };
  parts_.engine.request(std::move(asked));
}

void Api::start_run(const Request& request, Respond respond) {
  auto body = parse_body(request);
  if (!body) {
    respond(Response::error(body.error()));
    return;
  }
  engine::RunRequest asked;
  asked.flow = flow::FlowName(request.captures[0]);
  asked.params = std::move(body->params);
  asked.cause.trigger = "manual";
  asked.cause.origin = "manual";
  asked.cause.principal = request.principal.name;
  std::string_view const key = request.header("idempotency-key");
  if (!key.empty()) {
    asked.key = run::Key(fmt::format("manual:{}/{}", request.principal.name, key));
  }
  asked.on_accepted = [respond](const Result<run::RunId>& accepted) {
    respond(accepted ? Response::json(201, Json::object().set("run", accepted->value))
                     : Response::error(accepted.error()));
  };
  parts_.engine.request(std::move(asked));
}

}  // namespace tidemill::server
