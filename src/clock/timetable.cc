// The rules are those of airflow/timetables/interval.py, trigger.py and simple.py of Airflow 3.
#include "clock/timetable.h"

#include <algorithm>

namespace tidemill::clock {
namespace {

constexpr int64_t kDay_us = 86'400'000'000;

int64_t floor_mod(int64_t a, int64_t b) { return (a % b + b) % b; }

// Local wall-clock time as if it were UTC.
Time local_of(const Zone& zone, Time t) { return t + zone.offset_at(t); }

// The instant of a local time. Airflow reads it with fold=1: of a time that comes twice the second,
// and a skipped one as far after the change as it lies in the gap.
Time instant_of(const Zone& zone, Time local) {
  int64_t const local_s = local.seconds();
  Segment s = zone.segment_at(local_s + 2 * 86'400);
  while (!s.is_first() && s.begin_s + s.offset_s > local_s) {
    Segment const earlier = zone.segment_at(s.begin_s - 1);
    // In the gap between the two: the offset before the change moves it behind the change.
    if (s.begin_s + earlier.offset_s <= local_s) {
      return local - Duration::seconds(earlier.offset_s);
    }
    s = earlier;
  }
  return local - Duration::seconds(s.offset_s);
}

Time add_step(Time t, const CalendarStep& step, int sign) {
  int64_t const of_day = floor_mod(t.us, kDay_us);
  CivilDate date = civil_from_days((t.us - of_day) / kDay_us);
  int64_t const month = date.year * 12 + date.month - 1 + sign * (step.years * 12 + step.months);
  date.year = month / 12;
  date.month = static_cast<int>(month % 12) + 1;
  if (step.day != 0) date.day = step.day;
  date.day = std::min(date.day, days_in_month(date.year, date.month));
  return Time{(days_from_civil(date) + sign * step.days) * kDay_us + of_day};
}

}  // namespace

Result<Timetable> Timetable::cron(Kind kind, const std::vector<std::string>& expressions,
                                  const Zone& zone, Duration length) {
  Timetable timetable;
  timetable.kind_ = kind;
  timetable.length_ = length;
  for (const std::string& text : expressions) {
    TIDEMILL_TRY_LET(schedule, Schedule::parse(text, Dialect::kCroniter));
    if (!schedule.next(Time{})) {
      return fail(Code::kInvalid, "the expression never fires: no such date comes");
    }
    timetable.cron_ = Cron{schedule, zone};
    if (kind != Kind::kMultipleCronTrigger) continue;
    Timetable one = timetable;
    one.kind_ = Kind::kCronTrigger;
    one.several_.clear();
    timetable.several_.push_back(std::move(one));
  }
  if (!timetable.cron_) return fail(Code::kInvalid, "expected at least one cron expression");
  return timetable;
}

Result<Timetable> Timetable::delta(Kind kind, Duration delta) {
  if (delta.us <= 0) return fail(Code::kInvalid, "expected a length of more than nothing");
  Timetable timetable;
  timetable.kind_ = kind;
  timetable.delta_ = delta;
  return timetable;
}

Timetable Timetable::step(CalendarStep step) {
  Timetable timetable;
  timetable.kind_ = Kind::kDeltaDataInterval;
  timetable.step_ = step;
  return timetable;
}

Timetable Timetable::plain(Kind kind) {
  Timetable timetable;
  timetable.kind_ = kind;
  return timetable;
}

// Expressions that fire in every hour follow elapsed time, others the wall clock.
Time Timetable::after(Time t) const {
  if (step_) return add_step(t, *step_, 1);
  if (!cron_) return t + delta_;
  Time const local = local_of(cron_->zone, t);
  Time const found = cron_->schedule.next(local).value_or(Tick{kLastInstant, {}, 0}).due;
  bool const is_hourly = cron_->schedule.pattern().hour == 0xFFFFFF;
  return is_hourly ? t + (found - local) : instant_of(cron_->zone, found);
}

Time Timetable::before(Time t) const {
  if (step_) return add_step(t, *step_, -1);
  if (!cron_) return t - delta_;
  Time const local = local_of(cron_->zone, t);
  Time const found = cron_->schedule.previous(local).value_or(Tick{kFirstInstant, {}, 0}).due;
  bool const is_hourly = cron_->schedule.pattern().hour == 0xFFFFFF;
  return is_hourly ? t - (local - found) : instant_of(cron_->zone, found);
}

Time Timetable::align_up(Time t) const {
  if (!cron_) return t;
  Time const next = after(t);
  return before(next) == t ? t : next;
}

Time Timetable::align_down(Time t) const {
  if (!cron_) return t;
  Time const previous = before(t);
  return after(previous) == t ? t : previous;
}

// Without catch-up the first interval is the last complete one.
Time Timetable::skip_to_latest(const std::optional<Time>& earliest, Time now) const {
  if (!cron_) {
    // Lengths are counted from 1970, steps of the calendar from now.
    Time const start = before(step_ ? now : Time{now.us - floor_mod(now.us, delta_.us)});
    return earliest ? std::max(start, *earliest) : start;
  }
  Time const last = before(now);
  Time const start = after(last) == now ? last : before(last);
  return earliest ? std::max(start, align_up(*earliest)) : start;
}

std::optional<Timetable::Run> Timetable::next_interval(const std::optional<Interval>& last,
                                                       const Restriction& r, Time now) const {
  std::optional<Time> earliest = r.earliest;
  if (!r.catchup) {
    earliest = skip_to_latest(earliest, now);
  } else if (earliest) {
    earliest = align_up(*earliest);
  }
  if (!last && !earliest) return std::nullopt;
  Time start = last ? align_down(last->end) : *earliest;
  if (last && earliest) start = std::max(start, *earliest);
  if (r.latest && start > *r.latest) return std::nullopt;
  Time const end = after(start);
  return Run{end, {start, end}};
}

// Without a start date the past tick counts if it is at most a tenth of the way back.
Time Timetable::first_trigger(Time now) const {
  if (!cron_) return now;
  Time const past = align_down(now);
  Time const coming = align_up(now);
  Duration const buffer = std::max(Duration{(coming - past).us / 10}, Duration::seconds(300));
  return now - past <= buffer ? past : coming;
}

std::optional<Timetable::Run> Timetable::next_trigger(const std::optional<Interval>& last,
                                                      const Restriction& r, Time now) const {
  Time start;
  if (r.catchup) {
    start = last ? after(last->end) : r.earliest ? align_up(*r.earliest) : first_trigger(now);
  } else {
    start = align_down(now);
    if (last) {
      start = std::max(start, after(last->end));
    } else if (!r.earliest) {
      start = std::max(start, first_trigger(now));
    }
    if (r.earliest) start = std::max(start, align_up(*r.earliest));
  }
  if (r.latest && *r.latest < start) return std::nullopt;
  return Run{start, {start - length_, start}};
}

std::optional<Timetable::Run> Timetable::next(const std::optional<Interval>& last,
                                              const Restriction& r, Time now) const {
  switch (kind_) {
    case Kind::kCronDataInterval:
    case Kind::kDeltaDataInterval:
      return next_interval(last, r, now);
    case Kind::kCronTrigger:
    case Kind::kDeltaTrigger:
      return next_trigger(last, r, now);
    case Kind::kMultipleCronTrigger: {
      // With catch-up the earliest of all; without, the next to come, else the latest of the past.
      std::optional<Run> best;
      auto is_better = [&](const Run& a, const Run& b) {
        if (r.catchup || (a.run_after > now && b.run_after > now)) return a.run_after < b.run_after;
        return a.run_after <= now && (b.run_after > now || a.run_after > b.run_after);
      };
      for (const Timetable& each : several_) {
        std::optional<Run> const run = each.next(last, r, now);
        if (run && (!best || is_better(*run, *best))) best = run;
      }
      return best;
    }
    case Kind::kOnce: {
      if (last) return std::nullopt;
      Time const at = r.earliest.value_or(now);
      if (r.latest && at > *r.latest) return std::nullopt;
      return Run{at, {at, at}};
    }
    case Kind::kContinuous: {
      Time const earliest = r.earliest.value_or(now);
      Time const start = last ? last->end : earliest;
      Time const end = last ? now : std::max(earliest, now);
      if (r.latest && end > *r.latest) return std::nullopt;
      return Run{end, {start, end}};
    }
    case Kind::kNull:
      return std::nullopt;
  }
  return std::nullopt;
}

Interval Timetable::manual_interval(Time run_after) const {
  switch (kind_) {
    case Kind::kCronDataInterval: {
      Time const end = align_down(run_after);
      return {before(end), end};
    }
    case Kind::kDeltaDataInterval:
      return {before(run_after), run_after};
    case Kind::kCronTrigger:
    case Kind::kDeltaTrigger:
    case Kind::kMultipleCronTrigger:
      return {run_after - length_, run_after};
    default:
      return {run_after, run_after};
  }
}

}  // namespace tidemill::clock
