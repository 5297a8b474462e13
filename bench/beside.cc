// Does much that waits, or much that is over, slow down a small flow? And a start?
//
// Two servers stand side by side, one of them empty; calls go to them in turns, so that what the
// machine does meanwhile meets both.
#include <unistd.h>

#include <cerrno>

#include "calling.h"
#include "cases.h"
#include "flows.h"
#include "io/real/files.h"
#include "io/real/loop.h"
#include "report.h"
#include "store/fill.h"

namespace tidemill::bench {
namespace {

constexpr int kMany = 1'000'000;
constexpr int kItems = 10'000;  // of one mapped task: the most that a flow may have
constexpr int kBlock = 100;     // calls before the other server has its turn
constexpr int kBlocks = 10;     // a round

std::vector<ProjectFile> call3_files() { return only("call3", chain_flow("call3", 3, calc_task)); }

// A server makes the store and leaves it; then the past is written into it.
void fill_with_past(const Environment& environment, const Folder& folder) {
  say("making " + std::to_string(kMany) + " finished runs");
  ServerProcess(environment.program, folder).stop();
  io::RealLoop loop;
  io::RealFiles files(loop);
  store::FillOptions options;
  options.runs = kMany;
  options.newest = Time::from_seconds(static_cast<int64_t>(wall_seconds()) - 60);
  auto const filled = store::fill_with_finished_runs(folder.data(), files, options);
  errno = 0;
  if (!filled) die(filled.error().text());
}

struct Ratio {
  std::vector<double> ratio, empty, full;
};

Ratio interleaved(const ServerProcess& empty, const ServerProcess& full) {
  auto const of_empty = empty.connect();
  auto const of_full = full.connect();
  for (int i = 0; i < 200; ++i) {
    call_once(*of_empty, "call3");
    call_once(*of_full, "call3");
  }
  Ratio result;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> empty_s, full_s;
    for (int block = 0; block < kBlocks; ++block) {
      for (int i = 0; i < kBlock; ++i) empty_s.push_back(call_once(*of_empty, "call3"));
      for (int i = 0; i < kBlock; ++i) full_s.push_back(call_once(*of_full, "call3"));
    }
    result.empty.push_back(percentile(empty_s, 0.5) * 1000);
    result.full.push_back(percentile(full_s, 0.5) * 1000);
    result.ratio.push_back(result.full.back() / result.empty.back());
  }
  return result;
}

void tell(const std::string& name, const Ratio& ratio, const std::string& what, double memory) {
  std::string const config = kDurable + "," + rounds_text() +
                             ",\"calls\":" + std::to_string(kBlock * kBlocks) + ",\"beside\":\"" +
                             what + "\"";
  report(name, "p50_ratio", spread_of(ratio.ratio), "x", config);
  report(name, "p50_empty_ms", spread_of(ratio.empty), "ms", config);
  report(name, "p50_ms", spread_of(ratio.full), "ms", config);
  report(name, "pss_mb", exactly(memory), "MB", config);
}

}  // namespace

// The items wait for a slot: sixteen of them sleep, the others are ready.
void beside_pending(const Environment& environment) {
  Folder const empty_folder(call3_files());
  Folder full_folder(call3_files());
  full_folder.write({"flows/pending.yaml",
                     "flow: pending\ntasks:\n" + items_task(kItems) +
                         "  each: { shell: \"exec sleep 100000\", for_each: items.rows }\n"});
  ServerProcess const empty(environment.program, empty_folder);
  ServerProcess const full(environment.program, full_folder);
  auto const connection = full.connect();
  say("making " + std::to_string(kMany) + " pending tasks");
  std::vector<std::string> runs;
  for (int i = 0; i < kMany / kItems; ++i) {
    std::string const answer = connection->post("/api/v1/flows/pending/runs", "{}");
    runs.push_back(answer.substr(8, 26));
  }
  ::sleep(2);
  tell("call3_pending", interleaved(empty, full), "1000000 tasks that wait for a slot",
       pss_mb(full.pid()));
  // The sleepers belong to the spawner and end with their runs.
  for (const std::string& run : runs) connection->post("/api/v1/runs/" + run + "/cancel", "{}");
  ::sleep(2);
}

void beside_finished(const Environment& environment) {
  Folder const empty_folder(call3_files());
  Folder const full_folder(call3_files());
  fill_with_past(environment, full_folder);
  ServerProcess const empty(environment.program, empty_folder);
  ServerProcess const full(environment.program, full_folder);
  ::sleep(2);
  tell("call3_finished", interleaved(empty, full), "1000000 finished runs", pss_mb(full.pid()));
}

void start_1m_runs(const Environment& environment) {
  Folder const folder(call3_files());
  fill_with_past(environment, folder);
  std::vector<double> ready;
  ServerProcess server(environment.program, folder);
  double const first = server.ready_seconds();
  for (int round = 0; round < kRounds; ++round) {
    server.stop();
    server.restart();
    ready.push_back(server.ready_seconds());
  }
  std::string const config = kDurable + "," + rounds_text() + ",\"runs\":1000000";
  report("start_1m_runs", "ready_s", spread_of(ready), "s", config);
  report("start_1m_runs", "first_ready_s", exactly(first), "s", config);
}

}  // namespace tidemill::bench
