#include "engine/engine.h"

#include <fmt/format.h>

#include "engine/clockwork.h"
#include "engine/turn.h"

namespace tidemill::engine {
namespace {

constexpr Duration kPurgeEvery = Duration::seconds(60);

}  // namespace

Engine::Engine(EngineParts parts, run::AdmissionLimits limits, Sabotage sabotage)
    : parts_(parts), sabotage_(sabotage), admission_(limits) {
  parts_.loop.on_clock_step([this] {
    parts_.log.warn("the wall clock was set; schedules are looked at again");
    arm_clock();
  });
}

Engine::~Engine() = default;

Status Engine::recover(const LoadVersion& load) {
  load_ = load;
  TIDEMILL_TRY_LET(recovered, parts_.store.recover());
  epoch_ = recovered.epoch;
  for (run::TriggerRow& row : recovered.triggers) {
    auto const key = std::make_pair(row.flow, row.trigger);
    triggers_[key] = std::move(row);
  }
  if (parts_.notices != nullptr) parts_.notices->restore(recovered.alerts);
  for (const run::DatasetRow& row : recovered.datasets) {
    dataset_sequences_[row.dataset] = row.sequence;
    dataset_times_[row.dataset] = row.at;
  }
  recover_backfills(std::move(recovered.control.backfills));
  for (run::PauseRow& row : recovered.control.pauses) {
    auto const key = std::make_pair(row.what, row.name);
    pauses_[key] = std::move(row);
  }
  std::vector<run::RunId> ids;
  for (run::StoredRun& stored : recovered.open_runs) {
    run::RunId const id = stored.row.id;
    if (auto const taken = take_up(std::move(stored)); !taken) {
      parts_.log.error("run {} cannot go on: {}", id.value, taken.error().text());
      continue;
    }
    ids.push_back(id);
  }
  if (!ids.empty()) parts_.log.info("{} open runs are taken up again", ids.size());
  arm_purge();
  // Noted before anything goes on: what starts from now on needs no asking.
  auto const running = running_attempts();
  resume_all_ = [this, ids, running](Turn& turn) {
    for (const run::RunId& id : ids) resume_run(turn, id);
    turn.after.push_back([this, running] { recover_attempts(running); });
  };
  return {};
}

// Keys that are older than their flow remembers them are dropped, a few each minute.
void Engine::arm_purge() {
  parts_.loop.after(kPurgeEvery, [this] {
    post({[this](Turn& turn) {
            for (const auto& [name, version] : flows_.all()) {
              turn.changes.purges.push_back({name, turn.now.wall - version.flow->dedupe_for});
            }
          },
          false,
          {}});
    forget_unused_versions();
    arm_purge();
  });
}

// What is kept by the address of a task goes before the address can be another task's.
void Engine::forget_unused_versions() {
  for (const FlowVersion& version : flows_.take_unused()) {
    for (const flow::Task& task : version.flow->tasks) measured_.erase(&task);
    parts_.tasks.forget(*version.flow);
  }
}

// An open run from the store into memory. Running attempts hold their slots.
Status Engine::take_up(run::StoredRun stored) {
  stored.row.epoch = epoch_;
  run::RunId const id = stored.row.id;
  const FlowVersion* known = flows_.version(stored.row.bundle);
  FlowVersion version;
  if (known != nullptr) {
    version = *known;
  } else {
    TIDEMILL_TRY_LET(loaded, load_(stored.row.bundle));
    version = loaded;
    flows_.remember(version);
  }
  TIDEMILL_TRY_LET(run, run::restore_instance(version.flow, std::move(stored)));
  run.is_paused = pause_of(run::PauseRow::What::kRun, id.value) != nullptr;
  admission_.add(id, arrival_of(run.row, *run.flow), run.row.state == run::RunState::kQueued);
  open_keys_[{run.row.flow, run.row.key}] = id;
  for (const run::TaskNode& task : run.tasks) {
    auto const kind = run::slot_kind(run.flow->task(task.whole.row.task).kind);
    auto hold = [&](const run::Node& node) {
      if (node.row.state == run::TaskState::kRunning) {
        admission_.hold(kind, id, {node.row.task, node.row.item});
      }
    };
    if (!task.is_mapped()) hold(task.whole);
    for (const run::Node& item : task.items) hold(item);
  }
  runs_[id] = std::make_unique<run::Instance>(std::move(run));
  return {};
}

void Engine::resume_run(Turn& turn, const run::RunId& id) {
  Touched* touched = touch(turn, id);
  if (touched == nullptr) return;
  if (touched->run->row.state == run::RunState::kQueued) {
    for (const run::RunId& next : admission_.take_next(touched->run->row.flow)) {
      if (Touched* begun = touch(turn, next)) run::Machine::begin(*begun->run, begun->step);
    }
  } else {
    run::Machine::resume(*touched->run, touched->step);
  }
  turn.after.push_back([this, id] {
    auto const found = runs_.find(id);
    if (found != runs_.end() && !deadlines_.contains(id)) arm_deadline(*found->second);
  });
}

std::optional<Time> Engine::dataset_updated(const std::string& dataset) const {
  auto const found = dataset_times_.find(dataset);
  return found == dataset_times_.end() ? std::nullopt : std::optional<Time>(found->second);
}

std::vector<Engine::RunningAttempt> Engine::running_attempts() const {
  std::vector<RunningAttempt> running;
  for (const auto& [id, run] : runs_) {
    auto note = [&, run_id = id](const run::Node& node) {
      if (node.row.state == run::TaskState::kRunning && node.row.attempt.value > 0) {
        running.push_back(
            {run_id, {node.row.task, node.row.item}, node.row.attempt, node.row.started});
      }
    };
    for (const run::TaskNode& task : run->tasks) {
      if (!task.is_mapped()) note(task.whole);
      for (const run::Node& item : task.items) note(item);
    }
  }
  return running;
}

// Once after a start: every attempt that was under way is asked after.
void Engine::recover_attempts(const std::vector<RunningAttempt>& running) {
  parts_.tasks.prepare_recovery([this, running] {
    for (const RunningAttempt& one : running) {
      auto const found = runs_.find(one.id);
      if (found == runs_.end()) continue;
      const run::Instance& run = *found->second;
      const run::Node& node = run.node(one.ref.task, one.ref.item);
      if (node.row.state != run::TaskState::kRunning || node.row.attempt != one.attempt) continue;
      const flow::Task& task = run.flow->task(one.ref.task);
      if (task.timeout && one.started) {
        Duration const left = *one.started + *task.timeout - parts_.clock.wall();
        arm_timeout(one.id, one.ref, one.attempt, std::max(left, Duration{}));
      }
      if (task.kind == flow::Kind::kFlow) {
        start_sub_run(run, one.ref, one.attempt);
        continue;
      }
      flow::Scope scope;
      run::Machine::fill_scope(run, one.ref, scope);
      parts_.tasks.recover(work_of(run, one.ref, one.attempt), scope,
                           [this, one](run::Outcome outcome) {
                             attempt_ended(one.id, one.ref, one.attempt, std::move(outcome));
                           });
    }
    parts_.tasks.recovered();
  });
}

void Engine::deploy(std::map<flow::FlowName, FlowVersion> current) {
  auto shared = std::make_shared<std::map<flow::FlowName, FlowVersion>>(std::move(current));
  post({[this, shared](Turn& turn) {
          flows_.replace(*shared);
          start_triggers(turn);
          if (resume_all_) resume_all_(turn);
          turn.after.push_back([this] {
            resume_all_ = nullptr;
            is_deployed_ = true;
            post_pump();
            arm_clock();
          });
        },
        true,
        {}});
}

// A trigger that is new counts from now.
void Engine::start_triggers(Turn& turn) {
  for (const auto& [name, version] : flows_.all()) {
    for (const flow::Trigger& trigger : version.flow->triggers) {
      if (!trigger.schedule || triggers_.contains({name, trigger.id})) continue;
      run::TriggerRow row;
      row.flow = name;
      row.trigger = trigger.id;
      row.low_water = turn.now.wall;
      turn.triggers[{name, trigger.id}] = row;
      turn.changes.triggers.push_back(std::move(row));
    }
  }
}

// Everything anew: when flows or the wall clock have changed, or a commit has failed.
void Engine::arm_clock() {
  due_.clear();
  ++due_round_;
  for (const auto& [name, version] : flows_.all()) {
    for (const flow::Trigger& trigger : version.flow->triggers) add_due(name, trigger);
  }
  set_clock_timer();
}

void Engine::add_due(const flow::FlowName& name, const flow::Trigger& trigger) {
  auto const row = triggers_.find({name, trigger.id});
  if (!trigger.schedule || row == triggers_.end()) return;
  if (pause_of(run::PauseRow::What::kFlow, name.value) != nullptr) return;
  auto const due = next_due(trigger, row->second.low_water);
  if (due) due_.emplace(*due, std::make_pair(name, trigger.id));
}

void Engine::set_clock_timer() {
  if (clock_timer_) parts_.loop.cancel(*clock_timer_);
  clock_timer_.reset();
  if (due_.empty()) return;
  clock_timer_ = parts_.loop.at(due_.begin()->first, [this] {
    clock_timer_.reset();
    post({[this](Turn& turn) { clock_due(turn); }, false, {}});
  });
}

void Engine::clock_due(Turn& turn) {
  std::vector<std::pair<flow::FlowName, std::string>> ticked;
  while (!due_.empty() && due_.begin()->first <= turn.now.wall) {
    auto [name, id] = due_.begin()->second;
    due_.erase(due_.begin());
    const FlowVersion* version = flows_.current(name);
    if (version == nullptr) continue;
    for (const flow::Trigger& trigger : version->flow->triggers) {
      if (trigger.id == id) tick_trigger(turn, *version, trigger);
    }
    ticked.emplace_back(std::move(name), std::move(id));
  }
  // Only these have a new next tick. When the commit fails, the clock is armed again from the
  // low-water marks that are durable.
  turn.after.push_back([this, ticked = std::move(ticked), round = due_round_] {
    if (round != due_round_) return;  // armed anew meanwhile
    for (const auto& [name, id] : ticked) {
      const FlowVersion* version = flows_.current(name);
      if (version == nullptr) continue;
      for (const flow::Trigger& trigger : version->flow->triggers) {
        if (trigger.id == id) add_due(name, trigger);
      }
    }
    set_clock_timer();
  });
}

void Engine::tick_trigger(Turn& turn, const FlowVersion& version, const flow::Trigger& trigger) {
  auto const key = std::make_pair(version.flow->name, trigger.id);
  run::TriggerRow& row = turn.triggers.emplace(key, triggers_[key]).first->second;
  DueTicks const due = due_ticks(trigger, row.low_water, turn.now.wall);
  row.low_water = due.low_water;
  row.skipped += due.passed_over;
  for (const DueTick& tick : due.ticks) {
    row.low_water_key = tick.key.value;
    if (!tick.missed_reason.empty()) {
      if (trigger.kind == flow::Trigger::Kind::kEvery) {
        ++row.skipped;
      } else if (auto const known = parts_.store.find_key(version.flow->name, tick.key); !known) {
        turn.unread = known.error();
      } else if (!*known) {
        turn.changes.keys.push_back(
            {version.flow->name, tick.key, std::nullopt, turn.now.wall, tick.missed_reason});
      }
      continue;
    }
    auto request = std::make_shared<RunRequest>();
    request->flow = version.flow->name;
    request->key = tick.key;
    request->trigger = &trigger;
    request->trigger_bundle = version.bundle;
    request->cause.trigger = word(trigger.kind);
    request->cause.trigger_id = trigger.id;
    request->cause.origin = request->cause.trigger;
    request->scheduled_at = tick.due;
    request->interval_start = tick.interval_start;
    handle_request(turn, request);
  }
  turn.changes.triggers.push_back(row);
  parts_.metrics
      .counter("tidemill_ticks_total", "Ticks that became due",
               fmt::format("flow=\"{}\"", version.flow->name.value))
      .add(static_cast<int64_t>(due.ticks.size()));
}

std::optional<Time> Engine::next_tick(const flow::FlowName& flow) const {
  std::optional<Time> earliest;
  for (const auto& [due, trigger] : due_) {
    if (trigger.first == flow && (!earliest || due < *earliest)) earliest = due;
  }
  return earliest;
}

}  // namespace tidemill::engine
