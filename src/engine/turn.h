// What one turn of the engine holds until it is durable.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"

namespace tidemill::engine {

// A run that the turn has changed.
struct Engine::Touched {
  run::Instance* run = nullptr;
  bool is_new = false;
  run::Step step;
  std::deque<run::Action> actions;
};

struct Engine::Turn {
  Now now;
  run::Changes changes;
  std::vector<std::unique_ptr<Touched>> touched;
  std::unordered_map<run::RunId, Touched*> by_run;
  std::vector<std::function<void()>> after;  // once the turn is durable, in order
  std::vector<Event> events;
  std::deque<std::shared_ptr<RunRequest>> requests;  // made within the turn, by triggers
  std::vector<run::RunId> finished;
  std::map<std::pair<flow::FlowName, std::string>, run::TriggerRow> triggers;
  std::map<std::string, int64_t> datasets;
  std::map<run::BackfillId, run::BackfillRow> backfills;  // changed
  struct {
    std::optional<run::RunId> started;
    std::string refused;
  } entry;         // what became of a backfill's entry
  Duration spent;  // on pure tasks
  // The store could not be read: what was decided without it must not become true.
  std::optional<Error> unread;
  bool has_notices = false;
};

}  // namespace tidemill::engine
