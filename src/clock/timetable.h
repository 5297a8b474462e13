// The runs of Airflow's timetables: which data interval a run covers, and after when it may start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "clock/schedule.h"

namespace tidemill::clock {

// A step of the calendar as dateutil's relativedelta: years and months first, the day of the month
// replaced if `day` is given, then days. Days past the end of a month become its last.
struct CalendarStep {
  int years = 0;
  int months = 0;
  int days = 0;
  int day = 0;  // 0: not replaced
};

// Airflow 3's timetable of a DAG. Immutable.
class Timetable {
 public:
  enum class Kind {
    kCronDataInterval,   // runs at the end of the interval between two ticks
    kCronTrigger,        // runs at a tick, for the `length` before it
    kDeltaDataInterval,  // intervals of one length, counted from the start date
    kDeltaTrigger,
    kMultipleCronTrigger,
    kOnce,
    kContinuous,
    kNull,
  };

  struct Run {
    Time run_after;
    Interval interval;
  };
  struct Restriction {
    std::optional<Time> earliest;
    std::optional<Time> latest;
    bool catchup = true;
  };

  // kCronDataInterval and kCronTrigger take one expression of the croniter dialect, several with
  // kMultipleCronTrigger. `length` is that of a trigger's interval.
  static Result<Timetable> cron(Kind kind, const std::vector<std::string>& expressions,
                                const Zone& zone, Duration length = {});
  static Result<Timetable> delta(Kind kind, Duration delta);
  static Timetable step(CalendarStep step);  // kDeltaDataInterval
  static Timetable plain(Kind kind);         // kOnce, kContinuous, kNull

  // next_dagrun_info: the run after the one that covered `last`; nothing when no more will come.
  std::optional<Run> next(const std::optional<Interval>& last, const Restriction& restriction,
                          Time now) const;
  // The interval of a run that somebody starts by hand.
  Interval manual_interval(Time run_after) const;

 private:
  struct Cron {
    Schedule schedule;  // in UTC: its labels are read in `zone` by Airflow's own rule
    Zone zone;
  };

  Time after(Time t) const;  // the tick after t, the tick before it
  Time before(Time t) const;
  Time align_up(Time t) const;
  Time align_down(Time t) const;
  Time skip_to_latest(const std::optional<Time>& earliest, Time now) const;
  Time first_trigger(Time now) const;
  std::optional<Run> next_interval(const std::optional<Interval>& last, const Restriction& r,
                                   Time now) const;
  std::optional<Run> next_trigger(const std::optional<Interval>& last, const Restriction& r,
                                  Time now) const;

  Kind kind_ = Kind::kNull;
  std::optional<Cron> cron_;
  std::vector<Timetable> several_;
  Duration length_;
  Duration delta_;
  std::optional<CalendarStep> step_;
};

}  // namespace tidemill::clock
