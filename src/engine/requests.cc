// Requests: who asks for a run, under which key, and whether there is one already.
#include <fmt/format.h>

#include "base/text.h"
#include "base/ulid.h"
#include "engine/turn.h"
#include "flow/params.h"
#include "run/keys.h"

namespace tidemill::engine {

void Engine::request(RunRequest request) {
  auto shared = std::make_shared<RunRequest>(std::move(request));
  if (inbox_.size() >= kInboxLimit) {
    if (shared->on_accepted) {
      shared->on_accepted(fail(Code::kExhausted, fmt::format("{} events wait already; try again "
                                                             "in a moment",
                                                             kInboxLimit)));
    }
    return;
  }
  post({[this, shared](Turn& turn) { handle_request(turn, shared); }, false,
        [shared](const Error& error) {
          if (shared->on_accepted) shared->on_accepted(fail(error));
        }});
}

void Engine::refuse(Turn& turn, const std::shared_ptr<RunRequest>& request, Error error) {
  if (request->backfill) turn.entry.refused = error.text();
  if (!request->on_accepted) return;
  turn.after.push_back([request, error = std::move(error)] { request->on_accepted(fail(error)); });
}

void Engine::accept(Turn& turn, const std::shared_ptr<RunRequest>& request, const run::RunId& id) {
  if (request->backfill) turn.entry.started = id;
  if (request->parent_ref) sub_runs_[{request->cause.parent, *request->parent_ref}] = id;
  if (!request->on_accepted) return;
  turn.after.push_back([request, id] { request->on_accepted(id); });
}

// In order of creation also within a millisecond and after the clock was set back: runs that wait
// keep their order over a restart.
run::RunId Engine::new_run_id() {
  Time const now = parts_.clock.wall();
  if (now.us / 1000 > last_id_time_.us / 1000) {
    last_id_time_ = now;
    last_id_high_ = parts_.random.next();
    last_id_low_ = parts_.random.next() & ((1ULL << 39) - 1);  // of 40 bits: room to count
  } else {
    ++last_id_low_;
  }
  return run::RunId(make_ulid(last_id_time_, last_id_high_, last_id_low_));
}

void Engine::handle_request(Turn& turn, const std::shared_ptr<RunRequest>& request) {
  const FlowVersion* version = flows_.current(request->flow);
  if (version == nullptr && !is_deployed_) {
    refuse(turn, request,
           {Code::kUnavailable, "the server is starting, flows are not loaded yet; try again", {}});
    return;
  }
  if (version == nullptr) {
    std::string const near = nearest_word(request->flow.value, flows_.names());
    refuse(turn, request,
           {Code::kNotFound,
            fmt::format("there is no flow '{}'{}", printable(request->flow.value, 80),
                        near.empty() ? "" : fmt::format("; did you mean '{}'?", near)),
            {}});
    return;
  }
  if (skip_paused(turn, request)) return;
  run::RunId const id = new_run_id();
  Json given = request->params;
  if (request->trigger != nullptr) {
    flow::Scope scope;
    flow::RunFacts facts;
    facts.id = id.value;
    facts.flow = request->flow.value;
    facts.created = turn.now.wall;
    facts.scheduled_at = request->scheduled_at.value_or(turn.now.wall);
    facts.interval_start = request->interval_start.value_or(facts.scheduled_at);
    facts.interval_end = facts.scheduled_at;
    scope.add_run(facts);
    for (const auto& [name, rendered] : request->trigger->with) {
      auto value = rendered.json(scope);
      if (!value) {
        refuse(turn, request, value.error().in("with " + name));
        return;
      }
      given.set(name, std::move(*value));
    }
  }
  auto params = flow::check_params(*version->flow, given);
  if (!params) {
    refuse(turn, request, params.error());
    return;
  }
  auto key = key_of(*request, *version, *params, id);
  if (!key) {
    refuse(turn, request, key.error());
    return;
  }
  if (request->backfill) {
    handle_entry(turn, request, *version, std::move(*key), std::move(*params), id);
    return;
  }
  if (join_existing(turn, request, *key, run::body_hash(*params))) return;
  create_run(turn, request, *version, std::move(*key), std::move(*params), id);
}

Result<run::Key> Engine::key_of(const RunRequest& request, const FlowVersion& version,
                                const Json& params, const run::RunId& id) const {
  if (!version.flow->key) return request.key.value_or(run::manual_key(id));
  flow::Scope scope;
  scope.add_params(version.flow->params, params);
  TIDEMILL_TRY_LET(text, version.flow->key->text(scope));
  if (text.empty() || text.size() > 500) {
    return fail(Code::kInvalid, fmt::format("the flow's key is {}; expected 1 to 500 bytes",
                                            text.empty() ? "empty" : "too long"));
  }
  return run::Key(std::move(text));
}

// True if the key was known: the request is then answered.
bool Engine::join_existing(Turn& turn, const std::shared_ptr<RunRequest>& request,
                           const run::Key& key, const std::string& hash) {
  auto const open = open_keys_.find({request->flow, key});
  if (open != open_keys_.end()) {
    run::RunId const id = open->second;
    auto const instance = runs_.find(id);
    if (instance != runs_.end() && instance->second->row.body_hash != hash) {
      refuse(turn, request,
             {Code::kConflict,
              fmt::format("run {} of key '{}' is open with other params", id.value, key.value),
              {}});
      return true;
    }
    bool const has_ended = instance != runs_.end() && run::is_final(instance->second->row.state);
    if (has_ended) {
      // It ended within this very turn: the result is told with the turn.
      const run::Instance& run = *instance->second;
      RunResult result{id, run.row.state, run::output_of(run), run.row.error_code, run.row.error};
      accept(turn, request, id);
      turn.after.push_back([request, result = std::move(result)] {
        if (request->on_finished) request->on_finished(result);
      });
      return true;
    }
    if (request->on_finished) waiters_[id].push_back(request->on_finished);
    accept(turn, request, id);
    return true;
  }
  auto const stored = parts_.store.find_key(request->flow, key);
  if (!stored) {
    turn.unread = stored.error();
    return true;
  }
  if (!*stored) return false;
  join_stored(turn, request, **stored, hash);
  return true;
}

void Engine::join_stored(Turn& turn, const std::shared_ptr<RunRequest>& request,
                         const store::StoredKey& stored, const std::string& hash) {
  if (!stored.row.run) {
    refuse(turn, request, {Code::kConflict, "this key was " + stored.row.reason, {}});
    return;
  }
  run::RunId const id = *stored.row.run;
  bool const is_same = stored.body_hash == hash;
  bool const has_flow_key = flows_.current(request->flow)->flow->key.has_value();
  bool const has_failed =
      stored.state == run::RunState::kFailed || stored.state == run::RunState::kCancelled;
  if (!is_same) {
    refuse(turn, request,
           {Code::kConflict,
            fmt::format("run {} of key '{}' {} with other params; use another key", id.value,
                        stored.row.key.value, word(stored.state)),
            {}});
    return;
  }
  if (has_failed && (has_flow_key || request->attempt_started)) {
    auto run = parts_.store.load_run(id);
    if (!run) {
      turn.unread = run.error();
      return;
    }
    if (!*run) {
      refuse(turn, request, {Code::kInternal, "a key names a run that is not stored", {}});
      return;
    }
    Time const ended = (*run)->row.finished.value_or((*run)->row.created);
    if (!request->attempt_started || ended < *request->attempt_started) {
      reopen(turn, request, std::move(**run));
      return;
    }
  }
  // A flow task that was cleared runs its flow again.
  if (!has_failed && !has_flow_key && request->attempt_started) {
    auto run = parts_.store.load_run(id);
    if (run && *run && (*run)->row.finished < request->attempt_started) {
      reopen(turn, request, std::move(**run), Reopen::kAll);
      return;
    }
  }
  auto result = stored_result(id);
  if (!result) {
    refuse(turn, request, result.error());
    return;
  }
  accept(turn, request, id);
  turn.after.push_back([request, result = std::move(*result)] {
    if (request->on_finished) request->on_finished(result);
  });
}

// A failed run that is asked for again goes on: its failed tasks get new attempts, and it has the
// whole time of its flow once more.
void Engine::reopen(Turn& turn, const std::shared_ptr<RunRequest>& request, run::StoredRun stored,
                    Reopen what) {
  run::RunId const id = stored.row.id;
  if (auto const taken = take_up(std::move(stored)); !taken) {
    refuse(turn, request, taken.error());
    return;
  }
  Touched* touched = touch(turn, id);
  run::Instance& run = *touched->run;
  run.row.deadline.reset();
  if (run.flow->deadline) run.row.deadline = turn.now.wall + *run.flow->deadline;
  if (what == Reopen::kAll) {
    std::string const who = request->backfill ? "a backfill" : "its parent";
    run::Control::clear(run, run::Control::plan_clear(run, {}), who, touched->step);
  } else {
    run::Machine::reopen(run, touched->step);
  }
  if (request->on_finished) waiters_[id].push_back(request->on_finished);
  accept(turn, request, id);
  turn.after.push_back([this, id] {
    auto const found = runs_.find(id);
    if (found != runs_.end() && !run::is_final(found->second->row.state)) {
      arm_deadline(*found->second);
    }
  });
}

Result<RunResult> Engine::stored_result(const run::RunId& id) {
  TIDEMILL_TRY_LET(stored, parts_.store.load_run(id));
  if (!stored) return fail(Code::kInternal, fmt::format("run {} is not stored", id.value));
  const FlowVersion* known = flows_.version(stored->row.bundle);
  std::shared_ptr<const flow::Flow> flow = known != nullptr ? known->flow : nullptr;
  if (!flow) {
    TIDEMILL_TRY_LET(version, load_(stored->row.bundle));
    flow = version.flow;
  }
  TIDEMILL_TRY_LET(run, run::restore_instance(flow, std::move(*stored)));
  return RunResult{id, run.row.state, run::output_of(run), run.row.error_code, run.row.error};
}

run::Admission::Arrival Engine::arrival_of(const run::RunRow& row, const flow::Flow& flow) const {
  run::Admission::Arrival arrival;
  arrival.flow = row.flow;
  arrival.trigger = row.cause.trigger_id;
  arrival.max_running = flow.max_running;
  arrival.is_asked = row.cause.trigger == "call" || row.cause.trigger == "manual";
  for (const flow::Trigger& trigger : flow.triggers) {
    if (trigger.id != row.cause.trigger_id) continue;
    bool const is_clock = trigger.schedule.has_value();
    arrival.overlap = trigger.overlap;
    arrival.is_serial = is_clock && trigger.overlap == flow::Overlap::kQueue;
  }
  return arrival;
}

// A tick of `every` is counted. Another tick keeps a row of its own key that says why: never of the
// flow's key, under which a run may still come.
void Engine::skip(Turn& turn, const std::shared_ptr<RunRequest>& request, run::KeyRow row) {
  const flow::Trigger* trigger = request->trigger;
  if (trigger != nullptr && trigger->kind == flow::Trigger::Kind::kEvery) {
    ++turn.triggers[{row.flow, trigger->id}].skipped;
  } else if (trigger != nullptr && request->key) {
    row.key = *request->key;
    row.run.reset();
    row.reason = "skipped: the trigger's run before it was not finished (overlap: skip)";
    turn.changes.keys.push_back(std::move(row));
  }
  refuse(turn, request, {Code::kConflict, "skipped: the run before it is not finished", {}});
}

void Engine::create_run(Turn& turn, const std::shared_ptr<RunRequest>& request,
                        const FlowVersion& version, run::Key key, Json params, run::RunId id) {
  run::RunRow row;
  row.id = id;
  row.flow = request->flow;
  row.bundle = version.bundle;
  row.key = std::move(key);
  row.epoch = epoch_;
  row.cause = request->cause;
  row.body_hash = run::body_hash(params);
  row.params = std::move(params);
  row.created = turn.now.wall;
  row.scheduled_at = request->scheduled_at.value_or(turn.now.wall);
  row.interval_end = row.scheduled_at;
  row.interval_start = request->interval_start.value_or(row.scheduled_at);
  if (version.flow->deadline) row.deadline = turn.now.wall + *version.flow->deadline;
  run::Admission::Arrival const arrival = arrival_of(row, *version.flow);
  run::KeyRow key_row{row.flow, row.key, id, turn.now.wall, {}};
  key_row.fills_skipped = request->backfill.has_value();
  run::Admission::Decision const decision = admission_.decide(arrival);
  if (decision == run::Admission::Decision::kFull) {
    refuse(turn, request,
           {Code::kExhausted,
            fmt::format("flow {} has its limit of queued runs; try again later", row.flow.value),
            {}});
    return;
  }
  if (decision == run::Admission::Decision::kSkip) {
    skip(turn, request, std::move(key_row));
    return;
  }
  bool const is_queued = decision == run::Admission::Decision::kQueue;
  row.state = is_queued ? run::RunState::kQueued : run::RunState::kRunning;
  turn.changes.keys.push_back(std::move(key_row));
  admission_.add(id, arrival, is_queued);
  open_keys_[{row.flow, row.key}] = id;
  if (request->on_finished) waiters_[id].push_back(request->on_finished);
  runs_[id] = std::make_unique<run::Instance>(run::make_instance(version.flow, std::move(row)));
  Touched* touched = touch(turn, id);
  touched->is_new = true;
  accept(turn, request, id);
  turn.after.push_back([this, id] {
    auto const found = runs_.find(id);
    if (found != runs_.end() && !run::is_final(found->second->row.state)) {
      arm_deadline(*found->second);
    }
  });
  if (!is_queued) run::Machine::begin(*touched->run, touched->step);
}

}  // namespace tidemill::engine
