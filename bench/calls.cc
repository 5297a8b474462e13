// Small flows that somebody waits for: latency, flows a second, chains and fans.
#include "calling.h"
#include "cases.h"
#include "flows.h"
#include "report.h"

namespace tidemill::bench {
namespace {

constexpr int kCalls = 500;
constexpr int kInFlight = 8;

void measure_calls(const ServerProcess& server, const std::string& flow) {
  one_by_one(server, flow, 50);
  std::vector<double> p50, p95, rate;
  for (int round = 0; round < kRounds; ++round) {
    auto const seconds = one_by_one(server, flow, kCalls);
    p50.push_back(percentile(seconds, 0.5) * 1000);
    p95.push_back(percentile(seconds, 0.95) * 1000);
    rate.push_back(at_once(server, flow, kInFlight, 2));
  }
  std::string const config = kDurable + "," + rounds_text();
  std::string const single = config + ",\"calls\":" + std::to_string(kCalls) + ",\"in_flight\":1";
  report(flow, "p50_ms", spread_of(p50), "ms", single);
  report(flow, "p95_ms", spread_of(p95), "ms", single);
  report(flow, "flows_per_s", spread_of(rate), "1/s", config + ",\"in_flight\":8,\"seconds\":2");
}

void measure_wall(const Environment& environment, const std::string& flow, int tasks,
                  const std::vector<ProjectFile>& files) {
  Folder const folder(files);
  ServerProcess const server(environment.program, folder);
  one_by_one(server, flow, 2);
  report(flow, "wall_s", spread_of(one_by_one(server, flow, kRounds)), "s",
         kDurable + "," + rounds_text() + ",\"tasks\":" + std::to_string(tasks));
}

}  // namespace

void start_empty(const Environment& environment) {
  std::vector<double> ready;
  for (int round = 0; round < kRounds; ++round) {
    Folder const folder;
    folder.write({"flows/.keep", ""});
    ServerProcess const server(environment.program, folder);
    ready.push_back(server.ready_seconds());
  }
  report("start_empty", "ready_s", spread_of(ready), "s", kDurable + "," + rounds_text());
}

void call3(const Environment& environment) {
  Folder const folder(only("call3", chain_flow("call3", 3, calc_task)));
  ServerProcess const server(environment.program, folder);
  measure_calls(server, "call3");
}

void call3_effect(const Environment& environment) {
  Stub const stub;
  Folder const folder(only(
      "call3_effect", chain_flow("call3_effect", 3, [&](int) { return http_task(stub.port()); })));
  ServerProcess const server(environment.program, folder);
  measure_calls(server, "call3_effect");
}

void chain40_calc(const Environment& environment) {
  measure_wall(environment, "chain40_calc", 40,
               only("chain40_calc", chain_flow("chain40_calc", 40, calc_task)));
}

void chain40_shell(const Environment& environment) {
  auto const task = [](int) { return std::string("shell: \"true\""); };
  measure_wall(environment, "chain40_shell", 40,
               only("chain40_shell", chain_flow("chain40_shell", 40, task)));
}

void chain40_python(const Environment& environment) {
  auto const task = [](int i) {
    return "python: \"steps:step\", with: { v: " + std::to_string(i) + " }";
  };
  auto files = only("chain40_python", chain_flow("chain40_python", 40, task));
  files.push_back({"python/steps.py", "def step(v):\n    return {\"v\": v + 1}\n"});
  measure_wall(environment, "chain40_python", 40, files);
}

void fan200_calc(const Environment& environment) {
  measure_wall(environment, "fan200_calc", 202, only("fan200_calc", fan_flow("fan200_calc", 200)));
}

void fan10k_calc(const Environment& environment) {
  measure_wall(environment, "fan10k_calc", 10'002,
               only("fan10k_calc", mapped_flow("fan10k_calc", 10'000)));
}

}  // namespace tidemill::bench
