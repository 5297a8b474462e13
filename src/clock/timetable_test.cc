// All rows recorded from Airflow's timetables, and what a timetable refuses.
#include "clock/timetable.h"

#include <fstream>
#include <map>

#include "base/json.h"

namespace tidemill::clock {
namespace {

using Kind = Timetable::Kind;

Time time_of(const Json& value) { return *parse_rfc3339(value.as_string()); }
std::optional<Time> maybe_time(const Json& row, std::string_view name) {
  const Json* value = row.find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return time_of(*value);
}

Result<Timetable> timetable_of(const Json& row) {
  static const std::map<std::string, Kind> kKinds = {
      {"CronDataInterval", Kind::kCronDataInterval},
      {"CronTrigger", Kind::kCronTrigger},
      {"MultipleCronTrigger", Kind::kMultipleCronTrigger},
      {"DeltaDataInterval", Kind::kDeltaDataInterval},
      {"DeltaTrigger", Kind::kDeltaTrigger},
      {"Once", Kind::kOnce},
      {"Continuous", Kind::kContinuous},
      {"Null", Kind::kNull}};
  Kind const kind = kKinds.at(row.text_or("timetable", ""));
  const Json& args = *row.find("args");
  if (const Json* step = args.find("relativedelta")) {
    CalendarStep out;
    out.years = static_cast<int>(step->int_or("years", 0));
    out.months = static_cast<int>(step->int_or("months", 0));
    out.days = static_cast<int>(step->int_or("days", 0) + 7 * step->int_or("weeks", 0));
    out.day = static_cast<int>(step->int_or("day", 0));
    return Timetable::step(out);
  }
  if (args.find("delta") != nullptr) {
    return Timetable::delta(kind, Duration::seconds(args.int_or("delta", 0)));
  }
  std::vector<std::string> crons;
  if (const Json* one = args.find("cron")) crons.push_back(one->as_string());
  if (const Json* list = args.find("crons")) {
    for (const Json& each : list->as_array()) crons.push_back(each.as_string());
  }
  if (crons.empty()) return Timetable::plain(kind);
  return Timetable::cron(kind, crons, *Zone::load(args.text_or("timezone", "UTC")),
                         Duration::seconds(args.int_or("interval", 0)));
}

std::string text_of(const std::optional<Timetable::Run>& run) {
  if (!run) return "none";
  return format_rfc3339(run->run_after) + " for " + format_rfc3339(run->interval.start) + " to " +
         format_rfc3339(run->interval.end);
}

// "" where the row agrees.
std::string disagreement(const Json& row) {
  auto const timetable = timetable_of(row);
  if (!timetable) return timetable.error().message;
  Timetable::Restriction restriction;
  restriction.earliest = maybe_time(row, "earliest");
  restriction.latest = maybe_time(row, "latest");
  restriction.catchup = row.find("catchup")->as_bool();
  Time const now = time_of(*row.find("now"));
  std::optional<Interval> last;
  for (const Json& wanted : row.find("next")->as_array()) {
    auto const run = timetable->next(last, restriction, now);
    std::string const expected = wanted.is_null() ? "none"
                                                  : wanted.text_or("run_after", "") + " for " +
                                                        wanted.text_or("start", "") + " to " +
                                                        wanted.text_or("end", "");
    if (text_of(run) != expected) return "expected " + expected + ", found " + text_of(run);
    if (run) last = run->interval;
  }
  const Json* manual = row.find("manual_interval");
  if (manual == nullptr || manual->is_null()) return "";
  Interval const found = timetable->manual_interval(now);
  if (found.start == time_of(manual->as_array()[0]) &&
      found.end == time_of(manual->as_array()[1])) {
    return "";
  }
  return "manual interval: found " + format_rfc3339(found.start) + " to " +
         format_rfc3339(found.end);
}

TEST(Timetable, AgreesWithAirflowInEveryRow) {
  std::ifstream file(std::string(TIDEMILL_SOURCE_DIR) +
                     "/tests/vectors/timetables/timetables.jsonl");
  std::string line;
  int rows = 0;
  while (std::getline(file, line)) {
    auto const row = parse_json(line);
    ASSERT_TRUE(row) << line;
    ++rows;
    EXPECT_EQ(disagreement(*row), "") << line.substr(0, 400);
  }
  EXPECT_EQ(rows, 676);
}

TEST(Timetable, RefusesWhatNeverFires) {
  EXPECT_FALSE(Timetable::cron(Kind::kCronTrigger, {"0 0 31 2 *"}, Zone::utc()));
  EXPECT_FALSE(Timetable::cron(Kind::kCronTrigger, {"61 0 * * *"}, Zone::utc()));
  EXPECT_FALSE(Timetable::cron(Kind::kCronTrigger, {}, Zone::utc()));
  EXPECT_FALSE(Timetable::delta(Kind::kDeltaTrigger, Duration{}));
}

}  // namespace
}  // namespace tidemill::clock
