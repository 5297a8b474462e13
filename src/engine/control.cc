// Clear, mark, pause: what people change about runs and flows.
#include "engine/control.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/turn.h"
#include "run/keys.h"

namespace tidemill::engine {
namespace {

Result<run::ClearOrder> order_of(const flow::Flow& flow, const ClearRequest& request) {
  run::ClearOrder order;
  order.reach = request.reach;
  order.only_failed = request.only_failed;
  for (const std::string& name : request.tasks) {
    TIDEMILL_TRY_LET(index, task_index(flow, name));
    order.tasks.push_back(index);
  }
  return order;
}

Error being_cancelled(const run::RunId& id) {
  return {Code::kConflict,
          fmt::format("run {} is being cancelled; ask again once it has ended", id.value),
          {}};
}

}  // namespace

Result<flow::TaskIndex> task_index(const flow::Flow& flow, const std::string& name) {
  auto const found = flow.names.find(name);
  if (found != flow.names.end()) return found->second;
  std::vector<std::string> names;
  for (const flow::Task& task : flow.tasks) names.push_back(task.name);
  std::string const near = nearest_word(name, names);
  return fail(Code::kNotFound,
              fmt::format("flow {} has no task '{}'{}", flow.name.value, printable(name, 60),
                          near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

const run::PauseRow* Engine::pause_of(run::PauseRow::What what, const std::string& name) const {
  auto const found = pauses_.find({what, name});
  return found == pauses_.end() ? nullptr : &found->second;
}

// A run that ends in this very turn is not in the store yet: the order is given again after it.
bool Engine::is_ending(const Turn& turn, const run::RunId& id) const {
  auto const known = turn.by_run.find(id);
  return known != turn.by_run.end() && run::is_final(known->second->run->row.state);
}

// The run in memory; one that has ended is read for looking only.
Result<std::shared_ptr<const run::Instance>> Engine::look_at(const run::RunId& id) {
  if (auto const open = runs_.find(id); open != runs_.end()) {
    return std::shared_ptr<const run::Instance>(std::shared_ptr<void>(), open->second.get());
  }
  TIDEMILL_TRY_LET(stored, parts_.store.load_run(id));
  if (!stored) {
    return fail(Code::kNotFound, fmt::format("there is no run '{}'", printable(id.value, 60)));
  }
  const FlowVersion* known = flows_.version(stored->row.bundle);
  FlowVersion version;
  if (known != nullptr) {
    version = *known;
  } else {
    TIDEMILL_TRY_LET(loaded, load_(stored->row.bundle));
    version = loaded;
  }
  TIDEMILL_TRY_LET(run, run::restore_instance(version.flow, std::move(*stored)));
  return std::make_shared<const run::Instance>(std::move(run));
}

// The run to be changed. One that has ended is taken up: it must be left open.
Result<Engine::Touched*> Engine::take_to_change(Turn& turn, const run::RunId& id) {
  if (Touched* touched = touch(turn, id)) return touched;
  TIDEMILL_TRY_LET(stored, parts_.store.load_run(id));
  if (!stored) {
    return fail(Code::kNotFound, fmt::format("there is no run '{}'", printable(id.value, 60)));
  }
  TIDEMILL_TRY(take_up(std::move(*stored)));
  Touched* touched = touch(turn, id);
  run::Instance& run = *touched->run;
  run.row.deadline.reset();
  if (run.flow->deadline) run.row.deadline = turn.now.wall + *run.flow->deadline;
  turn.after.push_back([this, id] {
    auto const found = runs_.find(id);
    if (found != runs_.end() && !run::is_final(found->second->row.state)) {
      arm_deadline(*found->second);
    }
  });
  return touched;
}

void Engine::clear(ClearRequest request, std::function<void(Result<ClearAnswer>)> done) {
  auto shared = std::make_shared<ClearRequest>(std::move(request));
  post({[this, shared, done](Turn& turn) {
          if (is_ending(turn, shared->run)) {
            turn.after.push_back([this, shared, done] { clear(*shared, done); });
            return;
          }
          auto answer = clear_now(turn, *shared);
          turn.after.push_back([done, answer = std::move(answer)] { done(answer); });
        },
        false, [done](const Error& error) { done(fail(error)); }});
}

Result<ClearAnswer> Engine::clear_now(Turn& turn, const ClearRequest& request) {
  TIDEMILL_TRY_LET(seen, look_at(request.run));
  if (seen->is_cancelling) return fail(being_cancelled(request.run));
  TIDEMILL_TRY_LET(order, order_of(*seen->flow, request));
  ClearAnswer answer{seen->flow, run::Control::plan_clear(*seen, order)};
  if (request.dry_run || answer.cleared.empty()) return answer;
  TIDEMILL_TRY_LET(touched, take_to_change(turn, request.run));
  run::Control::clear(*touched->run, answer.cleared, request.by, touched->step);
  turn.after.push_back([this, id = request.run, by = request.by, count = answer.cleared.size()] {
    parts_.log.info("run {}: {} tasks were cleared by {}", id.value, count, by);
  });
  return answer;
}

void Engine::mark(MarkRequest request, std::function<void(Result<MarkAnswer>)> done) {
  auto shared = std::make_shared<MarkRequest>(std::move(request));
  post({[this, shared, done](Turn& turn) {
          if (is_ending(turn, shared->run)) {
            turn.after.push_back([this, shared, done] { mark(*shared, done); });
            return;
          }
          auto answer = mark_now(turn, *shared);
          turn.after.push_back([done, answer = std::move(answer)] { done(answer); });
        },
        false, [done](const Error& error) { done(fail(error)); }});
}

Result<MarkAnswer> Engine::mark_now(Turn& turn, const MarkRequest& request) {
  TIDEMILL_TRY_LET(seen, look_at(request.run));
  if (seen->is_cancelling) return fail(being_cancelled(request.run));
  if (seen->row.state == run::RunState::kQueued) {
    return fail(Code::kConflict,
                fmt::format("run {} is queued, nothing of it has begun; ask again once it runs",
                            request.run.value));
  }
  TIDEMILL_TRY_LET(index, task_index(*seen->flow, request.task));
  const run::Node& node = seen->task(index).whole;
  MarkAnswer answer{node.row.state, {}};
  // The same once more changes nothing, so that a caller may repeat it.
  bool const is_same =
      node.row.state == request.state &&
      (!request.value || (node.value && node.value->json().dump() == request.value->json().dump()));
  if (is_same) return answer;
  TIDEMILL_TRY_LET(touched, take_to_change(turn, request.run));
  run::MarkOrder const order{index, request.state, request.value};
  for (flow::TaskIndex next : run::Control::mark(*touched->run, order, request.by, touched->step)) {
    answer.released.push_back(touched->run->flow->task(next).name);
  }
  turn.after.push_back([this, request] {
    parts_.log.info("run {}: task {} was marked {} by {}", request.run.value, request.task,
                    word(request.state), request.by);
  });
  return answer;
}

// `pause.at` is set here. What is paused already stays as it is.
void Engine::pause(run::PauseRow pause, std::function<void(Status)> done) {
  post({[this, pause, done](Turn& turn) {
          Status const allowed = pause_now(turn, pause);
          turn.after.push_back([done, allowed] { done(allowed); });
        },
        false, [done](const Error& error) { done(fail(error)); }});
}

Status Engine::pause_now(Turn& turn, run::PauseRow pause) {
  TIDEMILL_TRY(check_pausable(turn, pause));
  if (pause_of(pause.what, pause.name) != nullptr) return {};
  pause.at = turn.now.wall;
  turn.changes.control.pauses.push_back(pause);
  if (pause.what == run::PauseRow::What::kRun) {
    Touched* touched = touch(turn, run::RunId(pause.name));
    run::Control::pause(*touched->run, touched->step);
  }
  turn.after.push_back([this, pause] {
    pauses_[{pause.what, pause.name}] = pause;
    if (pause.what == run::PauseRow::What::kFlow) arm_clock();
    parts_.log.info("{} was paused by {}", pause.name, pause.by);
  });
  return {};
}

Status Engine::check_pausable(Turn& turn, const run::PauseRow& pause) {
  if (pause.what == run::PauseRow::What::kFlow) {
    if (flows_.current(flow::FlowName(pause.name)) != nullptr) return {};
    std::string const near = nearest_word(pause.name, flows_.names());
    return fail(Code::kNotFound,
                fmt::format("there is no flow '{}'{}", printable(pause.name, 80),
                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  Touched* touched = touch(turn, run::RunId(pause.name));
  if (touched != nullptr && !run::is_final(touched->run->row.state)) return {};
  TIDEMILL_TRY_LET(seen, look_at(run::RunId(pause.name)));
  return fail(Code::kConflict, fmt::format("run {} has ended ({}); only an open run is paused",
                                           pause.name, word(seen->row.state)));
}

void Engine::unpause(run::PauseRow pause, std::function<void(Status)> done) {
  post({[this, pause, done](Turn& turn) {
          if (pause_of(pause.what, pause.name) == nullptr) {
            Status const known = check_pausable(turn, pause);
            turn.after.push_back([done, known] { done(known); });
            return;
          }
          turn.changes.control.removed_pauses.push_back(pause);
          if (pause.what == run::PauseRow::What::kRun) {
            if (Touched* touched = touch(turn, run::RunId(pause.name))) {
              run::Control::unpause(*touched->run, touched->step);
            }
          }
          turn.after.push_back([this, pause, done] {
            pauses_.erase({pause.what, pause.name});
            if (pause.what == run::PauseRow::What::kFlow) arm_clock();
            parts_.log.info("{} goes on, by {}", pause.name, pause.by);
            done({});
          });
        },
        false, [done](const Error& error) { done(fail(error)); }});
}

// A trigger of a paused flow starts nothing: the key says why. Ticks of the clock do not come here:
// they wait, and `missed` decides about them when the flow goes on.
bool Engine::skip_paused(Turn& turn, const std::shared_ptr<RunRequest>& request) {
  if (request->trigger == nullptr || request->backfill) return false;
  const run::PauseRow* pause = pause_of(run::PauseRow::What::kFlow, request->flow.value);
  if (pause == nullptr || !request->key) return false;
  std::string const reason = fmt::format("skipped: the flow was paused by {}", pause->by);
  auto const known = parts_.store.find_key(request->flow, *request->key);
  if (known && !*known && !open_keys_.contains({request->flow, *request->key})) {
    turn.changes.keys.push_back(
        {request->flow, *request->key, std::nullopt, turn.now.wall, reason, false});
  }
  if (request->on_accepted) {
    turn.after.push_back(
        [request, reason] { request->on_accepted(fail(Code::kConflict, reason)); });
  }
  return true;
}

// A flow task that is told to stop stops its run, and ends with it. A run that it has only joined
// goes on.
void Engine::stop_sub_run(const run::RunId& id, run::TaskRef ref, run::Attempt attempt) {
  post({[this, id, ref, attempt](Turn& turn) {
          std::optional<run::RunId> const sub = sub_run_of(id, ref);
          Touched* touched = sub ? touch(turn, *sub) : nullptr;
          if (touched == nullptr || run::is_final(touched->run->row.state)) {
            turn.after.push_back([this, id, ref, attempt] {
              attempt_ended(id, ref, attempt,
                            run::Outcome::failure({Code::kTooLate, "stopped", {}}));
            });
            return;
          }
          cancel_now(turn, *touched, fmt::format("its parent, run {}, was stopped", id.value));
        },
        true,
        {}});
}

std::optional<run::RunId> Engine::sub_run_of(const run::RunId& id, run::TaskRef ref) const {
  auto is_own = [&](const run::RunId& sub) {
    auto const found = runs_.find(sub);
    return found != runs_.end() && found->second->row.cause.parent == id &&
           found->second->row.cause.trigger == "sub";
  };
  if (auto const known = sub_runs_.find({id, ref}); known != sub_runs_.end()) {
    return is_own(known->second) ? std::optional(known->second) : std::nullopt;
  }
  // Right after a start, before the task has asked again.
  auto const parent = runs_.find(id);
  if (parent == runs_.end()) return std::nullopt;
  const flow::Task& task = parent->second->flow->task(ref.task);
  const auto& name = std::get<flow::FlowSettings>(task.settings).flow;
  auto const open = open_keys_.find({name, run::sub_key(id, task.name, ref.item)});
  if (open == open_keys_.end() || !is_own(open->second)) return std::nullopt;
  return open->second;
}

}  // namespace tidemill::engine
