// bench_engine PATH_OF_TIDEMILL [--list] [--case NAME]...: the whole server, durable throughout,
// over its HTTP door. Nothing is tuned: the server runs with its defaults.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "cases.h"
#include "report.h"

namespace tidemill::bench {
namespace {

struct Case {
  const char* name;
  void (*measure)(const Environment&);
};

constexpr Case kCases[] = {
    {"start_empty", start_empty},
    {"idle", idle},
    {"call3", call3},
    {"call3_effect", call3_effect},
    {"chain40_calc", chain40_calc},
    {"chain40_shell", chain40_shell},
    {"chain40_python", chain40_python},
    {"fan200_calc", fan200_calc},
    {"fan10k_calc", fan10k_calc},
    {"crash40", crash40},
    {"transitions", transitions},
    {"transitions_http", transitions_http},
    {"call3_pending", beside_pending},
    {"call3_finished", beside_finished},
    {"start_1m_runs", start_1m_runs},
    {"tick1000", tick1000},
    {"tick20", tick20},
    {"tick1", tick1},
    {"schedules100k", schedules100k},
};

int usage() {
  std::fprintf(stderr, "usage: bench_engine PATH_OF_TIDEMILL [--list] [--case NAME]...\n");
  return 2;
}

bool is_case(const std::string& name) {
  return std::any_of(std::begin(kCases), std::end(kCases),
                     [&](const Case& known) { return name == known.name; });
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 2 && words[1] == "--load-schedules") return load_schedules();
  if (words.size() < 2) return usage();
  Environment environment;
  environment.self = output_of({"realpath", words[0]});
  environment.program = output_of({"realpath", words[1]});
  environment.stamp = environment.self.substr(0, environment.self.rfind('/') + 1) + "bench_stamp";
  std::vector<std::string> wanted;
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "--list") {
      for (const Case& known : kCases) std::printf("%s\n", known.name);
      return 0;
    }
    if (words[i] == "--case") continue;
    if (!is_case(words[i])) {
      std::fprintf(stderr, "bench_engine: there is no case '%s'; --list tells them\n",
                   words[i].c_str());
      return 2;
    }
    wanted.push_back(words[i]);
  }
  for (const Case& known : kCases) {
    bool const is_wanted =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), known.name) != wanted.end();
    if (!is_wanted) continue;
    say(known.name);
    known.measure(environment);
  }
  return 0;
}

}  // namespace
}  // namespace tidemill::bench

int main(int argc, char** argv) {
  return tidemill::bench::run(std::vector<std::string>(argv, argv + argc));
}
