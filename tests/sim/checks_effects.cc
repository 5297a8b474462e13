#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "checks_internal.h"

namespace tidemill::sim {
namespace {

struct Place {
  std::string run;
  std::string task;
  int64_t item = -1;
  auto operator<=>(const Place&) const = default;
};

Place place_of(const Happening& one) { return {one.run, one.task, one.item}; }
std::string text_of(const Place& place) {
  if (place.item < 0) return fmt::format("{}/{}", place.run, place.task);
  return fmt::format("{}/{}[{}]", place.run, place.task, place.item);
}

const run::TaskRow* task_row(const Evidence& evidence, const Place& place) {
  auto const run = evidence.runs.find(place.run);
  if (run == evidence.runs.end()) return nullptr;
  for (const run::TaskRow& row : run->second.stored.tasks) {
    if (row.name == place.task && row.item.value == place.item) return &row;
  }
  return nullptr;
}

const flow::Task* task_of(const Evidence& evidence, const Place& place) {
  auto const run = evidence.runs.find(place.run);
  if (run == evidence.runs.end() || !run->second.flow) return nullptr;
  auto const found = run->second.flow->names.find(place.task);
  return found == run->second.flow->names.end() ? nullptr : &run->second.flow->task(found->second);
}

}  // namespace

// No attempt starts twice, and none is beyond what the store knows.
void one_current_attempt(const Evidence& evidence, const Check& self,
                         std::vector<Finding>& findings) {
  std::set<std::string> started;
  std::map<Place, int64_t> sent;
  for (const Happening& one : *evidence.log) {
    if (one.what == What::kStarted && !started.insert(one.subject).second) {
      broken(self, findings, fmt::format("attempt {} was started twice", one.subject));
    }
    if (one.what == What::kStarted) {
      const run::TaskRow* row = task_row(evidence, place_of(one));
      if (row != nullptr && row->attempt.value < one.attempt) {
        broken(self, findings,
               fmt::format("{} ran, the store knows {} attempts", one.subject, row->attempt.value));
      }
    }
    if (one.what == What::kSent && !one.task.empty()) ++sent[place_of(one)];
  }
  for (const auto& [place, count] : sent) {
    const run::TaskRow* row = task_row(evidence, place);
    if (row != nullptr && count > row->attempt.value) {
      broken(self, findings,
             fmt::format("{} sent {} requests in {} attempts", text_of(place), count,
                         row->attempt.value));
    }
  }
}

// What a process or a receiver answered carries who it was; a result must be of the attempt that
// the row names, or of a request of that task.
void results_are_of_their_own_attempt(const Evidence& evidence, const Check& self,
                                      std::vector<Finding>& findings) {
  std::map<std::string, int64_t> codes;                                   // by attempt id
  std::map<Place, std::vector<std::pair<int64_t, std::string>>> replies;  // number, how
  for (const Happening& one : *evidence.log) {
    if (one.what == What::kEnded) codes[one.subject] = one.number;
    if (one.what == What::kReplied && !one.task.empty()) {
      replies[place_of(one)].emplace_back(one.number, one.detail);
    }
  }
  for (const auto& [id, kept] : evidence.runs) {
    for (const run::TaskRow& row : kept.stored.tasks) {
      if (row.state != run::TaskState::kSucceeded || row.width >= 0) continue;
      Place const place{id, row.name, row.item.value};
      const flow::Task* task = task_of(evidence, place);
      if (task == nullptr) continue;
      if (task->kind == flow::Kind::kShell || task->kind == flow::Kind::kPython) {
        std::string const attempt = fmt::format("{}.{}", text_of(place), row.attempt.value);
        auto const code = codes.find(attempt);
        if (code == codes.end() || code->second != 0) {
          broken(self, findings,
                 fmt::format("{} succeeded; its process {}", attempt,
                             code == codes.end() ? "never ended"
                                                 : fmt::format("ended with {}", code->second)));
        }
        if (row.value.find(attempt) == std::string::npos) {
          broken(self, findings, fmt::format("{} has the value {}", attempt, row.value));
        }
      } else if (task->kind == flow::Kind::kHttp) {
        // The n-th request is that of the n-th attempt, unless a death kept one from being sent.
        const auto& list = replies[place];
        bool is_last = false;
        if (!list.empty()) {
          is_last = row.value.find(fmt::format("\"reply\":{}}}", list.back().first)) !=
                        std::string::npos &&
                    list.back().second == "200";
        }
        if (!is_last) {
          broken(self, findings,
                 fmt::format("{} attempt {} succeeded with {}, its last request got {}",
                             text_of(place), row.attempt.value, row.value,
                             list.empty() ? "nothing"
                                          : fmt::format("reply {} ({})", list.back().first,
                                                        list.back().second)));
        }
      }
    }
  }
}

// The other way round: an attempt whose request was answered well did not fail.
void attempts_end_as_they_were_answered(const Evidence& evidence, const Check& self,
                                        std::vector<Finding>& findings) {
  std::map<Place, std::vector<std::string>> replies;
  for (const Happening& one : *evidence.log) {
    if (one.what == What::kReplied && !one.task.empty()) {
      replies[place_of(one)].push_back(one.detail);
    }
  }
  for (const auto& [id, kept] : evidence.runs) {
    for (const run::AttemptRow& row : kept.attempts) {
      if (!kept.flow || row.state != run::TaskState::kFailed) continue;
      const flow::Task& task = kept.flow->task(row.task);
      bool const was_stopped = row.error_code == "denied" || row.error_code == "too_late" ||
                               row.error_code == "unknown";
      if (task.kind != flow::Kind::kHttp || was_stopped) continue;
      Place const place{id, task.name, row.item.value};
      const run::TaskRow* last = task_row(evidence, place);
      const auto& list = replies[place];
      // A request for each attempt, so that the n-th is that of the n-th.
      if (last == nullptr || list.size() != static_cast<size_t>(last->attempt.value)) continue;
      if (list[static_cast<size_t>(row.attempt.value - 1)] == "200") {
        broken(self, findings,
               fmt::format("attempt {} of {} failed ({}), its request got 200", row.attempt.value,
                           text_of(place), row.error));
      }
    }
  }
}

void dead_before_the_next_starts(const Evidence& evidence, const Check& self,
                                 std::vector<Finding>& findings) {
  std::map<Place, const Happening*> alive;
  for (const Happening& one : *evidence.log) {
    if (one.what == What::kStarted) {
      auto const [other, is_free] = alive.emplace(place_of(one), &one);
      if (!is_free) {
        broken(self, findings,
               fmt::format("{} started while {} was running", one.subject, other->second->subject));
      }
    } else if (one.what == What::kEnded) {
      alive.erase(place_of(one));
    } else if (one.what == What::kPowerLost) {
      alive.clear();
    }
  }
}

// At each start: processes of the server, and open runs of a flow.
void limits_hold(const Evidence& evidence, const Check& self, std::vector<Finding>& findings) {
  std::map<std::string, std::string> alive;  // attempt -> run
  for (const Happening& one : *evidence.log) {
    if (one.what == What::kEnded) alive.erase(one.subject);
    if (one.what == What::kPowerLost) alive.clear();
    if (one.what != What::kStarted) continue;
    alive[one.subject] = one.run;
    if (alive.size() > evidence.limits.processes) {
      broken(self, findings,
             fmt::format("{} processes at once, the limit is {}: [{}]", alive.size(),
                         evidence.limits.processes, sim::text_of(one)));
    }
    auto const run = evidence.runs.find(one.run);
    if (run == evidence.runs.end() || !run->second.flow || !run->second.flow->max_running) continue;
    std::set<std::string> runs;
    for (const auto& [attempt, id] : alive) {
      auto const other = evidence.runs.find(id);
      if (other == evidence.runs.end()) continue;
      if (other->second.stored.row.flow == run->second.stored.row.flow) runs.insert(id);
    }
    // A reload may have changed the limit while runs of the version before were open.
    auto const limit = static_cast<size_t>(*run->second.flow->max_running);
    bool one_version = true;
    for (const std::string& id : runs) {
      one_version =
          one_version && evidence.runs.at(id).stored.row.bundle == run->second.stored.row.bundle;
    }
    if (runs.size() > limit && one_version) {
      broken(self, findings,
             fmt::format("{} runs of {} at once, max_running is {}", runs.size(),
                         run->second.stored.row.flow.value, limit));
    }
  }
}

void no_process_is_left(const Evidence& evidence, const Check& self,
                        std::vector<Finding>& findings) {
  if (evidence.processes_left > 0) {
    broken(self, findings,
           fmt::format("{} processes run on when all runs have ended", evidence.processes_left));
  }
}

// Commit, then act: nothing happened outside of which the store knows nothing.
void effects_have_their_rows(const Evidence& evidence, const Check& self,
                             std::vector<Finding>& findings) {
  for (const Happening& one : *evidence.log) {
    bool const is_effect = one.what == What::kStarted || one.what == What::kSent;
    if (!is_effect || one.task.empty()) continue;
    if (!evidence.runs.contains(one.run)) {
      broken(self, findings, fmt::format("[{}]: its run is not stored", sim::text_of(one)));
    } else if (task_row(evidence, place_of(one)) == nullptr) {
      broken(self, findings, fmt::format("[{}]: its task has no row", sim::text_of(one)));
    }
  }
}

void each_line_is_published_once(const Evidence& evidence, const Check& self,
                                 std::vector<Finding>& findings) {
  using LineKey = std::tuple<std::string, std::string, int64_t>;
  std::map<LineKey, int> lines;
  for (const auto& [dataset, text] : evidence.datasets) {
    for (std::string_view line : split(text, '\n')) {
      if (line.empty()) continue;
      auto const json = parse_json(line);
      if (!json) {
        broken(self, findings, fmt::format("{} has a broken line: {}", dataset, line));
        continue;
      }
      LineKey const key{json->text_or("run", ""), json->text_or("task", ""),
                        json->int_or("index", -1)};
      if (++lines[key] > 1) {
        broken(self, findings, fmt::format("{} has twice: {}", dataset, line));
      }
      if (!evidence.runs.contains(std::get<0>(key))) {
        broken(self, findings, fmt::format("{} has a line of no run: {}", dataset, line));
      }
    }
  }
  for (const auto& [id, kept] : evidence.runs) {
    for (const run::TaskRow& row : kept.stored.tasks) {
      const flow::Task* task = task_of(evidence, {id, row.name, row.item.value});
      bool const published = task != nullptr && task->kind == flow::Kind::kPublish &&
                             row.state == run::TaskState::kSucceeded && row.width < 0;
      if (published && !lines.contains({id, row.name, std::max(row.item.value, 0)})) {
        broken(self, findings,
               fmt::format("{}/{} succeeded and its line is not there", id, row.name));
      }
    }
  }
}

// What is refused is told, and what is told to wait is bounded.
void queues_have_their_limit(const Evidence& evidence, const Check& self,
                             std::vector<Finding>& findings) {
  for (const auto& question : *evidence.questions) {
    if (question->status == 429 && !question->answer.find("error")) {
      broken(self, findings, fmt::format("#{} was refused without a reason", question->number));
    }
    if (question->status == 500) {
      broken(self, findings,
             fmt::format("#{} was answered 500: {}", question->number, question->answer.dump()));
    }
  }
}

}  // namespace tidemill::sim
