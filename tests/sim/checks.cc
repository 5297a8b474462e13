// The table, and what the store's own rows must say.
#include "checks.h"

#include <fmt/format.h>

#include <set>

#include "checks_internal.h"

namespace tidemill::sim {

void broken(const Check& self, std::vector<Finding>& findings, std::string evidence) {
  findings.push_back({self.number, self.name, std::move(evidence)});
}

namespace {

void one_run_per_key(const Evidence& evidence, const Check& self, std::vector<Finding>& findings) {
  std::map<std::pair<std::string, std::string>, std::string> seen;
  for (const auto& [id, kept] : evidence.runs) {
    const run::RunRow& row = kept.stored.row;
    auto const [other, is_new] = seen.emplace(std::make_pair(row.flow.value, row.key.value), id);
    if (!is_new) {
      broken(self, findings,
             fmt::format("runs {} and {} of flow {} both have the key {}", other->second, id,
                         row.flow.value, row.key.value));
    }
  }
  std::set<std::string> keyed;
  for (const run::KeyRow& key : evidence.keys) {
    if (!key.run) continue;
    keyed.insert(key.run->value);
    auto const run = evidence.runs.find(key.run->value);
    if (run == evidence.runs.end()) {
      broken(
          self, findings,
          fmt::format("key {} names run {}, which is not stored", key.key.value, key.run->value));
    } else if (run->second.stored.row.key != key.key) {
      broken(self, findings,
             fmt::format("run {} has key {}, its key row says {}", key.run->value,
                         run->second.stored.row.key.value, key.key.value));
    }
  }
  for (const auto& [id, kept] : evidence.runs) {
    if (!keyed.contains(id)) broken(self, findings, fmt::format("run {} has no key row", id));
  }
}

void everything_comes_to_an_end(const Evidence& evidence, const Check& self,
                                std::vector<Finding>& findings) {
  for (const auto& [id, kept] : evidence.runs) {
    const run::RunRow& row = kept.stored.row;
    if (!run::is_final(row.state)) {
      std::string open;
      for (const auto& task : kept.stored.tasks) {
        if (!run::is_final(task.state)) {
          open += fmt::format(" {}[{}] {} attempt {}", task.name, task.item.value, word(task.state),
                              task.attempt.value);
        }
      }
      broken(self, findings,
             fmt::format("run {} of {} is {} hours after the last request:{}", id, row.flow.value,
                         word(row.state), open));
      continue;
    }
    for (const auto& task : kept.stored.tasks) {
      if (run::is_final(task.state)) continue;
      broken(self, findings,
             fmt::format("run {} is {}, its task {}[{}] is {}", id, word(row.state), task.name,
                         task.item.value, word(task.state)));
    }
  }
  if (evidence.open_runs != 0) {
    broken(self, findings, fmt::format("the engine has {} open runs", evidence.open_runs));
  }
}

// An answer that a client has seen is what the store says, also after everything that happened
// since. A run that may be asked for anew can have gone on.
void acknowledged_is_kept(const Evidence& evidence, const Check& self,
                          std::vector<Finding>& findings) {
  for (const auto& question : *evidence.questions) {
    bool const is_run = question->path.find("/flows/") != std::string::npos;
    if (!is_run || question->status < 200 || question->status > 202) continue;
    std::string const id = question->answer.text_or("run", "");
    auto const run = evidence.runs.find(id);
    if (run == evidence.runs.end()) {
      broken(self, findings,
             fmt::format("#{} was answered {} {}, and there is no such run", question->number,
                         question->status, question->answer.dump()));
      continue;
    }
    std::string const state = question->answer.text_or("state", "");
    const KeptRun& kept = run->second;
    bool const may_go_on = !kept.flow || kept.flow->key.has_value();
    if (question->status != 200 || may_go_on || state == word(kept.stored.row.state)) continue;
    broken(self, findings,
           fmt::format("#{} was told that run {} {}, and it is {}", question->number, id, state,
                       word(kept.stored.row.state)));
  }
}

void one_answer_per_idempotency_key(const Evidence& evidence, const Check& self,
                                    std::vector<Finding>& findings) {
  std::map<std::pair<std::string, std::string>, const Question*> first;
  for (const auto& question : *evidence.questions) {
    std::string const id = question->answer.text_or("run", "");
    bool const is_call = question->path.find("/flows/") != std::string::npos;
    if (question->key.empty() || id.empty() || !is_call || question->status >= 300) continue;
    auto const [other, is_new] =
        first.emplace(std::make_pair(question->path, question->key), question.get());
    if (!is_new && other->second->answer.text_or("run", "") != id &&
        other->second->body.find("params")->dump() == question->body.find("params")->dump()) {
      broken(self, findings,
             fmt::format("{} with key {} was run {} for #{} and run {} for #{}", question->path,
                         question->key, other->second->answer.text_or("run", ""),
                         other->second->number, id, question->number));
    }
  }
}

void the_store_is_whole(const Evidence& evidence, const Check& self,
                        std::vector<Finding>& findings) {
  if (evidence.integrity != "ok") broken(self, findings, "SQLite says: " + evidence.integrity);
  for (const auto& [id, kept] : evidence.runs) {
    if (!kept.flow) broken(self, findings, fmt::format("the bundle of run {} cannot be read", id));
  }
}

// After a failed sync nobody is answered and nothing begins until the server has ended.
void nothing_after_a_failed_sync(const Evidence& evidence, const Check& self,
                                 std::vector<Finding>& findings) {
  const Happening* failed = nullptr;
  for (const Happening& one : *evidence.log) {
    if (one.what == What::kSyncFailed) failed = &one;
    if (one.what == What::kServerKilled || one.what == What::kPowerLost) failed = nullptr;
    bool const is_act =
        one.what == What::kStarted || one.what == What::kSent || one.what == What::kAnswered;
    if (failed != nullptr && is_act) {
      broken(self, findings, fmt::format("after [{}] came [{}]", text_of(*failed), text_of(one)));
    }
  }
}

const std::vector<Check> kChecks = {
    {1, "one_run_per_key", one_run_per_key},
    {2, "every_tick_is_accounted_for", every_tick_is_accounted_for},
    {4, "one_current_attempt", one_current_attempt},
    {4, "results_are_of_their_own_attempt", results_are_of_their_own_attempt},
    {4, "attempts_end_as_they_were_answered", attempts_end_as_they_were_answered},
    {5, "dead_before_the_next_starts", dead_before_the_next_starts},
    {6, "everything_comes_to_an_end", everything_comes_to_an_end},
    {7, "terminal_states_are_final", terminal_states_are_final},
    {8, "tasks_start_when_their_rule_allows", tasks_start_when_their_rule_allows},
    {8, "states_follow_the_rules", states_follow_the_rules},
    {9, "limits_hold", limits_hold},
    {11, "no_process_is_left", no_process_is_left},
    {12, "no_tick_runs_twice", no_tick_runs_twice},
    {13, "acknowledged_is_kept", acknowledged_is_kept},
    {13, "effects_have_their_rows", effects_have_their_rows},
    {14, "nothing_after_a_failed_sync", nothing_after_a_failed_sync},
    {15, "the_store_is_whole", the_store_is_whole},
    {16, "each_line_is_published_once", each_line_is_published_once},
    {31, "what_comes_after_is_there_once", what_comes_after_is_there_once},
    {32, "one_answer_per_idempotency_key", one_answer_per_idempotency_key},
    {34, "queues_have_their_limit", queues_have_their_limit},
};

}  // namespace

const std::vector<Check>& all_checks() { return kChecks; }

std::vector<Finding> check_all(const Evidence& evidence) {
  std::vector<Finding> findings;
  for (const Check& check : kChecks) check.run(evidence, check, findings);
  return findings;
}

}  // namespace tidemill::sim
