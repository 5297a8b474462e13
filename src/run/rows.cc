#include "run/rows.h"

#include <fmt/format.h>

#include <array>

namespace tidemill::run {
namespace {

constexpr std::array<std::string_view, 5> kRunWords = {"queued", "running", "succeeded", "failed",
                                                       "cancelled"};
constexpr std::array<std::string_view, 9> kTaskWords = {"waiting",  "ready",           "running",
                                                        "retrying", "succeeded",       "failed",
                                                        "skipped",  "upstream_failed", "cancelled"};

template <class State, size_t N>
Result<State> find(const std::array<std::string_view, N>& words, std::string_view word) {
  for (size_t i = 0; i < N; ++i) {
    if (words[i] == word) return static_cast<State>(i);
  }
  return fail(Code::kInvalid, fmt::format("'{}' is not a state", word));
}

}  // namespace

std::string_view word(RunState state) { return kRunWords[static_cast<size_t>(state)]; }
std::string_view word(TaskState state) { return kTaskWords[static_cast<size_t>(state)]; }
Result<RunState> run_state(std::string_view word) { return find<RunState>(kRunWords, word); }
Result<TaskState> task_state(std::string_view word) { return find<TaskState>(kTaskWords, word); }
bool is_final(RunState state) { return state >= RunState::kSucceeded; }
bool is_final(TaskState state) { return state >= TaskState::kSucceeded; }

bool Changes::empty() const {
  return new_runs.empty() && runs.empty() && keys.empty() && tasks.empty() && attempts.empty() &&
         chains.empty() && triggers.empty() && datasets.empty() && purges.empty() &&
         tokens.empty() && removed_tokens.empty() && control.empty() && alerts.empty() &&
         removed_alerts.empty();
}

}  // namespace tidemill::run
