#include "project.h"

#include <fmt/format.h>

namespace tidemill::sim {
namespace {

constexpr const char* kVendor = R"(vendor: bureau
base_url: https://bureau.example
limits: { rate: 50/s, burst: 20, concurrency: 4, queue: 200, queue_wait: 30s }
products:
  report:
    request: { method: POST, path: /report, body: { id: "{{ id }}" } }
    effect: read
    idempotency: key:Idempotency-Key
    timeout: 3s
    retry: { attempts: 3, base: 50ms, cap: 2s }
)";

// Where a task begins: what it needs, and when it may run.
std::string joins(Dice& dice, const std::vector<std::string>& before) {
  std::string text;
  std::vector<std::string> needs;
  for (const std::string& name : before) {
    if (dice.below(static_cast<int64_t>(before.size())) < 2) needs.push_back(name);
  }
  if (!needs.empty()) {
    text += fmt::format(", needs: [{}]", fmt::join(needs, ", "));
    if (dice.one_in(4)) {
      text += ", rule: " + dice.pick<std::string>({"all_done", "one_failed", "none_failed"});
    }
  }
  if (dice.one_in(8)) text += ", when: \"params.id % 2 = 0\"";
  if (dice.one_in(8)) text += ", optional: true";
  return text;
}

std::string effect_options(Dice& dice) {
  std::string text;
  if (dice.one_in(3)) text += ", retry: {attempts: 3, base: 1s}";
  if (dice.one_in(5)) text += ", timeout: 6s";
  if (dice.one_in(3)) text += ", on_unknown: rerun";
  return text;
}

std::string task(Dice& dice, const std::string& name, const std::vector<std::string>& before) {
  std::string const url = "https://api.example/{{ run.id }}/" + name;
  std::string body;
  switch (dice.below(12)) {
    case 0:
    case 1:
    case 2:
      body = "shell: \"true\"" + effect_options(dice);
      break;
    case 3:
      body = "python: \"work:go\", with: {id: \"{{ id }}\"}" + effect_options(dice);
      break;
    case 4:
      body = fmt::format("http: \"{}\"{}", url, effect_options(dice));
      break;
    case 5:
      body = fmt::format("http: {{url: \"{}\", method: POST{}}}{}", url,
                         dice.one_in(2) ? ", idempotency: \"key:Idempotency-Key\"" : "",
                         effect_options(dice));
      break;
    case 6:
      body = "vendor: bureau.report, with: {id: \"{{ id }}\"}";
      break;
    case 7:
      body = "calc: \"select {{ id }} as v, {{ id }} * 2 as w\"";
      break;
    case 8:
      body = "calc: \"select * from (values ({{ id }}), (2)) as t(v)\", rows: many";
      break;
    case 9:
      body = "publish: {dataset: lines}, with: {id: \"{{ id }}\"}, on_unknown: rerun";
      if (dice.one_in(2)) body += ", writes: done";
      break;
    case 10:
      body = "shell: \"true\", for_each: list" + effect_options(dice);
      break;
    default:
      body = "flow: applicant, with: {id: \"{{ id }}\"}";
      break;
  }
  return fmt::format("  {}: {{{}{}}}\n", name, body, joins(dice, before));
}

std::string graph(Dice& dice, const std::string& on, const std::string& options) {
  std::string text = fmt::format(
      "on: {}\nparams: {{id: {{type: integer, default: 1}}, list: {{type: json, default: [1, 2, "
      "3]}}}}\n{}tasks:\n",
      on, options);
  std::vector<std::string> before;
  int64_t const count = 2 + dice.below(6);
  for (int64_t i = 0; i < count; ++i) {
    std::string const name = fmt::format("t{}", i);
    text += task(dice, name, before);
    before.push_back(name);
  }
  return text;
}

void write_flow(Site& site, const std::string& name, const std::string& body) {
  site.file(fmt::format("flows/{}.yaml", name), fmt::format("flow: {}\n{}", name, body));
}

std::string options(Dice& dice) {
  std::string text;
  if (dice.one_in(3)) text += fmt::format("max_running: {}\n", 1 + dice.below(3));
  if (dice.one_in(4)) text += fmt::format("deadline: {}s\n", 20 + dice.below(200));
  return text;
}

ClockTrigger write_clock(Dice& dice, Site& site, const std::string& name) {
  ClockTrigger trigger;
  trigger.flow = name;
  trigger.id = "t";
  trigger.zone = dice.pick<std::string>(
      {"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"});
  std::string const missed =
      dice.pick<std::string>({"lost", "latest", "all(5)", "all(1000)", "within(5m)"});
  std::string const overlap = dice.pick<std::string>({"allow", "skip", "queue"});
  std::string when;
  if (dice.one_in(3)) {
    trigger.every = Duration::seconds(dice.pick<int64_t>({20, 45, 120}));
    when = fmt::format("every: {}s", trigger.every.us / 1'000'000);
  } else {
    trigger.cron = dice.pick<std::string>(
        {"* * * * *", "*/5 * * * *", "30 * * * *", "0 2 * * *", "30 2 * * *", "15,45 1-3 * * *"});
    when = fmt::format("cron: \"{}\", zone: {}", trigger.cron, trigger.zone);
  }
  std::string const on =
      fmt::format("[{{{}, id: t, missed: {}, overlap: {}}}]", when, missed, overlap);
  if (dice.one_in(2)) {
    write_flow(site, name, graph(dice, on, options(dice)));
  } else {
    write_flow(site, name, fmt::format("on: {}\ntasks: {{work: {{shell: \"true\"}}}}\n", on));
  }
  return trigger;
}

}  // namespace

