#include "task/approve.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "flow/params.h"

namespace tidemill::task {
namespace {

using Otherwise = flow::ApproveSettings::Otherwise;

std::string_view word(Decision::Verdict verdict) {
  return verdict == Decision::Verdict::kApprove ? "approve" : "reject";
}

}  // namespace

void ApproveRunner::start(const Work& work, const flow::Scope& scope, Done done) {
  const auto& settings = std::get<flow::ApproveSettings>(work.task().settings);
  auto message = settings.message.text(scope);
  if (!message) {
    done(run::Outcome::failure(message.error().in("message")));
    return;
  }
  Open open;
  open.flow = work.flow;
  open.settings = &settings;
  open.done = std::move(done);
  Approval& approval = open.approval;
  approval.run = work.run.id;
  approval.flow = work.run.flow;
  approval.key = work.run.key;
  approval.task = work.task().name;
  approval.item = work.ref.item;
  approval.team = settings.team;
  approval.message = std::move(*message);
  approval.requested_by = work.principal;
  approval.four_eyes = settings.four_eyes;
  approval.fields = settings.fields;
  approval.since = work.started.value_or(clock_.wall());
  if (work.task().timeout) approval.until = approval.since + *work.task().timeout;
  open_[work.attempt_id()] = std::move(open);
}

void ApproveRunner::recover(const Work& work, const flow::Scope& scope, Done done) {
  start(work, scope, std::move(done));
}

Status ApproveRunner::check(const Open& open, const Decision& decision) {
  const Approval& approval = open.approval;
  if (open.decided) {
    return fail(Code::kConflict, fmt::format("task {} of run {} was decided already: {}",
                                             approval.task, approval.run, open.decided->dump()));
  }
  const auto& members = open.settings->members;
  bool const is_member = std::find(members.begin(), members.end(), decision.by) != members.end();
  if (!is_member && !decision.is_local) {
    return fail(Code::kDenied, fmt::format("'{}' is no member of the team {}, which decides this",
                                           printable(decision.by, 80), approval.team));
  }
  if (approval.four_eyes && !approval.requested_by.empty() &&
      approval.requested_by == decision.by) {
    return fail(Code::kDenied,
                fmt::format("'{}' asked for this run; with four_eyes somebody else of the team {} "
                            "must decide",
                            printable(decision.by, 80), approval.team));
  }
  if (decision.comment.size() > kMaxComment || !is_utf8(decision.comment)) {
    return fail(Code::kInvalid,
                fmt::format("the comment must be UTF-8 text of at most {} bytes", kMaxComment));
  }
  return {};
}

Result<Json> ApproveRunner::record(const Open& open, const Decision& decision) const {
  Json record = Json::object();
  record.set("decision", word(decision.verdict))
      .set("by", decision.by)
      .set("at", format_rfc3339(clock_.wall()))
      .set("comment", decision.comment);
  if (!decision.fields.is_object()) {
    return fail(Code::kInvalid, fmt::format("fields: found {}, expected an object of name to value",
                                            decision.fields.kind()));
  }
  std::vector<std::string> known;
  for (const flow::Param& field : open.settings->fields) known.push_back(field.name);
  for (const auto& [name, value] : decision.fields.as_object()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return fail(Code::kInvalid,
                fmt::format("there is no field '{}'; expected {}", printable(name, 60),
                            known.empty() ? "none" : join(known, ", ")));
  }
  for (const flow::Param& field : open.settings->fields) {
    const Json* given = decision.fields.find(field.name);
    if (given != nullptr) {
      TIDEMILL_TRY_LET(value, flow::check_param(field, *given));
      record.set(field.name, std::move(value));
    } else if (field.otherwise) {
      record.set(field.name, *field.otherwise);
    } else if (decision.verdict == Decision::Verdict::kApprove) {
      return fail(Code::kInvalid,
                  fmt::format("the field '{}' is missing; an approval needs it", field.name));
    }
  }
  return record;
}

run::Outcome ApproveRunner::outcome_of(const Open& open, Decision::Verdict verdict, Json record) {
  if (verdict == Decision::Verdict::kApprove) {
    auto value = flow::TaskValue::of_json(record);
    return run::Outcome::success(std::move(value), std::move(record));
  }
  std::string const comment = record.text_or("comment", "");
  std::string reason = fmt::format("rejected by {}{}{}", record.text_or("by", ""),
                                   comment.empty() ? "" : ": ", comment);
  if (open.settings->skip_rejected) {
    return run::Outcome::skipped(std::move(reason), std::move(record));
  }
  return run::Outcome::failure({Code::kDenied, std::move(reason), {}}, std::move(record));
}

void ApproveRunner::decide(const Decision& decision, std::function<void(Result<Json>)> respond) {
  auto const found = std::find_if(open_.begin(), open_.end(), [&](const auto& entry) {
    const Approval& approval = entry.second.approval;
    return approval.run == decision.run && approval.task == decision.task &&
           approval.item == decision.item;
  });
  if (found == open_.end()) {
    respond(fail(Code::kNotFound,
                 fmt::format("task '{}' of run '{}' does not wait for an approval",
                             printable(decision.task, 60), printable(decision.run, 60))));
    return;
  }
  Open& open = found->second;
  if (auto const allowed = check(open, decision); !allowed) {
    respond(fail(allowed.error()));
    return;
  }
  auto written = record(open, decision);
  if (!written) {
    respond(fail(written.error()));
    return;
  }
  open.decided = *written;
  open.respond = std::move(respond);
  Done const done = open.done;  // settled() may take the entry away
  done(outcome_of(open, decision.verdict, std::move(*written)));
}

void ApproveRunner::settled(const Work& work) {
  auto const found = open_.find(work.attempt_id());
  if (found == open_.end()) return;
  Open const open = std::move(found->second);
  open_.erase(found);
  if (open.respond) open.respond(*open.decided);
}

void ApproveRunner::stop(const Work& work) {
  auto const found = open_.find(work.attempt_id());
  if (found == open_.end() || found->second.decided) return;
  Open const open = std::move(found->second);
  open_.erase(found);
  Json record = Json::object().set("decision", "none").set("by", "timeout");
  record.set("at", format_rfc3339(clock_.wall())).set("comment", "nobody decided in time");
  Otherwise const otherwise = work.is_cancelling ? Otherwise::kFail : open.settings->at_timeout;
  if (otherwise == Otherwise::kFail) {
    open.done(
        run::Outcome::failure({Code::kTooLate, "nobody decided in time", {}}, std::move(record)));
    return;
  }
  auto const verdict =
      otherwise == Otherwise::kApprove ? Decision::Verdict::kApprove : Decision::Verdict::kReject;
  record.set("decision", word(verdict));
  for (const flow::Param& field : open.settings->fields) {
    record.set(field.name, field.otherwise ? *field.otherwise : Json());
  }
  open.done(outcome_of(open, verdict, std::move(record)));
}

std::vector<Approval> ApproveRunner::open() const {
  std::vector<Approval> list;
  for (const auto& [id, open] : open_) {
    if (!open.decided) list.push_back(open.approval);
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const Approval& a, const Approval& b) { return a.since < b.since; });
  return list;
}

std::vector<Waiting> ApproveRunner::waiting(const std::string& run) const {
  std::vector<Waiting> list;
  for (auto one = open_.lower_bound(run + "/"); one != open_.end(); ++one) {
    const Approval& approval = one->second.approval;
    if (approval.run != run) break;
    list.push_back({approval.task, approval.item, "the approval of " + approval.team});
  }
  return list;
}

}  // namespace tidemill::task
