// What holds for every schedule in every zone, against a clock that is walked minute by minute.
#include <random>
#include <set>

#include "clock/schedule.h"

namespace tidemill::clock {
namespace {

using Random = std::mt19937_64;

int pick(Random& random, int low, int high) {
  return low + static_cast<int>(random() % static_cast<uint64_t>(high - low + 1));
}

std::string field(Random& random, int low, int high) {
  switch (pick(random, 0, 6)) {
    case 0:
    case 1:
      return "*";
    case 2:
      return "*/" + std::to_string(pick(random, 1, high / 2 + 1));
    case 3: {
      int const a = pick(random, low, high);
      int const b = pick(random, a, high);
      return std::to_string(a) + "-" + std::to_string(b) + "/" + std::to_string(pick(random, 1, 4));
    }
    case 4: {
      std::string list = std::to_string(pick(random, low, high));
      for (int i = pick(random, 0, 4); i > 0; --i) {
        list += "," + std::to_string(pick(random, low, high));
      }
      return list;
    }
    default:
      return std::to_string(pick(random, low, high));
  }
}

// Hours near changes are likelier, days and months mostly open. Days up to the 28th always come,
// which the tidemill dialect insists on.
std::string expression(Random& random, int last_day) {
  auto rarely = [&](std::string text) { return pick(random, 0, 4) == 0 ? text : std::string("*"); };
  std::string const hour = pick(random, 0, 2) == 0 ? field(random, 0, 4) : field(random, 0, 23);
  return field(random, 0, 59) + " " + hour + " " + rarely(field(random, 1, last_day)) + " " +
         rarely(field(random, 1, 12)) + " " + rarely(field(random, 0, 6));
}

Schedule make(std::string_view text, const Zone& zone, DstRule dst = DstRule::kTwoPhase) {
  ScheduleOptions options;
  options.zone = zone;
  options.days = dst == DstRule::kTwoPhase ? Days::kUnstated : Days::kAny;
  options.dst = dst;
  auto schedule = Schedule::parse(
      text, dst == DstRule::kTwoPhase ? Dialect::kDebian : Dialect::kTidemill, options);
  EXPECT_TRUE(schedule) << text << ": " << schedule.error().message;
  return *schedule;
}

// Does a label match? Computed from the calendar, without the search of Pattern.
bool matches(const Pattern& p, int64_t label) {
  int64_t const day = label >= 0 ? label / 1440 : -((-label + 1439) / 1440);
  int64_t const minute = label - day * 1440;
  CivilDate const date = civil_from_days(day);
  auto const weekday = static_cast<int>(((day + 4) % 7 + 7) % 7);
  bool const by_dom = (p.dom >> date.day & 1) != 0;
  bool const by_dow = (p.dow >> weekday & 1) != 0;
  return (p.minute >> (minute % 60) & 1) != 0 && (p.hour >> (minute / 60) & 1) != 0 &&
         (p.month >> date.month & 1) != 0 && (p.days_any ? by_dom || by_dow : by_dom && by_dow);
}

struct Run {
  int64_t due_s;
  int64_t label;
  auto operator<=>(const Run&) const = default;
};

// The loop of Debian's cron without its pacing, for offsets of whole minutes.
std::vector<Run> walk(const Schedule& schedule, int64_t from_s, int64_t to_s) {
  std::vector<Run> runs;
  const Pattern& p = schedule.pattern();
  auto local = [&](int64_t t) { return (t + schedule.zone().segment_at(t).offset_s) / 60; };
  int64_t running = local(from_s - 60);
  int64_t done = running;
  for (int64_t t = from_s; t < to_s; t += 60) {
    running = local(t);
    auto run = [&](int64_t label) {
      if (matches(p, label)) runs.push_back({t, label});
    };
    int64_t const d = running - done;
    bool const is_walked = d >= 1 && d <= (p.is_wild() ? 5 : 180);
    if (is_walked) {
      for (int64_t label = done + 1; label <= running; ++label) run(label);
      done = running;
    } else if (d > -180 && d <= 180) {
      if (p.is_wild()) run(running);
      if (d > 0) done = running;
    } else {
      run(running);
      done = running;
    }
  }
  return runs;
}

std::vector<Run> computed(const Schedule& schedule, int64_t from_s, int64_t to_s) {
  std::vector<Run> runs;
  auto ticks = schedule.ticks(Time::from_seconds(from_s), Time::from_seconds(to_s), 1'000'000);
  for (const Tick& tick : *ticks) runs.push_back({tick.due.seconds(), tick.label.value});
  return runs;
}

// A change of the zone after a random instant, or that instant itself.
int64_t random_change(const Zone& zone, Random& random) {
  int64_t const t = 160'000'000 + static_cast<int64_t>(random() % 3'900'000'000ULL);
  Segment const s = zone.segment_at(t);
  return s.is_last() ? t / 60 * 60 : s.end_s;
}

bool has_whole_minutes(const Zone& zone, int64_t around_s) {
  return zone.segment_at(around_s - 1).offset_s % 60 == 0 &&
         zone.segment_at(around_s).offset_s % 60 == 0 && around_s % 60 == 0;
}

TEST(ScheduleProperty, AgreesWithAMinuteWalkAroundChangesInEveryZone) {
  Random random(2024);
  int changes = 0;
  for (const std::string& name : Zone::names()) {
    Zone const zone = *Zone::load(name);
    int64_t const change = random_change(zone, random);
    if (!has_whole_minutes(zone, change)) continue;
    ++changes;
    for (int i = 0; i < 3; ++i) {
      std::string const text = expression(random, 31);
      Schedule const schedule = make(text, zone);
      int64_t const from_s = change - pick(random, 60, 600) * 60;
      int64_t const to_s = change + 8 * 3600;
      ASSERT_EQ(computed(schedule, from_s, to_s) == walk(schedule, from_s, to_s), true)
          << text << " in " << name << " around " << change;
    }
  }
  EXPECT_GT(changes, 400);
}

TEST(ScheduleProperty, AgreesWithAMinuteWalkOverLongStretches) {
  Random random(5);
  for (const char* name :
       {"America/New_York", "Europe/Paris", "Europe/Riga", "Australia/Lord_Howe", "America/Havana",
        "Africa/Casablanca", "Pacific/Chatham", "America/St_Johns", "Asia/Gaza", "Asia/Kolkata",
        "Pacific/Apia", "UTC"}) {
    Zone const zone = *Zone::load(name);
    int64_t const from_s = 1'293'840'000 + static_cast<int64_t>(random() % 30) * 86'400 * 365;
    for (int i = 0; i < 2; ++i) {
      std::string const text = expression(random, 31);
      Schedule const schedule = make(text, zone);
      int64_t const to_s = from_s + 150 * 86'400;
      ASSERT_EQ(computed(schedule, from_s, to_s) == walk(schedule, from_s, to_s), true)
          << text << " in " << name << " from " << from_s;
    }
  }
}

// Ticks one after another: later or with a higher label, back again, and each key once.
void check_sequence(const Schedule& schedule, int64_t from_s, int count, const std::string& what) {
  std::set<std::pair<int64_t, int>> keys;
  std::optional<Tick> tick = schedule.next(Time::from_seconds(from_s));
  if (!tick) return;
  ASSERT_GT(tick->due.seconds(), from_s) << what;
  for (int i = 0; i < count && tick; ++i) {
    ASSERT_TRUE(keys.emplace(tick->label.value, tick->fold).second)
        << what << ": label " << schedule.label_text(*tick) << " fold " << tick->fold << " again";
    std::optional<Tick> const later = schedule.next(tick->due);
    std::optional<Tick> const next = schedule.next(*tick);
    if (!next) {
      ASSERT_FALSE(later) << what;
      return;
    }
    ASSERT_TRUE(later) << what;
    ASSERT_GT(later->due, tick->due) << what;
    ASSERT_TRUE(next->due > tick->due || (next->due == tick->due && next->label > tick->label))
        << what;
    ASSERT_LE(next->due, later->due) << what;
    ASSERT_EQ(schedule.previous(*next), *tick)
        << what << " back from " << schedule.label_text(*next);
    if (next->due > tick->due) {
      ASSERT_EQ(schedule.previous(next->due), *tick) << what;
      ASSERT_EQ(*later, *next) << what;
    }
    tick = next;
  }
}

TEST(ScheduleProperty, TicksGoForwardAndBackAndAreUniqueInEveryZone) {
  Random random(11);
  for (const std::string& name : Zone::names()) {
    Zone const zone = *Zone::load(name);
    for (int i = 0; i < 3; ++i) {
      std::string const text = expression(random, 28);
      auto const dst = static_cast<DstRule>(random() % 4);
      int64_t const from_s = -3'000'000'000 + static_cast<int64_t>(random() % 8'000'000'000ULL);
      std::string const what = text + " in " + name + " from " + std::to_string(from_s);
      Segment const s = zone.segment_at(from_s);
      Schedule const schedule = make(text, zone, dst);
      check_sequence(schedule, from_s, 20, what);
      // Across the next change, with seconds too.
      if (s.is_last()) continue;
      check_sequence(schedule, s.end_s - 7200, 40, what + ", at a change");
      if (dst == DstRule::kTwoPhase) continue;
      check_sequence(make("*/20 " + text, zone, dst), s.end_s - 3700, 60, what + ", seconds");
      check_sequence(make("7,50 " + text, zone, dst), s.end_s - 3700, 60, what + ", seconds");
    }
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(ScheduleProperty, ARepeatedHourDoublesWildTicksAndNoFixedLabelOfASkippedHourIsLost) {
  for (const char* name : {"America/New_York", "Europe/Paris", "Australia/Lord_Howe",
                           "America/Havana", "Pacific/Chatham", "Asia/Gaza"}) {
    Zone const zone = *Zone::load(name);
    std::string every_minute;
    for (int i = 0; i < 60; ++i) every_minute += (i == 0 ? "" : ",") + std::to_string(i);
    Schedule const wild = make("* * * * *", zone);
    Schedule const fixed = make(every_minute + " 0-23 * * *", zone);
    Segment s = zone.segment_at(1'700'000'000);
    for (int i = 0; i < 12; ++i) {
      Segment const after = zone.segment_at(s.end_s);
      int64_t const gap_min = (after.offset_s - s.offset_s) / 60;
      int64_t const from_s = s.end_s - 4 * 3600;
      int64_t const to_s = s.end_s + 4 * 3600;
      EXPECT_EQ(computed(wild, from_s, to_s).size(), 480u) << name;
      EXPECT_EQ(computed(fixed, from_s, to_s).size(), static_cast<size_t>(480 + gap_min)) << name;
      s = after;
    }
  }
}

TEST(ScheduleProperty, RandomTextNeverBreaksTheReaders) {
  Random random(3);
  std::string_view const letters = "0123456789*/,-~?#LWH() @abcdefjnmsuTZ=_\t";
  std::set<std::string> accepted;
  for (int i = 0; i < 60'000; ++i) {
    std::string text;
    for (int n = pick(random, 0, 30); n > 0; --n) {
      text += letters[static_cast<size_t>(pick(random, 0, static_cast<int>(letters.size()) - 1))];
      if (pick(random, 0, 3) == 0) text += " *";
    }
    for (Dialect dialect : {Dialect::kDebian, Dialect::kTidemill}) {
      ScheduleOptions options;
      options.id = "x";
      auto const schedule = Schedule::parse(text, dialect, options);
      if (!schedule) {
        ASSERT_NE(schedule.error().message, "");
        continue;
      }
      accepted.insert(text);
      std::optional<Tick> const tick = schedule->next(Time{});
      ASSERT_TRUE(!tick || tick->due > Time{}) << text;
    }
  }
  EXPECT_GT(accepted.size(), 20u);
}

}  // namespace
}  // namespace tidemill::clock
