// Clock triggers: which ticks are due, and when to look again. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/flows.h"
#include "run/rows.h"

namespace tidemill::engine {

struct DueTick {
  run::Key key;
  Time due;
  Time interval_start;
  std::string missed_reason;  // not empty: this tick is not run, and this is why
};

// What one look at a trigger found.
struct DueTicks {
  std::vector<DueTick> ticks;  // in order
  int64_t passed_over = 0;     // missed ticks that are counted, not listed
  Time low_water;              // everything due up to here is decided
};

// A tick this late was missed: the server was down, suspended, or its clock was set forward. Then
// the trigger's `missed` decides.
inline constexpr Duration kMissedAfter = Duration::seconds(10);
// Missed ticks are listed one by one up to this number, the newest ones; older ones are counted.
inline constexpr size_t kMissedListed = 1000;

// The ticks of a clock trigger with low_water < due that start by now: at their due instant, or
// later by their share of the trigger's jitter.
DueTicks due_ticks(const flow::Trigger& trigger, Time low_water, Time now);
// A tick of the trigger with its key, whenever it is due.
DueTick tick_of(const flow::Trigger& trigger, const clock::Tick& tick);
// When the first tick due after `low_water` starts, if there is one.
std::optional<Time> next_due(const flow::Trigger& trigger, Time low_water);

}  // namespace tidemill::engine
