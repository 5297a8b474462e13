// Cron entries that come due together: when does the last of 1,000 start, how late are twenty?
//
// Every entry appends the time of its own start to one file, which alone is believed.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include "cases.h"
#include "report.h"
#include "server_process.h"

namespace tidemill::bench {
namespace {

constexpr int kPeriod = 20;      // seconds between the ticks of tick1000
constexpr int kCronPeriod = 60;  // cron knows nothing shorter

// Starts by their tick: a second that is a multiple of the period.
using Starts = std::map<int64_t, std::vector<double>>;

Starts read_starts(const std::string& path, int period) {
  Starts starts;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    double const at = std::atof(line.c_str());
    int64_t const tick = static_cast<int64_t>(at) / period * period;
    starts[tick].push_back(at - static_cast<double>(tick));
  }
  return starts;
}

// Waits until `ticks` ticks have all their starts, leaving out the one under way at the beginning.
Starts whole_ticks(const std::string& path, int period, size_t entries, size_t ticks) {
  int64_t const now = static_cast<int64_t>(wall_seconds());
  int64_t const first = now / period * period + period;
  double const most = static_cast<double>(first - now) +
                      static_cast<double>(period) * static_cast<double>(ticks + 2);
  double const begin = now_seconds();
  while (true) {
    Starts whole;
    for (auto& [tick, starts] : read_starts(path, period)) {
      if (tick >= first && starts.size() >= entries && whole.size() < ticks) whole[tick] = starts;
    }
    if (whole.size() == ticks) return whole;
    if (now_seconds() - begin > most) return whole;
    ::usleep(100'000);
  }
}

std::vector<double> last_of_each(const Starts& starts) {
  std::vector<double> last;
  for (const auto& [tick, late] : starts)
    last.push_back(*std::max_element(late.begin(), late.end()));
  return last;
}

std::vector<ProjectFile> entries(int count, const std::string& cron, const std::string& command) {
  std::vector<ProjectFile> files;
  for (int i = 0; i < count; ++i) {
    std::string const name = "entry" + std::to_string(i);
    files.push_back({"flows/" + name + ".yaml", "flow: " + name + "\non: [{ cron: \"" + cron +
                                                    "\" }]\ntasks: { start: { shell: \"" + command +
                                                    "\" } }\n"});
  }
  return files;
}

// Debian's cron in a mount namespace of its own, with this crontab alone. It needs root.
std::vector<double> cron_starts(int count) {
  if (::geteuid() != 0 || ::access("/usr/sbin/cron", X_OK) != 0) {
    say("tick1000: Debian's cron is left out: it needs root and the package cron");
    return {};
  }
  Folder const folder;
  std::string const starts = folder.path() + "/starts";
  std::string table = "SHELL=/bin/sh\n";
  for (int i = 0; i < count; ++i) table += "* * * * * date +\\%s.\\%N >> " + starts + "\n";
  folder.write({"spool/root", table});
  folder.write({"crontab", ""});
  ::chmod((folder.path() + "/spool/root").c_str(), 0600);
  std::string const script =
      "mount --bind " + folder.path() + "/spool /var/spool/cron/crontabs && mount --bind " +
      folder.path() +
      "/crontab /etc/crontab && mount -t tmpfs none /etc/cron.d && mount -t tmpfs "
      "none /run && exec /usr/sbin/cron -f";
  pid_t const pid = ::fork();
  if (pid == 0) {
    ::execlp("unshare", "unshare", "--mount", "sh", "-c", script.c_str(), nullptr);
    ::_exit(127);
  }
  say("Debian's cron runs " + std::to_string(count) + " entries a minute for " +
      std::to_string(kRounds) + " minutes");
  Starts const whole = whole_ticks(starts, kCronPeriod, static_cast<size_t>(count), kRounds);
  ::kill(pid, SIGTERM);
  ::waitpid(pid, nullptr, 0);
  if (whole.size() < kRounds) say("tick1000: cron did not start all entries");
  return last_of_each(whole);
}

void measure_lateness(const Environment& environment, const std::string& name, int count,
                      int ticks) {
  constexpr int kEvery = 2;
  Folder folder;
  std::string const starts = folder.path() + "/starts";
  for (const auto& file : entries(count, "*/" + std::to_string(kEvery) + " * * * * *",
                                  "exec " + environment.stamp + " " + starts)) {
    folder.write(file);
  }
  ServerProcess const server(environment.program, folder);
  std::vector<double> p50, p99;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> late_ms;
    for (const auto& [tick, late] :
         whole_ticks(starts, kEvery, static_cast<size_t>(count), static_cast<size_t>(ticks))) {
      for (double const seconds : late) late_ms.push_back(seconds * 1000);
    }
    if (late_ms.empty()) die(name + ": no tick was whole");
    p50.push_back(percentile(late_ms, 0.5));
    p99.push_back(percentile(late_ms, 0.99));
  }
  std::string const config = kDurable + "," + rounds_text() +
                             ",\"entries\":" + std::to_string(count) +
                             ",\"ticks\":" + std::to_string(ticks) + ",\"kind\":\"shell\"";
  report(name, "p50_late_ms", spread_of(p50), "ms", config);
  report(name, "p99_late_ms", spread_of(p99), "ms", config);
}

}  // namespace

void tick1000(const Environment& environment) {
  constexpr int kEntries = 1000;
  std::string const config = rounds_text() + ",\"entries\":1000,\"command\":\"sh, date, append\"";
  std::vector<double> ours;
  {
    Folder folder;
    std::string const starts = folder.path() + "/starts";
    for (const auto& file : entries(kEntries, "*/" + std::to_string(kPeriod) + " * * * * *",
                                    "date +%s.%N >> " + starts)) {
      folder.write(file);
    }
    ServerProcess const server(environment.program, folder);
    ours = last_of_each(whole_ticks(starts, kPeriod, kEntries, kRounds));
    if (ours.size() < kRounds) die("tick1000: not all entries started within the period");
  }
  report("tick1000", "all_started_s", spread_of(ours), "s", kDurable + "," + config);
  std::vector<double> const cron = cron_starts(kEntries);
  if (cron.empty()) return;
  report("tick1000", "cron_all_started_s", spread_of(cron), "s",
         "\"peer\":\"cron (Debian)\",\"version\":\"" +
             output_of({"dpkg-query", "-W", "-f", "${Version}", "cron"}) + "\"," + config);
  report("tick1000", "times_faster", exactly(spread_of(cron).median / spread_of(ours).median), "x",
         "\"peer\":\"cron (Debian)\"," + config);
}

void tick20(const Environment& environment) { measure_lateness(environment, "tick20", 20, 5); }

void tick1(const Environment& environment) { measure_lateness(environment, "tick1", 1, 10); }

}  // namespace tidemill::bench
