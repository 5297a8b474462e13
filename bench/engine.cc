// ./dev bench engine: the whole server, durable throughout, over its HTTP door.
//
// A case is measured `kRounds` times; a line gives the median of the rounds, with the lowest and
// the highest in `config`. Nothing is tuned: the server runs with its defaults.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "probe.h"

namespace tidemill::bench {
namespace {

constexpr int kRounds = 5;
const std::string kDurable = "\"fsync\":\"full\",\"rounds\":" + std::to_string(kRounds);

std::string chain(const std::string& name, int length,
                  const std::function<std::string(int)>& task) {
  std::string text =
      "flow: " + name + "\non: [call]\nparams: { x: { type: integer, default: 1 } }\ntasks:\n";
  for (int i = 1; i <= length; ++i) {
    text += "  t" + std::to_string(i) + ": { " + task(i);
    if (i > 1) text += ", needs: [t" + std::to_string(i - 1) + "]";
    text += " }\n";
  }
  return text;
}

std::string calc_task(int i) {
  if (i == 1) return "calc: \"select {{ x }} + 1 as v\"";
  return "calc: \"select v + 1 as v from t" + std::to_string(i - 1) + "\"";
}

std::vector<ServerProcess::File> project(int stub_port) {
  std::string const url = "http://127.0.0.1:" + std::to_string(stub_port) + "/";
  return {
      {"flows/call3.yaml", chain("call3", 3, calc_task)},
      {"flows/call3_effect.yaml",
       chain("call3_effect", 3,
             [&](int) {
               return "http: { method: POST, url: \"" + url +
                      "\", effect: write, idempotency: \"key:Idempotency-Key\", private: true, "
                      "body: { x: 1 } }";
             })},
      {"flows/chain40_calc.yaml", chain("chain40_calc", 40, calc_task)},
      {"flows/chain40_shell.yaml",
       chain("chain40_shell", 40, [](int) { return std::string("shell: \"true\""); })},
      {"flows/chain40_python.yaml",
       chain(
           "chain40_python", 40,
           [](int i) { return "python: \"steps:step\", with: { v: " + std::to_string(i) + " }"; })},
      {"python/steps.py", "def step(v):\n    return {\"v\": v + 1}\n"},
  };
}

void check_output(const std::string& answer) {
  if (answer.find("\"state\":\"succeeded\"") != std::string::npos) return;
  std::fprintf(stderr, "bench: a run did not succeed: %.300s\n", answer.c_str());
  std::exit(1);
}

// One caller after the other: latencies of `count` calls.
std::vector<double> one_by_one(const ServerProcess& server, const std::string& flow, int count) {
  HttpConnection connection(server.port(), server.token());
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) {
    double const start = now_seconds();
    check_output(connection.post("/api/v1/flows/" + flow + "/call", "{\"params\":{\"x\":1}}"));
    seconds.push_back(now_seconds() - start);
  }
  return seconds;
}

// `callers` at once for `length` seconds: flows a second.
double at_once(const ServerProcess& server, const std::string& flow, int callers, double length) {
  std::atomic<int64_t> done{0};
  std::vector<std::thread> threads;
  double const start = now_seconds();
  for (int c = 0; c < callers; ++c) {
    threads.emplace_back([&] {
      HttpConnection connection(server.port(), server.token());
      while (now_seconds() - start < length) {
        check_output(connection.post("/api/v1/flows/" + flow + "/call", "{\"params\":{\"x\":1}}"));
        done.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(done.load()) / (now_seconds() - start);
}

void bench_calls(const ServerProcess& server, const std::string& flow, int count) {
  one_by_one(server, flow, 50);
  std::vector<double> p50, p95, rate;
  for (int round = 0; round < kRounds; ++round) {
    auto const seconds = one_by_one(server, flow, count);
    p50.push_back(percentile(seconds, 0.5) * 1000);
    p95.push_back(percentile(seconds, 0.95) * 1000);
    rate.push_back(at_once(server, flow, 8, 2));
  }
  std::string const calls = kDurable + ",\"calls\":" + std::to_string(count);
  report(flow, "p50_ms", spread_of(p50), "ms", calls + ",\"in_flight\":1");
  report(flow, "p95_ms", spread_of(p95), "ms", calls + ",\"in_flight\":1");
  report(flow, "flows_per_s", spread_of(rate), "1/s", kDurable + ",\"in_flight\":8,\"seconds\":2");
}

void bench_chain(const ServerProcess& server, const std::string& flow) {
  one_by_one(server, flow, 2);
  std::vector<double> wall = one_by_one(server, flow, kRounds);
  report(flow, "wall_s", spread_of(wall), "s", kDurable + ",\"tasks\":40");
}

void bench_idle(const ServerProcess& server) {
  ::sleep(3);
  pid_t const spawner = server.spawner_pid();
  double const before = cpu_seconds(server.pid()) + cpu_seconds(spawner);
  double const start = now_seconds();
  ::sleep(20);
  double const used = cpu_seconds(server.pid()) + cpu_seconds(spawner) - before;
  double const percent = used / (now_seconds() - start) * 100;
  double const memory = pss_mb(server.pid()) + pss_mb(spawner);
  std::string const config = "\"processes\":\"server and spawner\",\"seconds\":20";
  report("idle", "pss_mb", {memory, memory, memory}, "MB", config);
  report("idle", "cpu_percent", {percent, percent, percent}, "%", config);
}

void bench_start(const std::string& program) {
  std::vector<double> ready;
  for (int round = 0; round < kRounds; ++round) {
    ServerProcess server(program, {{"flows/.keep", ""}});
    ready.push_back(server.ready_seconds());
  }
  report("start_empty", "ready_s", spread_of(ready), "s", kDurable);
}

bool wanted(int argc, char** argv, const char* name) {
  if (argc <= 2) return true;
  for (int i = 2; i < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) return true;
  }
  return false;
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_engine PATH_OF_TIDEMILL [case ...]\n");
    return 2;
  }
  std::string const program = argv[1];
  if (wanted(argc, argv, "start_empty")) bench_start(program);
  if (wanted(argc, argv, "idle")) {
    ServerProcess idle(program, {{"flows/.keep", ""}});
    bench_idle(idle);
  }
  Stub stub;
  ServerProcess server(program, project(stub.port()));
  for (const char* flow : {"call3", "call3_effect"}) {
    if (wanted(argc, argv, flow)) bench_calls(server, flow, 500);
  }
  for (const char* flow : {"chain40_calc", "chain40_shell", "chain40_python"}) {
    if (wanted(argc, argv, flow)) bench_chain(server, flow);
  }
  return 0;
}

}  // namespace
}  // namespace tidemill::bench

int main(int argc, char** argv) { return tidemill::bench::run(argc, argv); }
