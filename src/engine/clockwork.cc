#include "engine/clockwork.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/hash.h"
#include "run/keys.h"

namespace tidemill::engine {
namespace {

DueTick make_tick(const flow::Trigger& trigger, const clock::Tick& tick) {
  const clock::Schedule& schedule = *trigger.schedule;
  DueTick due;
  due.due = tick.due;
  due.interval_start = schedule.interval(tick).start;
  if (trigger.kind == flow::Trigger::Kind::kEvery) {
    due.key = run::every_key(trigger.id, tick.due);
  } else if (trigger.kind == flow::Trigger::Kind::kAt) {
    due.key = run::at_key(trigger.id, tick.due);
  } else {
    due.key = run::cron_key(trigger.id, schedule.label_text(tick), tick.fold);
  }
  return due;
}

// When the run of a tick starts: later than the tick by its share of the trigger's jitter. Ticks
// due at one instant share it, so that they are decided together.
Time start_of(const flow::Trigger& trigger, Time due) {
  if (trigger.jitter.us == 0) return due;
  uint64_t const hash = hash64(fmt::format("{}/{}", trigger.jitter_seed, due.us));
  return due + Duration::micros(
                   static_cast<int64_t>(hash % (static_cast<uint64_t>(trigger.jitter.us) + 1)));
}

// How many of the missed ticks are run: the newest n.
size_t to_run(const flow::Missed& missed, const std::deque<clock::Tick>& ticks, Time now) {
  switch (missed.policy) {
    case flow::Missed::Policy::kLost:
      return 0;
    case flow::Missed::Policy::kLatest:
      return std::min<size_t>(1, ticks.size());
    case flow::Missed::Policy::kAll:
      return std::min(static_cast<size_t>(missed.count), ticks.size());
    case flow::Missed::Policy::kWithin: {
      size_t count = 0;
      for (const clock::Tick& tick : ticks) count += tick.due >= now - missed.within ? 1 : 0;
      return count;
    }
  }
  return 0;
}

// Ticks of a period are skipped by arithmetic: a day of "every: 50ms" is not walked through.
Time skip_far_past(const flow::Trigger& trigger, Time low_water, Time now, int64_t& passed_over) {
  const auto& every = trigger.schedule->every();
  if (!every) return low_water;
  int64_t const period = every->period().us;
  int64_t const span = (now - low_water).us;
  int64_t const listed = static_cast<int64_t>(kMissedListed) * period;
  if (span <= listed + kMissedAfter.us) return low_water;
  Time const from = now - Duration::micros(listed);
  passed_over += from.us / period - low_water.us / period;  // ticks are multiples of the period
  return from;
}

}  // namespace

DueTicks due_ticks(const flow::Trigger& trigger, Time low_water, Time now) {
  DueTicks result;
  result.low_water = std::max(low_water, now);
  if (now <= low_water) {
    result.low_water = low_water;
    return result;
  }
  Time const from = skip_far_past(trigger, low_water, now, result.passed_over);
  Time const late = now - kMissedAfter;
  std::deque<clock::Tick> missed;
  auto tick = trigger.schedule->next(from);
  std::vector<clock::Tick> fresh;
  while (tick && tick->due <= now) {
    Time const start = start_of(trigger, tick->due);
    if (start > now) {
      // Later ticks wait for this one: the mark goes forward in the order of ticks.
      result.low_water = tick->due - Duration::micros(1);
      break;
    }
    if (start > late) {
      fresh.push_back(*tick);
    } else {
      missed.push_back(*tick);
      if (missed.size() > kMissedListed) {
        missed.pop_front();
        ++result.passed_over;
      }
    }
    tick = trigger.schedule->next(*tick);
  }
  size_t const run_from = missed.size() - to_run(trigger.missed, missed, now);
  for (size_t i = 0; i < missed.size(); ++i) {
    DueTick due = make_tick(trigger, missed[i]);
    if (i < run_from) {
      due.missed_reason = fmt::format(
          "missed: due at {}, seen at {}; the trigger's `missed` does "
          "not run it later",
          format_rfc3339(due.due), format_rfc3339(now));
    }
    result.ticks.push_back(std::move(due));
  }
  for (const clock::Tick& each : fresh) result.ticks.push_back(make_tick(trigger, each));
  return result;
}

DueTick tick_of(const flow::Trigger& trigger, const clock::Tick& tick) {
  return make_tick(trigger, tick);
}

std::optional<Time> next_due(const flow::Trigger& trigger, Time low_water) {
  auto const tick = trigger.schedule->next(low_water);
  if (!tick) return std::nullopt;
  return start_of(trigger, tick->due);
}

}  // namespace tidemill::engine
