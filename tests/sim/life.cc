#include "life.h"

#include <fmt/format.h>

#include "evidence.h"
#include "io/sqlite.h"

namespace tidemill::sim {
namespace {

constexpr int kActs = 30;

run::AdmissionLimits pick_limits(Dice& dice) {
  run::AdmissionLimits limits;
  limits.processes = static_cast<size_t>(1 + dice.below(5));
  limits.calls = static_cast<size_t>(1 + dice.below(6));
  limits.queued_calls = static_cast<size_t>(3 + dice.below(40));
  return limits;
}

}  // namespace

Life::Life(uint64_t seed, Mutant mutant)
    : dice_(seed * 2 + 1),
      limits_(pick_limits(dice_)),
      site_(seed, pick_start(dice_), limits_, mutant),
      outside_(site_, Dice(seed ^ 0x6f757473)),
      project_(write_project(dice_, site_)) {
  acts_ = {{&Life::ask, 8}, {&Life::ask_again, 3}, {&Life::wait_steps, 8}};
  // A subset of what can go wrong: with everything on in each history, some of it never shows.
  const std::vector<std::pair<Act, int64_t>> more = {
      {&Life::cancel, 2},         {&Life::wait_long, 2},
      {&Life::kill, 3},           {&Life::lose_power, 2},
      {&Life::lose_spawner, 2},   {&Life::cut_spawner, 2},
      {&Life::step_clock, 2},     {&Life::plan_disk_fault, 4},
      {&Life::refuse_commits, 2}, {&Life::reload, 2},
      {&Life::burst, 1}};
  for (const auto& one : more) {
    if (dice_.one_in(2)) acts_.push_back(one);
  }
  dies_by_power_ = dice_.one_in(2);
  auto odds = [&](int64_t n) { return dice_.one_in(2) ? n : 0; };
  outside_.troubles.fails = odds(8);
  outside_.troubles.hangs = odds(20);
  outside_.troubles.stubborn = odds(4);
  outside_.troubles.refused = odds(15);
  outside_.troubles.http_500 = odds(5);
  outside_.troubles.http_lost = odds(6);
  outside_.troubles.slow_ms = dice_.pick<int64_t>({20, 1500, 6000});
  site_.store_refuses = [this]() -> std::optional<Code> {
    if (refusals_left_ <= 0 || --refusals_left_ < 0) return std::nullopt;
    site_.history.add({site_.now(), What::kStoreRefuses, ""});
    return dice_.one_in(2) ? Code::kExhausted : Code::kUnavailable;
  };
}

std::vector<Finding> Life::live() {
  start();
  for (int i = 0; i < kActs && !is_over_; ++i) act();
  if (!is_over_) drain();
  if (is_over_) return on_the_way_;
  Evidence evidence = gather(site_, outside_, project_);
  evidence.first_seen = first_seen_;
  evidence.limits = limits_;
  runs_ = evidence.runs.size();
  std::vector<Finding> findings = check_all(evidence);
  findings.insert(findings.begin(), on_the_way_.begin(), on_the_way_.end());
  return findings;
}

void Life::act() {
  int64_t total = 0;
  for (const auto& [act, weight] : acts_) total += weight;
  int64_t drawn = dice_.below(total);
  for (const auto& [act, weight] : acts_) {
    drawn -= weight;
    if (drawn >= 0) continue;
    (this->*act)();
    break;
  }
  if (site_.is_dying()) bury();
}

void Life::ask() {
  std::string const flow = dice_.pick(project_.callable);
  Json body = Json::object().set("params", Json::object().set("id", dice_.below(6)));
  bool const waits = dice_.one_in(2);
  body.set("deadline_ms", waits ? 600'000 : 0);
  std::string const key = dice_.one_in(3) ? "" : fmt::format("k{}", dice_.below(12));
  outside_.ask("POST", fmt::format("/api/v1/flows/{}/{}", flow, dice_.one_in(6) ? "runs" : "call"),
               std::move(body), key);
  if (dice_.one_in(2)) site_.run_steps(static_cast<int>(dice_.below(20)));
}

// As a client does that heard nothing: the same question, the same key.
void Life::ask_again() {
  const auto& asked = outside_.questions();
  if (asked.empty()) return;
  Question const old = *asked[static_cast<size_t>(dice_.below(static_cast<int64_t>(asked.size())))];
  if (old.key.empty() || old.path.find("/flows/") == std::string::npos) return;
  outside_.ask(old.method, old.path, old.body, old.key);
}

void Life::cancel() {
  const auto& asked = outside_.questions();
  if (asked.empty()) return;
  const Question& old =
      *asked[static_cast<size_t>(dice_.below(static_cast<int64_t>(asked.size())))];
  std::string const run = old.answer.text_or("run", "");
  if (!run.empty())
    outside_.ask("POST", fmt::format("/api/v1/runs/{}/cancel", run), Json::object());
}

void Life::wait_steps() { site_.run_steps(static_cast<int>(1 + dice_.below(60))); }
void Life::wait_long() { site_.run(Duration::seconds(1 + dice_.below(400))); }

void Life::kill() {
  dies_by_power_ = false;
  site_.disk.die();
}
void Life::lose_power() {
  dies_by_power_ = true;
  site_.disk.die();
}

void Life::lose_spawner() {
  site_.history.add({site_.now(), What::kSpawnerLost, ""});
  site_.world.processes().lose(io::SimProcesses::Journal::kIsKept);
}

void Life::cut_spawner() {
  site_.history.add({site_.now(), What::kSpawnerCut, ""});
  site_.world.processes().cut();
  site_.run(Duration::millis(dice_.below(3000)));
  if (!site_.is_dying()) site_.world.processes().attach();
}

void Life::step_clock() {
  static const std::vector<int64_t> kSeconds = {-7200, -3600, -61,  -1,   1,
                                                9,     61,    1800, 3600, 86'400};
  Duration const by = Duration::seconds(dice_.pick(kSeconds));
  site_.history.add({site_.now(), What::kClockStepped, fmt::format("{} s", by.us / 1'000'000)});
  site_.world.step_clock(by);
}

void Life::plan_disk_fault() {
  using io::DiskFault;
  DiskFault const fault = dice_.pick<DiskFault>(
      {DiskFault::kDie, DiskFault::kDie, DiskFault::kIoError, DiskFault::kFull, DiskFault::kShort});
  int64_t const from = site_.disk.calls() + 1 + dice_.below(60);
  int64_t const to = from + (dice_.one_in(3) ? dice_.below(20) : 0);
  dies_by_power_ = dice_.one_in(2);
  site_.disk.set_plan(
      [this, fault, from, to](io::DiskCall call, const std::string& path, int64_t number) {
        if (number < from || number > to) return DiskFault::kNone;
        site_.history.add({site_.now(),
                           What::kDiskFault,
                           fmt::format("{} {}", io::word(call), path),
                           {},
                           {},
                           -1,
                           0,
                           static_cast<int64_t>(fault)});
        return fault;
      });
}

void Life::refuse_commits() { refusals_left_ = 1 + dice_.below(5); }

// A flow's file changes; sometimes to one that is broken.
void Life::reload() {
  std::string const flow = dice_.pick(project_.callable);
  if (flow == "applicant") return;
  const engine::FlowVersion* before = site_.engine().flows().current(flow::FlowName(flow));
  if (dice_.one_in(3)) {
    if (before != nullptr) broken_[flow] = before->bundle.value;
    site_.file(fmt::format("flows/{}.yaml", flow),
               fmt::format("flow: {}\non: [call]\ntasks: {{t0: {{shel: \"true\"}}}}\n", flow));
  } else {
    broken_.erase(flow);
    rewrite_flow(dice_, site_, flow);
  }
  outside_.ask("POST", "/api/v1/reload", Json::object());
  site_.run_steps(200);
  const engine::FlowVersion* after =
      site_.is_dying() ? nullptr : site_.engine().flows().current(flow::FlowName(flow));
  if (site_.is_dying() || !broken_.contains(flow)) return;
  if (after == nullptr || after->bundle.value != broken_[flow]) {
    on_the_way_.push_back({10, "broken_file_changes_nothing",
                           fmt::format("flow {} lost its good version {}", flow, broken_[flow])});
  }
}

void Life::burst() {
  std::string const flow = dice_.pick(project_.callable);
  for (int i = 0; i < 60; ++i) {
    outside_.ask("POST", fmt::format("/api/v1/flows/{}/call", flow),
                 Json::object().set("params", Json::object().set("id", i)).set("deadline_ms", 0));
  }
}

void Life::bury() {
  if (dies_by_power_) {
    site_.lose_power();
  } else {
    site_.kill();
  }
  site_.disk.set_plan(nullptr);
  refusals_left_ = 0;
  outside_.server_gone();
  if (dice_.one_in(4)) lose_spawner();
  site_.world.run_for(Duration::millis(dice_.below(dice_.one_in(4) ? 900'000 : 4'000)));
  start();
}

void Life::start() {
  // The first starts may meet a fault too: migration and recovery can be interrupted anywhere.
  if (!is_draining_ && dice_.one_in(4)) {
    int64_t const at = site_.disk.calls() + 1 + dice_.below(80);
    site_.disk.set_plan([at](io::DiskCall, const std::string&, int64_t number) {
      return number == at ? io::DiskFault::kDie : io::DiskFault::kNone;
    });
  }
  for (int tries = 0; !site_.start() || site_.is_dying(); ++tries) {
    if (tries > 3) {
      on_the_way_.push_back(
          {15, "store_opens", site_.log.lines.empty() ? "?" : site_.log.lines.back()});
      is_over_ = true;
      return;
    }
    if (dice_.one_in(2)) {
      site_.lose_power();
    } else {
      site_.kill();
    }
    outside_.server_gone();
    site_.disk.set_plan(nullptr);
  }
  note_triggers();
}

void Life::note_triggers() {
  auto connection = io::Connection::open(fmt::format("{}/meta.db", kDataFolder),
                                         io::Connection::Mode::kReader, site_.vfs.name());
  if (!connection) return;
  auto statement = connection->prepare("SELECT flow, trigger, low_water FROM trigger_state");
  while (statement && statement->step().value_or(false)) {
    first_seen_.emplace(std::make_pair(statement->text(0), statement->text(1)), statement->time(2));
  }
}

// Nothing goes wrong any more, and nothing new begins.
void Life::drain() {
  is_draining_ = true;
  site_.disk.set_plan(nullptr);
  refusals_left_ = 0;
  outside_.troubles = {};
  outside_.troubles.slow_ms = 200;
  stop_clocks(project_, site_);
  site_.kill();
  outside_.server_gone();
  start();
  if (is_over_) return;
  site_.run(Duration::seconds(4 * 3600), [this] { return site_.engine().open_runs() == 0; });
  site_.run(Duration::seconds(5));
}

}  // namespace tidemill::sim
