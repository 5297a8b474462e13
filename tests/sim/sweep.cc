#include "sweep.h"

#include <fmt/format.h>

#include "evidence.h"

namespace tidemill::sim {
namespace {

void write_flows(Site& site) {
  site.file("flows/graph.yaml",
            "flow: graph\non: [call]\nparams: {id: integer}\ntasks:\n"
            "  pre: {calc: \"select {{ id }} as v\"}\n"
            "  work: {shell: \"true\", needs: pre, on_unknown: rerun}\n"
            "  out: {publish: {dataset: lines}, with: {id: \"{{ id }}\"}, needs: work, "
            "on_unknown: rerun}\n");
  site.file("flows/follow.yaml",
            "flow: follow\non: [{after: {flow: graph}}]\ntasks: {f: {shell: \"true\"}}\n");
}

void end(Site& site, Outside& outside, const SweepCase& one) {
  if (one.by_power) {
    site.lose_power();
  } else {
    site.kill();
  }
  site.disk.set_plan(nullptr);
  outside.server_gone();
}

}  // namespace

SweepResult sweep(const SweepCase& one) {
  run::AdmissionLimits const limits;
  Site site(7, Time::from_seconds(1'767'225'600), limits, {});
  Outside outside(site, Dice(7));
  outside.troubles.slow_ms = 50;
  write_flows(site);
  site.disk.set_plan([&](io::DiskCall, const std::string&, int64_t number) {
    bool const fails = number == one.at || (one.is_sticky && one.at > 0 && number > one.at);
    return fails ? one.fault : io::DiskFault::kNone;
  });
  auto const call = [&](int64_t id, const std::string& key) {
    outside.ask(
        "POST", "/api/v1/flows/graph/call",
        Json::object().set("params", Json::object().set("id", id)).set("deadline_ms", 600'000),
        key);
  };
  if (site.start()) {
    call(1, "one");
    site.run(Duration::seconds(2));
    if (!site.is_dying()) call(2, "two");
    site.run(Duration::seconds(2));
  }
  SweepResult result;
  result.calls = site.disk.calls();
  end(site, outside, one);
  if (!site.start()) {
    result.findings.push_back({15, "store_opens", site.history.list().back().detail});
    return result;
  }
  call(1, "one");
  call(2, "two");
  site.run(Duration::seconds(600), [&] {
    return site.engine().open_runs() == 0 && outside.questions().back()->status != 0;
  });
  site.run(Duration::seconds(5));
  Evidence evidence = gather(site, outside, {});
  evidence.limits = limits;
  result.findings = check_all(evidence);
  for (size_t i = outside.questions().size() - 2; i < outside.questions().size(); ++i) {
    const Question& question = *outside.questions()[i];
    if (question.status == 200 && question.answer.text_or("state", "") == "succeeded") continue;
    result.findings.push_back({15, "the_store_works_again",
                               fmt::format("#{} was answered {} {}", question.number,
                                           question.status, question.answer.dump())});
  }
  return result;
}

}  // namespace tidemill::sim
