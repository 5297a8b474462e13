// How fast 100,000 cron schedules are read, and what they hold of memory.
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "cases.h"
#include "clock/schedule.h"
#include "report.h"

namespace tidemill::bench {
namespace {

constexpr int kSchedules = 100'000;

// A crontab as people write them: fixed times, steps, ranges, weekdays, in three zones.
std::string line_of(int number) {
  std::string const minute = std::to_string(number % 60);
  std::string const hour = std::to_string(number / 60 % 24);
  switch (number % 5) {
    case 0:
      return minute + " " + hour + " * * *";
    case 1:
      return "*/" + std::to_string(2 + number % 28) + " * * * *";
    case 2:
      return minute + " 8-18 * * 1-5";
    case 3:
      return minute + " " + hour + " " + std::to_string(1 + number % 28) + " * *";
    default:
      return minute + "," + std::to_string((number + 30) % 60) + " " + hour + " * 1,7 *";
  }
}

double rss_mb() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  long size = 0, resident = 0;
  int const read = std::fscanf(file, "%ld %ld", &size, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<double>(resident) * 4096 / 1e6 : 0;
}

}  // namespace

int load_schedules() {
  std::string text;
  for (int i = 0; i < kSchedules; ++i) text += line_of(i) + "\n";
  Time const now = Time::from_seconds(static_cast<int64_t>(wall_seconds()));
  double const start = now_seconds();
  clock::ZoneCache zones;
  const char* const names[] = {"UTC", "America/New_York", "Europe/Paris"};
  std::vector<clock::Schedule> schedules;
  schedules.reserve(kSchedules);
  using Due = std::pair<int64_t, int>;
  std::vector<Due> due;
  due.reserve(kSchedules);
  size_t at = 0;
  for (int i = 0; i < kSchedules; ++i) {
    size_t const end = text.find('\n', at);
    auto zone = zones.load(names[i % 3]);
    if (!zone) return 1;
    clock::ScheduleOptions options;
    options.zone = *zone;
    auto schedule = clock::Schedule::parse(std::string_view(text).substr(at, end - at),
                                           clock::Dialect::kDebian, options);
    if (!schedule) {
      std::fprintf(stderr, "%s\n", schedule.error().text().c_str());
      return 1;
    }
    auto const tick = schedule->next(now);
    if (tick) due.emplace_back(-tick->due.us, i);
    schedules.push_back(std::move(*schedule));
    at = end + 1;
  }
  std::make_heap(due.begin(), due.end());
  double const load = now_seconds() - start;
  text = std::string();
  ::malloc_trim(0);
  double const searching = now_seconds();
  int64_t sum = 0;
  for (const auto& schedule : schedules) {
    auto const tick = schedule.next(now);
    if (tick) sum += tick->due.us;
  }
  double const search_ns = (now_seconds() - searching) / kSchedules * 1e9;
  std::printf("%.3f %.3f %.1f %d\n", load * 1000, rss_mb(), search_ns,
              sum == 0 || due.empty() ? 1 : 0);
  return 0;
}

void schedules100k(const Environment& environment) {
  std::vector<double> load, rss, next;
  for (int round = 0; round < kRounds; ++round) {
    std::istringstream answer(output_of({environment.self, "--load-schedules"}));
    double load_ms = 0, rss_mb = 0, next_ns = 0;
    if (!(answer >> load_ms >> rss_mb >> next_ns)) die("schedules100k: the child failed");
    load.push_back(load_ms);
    rss.push_back(rss_mb);
    next.push_back(next_ns);
  }
  std::string const config = rounds_text() + ",\"schedules\":100000,\"zones\":3";
  report("schedules100k", "load_ms", spread_of(load), "ms", config);
  report("schedules100k", "rss_mb", spread_of(rss), "MB", config);
  report("schedules100k", "next_ns", spread_of(next), "ns", config);
}

}  // namespace tidemill::bench
