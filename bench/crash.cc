// SIGKILL of the server in the middle of a chain; started again at once.
//
// Twenty of forty tasks have ended, each sleeps 0.1 s: 2 s of work are left. Every task appends a
// line when it starts and one when it ends, and only that journal is believed.
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include "cases.h"
#include "flows.h"
#include "report.h"

namespace tidemill::bench {
namespace {

constexpr int kTasks = 40;
constexpr int kBefore = 20;

const char* const kStep = R"(import os
import time


def step(journal, name):
    descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, f"S {name} {time.time():.6f}\n".encode())
    time.sleep(0.1)
    os.write(descriptor, f"E {name} {time.time():.6f}\n".encode())
    os.close(descriptor)
    return {"name": name}
)";

struct Lines {
  std::map<std::string, int> starts, ends;
  double last_end = 0;
};

Lines read_journal(const std::string& path) {
  Lines lines;
  std::ifstream file(path);
  std::string kind, name;
  double at = 0;
  while (file >> kind >> name >> at) {
    ++(kind == "S" ? lines.starts : lines.ends)[name];
    if (kind == "E") lines.last_end = std::max(lines.last_end, at);
  }
  return lines;
}

void wait_for_ends(const std::string& journal, size_t count) {
  double const start = now_seconds();
  while (read_journal(journal).ends.size() < count) {
    if (now_seconds() - start > 60) return;  // what is missing is counted as lost
    ::usleep(1000);
  }
}

struct Crash {
  double finished = 0, doubled = 0, lost = 0, ready = 0;
};

Crash crash_once(const Environment& environment) {
  Folder const folder;
  std::string const journal = folder.path() + "/journal";
  folder.write({"python/steps.py", kStep});
  folder.write({"flows/crash40.yaml", chain_flow("crash40", kTasks, [&](int i) {
                  return "python: \"steps:step\", with: { journal: \"" + journal + "\", name: \"t" +
                         std::to_string(i) + "\" }";
                })});
  ServerProcess server(environment.program, folder);
  server.connect()->post("/api/v1/flows/crash40/runs", "{}");
  wait_for_ends(journal, kBefore);
  server.kill_now();
  double const killed = wall_seconds();
  server.restart();
  wait_for_ends(journal, kTasks);
  ::usleep(200'000);  // a second copy of the last task would still come
  Lines const lines = read_journal(journal);
  Crash crash;
  crash.finished = lines.last_end - killed;
  crash.ready = server.ready_seconds();
  for (int i = 1; i <= kTasks; ++i) {
    std::string const name = "t" + std::to_string(i);
    auto const started = lines.starts.find(name);
    if (started != lines.starts.end() && started->second > 1) ++crash.doubled;
    if (!lines.ends.contains(name)) ++crash.lost;
  }
  return crash;
}

}  // namespace

void crash40(const Environment& environment) {
  std::vector<double> finished, doubled, lost, ready;
  for (int round = 0; round < kRounds; ++round) {
    Crash const crash = crash_once(environment);
    finished.push_back(crash.finished);
    doubled.push_back(crash.doubled);
    lost.push_back(crash.lost);
    ready.push_back(crash.ready);
  }
  std::string const config =
      kDurable + "," + rounds_text() + ",\"tasks\":40,\"kind\":\"python\",\"work_left_s\":2";
  report("crash40", "finished_s", spread_of(finished), "s", config);
  report("crash40", "doubled", spread_of(doubled), "tasks", config);
  report("crash40", "lost", spread_of(lost), "tasks", config);
  report("crash40", "restart_s", spread_of(ready), "s", config);
}

}  // namespace tidemill::bench
