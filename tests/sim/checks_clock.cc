#include <fmt/format.h>

#include <set>

#include "checks_internal.h"
#include "clock/schedule.h"
#include "run/keys.h"

namespace tidemill::sim {
namespace {

constexpr size_t kMostTicks = 200'000;

std::optional<clock::Schedule> schedule_of(const ClockTrigger& trigger) {
  if (trigger.cron.empty()) {
    auto const every = clock::Every::of(trigger.every);
    if (!every) return std::nullopt;
    return clock::Schedule::of_every(*every);
  }
  clock::ScheduleOptions options;
  auto const zone = clock::Zone::load(trigger.zone);
  if (!zone) return std::nullopt;
  options.zone = *zone;
  auto parsed = clock::Schedule::parse(trigger.cron, clock::Dialect::kTidemill, options);
  if (!parsed) return std::nullopt;
  return std::move(*parsed);
}

run::Key key_of(const ClockTrigger& trigger, const clock::Schedule& schedule,
                const clock::Tick& tick) {
  if (trigger.cron.empty()) return run::every_key(trigger.id, tick.due);
  return run::cron_key(trigger.id, schedule.label_text(tick), tick.fold);
}

}  // namespace

// From when the trigger was first seen until its low-water mark: each tick is a run, or a key that
// says why not, or (of `every`, and of what was too long ago) one of those that are counted.
void every_tick_is_accounted_for(const Evidence& evidence, const Check& self,
                                 std::vector<Finding>& findings) {
  for (const ClockTrigger& trigger : evidence.clocks) {
    const run::TriggerRow* row = nullptr;
    for (const run::TriggerRow& each : evidence.triggers) {
      if (each.flow.value == trigger.flow && each.trigger == trigger.id) row = &each;
    }
    auto const from = evidence.first_seen.find({trigger.flow, trigger.id});
    if (row == nullptr || from == evidence.first_seen.end()) continue;
    auto const schedule = schedule_of(trigger);
    if (!schedule) {
      broken(self, findings, fmt::format("the schedule of {} cannot be read", trigger.flow));
      continue;
    }
    auto const ticks = schedule->ticks(from->second + Duration::micros(1),
                                       row->low_water + Duration::micros(1), kMostTicks);
    if (!ticks) continue;
    std::set<std::string> known;
    for (const run::KeyRow& key : evidence.keys) {
      if (key.flow.value == trigger.flow) known.insert(key.key.value);
    }
    int64_t missing = 0;
    std::string first;
    for (const clock::Tick& tick : *ticks) {
      run::Key const key = key_of(trigger, *schedule, tick);
      if (known.contains(key.value)) continue;
      if (missing++ == 0) first = key.value;
    }
    if (missing > row->skipped) {
      broken(
          self, findings,
          fmt::format("{} of {} ticks of flow {} are neither run nor explained, {} are counted as "
                      "skipped; the first is {}",
                      missing, ticks->size(), trigger.flow, row->skipped, first));
    }
  }
}

// Whatever the wall clock did: a label of a trigger made at most one run, and no run has a label
// that its schedule does not have.
void no_tick_runs_twice(const Evidence& evidence, const Check& self,
                        std::vector<Finding>& findings) {
  for (const ClockTrigger& trigger : evidence.clocks) {
    auto const schedule = schedule_of(trigger);
    if (!schedule) continue;
    std::map<std::pair<int64_t, std::string>, std::string> seen;
    for (const auto& [id, kept] : evidence.runs) {
      const run::RunRow& row = kept.stored.row;
      if (row.flow.value != trigger.flow || row.cause.trigger_id != trigger.id) continue;
      auto const tick = schedule->next(row.scheduled_at - Duration::micros(1));
      if (!tick || tick->due != row.scheduled_at) {
        broken(self, findings,
               fmt::format("run {} is scheduled at {}, which is no tick of {}", id,
                           format_rfc3339(row.scheduled_at), trigger.flow));
      }
      auto const [other, is_new] =
          seen.emplace(std::make_pair(row.scheduled_at.us, row.key.value), id);
      if (!is_new) {
        broken(self, findings,
               fmt::format("runs {} and {} are of one tick {}", other->second, id, row.key.value));
      }
    }
  }
}

}  // namespace tidemill::sim
