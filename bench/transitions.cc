// Durable changes of tasks: a task with an effect is stored before it starts and after it ends,
// and the next one of its chain waits for that. Counted from the store while all chains run.
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "cases.h"
#include "flows.h"
#include "io/sqlite.h"
#include "report.h"

namespace tidemill::bench {
namespace {

constexpr int kLength = 600;
constexpr int kChains = 512;  // as many as the server lets be under way
constexpr double kWindow = 0.5;

// Every row of a task has been written when it began and once more when it ended.
double changes_in(io::Connection& store) {
  auto statement = store.prepare(
      "SELECT coalesce(sum((started IS NOT NULL) + (ended IS NOT NULL)), 0) FROM task");
  errno = 0;
  if (!statement || !statement->step().value_or(false)) die("the store cannot be read");
  return static_cast<double>(statement->integer(0));
}

// At once, so that they share turns and go side by side.
void start_chains(const ServerProcess& server, const std::string& name) {
  constexpr int kStarters = 64;
  std::vector<std::thread> threads;
  for (int i = 0; i < kStarters; ++i) {
    threads.emplace_back([&] {
      auto const connection = server.connect();
      for (int j = 0; j < kChains / kStarters; ++j) {
        connection->post("/api/v1/flows/" + name + "/runs", "{}");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void measure(const Environment& environment, const std::string& name, const std::string& kind,
             const std::function<std::string(int)>& task) {
  Folder const folder(only(name, chain_flow(name, kLength, task)));
  ServerProcess const server(environment.program, folder);
  auto store = io::Connection::open(folder.data() + "/meta.db", io::Connection::Mode::kReader);
  errno = 0;
  if (!store) die(store.error().text());
  start_chains(server, name);
  ::sleep(1);
  std::vector<double> rates, costs;
  double before = changes_in(*store);
  double at = now_seconds();
  double used = cpu_seconds(server.pid());
  for (int round = 0; round < kRounds; ++round) {
    ::usleep(static_cast<useconds_t>(kWindow * 1e6));
    double const count = changes_in(*store);
    double const now = now_seconds();
    double const processor = cpu_seconds(server.pid());
    if (count >= 2.0 * kLength * kChains) {
      errno = 0;
      die(name + ": the chains were done before they were measured: " + std::to_string(count) +
          " in " + std::to_string(now - at) + " s");
    }
    rates.push_back((count - before) / (now - at));
    costs.push_back((processor - used) / (count - before) * 1e6);
    before = count;
    at = now;
    used = processor;
  }
  std::string const config = kDurable + "," + rounds_text() + ",\"kind\":\"" + kind +
                             "\",\"in_flight\":" + std::to_string(kChains) + ",\"seconds\":0.5";
  report(name, "per_s", spread_of(rates), "1/s", config);
  report(name, "cpu_us", spread_of(costs), "us", config);
}

}  // namespace

void transitions(const Environment& environment) {
  measure(environment, "transitions", "publish", [](int) {
    return std::string("publish: { dataset: changes }, with: { x: \"{{ x }}\" }");
  });
}

void transitions_http(const Environment& environment) {
  Stub const stub;
  measure(environment, "transitions_http", "http", [&](int) { return http_task(stub.port()); });
}

}  // namespace tidemill::bench
