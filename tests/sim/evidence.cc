#include "evidence.h"

#include <fmt/format.h>

#include "io/sqlite.h"

namespace tidemill::sim {
namespace {

constexpr size_t kAllRows = 100'000;

// What no reader of the store gives: read past it, from the file.
void read_tables(Site& site, Evidence& evidence) {
  auto connection = io::Connection::open(fmt::format("{}/meta.db", kDataFolder),
                                         io::Connection::Mode::kReader, site.vfs.name());
  if (!connection) return;
  auto keys = connection->prepare("SELECT flow, key, run, at, reason FROM key");
  while (keys && keys->step().value_or(false)) {
    run::KeyRow row{flow::FlowName(keys->text(0)), run::Key(keys->text(1)), std::nullopt,
                    keys->time(3), keys->text(4)};
    if (!keys->is_null(2)) row.run = run::RunId(keys->text(2));
    evidence.keys.push_back(std::move(row));
  }
  auto triggers = connection->prepare(
      "SELECT flow, trigger, low_water, low_water_key, skipped FROM trigger_state");
  while (triggers && triggers->step().value_or(false)) {
    evidence.triggers.push_back({flow::FlowName(triggers->text(0)), triggers->text(1),
                                 triggers->time(2), triggers->text(3), triggers->integer(4)});
  }
  auto check = connection->prepare("PRAGMA integrity_check");
  evidence.integrity = check && check->step().value_or(false) ? check->text(0) : "cannot be asked";
}

}  // namespace

Evidence gather(Site& site, const Outside& outside, const Project& project) {
  Evidence evidence;
  evidence.log = &site.history.list();
  evidence.questions = &outside.questions();
  evidence.clocks = project.clocks;
  evidence.open_runs = site.engine().open_runs();
  evidence.processes_left = site.world.processes().running();
  store::RunFilter filter;
  filter.limit = kAllRows;
  auto const rows = site.store().list_runs(filter);
  for (const run::RunRow& row : rows ? *rows : std::vector<run::RunRow>()) {
    KeptRun kept;
    if (auto stored = site.store().load_run(row.id); stored && *stored) kept.stored = **stored;
    if (auto attempts = site.store().attempts_of(row.id)) kept.attempts = *attempts;
    if (auto version = site.version(row.bundle)) kept.flow = version->flow;
    evidence.runs.emplace(row.id.value, std::move(kept));
  }
  read_tables(site, evidence);
  for (const char* name : {"lines", "decisions"}) {
    auto const text =
        site.world.files().read(fmt::format("{}/datasets/{}.jsonl", kDataFolder, name), 64u << 20);
    if (text) evidence.datasets[name] = *text;
  }
  return evidence;
}

}  // namespace tidemill::sim
