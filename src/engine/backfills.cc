#include "engine/backfills.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "engine/clockwork.h"
#include "engine/turn.h"

namespace tidemill::engine {
namespace {

constexpr size_t kEntriesPerTurn = 200;
constexpr Duration kAskAgain = Duration::millis(500);

std::string ids_of(const std::vector<const flow::Trigger*>& triggers) {
  std::string ids;
  for (const flow::Trigger* trigger : triggers) {
    ids += fmt::format("{}{} ({})", ids.empty() ? "" : ", ", trigger->id, trigger->text);
  }
  return ids;
}

// The clock trigger that is meant.
Result<const flow::Trigger*> clock_trigger(const flow::Flow& flow, const std::string& id) {
  std::vector<const flow::Trigger*> known;
  for (const flow::Trigger& trigger : flow.triggers) {
    if (!trigger.schedule) continue;
    if (trigger.id == id) return &trigger;
    known.push_back(&trigger);
  }
  if (known.empty()) {
    return fail(Code::kInvalid, fmt::format("flow {} has no clock trigger, so a range of time has "
                                            "no ticks; give keys instead",
                                            flow.name.value));
  }
  if (!id.empty()) {
    return fail(Code::kNotFound, fmt::format("flow {} has no clock trigger '{}'; it has {}",
                                             flow.name.value, printable(id, 60), ids_of(known)));
  }
  if (known.size() == 1) return known[0];
  return fail(Code::kInvalid, fmt::format("flow {} has several clock triggers; name one: {}",
                                          flow.name.value, ids_of(known)));
}

Result<run::BackfillSpec> spec_of(const flow::Flow& flow, const BackfillRequest& request) {
  run::BackfillSpec spec;
  spec.reprocess = request.reprocess;
  spec.newest_first = request.newest_first;
  spec.max_running = request.max_running;
  if (!request.from || !request.to) {
    TIDEMILL_TRY_LET(entries, run::entries_of_lines(flow, request.lines));
    spec.entries = std::move(entries);
  } else {
    TIDEMILL_TRY_LET(trigger, clock_trigger(flow, request.trigger));
    spec.trigger = trigger->id;
    TIDEMILL_TRY_LET(
        ticks, trigger->schedule->ticks(*request.from, *request.to, run::kMaxBackfillEntries));
    for (const clock::Tick& tick : ticks) {
      DueTick const due = tick_of(*trigger, tick);
      spec.entries.push_back({due.key, due.due, due.interval_start, Json::object()});
    }
  }
  if (spec.newest_first) std::reverse(spec.entries.begin(), spec.entries.end());
  return spec;
}

const flow::Trigger* trigger_of(const flow::Flow& flow, const std::string& id) {
  for (const flow::Trigger& trigger : flow.triggers) {
    if (trigger.schedule && trigger.id == id) return &trigger;
  }
  return nullptr;
}

bool is_open(const run::BackfillRow& row) {
  return row.state == run::BackfillState::kRunning || row.state == run::BackfillState::kPaused;
}

}  // namespace

void Engine::create_backfill(BackfillRequest request,
                             std::function<void(Result<BackfillAnswer>)> done) {
  auto shared = std::make_shared<BackfillRequest>(std::move(request));
  post({[this, shared, done](Turn& turn) {
          auto answer = create_backfill_now(turn, *shared);
          turn.after.push_back([done, answer = std::move(answer)] { done(answer); });
        },
        false, [done](const Error& error) { done(fail(error)); }});
}

Result<BackfillAnswer> Engine::create_backfill_now(Turn& turn, const BackfillRequest& request) {
  const FlowVersion* version = flows_.current(flow::FlowName(request.flow));
  if (version == nullptr) {
    std::string const near = nearest_word(request.flow, flows_.names());
    return fail(Code::kNotFound,
                fmt::format("there is no flow '{}'{}", printable(request.flow, 80),
                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  TIDEMILL_TRY_LET(spec, spec_of(*version->flow, request));
  if (spec.entries.empty()) {
    return fail(Code::kInvalid, request.from ? "no tick falls into this range; from is included, "
                                               "to is not"
                                             : "there is no key to run");
  }
  BackfillAnswer answer;
  answer.row.flow = request.flow;
  answer.row.by = request.by;
  answer.row.created = turn.now.wall;
  answer.row.total = static_cast<int64_t>(spec.entries.size());
  if (request.dry_run) {
    answer.planned = planned(*version, spec);
    return answer;
  }
  answer.row.id = run::BackfillId(new_run_id().value);
  answer.row.spec = run::dump_spec(spec);
  turn.changes.control.new_backfills.push_back(answer.row);
  answer.row.spec = {};
  turn.after.push_back([this, row = answer.row, spec = std::move(spec)] {
    backfills_[row.id] = {row, spec};
    parts_.log.info("backfill {} of flow {}: {} keys, by {}", row.id.value, row.flow, row.total,
                    row.by);
    post_pump();
  });
  return answer;
}

// What would be done about each entry, as things are now.
std::vector<BackfillAnswer::Planned> Engine::planned(const FlowVersion& version,
                                                     const run::BackfillSpec& spec) const {
  std::vector<BackfillAnswer::Planned> list;
  for (const run::BackfillEntry& entry : spec.entries) {
    if (list.size() == kMaxPlanned) break;
    run::Key key = entry.key.value_or(run::Key());
    if (version.flow->key) {
      RunRequest request;
      request.key = key;
      if (auto own = key_of(request, version, entry.params, run::RunId())) key = *own;
    }
    auto const stored = parts_.store.find_key(version.flow->name, key);
    std::optional<run::RunState> state;
    if (stored && *stored && (*stored)->row.run) state = (*stored)->state;
    std::string what = "run";
    switch (run::action_for(state, spec.reprocess)) {
      case run::EntryAction::kRun:
        if (stored && *stored) what = "run (its tick was not run)";
        break;
      case run::EntryAction::kLeave:
        what = fmt::format("leave ({})", word(*state));
        break;
      case run::EntryAction::kFailedTasks:
        what = "again from the failed tasks";
        break;
      case run::EntryAction::kAllTasks:
        what = fmt::format("again ({})", word(*state));
    }
    list.push_back({key.value, entry.scheduled_at, what});
  }
  return list;
}

void Engine::order_backfill(run::BackfillId id, BackfillOrder order, std::string by,
                            std::function<void(Result<run::BackfillRow>)> done) {
  post({[this, id, order, by, done](Turn& turn) {
          run::BackfillRow* row = backfill_row(turn, id);
          if (row == nullptr) {
            turn.after.push_back([done, id] {
              done(fail(Code::kNotFound,
                        fmt::format("there is no backfill '{}' that is under way; 'tidemill "
                                    "backfill list' shows all",
                                    printable(id.value, 60))));
            });
            return;
          }
          row->state = order == BackfillOrder::kPause    ? run::BackfillState::kPaused
                       : order == BackfillOrder::kResume ? run::BackfillState::kRunning
                                                         : run::BackfillState::kCancelled;
          if (order == BackfillOrder::kCancel) row->finished = turn.now.wall;
          turn.after.push_back([this, done, row = *row, by] {
            parts_.log.info("backfill {} is {} by {}", row.id.value, word(row.state), by);
            done(row);
            post_pump();
          });
        },
        false, [done](const Error& error) { done(fail(error)); }});
}

// The row as this turn leaves it; null if it is not under way.
run::BackfillRow* Engine::backfill_row(Turn& turn, const run::BackfillId& id) {
  auto const changed = turn.backfills.find(id);
  if (changed != turn.backfills.end()) {
    return is_open(changed->second) ? &changed->second : nullptr;
  }
  auto const known = backfills_.find(id);
  if (known == backfills_.end()) return nullptr;
  return &turn.backfills.emplace(id, known->second.row).first->second;
}

void Engine::post_pump() {
  if (backfills_.empty() || is_pump_posted_) return;
  is_pump_posted_ = true;
  post({[this](Turn& turn) {
          is_pump_posted_ = false;
          for (auto& [id, open] : backfills_) pump_backfill(turn, open);
        },
        false, [this](const Error&) { parts_.loop.after(kAskAgain, [this] { post_pump(); }); }});
}

// Makes runs until enough are open. Live runs go first: while runs of the flow are queued, or it
// has no room, nothing is made.
void Engine::pump_backfill(Turn& turn, const OpenBackfill& open) {
  run::BackfillRow* row = backfill_row(turn, open.row.id);
  if (row == nullptr || row->state != run::BackfillState::kRunning) return;
  const FlowVersion* version = flows_.current(flow::FlowName(row->flow));
  if (version == nullptr) return;  // its file is gone: it waits for the flow to come back
  run::Admission::Arrival arrival;
  arrival.flow = version->flow->name;
  arrival.max_running = version->flow->max_running;
  size_t tried = 0;
  while (row->next < row->total && static_cast<int64_t>(row->open.size()) < open.spec.max_running) {
    bool const has_room = admission_.queued(arrival.flow) == 0 &&
                          admission_.decide(arrival) == run::Admission::Decision::kBegin;
    if (!has_room) return;
    if (++tried > kEntriesPerTurn) {
      turn.after.push_back([this] { post_pump(); });
      return;
    }
    const run::BackfillEntry& entry = open.spec.entries[static_cast<size_t>(row->next)];
    ++row->next;
    run_entry(turn, *row, *version, open.spec, entry);
  }
  finish_backfill(turn, *row);
}

void Engine::run_entry(Turn& turn, run::BackfillRow& row, const FlowVersion& version,
                       const run::BackfillSpec& spec, const run::BackfillEntry& entry) {
  auto request = std::make_shared<RunRequest>();
  request->flow = version.flow->name;
  request->key = entry.key;
  request->params = entry.params;
  request->trigger = trigger_of(*version.flow, spec.trigger);
  request->cause.trigger = "backfill";
  request->cause.trigger_id = row.id.value;
  request->cause.principal = row.by;
  request->cause.origin = "backfill";
  request->scheduled_at = entry.scheduled_at;
  request->interval_start = entry.interval_start;
  request->backfill = row.id;
  request->reprocess = spec.reprocess;
  turn.entry = {};
  handle_request(turn, request);
  if (turn.entry.started) {
    ++row.started;
    row.open.push_back(turn.entry.started->value);
  } else if (!turn.entry.refused.empty()) {
    ++row.refused;
    row.last_error = turn.entry.refused;
  } else {
    ++row.there;
  }
}

// The key of an entry is known: a new run, an old one again, or nothing.
void Engine::handle_entry(Turn& turn, const std::shared_ptr<RunRequest>& request,
                          const FlowVersion& version, run::Key key, Json params,
                          const run::RunId& id) {
  if (open_keys_.contains({request->flow, key})) return;
  auto const stored = parts_.store.find_key(request->flow, key);
  if (!stored) {
    refuse(turn, request, stored.error());
    return;
  }
  std::optional<run::RunState> state;
  if (*stored && (*stored)->row.run) state = (*stored)->state;
  run::EntryAction const action = run::action_for(state, request->reprocess);
  if (action == run::EntryAction::kLeave) return;
  if (action == run::EntryAction::kRun) {
    create_run(turn, request, version, std::move(key), std::move(params), id);
    return;
  }
  auto run = parts_.store.load_run(*(*stored)->row.run);
  if (!run || !*run) {
    refuse(turn, request,
           run ? Error{Code::kInternal, "a key names a run that is not stored", {}} : run.error());
    return;
  }
  reopen(turn, request, std::move(**run),
         action == run::EntryAction::kAllTasks ? Reopen::kAll : Reopen::kFailed);
}

// A run has ended: if a backfill waits for it, it has room for the next.
void Engine::note_backfill_run(Turn& turn, const run::RunRow& run) {
  if (backfills_.empty()) return;
  for (const auto& [id, open] : backfills_) {
    auto const changed = turn.backfills.find(id);
    const run::BackfillRow& now = changed != turn.backfills.end() ? changed->second : open.row;
    if (std::find(now.open.begin(), now.open.end(), run.id.value) == now.open.end()) continue;
    run::BackfillRow& row = turn.backfills.emplace(id, open.row).first->second;
    std::erase(row.open, run.id.value);
    if (run.state == run::RunState::kSucceeded) {
      ++row.succeeded;
    } else {
      ++row.failed;
      row.last_error = fmt::format("run {} {}: {}", run.id.value, word(run.state), run.error);
    }
    finish_backfill(turn, row);
  }
  turn.after.push_back([this] { post_pump(); });
}

void Engine::finish_backfill(Turn& turn, run::BackfillRow& row) {
  if (!is_open(row) || row.next < row.total || !row.open.empty()) return;
  row.state = run::BackfillState::kDone;
  row.finished = turn.now.wall;
}

void Engine::keep_backfills(const Turn& turn) {
  for (const auto& [id, row] : turn.backfills) {
    auto const known = backfills_.find(id);
    if (known == backfills_.end()) continue;
    known->second.row = row;
    if (!is_open(row)) backfills_.erase(known);
  }
}

void Engine::recover_backfills(std::vector<run::BackfillRow> rows) {
  for (run::BackfillRow& row : rows) {
    auto spec = run::parse_spec(row.spec);
    if (!spec) {
      parts_.log.error("backfill {} cannot go on: {}", row.id.value, spec.error().text());
      continue;
    }
    row.spec = {};
    run::BackfillId const id = row.id;
    backfills_[id] = {std::move(row), std::move(*spec)};
  }
}

}  // namespace tidemill::engine
