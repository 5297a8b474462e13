// Why: what the engine knows of a run or a flow, given to the pure answer.
#include "run/why.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/clockwork.h"
#include "engine/turn.h"

namespace tidemill::engine {
namespace {

constexpr size_t kSkippedListed = 5;

Json reason(std::string_view code, std::string text) {
  return Json::object().set("code", code).set("text", std::move(text));
}

std::string after_text(const flow::Trigger& trigger) {
  using After = flow::Trigger::After;
  std::string_view const state = trigger.after == After::kSucceeded ? "has succeeded"
                                 : trigger.after == After::kFailed  ? "has failed"
                                                                    : "has ended";
  if (trigger.kind == flow::Trigger::Kind::kAfterFlow) {
    return fmt::format("starts a run when a run of {} {}", trigger.source, state);
  }
  return fmt::format("starts a run when the dataset {} is written", trigger.source);
}

}  // namespace

// What running tasks wait for: the runs that flow tasks started, and what the kinds say.
std::vector<run::WhyContext::Wait> Engine::waits_of(const run::Instance& run) const {
  std::vector<run::WhyContext::Wait> waits;
  for (const task::Waiting& one : parts_.tasks.waiting(run.row.id.value)) {
    auto const index = run.flow->names.find(one.task);
    if (index != run.flow->names.end()) waits.push_back({{index->second, one.item}, one.text});
  }
  for (auto at = sub_runs_.lower_bound({run.row.id, run::TaskRef{}});
       at != sub_runs_.end() && at->first.first == run.row.id; ++at) {
    auto const sub = runs_.find(at->second);
    if (sub == runs_.end()) continue;
    waits.push_back(
        {at->first.second, fmt::format("waits for run {} of flow {}, which is {}", at->second.value,
                                       sub->second->row.flow.value, word(sub->second->row.state))});
  }
  return waits;
}

Result<Json> Engine::why(const run::RunId& id, const std::string& task,
                         std::vector<run::AttemptRow> attempts) {
  TIDEMILL_TRY_LET(run, look_at(id));
  run::WhyContext context;
  context.now = parts_.clock.wall();
  context.admission = &admission_;
  context.pause = pause_of(run::PauseRow::What::kRun, id.value);
  context.attempts = std::move(attempts);
  context.waits = waits_of(*run);
  const FlowVersion* current = flows_.current(run->row.flow);
  context.is_current = current != nullptr && current->bundle == run->row.bundle;
  if (task.empty()) return run::why_run(*run, context);
  TIDEMILL_TRY_LET(index, task_index(*run->flow, task));
  return run::why_task(*run, index, context);
}

Json Engine::why_trigger(const FlowVersion& version, const flow::Trigger& trigger) const {
  Json reasons = Json::array();
  const flow::FlowName& name = version.flow->name;
  if (trigger.kind == flow::Trigger::Kind::kCall) {
    reasons.push(reason("call", "starts a run when somebody calls"));
  } else if (!trigger.schedule) {
    reasons.push(reason("after", after_text(trigger)));
  } else if (auto const row = triggers_.find({name, trigger.id}); row != triggers_.end()) {
    auto const next = next_due(trigger, row->second.low_water);
    reasons.push(reason("next_tick", next ? fmt::format("next tick at {}", format_rfc3339(*next))
                                          : "it has no tick any more"));
    reasons.push(reason("decided", fmt::format("ticks up to {} are decided",
                                               format_rfc3339(row->second.low_water))));
    if (!row->second.low_water_key.empty()) {
      reasons.push(
          reason("last_tick", fmt::format("the last tick was {}", row->second.low_water_key)));
    }
    if (row->second.skipped > 0) {
      reasons.push(reason(
          "skipped", fmt::format("{} ticks were skipped or missed in all", row->second.skipped)));
    }
  }
  return Json::object()
      .set("id", trigger.id)
      .set("text", trigger.text)
      .set("reasons", std::move(reasons));
}

Result<Json> Engine::why_flow(const flow::FlowName& name) const {
  const FlowVersion* version = flows_.current(name);
  if (version == nullptr) {
    std::string const near = nearest_word(name.value, flows_.names());
    return fail(Code::kNotFound,
                fmt::format("there is no flow '{}'{}", printable(name.value, 80),
                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  Json reasons = Json::array();
  if (const auto* pause = pause_of(run::PauseRow::What::kFlow, name.value)) {
    reasons.push(reason("paused", fmt::format("paused by {} since {}: no trigger starts a run; "
                                              "'tidemill flow unpause {}' lets it go on",
                                              pause->by, format_rfc3339(pause->at), name.value)));
  }
  size_t const running = admission_.running(name);
  size_t const queued = admission_.queued(name);
  auto const most = version->flow->max_running;
  if (most && static_cast<int64_t>(running) >= *most) {
    std::string runs;
    for (const run::RunId& id : admission_.running_runs(name)) runs += " " + id.value;
    reasons.push(
        reason("max_running", fmt::format("max_running: {} is reached by runs{}", *most, runs)));
  }
  reasons.push(reason("open", fmt::format("{} runs are running, {} are queued", running, queued)));
  if (version->flow->triggers.empty()) {
    reasons.push(reason("no_trigger", "it has no trigger: runs start by hand or by flow tasks"));
  }
  Json triggers = Json::array();
  for (const flow::Trigger& trigger : version->flow->triggers) {
    triggers.push(why_trigger(*version, trigger));
  }
  TIDEMILL_TRY_LET(keys, parts_.store.skipped_keys(name, kSkippedListed));
  Json skipped = Json::array();
  for (const run::KeyRow& key : keys) {
    skipped.push(Json::object()
                     .set("key", key.key.value)
                     .set("at", format_rfc3339(key.at))
                     .set("text", key.reason));
  }
  return Json::object()
      .set("flow", name.value)
      .set("version", version->bundle.value)
      .set("reasons", std::move(reasons))
      .set("triggers", std::move(triggers))
      .set("skipped", std::move(skipped));
}

}  // namespace tidemill::engine
