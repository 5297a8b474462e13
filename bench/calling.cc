#include "calling.h"

#include <atomic>
#include <cerrno>
#include <thread>

#include "report.h"

namespace tidemill::bench {

double call_once(HttpConnection& connection, const std::string& flow) {
  double const start = now_seconds();
  std::string const answer = connection.post("/api/v1/flows/" + flow + "/call",
                                             "{\"params\":{\"x\":1},\"deadline_ms\":120000}");
  double const took = now_seconds() - start;
  if (answer.find("\"state\":\"succeeded\"") == std::string::npos) {
    errno = 0;
    die("a run of " + flow + " did not succeed: " + answer.substr(0, 300));
  }
  return took;
}

std::vector<double> one_by_one(const ServerProcess& server, const std::string& flow, int count) {
  auto const connection = server.connect();
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) seconds.push_back(call_once(*connection, flow));
  return seconds;
}

double at_once(const ServerProcess& server, const std::string& flow, int callers, double length) {
  std::atomic<int64_t> done{0};
  std::vector<std::thread> threads;
  double const start = now_seconds();
  for (int c = 0; c < callers; ++c) {
    threads.emplace_back([&] {
      auto const connection = server.connect();
      while (now_seconds() - start < length) {
        call_once(*connection, flow);
        done.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(done.load()) / (now_seconds() - start);
}

}  // namespace tidemill::bench
