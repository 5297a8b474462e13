// A schedule: a cron expression in a zone, and its ticks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "clock/calendar.h"
#include "clock/dialect.h"
#include "clock/every.h"
#include "clock/pattern.h"
#include "clock/zone.h"

namespace tidemill::clock {

// One due launch of one schedule. (label, fold) is unique within a schedule; `due` is not: after a
// skipped hour several ticks can be due at one instant.
struct Tick {
  Time due;      // when it becomes due
  Label label;   // the wall-clock minute or second it was written for; of a period, due in us
  int fold = 0;  // 1 for the second time that the label comes, after the clock went back
  auto operator<=>(const Tick&) const = default;
};

// What both restricted day fields mean together; must be stated in the tidemill dialect.
enum class Days { kUnstated, kAny, kAll };

Result<Days> days_from_name(std::string_view name);         // "any", "all"
Result<DstRule> dst_rule_from_name(std::string_view name);  // "two_phase", "skip", "twice", "once"

// An instant as a person writes it: RFC 3339, or local time of the zone ("2026-03-01 02:00", with
// seconds if they matter). A local time that the clock skips is the first instant after the change;
// one that comes twice is the first of both.
Result<Time> parse_instant(std::string_view text, const Zone& zone);

struct ScheduleOptions {
  Zone zone = Zone::utc();
  std::string_view id;  // the job's stable id, from which H and ~ choose; needed only by these
  Days days = Days::kUnstated;
  DstRule dst = DstRule::kTwoPhase;
};

// What the data of a tick's run covers.
struct Interval {
  Time start;
  Time end;
};

// A value, immutable, safe to use from every thread. Every search ends in bounded time: "never" is
// an answer, and ticks lie in the years 0 to 9999.
//
// Algorithm: the zone's segments of constant offset are walked; in each one the matching labels are
// found by the bit masks of Pattern, from the lowest label that the clock rule still owes:
//
//   spring:  segment EST |  labels 02:00..02:59 missing  | segment EDT begins with label 03:00
//            FIXED: 02:xx are owed, due at the change; WILD: begins with 03:00
//   autumn:  segment EDT ends with label 01:59 | segment EST begins with label 01:00
//            FIXED: owed from 02:00 on;  WILD: begins with 01:00 again, fold 1
class Schedule {
 public:
  // The schedule alone: a command after it is an error. The error names field, column, what was
  // found and expected and, in the tidemill dialect, what other dialects make of it.
  // Tidemill reads a prefix "CRON_TZ=Zone", which wins over the zone of the options.
  static Result<Schedule> parse(std::string_view text, Dialect dialect,
                                const ScheduleOptions& options = {});
  // The schedule of a fixed period, also of one below the shortest "@every".
  static Schedule of_every(Every period);
  // One tick, at that instant.
  static Schedule of_instant(Time instant);
  // The same schedule on the days of a calendar alone. Only for fields, not for a period.
  Schedule on_days(CalendarDays days) const;

  const std::string& text() const { return text_; }
  // What the dialect's own program would log about the text, and run nevertheless.
  const std::vector<std::string>& warnings() const { return warnings_; }
  Dialect dialect() const { return dialect_; }
  const Zone& zone() const { return zone_; }
  DstRule dst() const { return dst_; }
  bool is_reboot() const { return reboot_; }  // "@reboot": no ticks, the starter runs it
  const std::optional<Every>& every() const { return every_; }     // of "@every 5m"
  const std::optional<Time>& instant() const { return instant_; }  // of of_instant
  const Pattern& pattern() const { return pattern_; }
  bool has_seconds() const { return every_.has_value() || pattern_.has_seconds; }

  // The first tick due strictly after; with several at one instant the one with the lowest label.
  std::optional<Tick> next(Time after) const;
  // The tick after a tick of this schedule; it may have the same `due`.
  std::optional<Tick> next(const Tick& tick) const;
  // The last tick due strictly before; the tick before a tick of this schedule.
  std::optional<Tick> previous(Time before) const;
  std::optional<Tick> previous(const Tick& tick) const;
  // All ticks with from <= due < to, in order; kExhausted if there are more than `limit`.
  Result<std::vector<Tick>> ticks(Time from, Time to, size_t limit) const;

  // From the previous tick to this one; empty for the first tick ever, and for the later ones of
  // several ticks due at one instant.
  Interval interval(const Tick& tick) const;
  // "2026-03-01T02:00", with ":SS" where the schedule has seconds: the part of a run's key. Ticks
  // of
  // "@every" are named by their instant in UTC, "2026-03-01T02:00:00Z".
  std::string label_text(const Tick& tick) const;

 private:
  Schedule() = default;
  int64_t lowest_label(const Segment& segment) const;
  int64_t lowest_label_after_change(const Segment& segment) const;
  int64_t done_through(const Segment& segment) const;
  int64_t fixed_done_before(const Segment& segment) const;
  int64_t first_label(const Segment& segment) const;
  int64_t last_label(const Segment& segment) const;
  Tick tick_in(const Segment& segment, Label label) const;
  int fold_of(const Segment& segment, int64_t label) const;
  std::optional<Tick> search_forward(Segment segment, int64_t from) const;
  std::optional<Tick> search_backward(Segment segment, int64_t upto) const;
  std::optional<Label> next_label(int64_t from) const;
  std::optional<Label> previous_label(int64_t upto) const;
  std::optional<Tick> every_tick(std::optional<Time> due) const;

  std::string text_;
  std::vector<std::string> warnings_;
  Dialect dialect_ = Dialect::kTidemill;
  Zone zone_ = Zone::utc();
  DstRule dst_ = DstRule::kTwoPhase;
  bool reboot_ = false;
  std::optional<Every> every_;
  std::optional<Time> instant_;
  std::optional<CalendarDays> days_;
  Pattern pattern_;
};

}  // namespace tidemill::clock
