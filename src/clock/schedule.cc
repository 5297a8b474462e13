#include "clock/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "clock/grammar.h"

namespace tidemill::clock {
namespace {

constexpr int64_t kSmallJump_min = 5;   // up to here a jump forward is walked minute by minute
constexpr int64_t kClockSet_min = 180;  // beyond here the clock was set, nothing is owed
constexpr int64_t kLongChange_s = 60 * 3600;  // no change of offset is longer, twice over
constexpr int64_t kNothing = INT64_MIN / 4;
constexpr int kMostDaysTried = 20'000;  // 54 years of days

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

template <class T>
struct Named {
  std::string_view name;
  T value;
};
constexpr std::array<Named<Days>, 2> kDaysNames = {{{"any", Days::kAny}, {"all", Days::kAll}}};
constexpr std::array<Named<DstRule>, 4> kDstNames = {{{"two_phase", DstRule::kTwoPhase},
                                                      {"skip", DstRule::kSkip},
                                                      {"twice", DstRule::kTwice},
                                                      {"once", DstRule::kOnce}}};

template <class T, size_t N>
Result<T> from_name(std::string_view what, std::string_view name,
                    const std::array<Named<T>, N>& names) {
  std::vector<std::string> valid;
  for (const Named<T>& row : names) {
    if (row.name == name) return row.value;
    valid.emplace_back(row.name);
  }
  return fail(Code::kInvalid, fmt::format("{}: found '{}', expected one of: {}", what,
                                          printable(name, 40), join(valid, ", ")));
}

}  // namespace

Result<Days> days_from_name(std::string_view name) { return from_name("days", name, kDaysNames); }
Result<DstRule> dst_rule_from_name(std::string_view name) {
  return from_name("dst", name, kDstNames);
}

Result<Time> parse_instant(std::string_view text, const Zone& zone) {
  if (auto const exact = parse_rfc3339(text)) return exact;
  // Local time: with the seconds that may be missing, and read as if it were UTC.
  std::string const local = fmt::format("{}{}Z", text, text.size() == 16 ? ":00" : "");
  auto const read = parse_rfc3339(local);
  if (!read) {
    return fail(Code::kInvalid,
                fmt::format("found '{}', expected an instant, such as 2026-03-01T02:00:00Z, or "
                            "local time, such as 2026-03-01 02:00",
                            printable(text, 60)));
  }
  int64_t const wanted_s = read->seconds();
  // Offsets are less than a day and a half: the first instant whose local time is not earlier.
  Segment s = zone.segment_at(wanted_s - kLongChange_s);
  while (!s.is_last() && s.end_s + s.offset_s <= wanted_s) s = zone.segment_at(s.end_s);
  return Time::from_seconds(std::max(s.begin_s, wanted_s - s.offset_s));
}

Result<Schedule> Schedule::parse(std::string_view text, Dialect dialect,
                                 const ScheduleOptions& options) {
  TIDEMILL_TRY_LET(parsed, parse_grammar(text, dialect, options.id, options.days, options.dst));
  Schedule schedule;
  schedule.text_ = std::string(text);
  schedule.dialect_ = dialect;
  schedule.zone_ = options.zone;
  schedule.dst_ = dialect == Dialect::kTidemill ? options.dst : dialect_info(dialect).dst;
  schedule.warnings_ = std::move(parsed.warnings);
  schedule.reboot_ = parsed.reboot;
  schedule.every_ = parsed.every;
  schedule.pattern_ = parsed.pattern;
  if (!parsed.zone.empty() && parsed.zone != options.zone.name()) {
    TIDEMILL_TRY_LET(zone, Zone::load(parsed.zone));
    schedule.zone_ = zone;
  }
  if (dialect == Dialect::kTidemill && !schedule.reboot_ && !schedule.next(kFirstInstant)) {
    return fail(
        Code::kInvalid,
        fmt::format("day and month fields: '{}' never fires, no such date comes; mend the day, "
                    "the month or the year. Elsewhere: "
                    "debian, cronie and vixie4 accept an impossible date and never run it",
                    printable(text, 100)));
  }
  return schedule;
}

Schedule Schedule::of_every(Every period) {
  Schedule schedule;
  schedule.text_ = fmt::format("@every {}", format_duration(period.period()));
  schedule.every_ = period;
  return schedule;
}

Schedule Schedule::of_instant(Time instant) {
  Schedule schedule;
  schedule.text_ = format_rfc3339(instant);
  schedule.instant_ = instant;
  return schedule;
}

Schedule Schedule::on_days(CalendarDays days) const {
  Schedule schedule = *this;
  schedule.days_ = std::move(days);
  return schedule;
}

// The pattern's labels on days of the calendar. Gives up where so many of its days in a row are
// none of them that no more will come.
std::optional<Label> Schedule::next_label(int64_t from) const {
  std::optional<Label> found = pattern_.next(Label{from});
  if (!days_) return found;
  int64_t const a_day = 86'400 / pattern_.unit_s();
  for (int i = 0; found && i < kMostDaysTried; ++i) {
    int64_t const day = floor_div(found->value, a_day);
    if (days_->has(day)) return found;
    found = pattern_.next(Label{(day + 1) * a_day});
  }
  return std::nullopt;
}

std::optional<Label> Schedule::previous_label(int64_t upto) const {
  std::optional<Label> found = pattern_.previous(Label{upto});
  if (!days_) return found;
  int64_t const a_day = 86'400 / pattern_.unit_s();
  for (int i = 0; found && i < kMostDaysTried; ++i) {
    int64_t const day = floor_div(found->value, a_day);
    if (days_->has(day)) return found;
    found = pattern_.previous(Label{day * a_day - 1});
  }
  return std::nullopt;
}

int64_t Schedule::first_label(const Segment& s) const {
  return floor_div(s.begin_s + s.offset_s, pattern_.unit_s());
}

int64_t Schedule::last_label(const Segment& s) const {
  return floor_div(s.end_s - 1 + s.offset_s, pattern_.unit_s());
}

// The label up to which FIXED entries are done when a segment begins. While the clock is behind it,
// they wait. The jump is measured in minutes, whatever the unit: an hour is an hour.
int64_t Schedule::fixed_done_before(const Segment& s) const {
  if (s.is_first()) return kNothing;
  int64_t const done = done_through(zone_.segment_at(s.begin_s - 1));
  int64_t const per_minute = 60 / pattern_.unit_s();
  int64_t const jump_min = floor_div(s.begin_s + s.offset_s, 60) - floor_div(done, per_minute);
  if (jump_min > kClockSet_min || jump_min <= -kClockSet_min) return first_label(s) - 1;
  return done;
}

// The label up to which FIXED entries are done when a segment ends: its last one, unless it is so
// short that the clock has not yet passed where it went back from.
int64_t Schedule::done_through(const Segment& s) const {
  int64_t const last = last_label(s);
  if (s.end_s - s.begin_s > kClockSet_min * 60) return last;
  return std::max(last, fixed_done_before(s));
}

// The lowest label that is run in a segment.
int64_t Schedule::lowest_label_after_change(const Segment& s) const {
  int64_t const unit_s = pattern_.unit_s();
  Segment const before = zone_.segment_at(s.begin_s - 1);
  int64_t const first = first_label(s);
  int64_t const last = last_label(before);
  // Less than a whole unit back: the label goes on, it does not come again.
  if (first == last && before.offset_s - s.offset_s < unit_s) return last + 1;

  if (dst_ == DstRule::kClock) return first;
  if (dst_ == DstRule::kFirst) return std::max(first, done_through(before) + 1);
  bool const is_forward = first > last;
  int64_t const fixed = fixed_done_before(s) + 1;
  if (pattern_.is_wild()) {
    if (!is_forward) return dst_ == DstRule::kOnce ? done_through(before) + 1 : first;
    int64_t const jump_min =
        floor_div(s.begin_s + s.offset_s, 60) - floor_div(s.begin_s - 1 + before.offset_s, 60);
    bool const is_walked = jump_min <= kSmallJump_min && dst_ != DstRule::kSkip;
    return is_walked ? last + 1 : first;
  }
  if (dst_ == DstRule::kSkip) return std::max(fixed, first);
  if (!is_forward && dst_ == DstRule::kTwice) return first;
  if (!is_forward && dst_ == DstRule::kOnce) return done_through(before) + 1;
  return fixed;
}

int64_t Schedule::lowest_label(const Segment& s) const {
  return s.is_first() ? kNothing : lowest_label_after_change(s);
}

// How often this label was run in earlier segments. Only those just before can hold it.
int Schedule::fold_of(const Segment& s, int64_t label) const {
  int fold = 0;
  int64_t const unit_s = pattern_.unit_s();
  if (s.is_first() || label * unit_s - s.offset_s - s.begin_s > kLongChange_s) return 0;
  for (Segment j = s; !j.is_first() && s.begin_s - j.begin_s < kLongChange_s;) {
    j = zone_.segment_at(j.begin_s - 1);
    if (label <= last_label(j) && label >= lowest_label(j)) ++fold;
  }
  return fold;
}

Tick Schedule::tick_in(const Segment& s, Label label) const {
  int64_t const due_s = std::max(s.begin_s, label.value * pattern_.unit_s() - s.offset_s);
  return {Time::from_seconds(due_s), label, fold_of(s, label.value)};
}

std::optional<Tick> Schedule::search_forward(Segment s, int64_t from) const {
  std::optional<Label> found = next_label(from);
  while (found) {
    if (found->value <= last_label(s)) {
      Tick const tick = tick_in(s, *found);
      if (tick.due > kLastInstant) return std::nullopt;
      return tick;
    }
    if (s.is_last() || Time::from_seconds(s.end_s) > kLastInstant) return std::nullopt;
    s = zone_.segment_at(s.end_s);
    int64_t const lowest = lowest_label(s);
    // Nothing matches between `from` and what was found, so it stands unless the clock went back.
    if (lowest < from || lowest > found->value) found = next_label(lowest);
    from = lowest;
  }
  return std::nullopt;
}

std::optional<Tick> Schedule::search_backward(Segment s, int64_t upto) const {
  std::optional<Label> found = previous_label(upto);
  while (found) {
    if (found->value >= lowest_label(s)) {
      Tick const tick = tick_in(s, *found);
      if (tick.due < kFirstInstant) return std::nullopt;
      return tick;
    }
    if (s.is_first() || Time::from_seconds(s.begin_s) < kFirstInstant) return std::nullopt;
    s = zone_.segment_at(s.begin_s - 1);
    int64_t const highest = last_label(s);
    if (highest > upto || highest < found->value) found = previous_label(highest);
    upto = highest;
  }
  return std::nullopt;
}

std::optional<Tick> Schedule::every_tick(std::optional<Time> due) const {
  if (!due) return std::nullopt;
  return Tick{*due, Label{due->us}, 0};
}

std::optional<Tick> Schedule::next(Time after) const {
  if (instant_) return *instant_ > after ? every_tick(instant_) : std::nullopt;
  if (every_) return every_tick(every_->next(after));
  if (reboot_ || after >= kLastInstant) return std::nullopt;
  int64_t const from_s = std::max(after, kFirstInstant - Duration::micros(1)).seconds() + 1;
  Segment const s = zone_.segment_at(from_s);
  int64_t const unit_s = pattern_.unit_s();
  int64_t from = floor_div(from_s + s.offset_s + unit_s - 1, unit_s);
  // Labels owed from before the segment are due at its first second.
  if (from_s == s.begin_s) from = kNothing;
  if (from_s - s.begin_s < kLongChange_s) from = std::max(from, lowest_label(s));
  return search_forward(s, from);
}

std::optional<Tick> Schedule::next(const Tick& tick) const {
  if (instant_) return next(tick.due);
  if (every_) return every_tick(every_->next(tick.due));
  if (reboot_) return std::nullopt;
  Segment const s = zone_.segment_at(tick.due.seconds());
  return search_forward(s, tick.label.value + 1);
}

std::optional<Tick> Schedule::previous(Time before) const {
  if (instant_) return *instant_ < before ? every_tick(instant_) : std::nullopt;
  if (every_) return every_tick(every_->previous(before));
  if (reboot_ || before <= kFirstInstant) return std::nullopt;
  // The last whole second that is strictly before.
  int64_t const upto_s =
      Time{std::min(before, kLastInstant + Duration::micros(1)).us - 1}.seconds();
  Segment const s = zone_.segment_at(upto_s);
  return search_backward(s, floor_div(upto_s + s.offset_s, pattern_.unit_s()));
}

std::optional<Tick> Schedule::previous(const Tick& tick) const {
  if (instant_) return previous(tick.due);
  if (every_) return every_tick(every_->previous(tick.due));
  if (reboot_) return std::nullopt;
  Segment const s = zone_.segment_at(tick.due.seconds());
  return search_backward(s, tick.label.value - 1);
}

Result<std::vector<Tick>> Schedule::ticks(Time from, Time to, size_t limit) const {
  std::vector<Tick> out;
  Time const after = std::max(from, kFirstInstant) - Duration::micros(1);
  for (auto tick = next(after); tick && tick->due < to; tick = next(*tick)) {
    if (out.size() == limit) {
      return fail(Code::kExhausted,
                  fmt::format("more than {} ticks; ask for a shorter time", limit));
    }
    out.push_back(*tick);
  }
  return out;
}

Interval Schedule::interval(const Tick& tick) const {
  std::optional<Tick> const before = previous(tick);
  return {before ? before->due : tick.due, tick.due};
}

std::string Schedule::label_text(const Tick& tick) const {
  if (every_ || instant_) return format_rfc3339(tick.due);
  std::string text = format_rfc3339(Time::from_seconds(tick.label.value * pattern_.unit_s()));
  text.resize(text.size() - (pattern_.has_seconds ? 1 : 4));
  return text;
}

}  // namespace tidemill::clock
