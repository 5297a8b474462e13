// Turns: from waiting events to a durable state.
#include "engine/turn.h"

#include <fmt/format.h>

#include "base/check.h"

namespace tidemill::engine {
namespace {

// Pure tasks are evaluated on the loop as long as they are small; else on the compute lane.
constexpr Duration kInlineTask = Duration::micros(200);
constexpr Duration kInlineTurn = Duration::millis(2);
constexpr size_t kInlineRows = 32;
constexpr Duration kHoldAfterFailure = Duration::millis(500);

size_t largest_input(const flow::Scope& scope) {
  size_t rows = 0;
  for (const auto& [name, value] : scope.task_values())
    rows = std::max(rows, value->table().rows());
  return rows;
}

}  // namespace

void Engine::post(Event event) {
  inbox_.push_back(std::move(event));
  schedule_turn();
}

void Engine::schedule_turn() {
  if (turn_scheduled_ || commit_in_flight_) return;
  turn_scheduled_ = true;
  parts_.loop.post([this] {
    turn_scheduled_ = false;
    if (!commit_in_flight_) run_turn();
  });
}

void Engine::run_turn() {
  auto turn = std::make_unique<Turn>();
  turn->now = parts_.clock.now();
  bool const can_read = reload_stale(*turn);
  if (!can_read) parts_.loop.after(kHoldAfterFailure, [this] { schedule_turn(); });
  size_t const count = can_read ? std::min(inbox_.size(), kEventsPerTurn) : 0;
  for (size_t i = 0; i < count; ++i) {
    Event event = std::move(inbox_.front());
    inbox_.pop_front();
    event.handle(*turn);
    turn->events.push_back(std::move(event));
  }
  drain(*turn);
  commit(std::move(turn));
}

// Actions that come before the commit are done until none is left.
void Engine::drain(Turn& turn) {
  bool is_busy = true;
  while (is_busy) {
    is_busy = false;
    for (size_t i = 0; i < turn.touched.size(); ++i) {
      Touched& touched = *turn.touched[i];
      while (true) {
        for (run::Action& action : touched.step.actions)
          touched.actions.push_back(std::move(action));
        touched.step.actions.clear();
        if (touched.actions.empty()) break;
        is_busy = true;
        run::Action action = std::move(touched.actions.front());
        touched.actions.pop_front();
        perform(turn, touched, std::move(action));
      }
    }
    for (const auto& waiting : admission_.take_granted()) {
      is_busy = true;
      Touched* touched = touch(turn, waiting.run);
      if (touched != nullptr) run::Machine::granted(*touched->run, waiting.ref, touched->step);
    }
    while (!turn.requests.empty()) {
      is_busy = true;
      auto request = std::move(turn.requests.front());
      turn.requests.pop_front();
      handle_request(turn, request);
    }
  }
}

Engine::Touched* Engine::touch(Turn& turn, const run::RunId& id) {
  auto const known = turn.by_run.find(id);
  if (known != turn.by_run.end()) return known->second;
  auto const found = runs_.find(id);
  if (found == runs_.end()) return nullptr;
  turn.touched.push_back(std::unique_ptr<Touched>(new Touched{
      found->second.get(), false, run::Step{turn.now, turn.changes, {}, {}, false}, {}}));
  Touched* touched = turn.touched.back().get();
  turn.by_run.emplace(id, touched);
  return touched;
}

void Engine::perform(Turn& turn, Touched& touched, run::Action action) {
  run::Instance& run = *touched.run;
  run::RunId const id = run.row.id;
  auto kind = [&](run::TaskRef ref) { return run::slot_kind(run.flow->task(ref.task).kind); };
  if (auto* evaluate_action = std::get_if<run::Evaluate>(&action)) {
    evaluate(turn, touched, evaluate_action->ref);
  } else if (auto* request = std::get_if<run::Request>(&action)) {
    if (admission_.request(kind(request->ref), id, request->ref)) {
      run::Machine::granted(run, request->ref, touched.step);
    }
  } else if (auto* released = std::get_if<run::Released>(&action)) {
    admission_.release(kind(released->ref), id, released->ref);
  } else if (auto* start = std::get_if<run::Start>(&action)) {
    turn.after.push_back([this, id, s = *start] {
      start_task(id, s.ref, s.attempt);
      if (sabotage_.starts_twice) start_task(id, s.ref, run::Attempt(s.attempt.value + 1));
    });
  } else if (auto* stop = std::get_if<run::Stop>(&action)) {
    turn.after.push_back([this, id, s = *stop] {
      auto const found = runs_.find(id);
      if (found == runs_.end()) return;
      if (found->second->flow->task(s.ref.task).kind == flow::Kind::kFlow) {
        stop_sub_run(id, s.ref, s.attempt);
        return;
      }
      parts_.tasks.stop(work_of(*found->second, s.ref, s.attempt));
    });
  } else if (auto* retry = std::get_if<run::ArmRetry>(&action)) {
    // By the monotonic clock, and never longer than the task's longest wait: however the wall clock
    // is set meanwhile, the task is not forgotten.
    Duration const longest = run.flow->task(retry->ref.task).retry.cap;
    turn.after.push_back([this, id, r = *retry, longest] {
      Duration const wait = std::clamp(r.due - parts_.clock.wall(), Duration{}, longest);
      parts_.loop.after(wait, [this, id, r] {
        post({[this, id, r](Turn& next) {
                Touched* t = touch(next, id);
                if (t != nullptr) run::Machine::retry_due(*t->run, r.ref, r.due, t->step);
              },
              true,
              {}});
      });
    });
  } else if (auto* timeout = std::get_if<run::ArmTimeout>(&action)) {
    turn.after.push_back([this, id, t = *timeout] { arm_timeout(id, t.ref, t.attempt, t.after); });
  } else if (auto* wrote = std::get_if<run::Wrote>(&action)) {
    wrote_dataset(turn, touched, *wrote);
  } else {
    finished(turn, touched);
  }
}

void Engine::evaluate(Turn& turn, Touched& touched, run::TaskRef ref) {
  run::Instance& run = *touched.run;
  const flow::Task& task = run.flow->task(ref.task);
  auto scope = std::make_shared<flow::Scope>();
  run::Machine::fill_scope(run, ref, *scope);
  auto const measured = measured_.find(&task);
  bool const is_small = largest_input(*scope) <= kInlineRows && turn.spent < kInlineTurn &&
                        (measured == measured_.end() || measured->second <= kInlineTask);
  if (is_small) {
    Elapsed const before = parts_.clock.elapsed();
    run::Outcome outcome = parts_.tasks.evaluate(*run.flow, run.row.bundle, task, *scope);
    Duration const took = parts_.clock.elapsed() - before;
    turn.spent = turn.spent + took;
    // The first evaluation also binds the query: it says nothing about the next one.
    if (measured == measured_.end()) {
      measured_[&task] = Duration{};
    } else {
      measured->second = took;
    }
    run::Machine::evaluated(run, ref, std::move(outcome), took, touched.step);
    return;
  }
  run::RunId const id = run.row.id;
  auto work = [this, id, ref, scope, flow = run.flow, bundle = run.row.bundle] {
    Elapsed const before = parts_.clock.elapsed();
    run::Outcome outcome = parts_.tasks.evaluate(*flow, bundle, flow->task(ref.task), *scope);
    Duration const took = parts_.clock.elapsed() - before;
    parts_.loop.post([this, id, ref, flow, took, outcome = std::move(outcome)] {
      measured_[&flow->task(ref.task)] = took;
      post({[this, id, ref, took, outcome](Turn& next) {
              Touched* t = touch(next, id);
              if (t != nullptr) run::Machine::evaluated(*t->run, ref, outcome, took, t->step);
            },
            true,
            {}});
    });
  };
  // No room on the lane: the loop does it, and takes nothing new meanwhile.
  if (!parts_.executor.run(io::Lane::kCompute, work)) work();
}

void Engine::commit(std::unique_ptr<Turn> turn) {
  for (const auto& touched : turn->touched) {
    run::Machine::finish_turn(*touched->run, touched->step);
    if (touched->is_new) {
      turn->changes.new_runs.push_back(touched->run->row);
    } else if (touched->step.row_changed) {
      turn->changes.runs.push_back(touched->run->row);
    }
  }
  if (turn->unread) {
    Error const error = *turn->unread;
    commit_failed(std::move(turn), error);
    return;
  }
  for (const auto& [id, row] : turn->backfills) turn->changes.control.backfills.push_back(row);
  if (turn->changes.empty()) {
    committed(std::move(turn));
    return;
  }
  if (sabotage_.acts_first) {
    for (const auto& act : std::exchange(turn->after, {})) act();
  }
  commit_in_flight_ = true;
  run::Changes changes = std::move(turn->changes);
  auto shared = std::make_shared<std::unique_ptr<Turn>>(std::move(turn));
  Elapsed const before = parts_.clock.elapsed();
  parts_.store.commit(std::move(changes), [this, shared, before](const Status& done) {
    commit_in_flight_ = false;
    parts_.metrics
        .histogram("tidemill_commit_seconds", "Time of a commit, from the loop and back to it")
        .observe(static_cast<double>((parts_.clock.elapsed() - before).us) / 1e6);
    if (done) {
      committed(std::move(*shared));
    } else {
      commit_failed(std::move(*shared), done.error());
    }
  });
}

void Engine::committed(std::unique_ptr<Turn> turn) {
  for (auto& [key, row] : turn->triggers) triggers_[key] = row;
  for (auto& [name, sequence] : turn->datasets) dataset_sequences_[name] = sequence;
  keep_backfills(*turn);
  for (const auto& act : turn->after) act();
  for (const run::RunId& id : turn->finished) {
    auto const found = runs_.find(id);
    if (found == runs_.end()) continue;
    open_keys_.erase({found->second->row.flow, found->second->row.key});
    if (auto const timer = deadlines_.find(id); timer != deadlines_.end()) {
      parts_.loop.cancel(timer->second);
      deadlines_.erase(timer);
    }
    runs_.erase(found);
  }
  parts_.metrics.gauge("tidemill_open_runs", "Runs that are not finished")
      .set(static_cast<int64_t>(runs_.size()));
  if (!inbox_.empty() && stale_.empty()) schedule_turn();
}

// Nothing of the turn has happened. New runs never existed; changed ones are read again; requests
// are refused; ends of attempts wait and are handled once more.
void Engine::commit_failed(std::unique_ptr<Turn> turn, const Error& error) {
  parts_.log.error("a turn could not be committed, nothing of it was done: {}", error.text());
  Error told = error;
  if (error.code == Code::kExhausted) {
    told = {Code::kUnavailable,
            "the disk of the data directory is full: nothing was started; free some space and ask "
            "again",
            {}};
  }
  parts_.metrics.counter("tidemill_commit_failures_total", "Commits that failed").add();
  for (const auto& touched : turn->touched) {
    run::RunId const id = touched->run->row.id;
    admission_.forget(id);
    open_keys_.erase({touched->run->row.flow, touched->run->row.key});
    if (touched->is_new) {
      waiters_.erase(id);
    } else {
      stale_.push_back(id);
    }
    runs_.erase(id);
  }
  for (Event& event : turn->events) {
    if (event.is_completion) {
      held_.push_back(std::move(event));
    } else if (event.refuse && !sabotage_.acts_first) {  // which has answered already
      event.refuse(told);
    }
  }
  parts_.loop.after(kHoldAfterFailure, [this] {
    for (Event& event : held_) inbox_.push_back(std::move(event));
    held_.clear();
    arm_clock();
    schedule_turn();
  });
}

// All are taken up before the first is resumed, so that a queued run sees those that run. False if
// the store cannot be read now: no event may be handled before it can.
bool Engine::reload_stale(Turn& turn) {
  std::vector<run::RunId> taken;
  while (!stale_.empty()) {
    run::RunId const id = stale_.front();
    auto stored = parts_.store.load_run(id);
    if (!stored) {
      parts_.log.error("run {} could not be read again: {}", id.value, stored.error().text());
      break;
    }
    stale_.erase(stale_.begin());
    if (!*stored || run::is_final((*stored)->row.state)) {
      waiters_.erase(id);
      continue;
    }
    if (auto const done = take_up(std::move(**stored)); !done) {
      parts_.log.error("run {} cannot go on: {}", id.value, done.error().text());
      continue;
    }
    taken.push_back(id);
  }
  for (const run::RunId& id : taken) resume_run(turn, id);
  return stale_.empty();
}

void Engine::write(run::Changes changes, std::function<void(Status)> done) {
  auto shared = std::make_shared<run::Changes>(std::move(changes));
  post({[shared, done](Turn& turn) {
          for (auto& token : shared->tokens) turn.changes.tokens.push_back(token);
          for (auto& name : shared->removed_tokens) turn.changes.removed_tokens.push_back(name);
          for (auto& alert : shared->alerts) turn.changes.alerts.push_back(alert);
          for (auto& id : shared->removed_alerts) turn.changes.removed_alerts.push_back(id);
          turn.after.push_back([done] { done({}); });
        },
        false, [done](const Error& error) { done(fail(error)); }});
}

}  // namespace tidemill::engine