Time pick_start(Dice& dice) {
  static const std::vector<std::string> kStarts = {
      "2026-01-01T00:00:00Z", "2026-03-08T06:40:00Z", "2026-11-01T05:20:00Z",
      "2026-03-29T00:45:00Z", "2026-10-25T00:20:00Z", "2026-04-04T14:40:00Z",
      "2026-10-03T15:10:00Z", "2026-12-31T23:58:00Z", "2028-02-29T23:59:30Z",
      "2038-01-19T03:13:00Z", "2026-06-15T12:00:00Z"};
  auto const start = parse_rfc3339(dice.pick(kStarts));
  return *start + Duration::millis(dice.below(60'000));
}

Project write_project(Dice& dice, Site& site) {
  Project project;
  project.start = site.now().wall;
  site.file("vendors/bureau.yaml", kVendor);
  site.file("python/work.py", "def go(id):\n    return id\n");
  write_flow(site, "applicant",
             "on: [call]\nkey: \"a{{ id }}\"\nparams: {id: integer}\n"
             "tasks:\n  decide: {shell: \"true\"}\n"
             "  tell: {publish: {dataset: decisions}, with: {id: \"{{ id }}\"}, needs: decide, "
             "on_unknown: rerun}\n");
  project.callable.push_back("applicant");
  for (int64_t i = 0, count = 1 + dice.below(3); i < count; ++i) {
    std::string const name = fmt::format("graph{}", i);
    write_flow(site, name, graph(dice, "[call]", options(dice)));
    project.callable.push_back(name);
  }
  for (int64_t i = 0, count = dice.below(3); i < count; ++i) {
    project.clocks.push_back(write_clock(dice, site, fmt::format("clock{}", i)));
  }
  write_flow(
      site, "follow",
      fmt::format("on: [{{after: {{flow: {}, state: {}}}}}]\ntasks: {{f: {{shell: \"true\"}}}}\n",
                  dice.pick(project.callable),
                  dice.pick<std::string>({"succeeded", "failed", "done"})));
  write_flow(site, "reader", "on: [{after: {dataset: done}}]\ntasks: {r: {calc: select 1 as v}}\n");
  return project;
}

void rewrite_flow(Dice& dice, Site& site, const std::string& name) {
  write_flow(site, name, graph(dice, "[call]", options(dice)));
}

void stop_clocks(const Project& project, Site& site) {
  for (const ClockTrigger& clock : project.clocks) {
    write_flow(site, clock.flow, "tasks: {work: {shell: \"true\"}}\n");
  }
}

}  // namespace tidemill::sim
