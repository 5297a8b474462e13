// tidemill_sim: histories of the whole server on a simulated machine, each from a seed.
//
//   tidemill_sim --seeds 0 1000        those seeds; the status is 1 if a promise was broken
//   tidemill_sim --seed N              one, with everything that happened
//   tidemill_sim --for SECONDS FROM    new seeds until the time is up or one breaks a promise
//   tidemill_sim --sweep               a fault at every call of the disk in a short history
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/hash.h"
#include "life.h"
#include "sweep.h"

namespace {

using namespace tidemill;
using SteadyClock = std::chrono::steady_clock;

struct Totals {
  int64_t seeds = 0;
  int64_t runs = 0;
  int64_t happenings = 0;
  int64_t broken = 0;
  int64_t faults = 0;
};

void tell(uint64_t seed, const std::vector<sim::Finding>& findings) {
  for (const sim::Finding& finding : findings) {
    std::printf("seed %llu: invariant %d (%s) is broken: %s\n",
                static_cast<unsigned long long>(seed), finding.number, finding.name.c_str(),
                finding.evidence.c_str());
  }
  std::printf("replay it with: ./dev sim --seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
}

bool live(uint64_t seed, Totals& totals) {
  sim::Life life(seed);
  auto const findings = life.live();
  ++totals.seeds;
  totals.runs += static_cast<int64_t>(life.runs());
  totals.happenings += static_cast<int64_t>(life.history().list().size());
  for (const auto& [call, count] : life.disk().faults()) totals.faults += count;
  if (findings.empty()) return true;
  ++totals.broken;
  tell(seed, findings);
  return false;
}

int sum_up(const Totals& totals, SteadyClock::time_point begun) {
  auto const took = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  fmt::print(
      "{} seeds in {:.1f} s: {} runs, {} happenings, {} disk faults, {} seeds broke a promise\n",
      totals.seeds, took, totals.runs, totals.happenings, totals.faults, totals.broken);
  return totals.broken == 0 ? 0 : 1;
}

int replay(uint64_t seed) {
  sim::Life life(seed);
  auto const findings = life.live();
  std::string const text = life.history().text();
  std::fputs(text.c_str(), stdout);
  for (const std::string& line : life.log()) fmt::print("log: {}\n", line);
  fmt::print("seed {}: {} runs, {} happenings, trace {}\n", seed, life.runs(),
             life.history().list().size(), sha256_hex(text).substr(0, 16));
  if (!findings.empty()) tell(seed, findings);
  return findings.empty() ? 0 : 1;
}

int seeds(uint64_t from, uint64_t to) {
  Totals totals;
  auto const begun = SteadyClock::now();
  for (uint64_t seed = from; seed < to; ++seed) live(seed, totals);
  return sum_up(totals, begun);
}

int run_for(int64_t seconds, uint64_t from) {
  Totals totals;
  auto const begun = SteadyClock::now();
  auto told = begun;
  for (uint64_t seed = from; SteadyClock::now() - begun < std::chrono::seconds(seconds); ++seed) {
    if (!live(seed, totals)) break;
    if (SteadyClock::now() - told < std::chrono::seconds(10)) continue;
    told = SteadyClock::now();
    fmt::print("seed {}: ", seed);
    sum_up(totals, begun);
    std::fflush(stdout);
  }
  return sum_up(totals, begun);
}

int sweep_all() {
  using io::DiskFault;
  struct Kind {
    DiskFault fault;
    bool is_sticky;
    bool by_power;
  };
  const Kind kinds[] = {{DiskFault::kDie, false, false},    {DiskFault::kDie, false, true},
                        {DiskFault::kIoError, false, true}, {DiskFault::kIoError, false, false},
                        {DiskFault::kIoError, true, true},  {DiskFault::kFull, false, false},
                        {DiskFault::kFull, true, true},     {DiskFault::kShort, false, true}};
  int64_t const calls = sim::sweep({}).calls;
  int64_t cases = 0;
  int64_t broken = 0;
  for (const Kind& kind : kinds) {
    for (int64_t at = 1; at <= calls; ++at, ++cases) {
      auto const result = sim::sweep({at, kind.fault, kind.is_sticky, kind.by_power});
      for (const sim::Finding& finding : result.findings) {
        fmt::print("fault {}{} at call {}, then {}: invariant {} ({}) is broken: {}\n",
                   static_cast<int>(kind.fault), kind.is_sticky ? " from then on" : "", at,
                   kind.by_power ? "no power" : "kill -9", finding.number, finding.name,
                   finding.evidence);
      }
      broken += result.findings.empty() ? 0 : 1;
    }
  }
  fmt::print("{} calls, {} faults, {} broke a promise\n", calls, cases, broken);
  return broken == 0 && calls > 50 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> const args(argv + 1, argv + argc);
  auto number = [&](size_t at) { return std::strtoull(args[at].c_str(), nullptr, 10); };
  if (args.size() == 2 && args[0] == "--seed") return replay(number(1));
  if (args.size() == 3 && args[0] == "--seeds") return seeds(number(1), number(2));
  if (args.size() == 3 && args[0] == "--for") {
    return run_for(static_cast<int64_t>(number(1)), number(2));
  }
  if (args.size() == 1 && args[0] == "--sweep") return sweep_all();
  std::fprintf(stderr,
               "usage: tidemill_sim --seed N | --seeds FROM TO | --for SECONDS FROM | --sweep\n");
  return 2;
}
