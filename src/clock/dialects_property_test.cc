// The dialects that follow the clock, against a clock walked minute by minute, in every zone; and
// for every dialect: ticks that go forward, and back again.
#include <random>

#include "clock/schedule.h"

namespace tidemill::clock {
namespace {

using Random = std::mt19937_64;

int pick(Random& random, int low, int high) {
  return low + static_cast<int>(random() % static_cast<uint64_t>(high - low + 1));
}

std::string field(Random& random, int low, int high) {
  int const a = pick(random, low, high);
  int const b = pick(random, a, high);
  switch (pick(random, 0, 4)) {
    case 0:
      return "*";
    case 1:
      return std::to_string(a) + "-" + std::to_string(b);
    case 2:
      return std::to_string(a) + "," + std::to_string(b);
    case 3:
      return "*/" + std::to_string(pick(random, 1, 7));
    default:
      return std::to_string(a);
  }
}

std::string rarely(Random& random, std::string text) {
  return pick(random, 0, 4) == 0 ? text : "*";
}

// "*/7" and "a-b" in the words of systemd.
std::string in_systemd(std::string text, int low) {
  if (text.starts_with("*/")) return std::to_string(low) + "/" + text.substr(2);
  if (size_t const dash = text.find('-'); dash != std::string::npos) {
    bool const is_one = text.substr(0, dash) == text.substr(dash + 1);
    return is_one ? text.substr(0, dash) : text.replace(dash, 1, "..");
  }
  return text;
}

std::string expression(Random& random, Dialect dialect) {
  std::string const minute = field(random, 0, 59);
  std::string const hour = pick(random, 0, 1) == 0 ? field(random, 0, 4) : field(random, 0, 23);
  std::string const month = rarely(random, field(random, 1, 12));
  std::string const dom = rarely(random, field(random, 1, 31));
  switch (dialect) {
    case Dialect::kQuartz:
      return "0 " + minute + " " + hour + " " + dom + " " + month + " ?";
    case Dialect::kAws:
      return "cron(" + minute + " " + hour + " " + dom + " " + month + " ? *)";
    case Dialect::kSystemd:
      return "*-" + in_systemd(month, 1) + "-" + in_systemd(dom, 1) + " " + in_systemd(hour, 0) +
             ":" + in_systemd(minute, 0) + ":00";
    case Dialect::kTidemill:
      return minute + " " + hour + " * " + month + " *";
    default:
      return minute + " " + hour + " " + dom + " " + month + " " +
             rarely(random, field(random, 0, 6));
  }
}

// Does a label match? Computed from the calendar, without the search of Pattern.
bool matches(const Pattern& p, int64_t label_s) {
  int64_t const day = label_s >= 0 ? label_s / 86'400 : -((-label_s + 86'399) / 86'400);
  int64_t const second = label_s - day * 86'400;
  CivilDate const date = civil_from_days(day);
  auto const weekday = static_cast<int>(((day + 4) % 7 + 7) % 7);
  bool const by_dom = (p.dom >> date.day & 1) != 0;
  bool const by_dow = (p.dow >> weekday & 1) != 0;
  return (p.minute >> (second / 60 % 60) & 1) != 0 && (p.hour >> (second / 3600) & 1) != 0 &&
         (p.month >> date.month & 1) != 0 && (p.days_any ? by_dom || by_dow : by_dom && by_dow);
}

// Every minute whose local time matches; with kFirst only local times that are new.
std::vector<int64_t> walk(const Schedule& schedule, int64_t from_s, int64_t to_s) {
  bool const is_first = schedule.dst() == DstRule::kFirst;
  auto local = [&](int64_t t) { return t + schedule.zone().segment_at(t).offset_s; };
  std::vector<int64_t> runs;
  int64_t seen = INT64_MIN;
  for (int64_t t = from_s - 6 * 3600; t < to_s; t += 60) {
    int64_t const label = local(t);
    bool const is_new = label > seen;
    seen = std::max(seen, label);
    if (t >= from_s && (is_new || !is_first) && matches(schedule.pattern(), label)) {
      runs.push_back(t);
    }
  }
  return runs;
}

// Ticks go strictly forward, match the pattern's own day and time, and are found again from behind.
void check_sequence(const Schedule& schedule, int64_t from_s, int count) {
  auto tick = schedule.next(Time::from_seconds(from_s));
  for (int i = 0; tick && i < count; ++i) {
    auto const next = schedule.next(*tick);
    auto const later = schedule.next(tick->due);
    ASSERT_TRUE(!later || later->due > tick->due);
    ASSERT_TRUE(matches(schedule.pattern(), tick->label.value * schedule.pattern().unit_s()));
    if (!next) return;
    ASSERT_TRUE(next->due > tick->due || (next->due == tick->due && next->label > tick->label));
    ASSERT_EQ(schedule.previous(*next), *tick);
    tick = next;
  }
}

void check_zones(uint64_t seed, int rounds) {
  Random random(seed);
  int walked = 0;
  for (const std::string& name : Zone::names()) {
    Zone const zone = *Zone::load(name);
    for (const DialectInfo& info : dialects()) {
      for (int i = 0; info.is_readable && i < rounds; ++i) {
        ScheduleOptions options;
        options.zone = zone;
        std::string const text = expression(random, info.dialect);
        auto const schedule = Schedule::parse(text, info.dialect, options);
        if (!schedule) continue;  // systemd refuses a repetition that does not repeat
        SCOPED_TRACE(std::string(info.name) + " '" + text + "' in " + name);
        int64_t const t = static_cast<int64_t>(random() % 4'102'444'800ULL);
        Segment const s = zone.segment_at(t);
        int64_t const change = s.is_last() ? t / 60 * 60 : s.end_s;
        check_sequence(*schedule, change - 7200, 12);
        if (testing::Test::HasFatalFailure()) return;
        bool const follows_clock = info.dst == DstRule::kClock || info.dst == DstRule::kFirst;
        bool const is_whole = zone.segment_at(change - 1).offset_s % 60 == 0 &&
                              zone.segment_at(change).offset_s % 60 == 0 && change % 60 == 0;
        if (!follows_clock || !is_whole) continue;
        int64_t const from_s = change - 3 * 3600;
        int64_t const to_s = change + 5 * 3600;
        std::vector<int64_t> found;
        auto const ticks =
            schedule->ticks(Time::from_seconds(from_s), Time::from_seconds(to_s), 100'000);
        for (const Tick& tick : *ticks) {
          found.push_back(tick.due.seconds());
        }
        ASSERT_EQ(found, walk(*schedule, from_s, to_s)) << change;
        ++walked;
      }
    }
  }
  EXPECT_GT(walked, 1'000 * rounds);
}

TEST(DialectsProperty, AgreeWithAMinuteWalkInEveryZone) { check_zones(8, 40); }

}  // namespace
}  // namespace tidemill::clock
