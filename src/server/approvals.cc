// Approvals: what waits for somebody, and what somebody says.
#include <fmt/format.h>

#include "base/text.h"
#include "server/api.h"

namespace tidemill::server {
namespace {

Json approval_json(const task::Approval& approval) {
  Json fields = Json::array();
  for (const flow::Param& field : approval.fields) {
    Json one = Json::object().set("name", field.name).set("type", word(field.type));
    if (field.otherwise) one.set("default", *field.otherwise);
    fields.push(std::move(one));
  }
  Json json = Json::object();
  json.set("run", approval.run)
      .set("flow", approval.flow)
      .set("key", approval.key)
      .set("task", approval.task)
      .set("team", approval.team)
      .set("message", approval.message)
      .set("since", format_rfc3339(approval.since))
      .set("until", approval.until ? Json(format_rfc3339(*approval.until)) : Json())
      .set("four_eyes", approval.four_eyes)
      .set("requested_by", approval.requested_by)
      .set("fields", std::move(fields));
  if (approval.item != run::kWhole) json.set("item", int64_t{approval.item.value});
  return json;
}

Result<task::Decision> decision_of(const Request& request) {
  TIDEMILL_TRY_LET(body, parse_json(request.body));
  if (!body.is_object()) {
    return fail(Code::kInvalid, "expected {\"decision\": \"approve\" or \"reject\"}");
  }
  task::Decision decision;
  decision.run = request.captures[0];
  decision.task = request.captures[1];
  decision.by = request.principal.name;
  decision.is_local = request.principal.is_local;
  for (const auto& [name, value] : body.as_object()) {
    if (name == "decision" && value == Json("approve")) {
      decision.verdict = task::Decision::Verdict::kApprove;
    } else if (name == "decision" && value == Json("reject")) {
      decision.verdict = task::Decision::Verdict::kReject;
    } else if (name == "comment" && value.is_string()) {
      decision.comment = value.as_string();
    } else if (name == "fields" && value.is_object()) {
      decision.fields = value;
    } else if (name == "item" && value.is_int() && value.as_int() >= 0 &&
               value.as_int() < static_cast<int64_t>(run::kMaxItems)) {
      decision.item = run::Item(static_cast<int32_t>(value.as_int()));
    } else {
      return fail(
          Code::kInvalid,
          fmt::format("found '{}': {}, expected decision (approve or reject), comment (text), "
                      "fields (object), item (number)",
                      printable(name, 60), printable(value.dump(), 60)));
    }
  }
  if (body.find("decision") == nullptr) {
    return fail(Code::kInvalid, "'decision' is missing; expected approve or reject");
  }
  return decision;
}

}  // namespace

void Api::list_approvals(const Request&, Respond respond) {
  Json list = Json::array();
  for (const task::Approval& approval : parts_.tasks.approvals().open()) {
    list.push(approval_json(approval));
  }
  respond(Response::json(200, Json::object().set("approvals", std::move(list))));
}

void Api::decide(const Request& request, Respond respond) {
  auto const decision = decision_of(request);
  if (!decision) {
    respond(Response::error(decision.error()));
    return;
  }
  parts_.tasks.approvals().decide(*decision, [respond](const Result<Json>& recorded) {
    respond(recorded ? Response::json(200, *recorded) : Response::error(recorded.error()));
  });
}

}  // namespace tidemill::server
