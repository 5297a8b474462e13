#include <fmt/format.h>

#include <set>

#include "checks_internal.h"

namespace tidemill::sim {
namespace {

using run::TaskState;

// The last word of the store about each whole task of a run: its row, or else the latest chain.
std::map<std::string, TaskState> states_of(const KeptRun& kept) {
  std::map<std::string, TaskState> states;
  for (const run::ChainRow& chain : kept.stored.chains) {
    for (const run::ChainEntry& entry : chain.entries) {
      if (entry.item == run::kWhole) states[entry.name] = entry.state;
    }
  }
  for (const run::TaskRow& row : kept.stored.tasks) {
    if (row.item == run::kWhole) states[row.name] = row.state;
  }
  return states;
}

struct Tally {
  int good = 0, bad = 0, cut = 0, skipped = 0;
  int all() const { return good + bad + cut + skipped; }
};

// kSkippedOrCut: what is known first decides, as in Airflow.
enum class Verdict { kRuns, kSkipped, kCut, kSkippedOrCut, kUnknown };

// As docs/flow-file.md words the rules; not the server's own evaluator.
Verdict expected(flow::Rule rule, const Tally& tally) {
  bool const all_good = tally.good == tally.all();
  if (rule == flow::Rule::kAllSuccess) {
    if (all_good) return Verdict::kRuns;
    if (tally.bad + tally.cut == 0) return Verdict::kSkipped;
    return tally.skipped > 0 ? Verdict::kSkippedOrCut : Verdict::kCut;
  }
  if (rule == flow::Rule::kAllDone) return Verdict::kRuns;
  if (rule == flow::Rule::kOneFailed) {
    return tally.bad + tally.cut > 0 || tally.all() == 0 ? Verdict::kRuns : Verdict::kSkipped;
  }
  if (rule == flow::Rule::kNoneFailed) {
    return tally.bad + tally.cut > 0 ? Verdict::kCut : Verdict::kRuns;
  }
  return Verdict::kUnknown;
}

bool is_stopped(const run::RunRow& row) {
  return row.state == run::RunState::kCancelled || row.error_code == "too_late";
}

}  // namespace

void states_follow_the_rules(const Evidence& evidence, const Check& self,
                             std::vector<Finding>& findings) {
  for (const auto& [id, kept] : evidence.runs) {
    if (!kept.flow || !run::is_final(kept.stored.row.state) || is_stopped(kept.stored.row))
      continue;
    auto const states = states_of(kept);
    bool any_failed = false;
    for (const flow::Task& task : kept.flow->tasks) {
      auto const state = states.find(task.name);
      if (state == states.end()) {
        broken(self, findings,
               fmt::format("run {} has ended, nothing is known of its task {}", id, task.name));
        continue;
      }
      any_failed = any_failed || (state->second == TaskState::kFailed && !task.optional);
      Tally tally;
      for (flow::TaskIndex need : task.needs) {
        const flow::Task& before = kept.flow->task(need);
        auto const found = states.find(before.name);
        TaskState const how = found == states.end() ? TaskState::kWaiting : found->second;
        bool const is_good =
            how == TaskState::kSucceeded || (how == TaskState::kFailed && before.optional);
        tally.good += is_good;
        tally.bad += !is_good && (how == TaskState::kFailed || how == TaskState::kCancelled);
        tally.cut += how == TaskState::kUpstreamFailed;
        tally.skipped += how == TaskState::kSkipped;
      }
      Verdict const verdict = expected(task.rule, tally);
      TaskState const is = state->second;
      bool const fits =
          verdict == Verdict::kUnknown ||
          (verdict == Verdict::kRuns && (is == TaskState::kSucceeded || is == TaskState::kFailed ||
                                         (is == TaskState::kSkipped && task.when.has_value()))) ||
          (verdict == Verdict::kSkippedOrCut &&
           (is == TaskState::kSkipped || is == TaskState::kUpstreamFailed)) ||
          (verdict == Verdict::kSkipped && is == TaskState::kSkipped) ||
          (verdict == Verdict::kCut && is == TaskState::kUpstreamFailed);
      if (!fits) {
        broken(self, findings,
               fmt::format("run {} task {} is {}; its {} needs: {} good, {} failed, {} upstream "
                           "failed, {} skipped, rule {}",
                           id, task.name, word(is), tally.all(), tally.good, tally.bad, tally.cut,
                           tally.skipped, flow::word(task.rule)));
      }
    }
    bool const succeeded = kept.stored.row.state == run::RunState::kSucceeded;
    if (succeeded == any_failed) {
      broken(self, findings,
             fmt::format("run {} is {}, a task that is not optional {}", id,
                         word(kept.stored.row.state), any_failed ? "failed" : "did not fail"));
    }
  }
}

// In the world's own order: when a process or request of a task begins, every effect that it needs
// to have succeeded has ended.
void tasks_start_when_their_rule_allows(const Evidence& evidence, const Check& self,
                                        std::vector<Finding>& findings) {
  std::set<std::pair<std::string, std::string>> done;  // run, task: some effect of it ended well
  for (const Happening& one : *evidence.log) {
    if ((one.what == What::kEnded && one.number == 0) ||
        (one.what == What::kReplied && one.detail == "200")) {
      done.emplace(one.run, one.task);
    }
    if (one.task.empty() || (one.what != What::kStarted && one.what != What::kSent)) continue;
    auto const run = evidence.runs.find(one.run);
    if (run == evidence.runs.end() || !run->second.flow) continue;
    const flow::Flow& flow = *run->second.flow;
    auto const index = flow.names.find(one.task);
    if (index == flow.names.end()) continue;
    const flow::Task& task = flow.task(index->second);
    if (task.rule != flow::Rule::kAllSuccess) continue;
    for (flow::TaskIndex need : task.needs) {
      const flow::Task& before = flow.task(need);
      bool const has_effect = before.kind == flow::Kind::kShell ||
                              before.kind == flow::Kind::kPython ||
                              before.kind == flow::Kind::kHttp;
      if (!has_effect || before.optional) continue;
      if (!done.contains({one.run, before.name})) {
        broken(self, findings,
               fmt::format("[{}]: {} before it has not succeeded", text_of(one), before.name));
      }
    }
  }
}

// What clients were told of runs that had ended, in order: the same each time.
void terminal_states_are_final(const Evidence& evidence, const Check& self,
                               std::vector<Finding>& findings) {
  std::map<std::string, std::pair<int64_t, std::string>> told;
  for (const auto& question : *evidence.questions) {
    if (question->status != 200 || question->path.find("/flows/") == std::string::npos) continue;
    std::string const id = question->answer.text_or("run", "");
    auto const run = evidence.runs.find(id);
    if (run == evidence.runs.end() || !run->second.flow || run->second.flow->key) continue;
    Json answer = question->answer;
    auto const [before, is_new] = told.emplace(id, std::make_pair(question->number, answer.dump()));
    if (!is_new && before->second.second != answer.dump()) {
      broken(self, findings,
             fmt::format("run {} was {} for #{} and {} for #{}", id, before->second.second,
                         before->second.first, answer.dump(), question->number));
    }
  }
  for (const auto& [id, kept] : evidence.runs) {
    std::set<std::tuple<int32_t, int32_t, int32_t>> ended;
    for (const run::AttemptRow& row : kept.attempts) {
      if (!ended.emplace(row.task.value, row.item.value, row.attempt.value).second) {
        broken(self, findings, fmt::format("an attempt of run {} ended twice", id));
      }
    }
  }
}

// `after` triggers: one run for each run of the flow before that ended as they say.
void what_comes_after_is_there_once(const Evidence& evidence, const Check& self,
                                    std::vector<Finding>& findings) {
  std::map<std::string, int> after;
  for (const auto& [id, kept] : evidence.runs) {
    if (kept.stored.row.flow.value == "follow") ++after[kept.stored.row.key.value];
  }
  const KeptRun* any = nullptr;
  for (const auto& [id, kept] : evidence.runs) {
    if (kept.stored.row.flow.value == "follow" && kept.flow) any = &kept;
  }
  if (any == nullptr) return;
  for (const flow::Trigger& trigger : any->flow->triggers) {
    if (trigger.kind != flow::Trigger::Kind::kAfterFlow) continue;
    for (const auto& [id, kept] : evidence.runs) {
      const run::RunRow& row = kept.stored.row;
      if (row.flow.value != trigger.source) continue;
      bool const succeeded = row.state == run::RunState::kSucceeded;
      bool const fires = trigger.after == flow::Trigger::After::kDone ||
                         (trigger.after == flow::Trigger::After::kSucceeded) == succeeded;
      // A run that failed and was asked for again has ended more than once.
      bool const may_reopen = kept.flow && kept.flow->key.has_value();
      int const count = after["after:" + id];
      if (count > 1 || (fires && count != 1) || (!fires && count != 0 && !may_reopen)) {
        broken(self, findings,
               fmt::format("run {} of {} is {}: {} runs of follow came after it", id,
                           row.flow.value, word(row.state), count));
      }
    }
  }
}

}  // namespace tidemill::sim
