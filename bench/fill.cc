#include "fill.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/ulid.h"
#include "io/real/files.h"
#include "io/real/loop.h"
#include "report.h"
#include "store/writer.h"

namespace tidemill::bench {
namespace {

constexpr int kBatch = 5000;
constexpr int64_t kStepUs = 50'000;  // between runs

run::RunRow finished_run(int number, Time at) {
  run::RunRow row;
  row.id = run::RunId(make_ulid(at, 0x1234, static_cast<uint64_t>(number)));
  row.flow = flow::FlowName("call3");
  row.bundle = flow::BundleId("0000000000000000000000000000000000000000000000000000000000000000");
  row.key = run::Key("manual:" + row.id.value);
  row.state = run::RunState::kSucceeded;
  row.epoch = run::Epoch(1);
  row.cause.trigger = "call";
  row.cause.origin = "call";
  row.cause.principal = "bench";
  row.params = Json::object().set("x", int64_t{number});
  row.body_hash = "5f2d1c0b9a887766";
  row.created = row.scheduled_at = row.interval_start = row.interval_end = at;
  row.started = at;
  row.finished = at + Duration::millis(1);
  return row;
}

run::ChainRow chain_of(const run::RunRow& row) {
  run::ChainRow chain;
  chain.run = row.id;
  chain.at = row.created;
  for (int t = 0; t < 3; ++t) {
    run::ChainEntry entry;
    entry.task = flow::TaskIndex(t);
    entry.name = "t" + std::to_string(t + 1);
    entry.took = Duration::micros(20);
    entry.value = "{\"v\":" + std::to_string(t + 2) + "}";
    chain.entries.push_back(std::move(entry));
  }
  return chain;
}

}  // namespace

void fill_with_finished_runs(const std::string& folder, int count) {
  ::mkdir(folder.c_str(), 0700);
  io::RealLoop loop;
  io::RealFiles files(loop);
  errno = 0;
  auto writer = store::Writer::open(folder, files);
  if (!writer) die(writer.error().text());
  Time at =
      Time::from_seconds(static_cast<int64_t>(wall_seconds())) - Duration::micros(kStepUs * count);
  for (int done = 0; done < count;) {
    run::Changes changes;
    for (int i = 0; i < kBatch && done < count; ++i, ++done) {
      run::RunRow row = finished_run(done, at);
      at = at + Duration::micros(kStepUs);
      changes.keys.push_back({row.flow, row.key, row.id, row.created, {}});
      changes.chains.push_back(chain_of(row));
      changes.new_runs.push_back(std::move(row));
    }
    if (auto const written = (*writer)->write(changes); !written) die(written.error().text());
    if (auto const moved = (*writer)->checkpoint_if_large(); !moved) die(moved.error().text());
  }
}

}  // namespace tidemill::bench
