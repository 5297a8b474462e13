// Attempts: how a committed start becomes work, and the end of the work an event.
#include <fmt/format.h>

#include "engine/turn.h"
#include "run/keys.h"

namespace tidemill::engine {

task::Work Engine::work_of(const run::Instance& run, run::TaskRef ref, run::Attempt attempt) const {
  task::Work work;
  work.flow = run.flow;
  work.bundle = run.row.bundle;
  work.ref = ref;
  work.attempt = attempt;
  work.run = run::facts_of(run.row);
  work.bundle_folder = parts_.store.bundle_folder(run.row.bundle);
  if (run.has_item(ref.task, ref.item)) work.started = run.node(ref.task, ref.item).row.started;
  work.principal = run.row.cause.principal;
  work.is_cancelling = run.is_cancelling;
  Now const now = parts_.clock.now();
  auto narrow = [&](Duration left) {
    Elapsed const end = now.elapsed + left;
    if (!work.elapsed_deadline || end < *work.elapsed_deadline) work.elapsed_deadline = end;
  };
  if (run.row.deadline) narrow(*run.row.deadline - now.wall);
  if (auto const timeout = run.flow->task(ref.task).timeout) narrow(*timeout);
  return work;
}

void Engine::start_task(const run::RunId& id, run::TaskRef ref, run::Attempt attempt) {
  auto const found = runs_.find(id);
  if (found == runs_.end()) return;
  const run::Instance& run = *found->second;
  if (run.flow->task(ref.task).kind == flow::Kind::kFlow) {
    start_sub_run(run, ref, attempt);
    return;
  }
  flow::Scope scope;
  run::Machine::fill_scope(run, ref, scope);
  parts_.tasks.start(work_of(run, ref, attempt), scope,
                     [this, id, ref, attempt](run::Outcome outcome) {
                       attempt_ended(id, ref, attempt, std::move(outcome));
                     });
}

// A flow task asks for a run under a key of its own, or under the flow's. Asking again after a
// crash finds the same run.
void Engine::start_sub_run(const run::Instance& run, run::TaskRef ref, run::Attempt attempt) {
  const flow::Task& task = run.flow->task(ref.task);
  run::RunId const id = run.row.id;
  RunRequest request;
  request.flow = std::get<flow::FlowSettings>(task.settings).flow;
  request.key = run::sub_key(id, task.name, ref.item);
  request.cause.trigger = "sub";
  request.cause.parent = id;
  request.cause.parent_task = task.name;
  request.cause.principal = run.row.cause.principal;
  request.parent_ref = ref;
  request.cause.origin = run.row.cause.origin;
  request.scheduled_at = run.row.scheduled_at;
  request.interval_start = run.row.interval_start;
  request.attempt_started = run.node(ref.task, ref.item).row.started;
  flow::Scope scope;
  run::Machine::fill_scope(run, ref, scope);
  for (const auto& [name, rendered] : task.with) {
    auto value = rendered.json(scope);
    if (!value) {
      attempt_ended(id, ref, attempt, run::Outcome::failure(value.error().in("with " + name)));
      return;
    }
    request.params.set(name, std::move(*value));
  }
  request.on_accepted = [this, id, ref, attempt](const Result<run::RunId>& accepted) {
    if (!accepted) attempt_ended(id, ref, attempt, run::Outcome::failure(accepted.error()));
  };
  request.on_finished = [this, id, ref, attempt](const RunResult& result) {
    if (result.state == run::RunState::kSucceeded) {
      attempt_ended(id, ref, attempt,
                    run::Outcome::success(flow::TaskValue::of_json(result.output),
                                          Json::object().set("run", result.id.value)));
    } else {
      attempt_ended(id, ref, attempt,
                    run::Outcome::failure({Code::kInvalid,
                                           fmt::format("run {} {}: {}", result.id.value,
                                                       word(result.state), result.error),
                                           {}},
                                          Json::object().set("run", result.id.value)));
    }
  };
  auto shared = std::make_shared<RunRequest>(std::move(request));
  // Held, not refused, when the commit fails: the parent's task goes on waiting.
  post({[this, shared](Turn& turn) { handle_request(turn, shared); }, true, {}});
}

void Engine::attempt_ended(const run::RunId& id, run::TaskRef ref, run::Attempt attempt,
                           run::Outcome outcome) {
  auto const timer = timeouts_.find({id, ref, attempt.value});
  if (timer != timeouts_.end()) {
    parts_.loop.cancel(timer->second);
    timeouts_.erase(timer);
  }
  sub_runs_.erase({id, ref});
  auto shared = std::make_shared<run::Outcome>(std::move(outcome));
  post({[this, id, ref, attempt, shared](Turn& turn) {
          Touched* touched = touch(turn, id);
          if (touched == nullptr) return;
          run::Instance& run = *touched->run;
          run::Attempt const meant =
              sabotage_.ignores_attempts ? run.node(ref.task, ref.item).row.attempt : attempt;
          bool const is_current = run::Machine::ended(run, ref, meant, *shared, touched->step);
          if (!is_current) {
            parts_.metrics
                .counter("tidemill_stale_writes_total",
                         "Ends of attempts that were not the current one")
                .add();
          }
          if (run.flow->task(ref.task).kind == flow::Kind::kFlow) return;
          turn.after.push_back(
              [this, work = work_of(run, ref, attempt)] { parts_.tasks.settled(work); });
        },
        true,
        {}});
}

void Engine::arm_timeout(const run::RunId& id, run::TaskRef ref, run::Attempt attempt,
                         Duration after) {
  timeouts_[{id, ref, attempt.value}] = parts_.loop.after(after, [this, id, ref, attempt] {
    timeouts_.erase({id, ref, attempt.value});
    post({[this, id, ref, attempt](Turn& turn) {
            Touched* touched = touch(turn, id);
            if (touched != nullptr) {
              run::Machine::timed_out(*touched->run, ref, attempt, touched->step);
            }
          },
          true,
          {}});
  });
}

void Engine::arm_deadline(const run::Instance& run) {
  if (!run.row.deadline) return;
  run::RunId const id = run.row.id;
  deadlines_[id] = parts_.loop.at(*run.row.deadline, [this, id] {
    deadlines_.erase(id);
    post({[this, id](Turn& turn) {
            Touched* touched = touch(turn, id);
            if (touched != nullptr) run::Machine::deadline_passed(*touched->run, touched->step);
          },
          true,
          {}});
  });
}

void Engine::cancel(run::RunId id, std::string reason, std::function<void(Status)> done) {
  post({[this, id, reason, done](Turn& turn) {
          Touched* touched = touch(turn, id);
          if (touched == nullptr) {
            turn.after.push_back([done, id] {
              done(fail(Code::kNotFound,
                        fmt::format("no open run {}; it may be finished", id.value)));
            });
            return;
          }
          cancel_now(turn, *touched, reason);
          turn.after.push_back([done] { done({}); });
        },
        false, [done](const Error& error) { done(fail(error)); }});
}

void Engine::cancel_now(Turn&, Touched& touched, std::string reason) {
  if (touched.run->row.state == run::RunState::kQueued) {
    touched.run->row.state = run::RunState::kRunning;
  }
  run::Machine::cancel(*touched.run, std::move(reason), touched.step);
}

// The run has ended within this turn: whoever waits is told, and what comes after it begins.
void Engine::finished(Turn& turn, Touched& touched) {
  const run::Instance& run = *touched.run;
  run::RunId const id = run.row.id;
  turn.finished.push_back(id);
  admission_.forget(id);
  if (pause_of(run::PauseRow::What::kRun, id.value) != nullptr) {
    run::PauseRow const pause{run::PauseRow::What::kRun, id.value, {}, {}};
    turn.changes.control.removed_pauses.push_back(pause);
    turn.after.push_back([this, id] { pauses_.erase({run::PauseRow::What::kRun, id.value}); });
  }
  if (waiters_.contains(id)) {
    RunResult result{id, run.row.state, run::output_of(run), run.row.error_code, run.row.error};
    turn.after.push_back([this, id, result = std::move(result)] {
      auto const found = waiters_.find(id);
      if (found == waiters_.end()) return;
      auto const waiting = std::move(found->second);
      waiters_.erase(found);
      for (const auto& tell : waiting) tell(result);
    });
  }
  std::string const labels =
      fmt::format("flow=\"{}\",state=\"{}\"", run.row.flow.value, word(run.row.state));
  turn.after.push_back([this, labels, took = turn.now.wall - run.row.created, flow = run.row.flow] {
    parts_.metrics.counter("tidemill_runs_total", "Runs finished", labels).add();
    parts_.metrics
        .histogram("tidemill_run_seconds", "From the creation of a run to its end",
                   fmt::format("flow=\"{}\"", flow.value))
        .observe(static_cast<double>(took.us) / 1e6);
  });
  notice_end(turn, run);
  note_backfill_run(turn, run.row);
  trigger_dependents(turn, flow::Trigger::Kind::kAfterFlow, run.row.flow.value, run.row,
                     run::after_key(id));
  for (const run::RunId& next : admission_.take_next(run.row.flow)) {
    Touched* begun = touch(turn, next);
    if (begun == nullptr) continue;
    run::Machine::begin(*begun->run, begun->step);
  }
}

void Engine::wrote_dataset(Turn& turn, Touched& touched, const run::Wrote& wrote) {
  auto const known = turn.datasets.find(wrote.dataset);
  auto const durable = dataset_sequences_.find(wrote.dataset);
  int64_t const last = known != turn.datasets.end()          ? known->second
                       : durable != dataset_sequences_.end() ? durable->second
                                                             : 0;
  int64_t const sequence = last + 1;
  turn.datasets[wrote.dataset] = sequence;
  turn.after.push_back(
      [this, dataset = wrote.dataset, at = turn.now.wall] { dataset_times_[dataset] = at; });
  turn.changes.datasets.push_back(
      {wrote.dataset, sequence, touched.run->row.id, wrote.task, turn.now.wall});
  trigger_dependents(turn, flow::Trigger::Kind::kAfterDataset, wrote.dataset, touched.run->row,
                     run::dataset_key(wrote.dataset, sequence));
}

// Created in the same transaction as what they come after, so none can be lost.
void Engine::trigger_dependents(Turn& turn, flow::Trigger::Kind kind, const std::string& source,
                                const run::RunRow& upstream, const run::Key& key) {
  for (const auto& [version, trigger] : flows_.triggered_by(kind, source)) {
    if (kind == flow::Trigger::Kind::kAfterFlow) {
      bool const succeeded = upstream.state == run::RunState::kSucceeded;
      if (trigger->after == flow::Trigger::After::kSucceeded && !succeeded) continue;
      if (trigger->after == flow::Trigger::After::kFailed && succeeded) continue;
    }
    auto request = std::make_shared<RunRequest>();
    request->flow = version.flow->name;
    request->key = key;
    request->trigger = trigger;
    request->trigger_bundle = version.bundle;
    request->cause.trigger = kind == flow::Trigger::Kind::kAfterFlow ? "after" : "dataset";
    request->cause.trigger_id = trigger->id;
    request->cause.parent = upstream.id;
    request->cause.origin = request->cause.trigger;
    request->scheduled_at = turn.now.wall;
    request->interval_start = upstream.interval_start;
    request->on_accepted = [this, name = version.flow->name](const Result<run::RunId>& accepted) {
      if (!accepted) {
        parts_.log.error("flow {}: the run after {} was not started", name.value,
                         accepted.error().text());
      }
    };
    turn.requests.push_back(std::move(request));
  }
}

}  // namespace tidemill::engine
