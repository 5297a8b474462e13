#include "run/control_rows.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace tidemill::run {
namespace {

constexpr std::array<std::pair<BackfillState, std::string_view>, 4> kBackfillStates = {{
    {BackfillState::kRunning, "running"},
    {BackfillState::kPaused, "paused"},
    {BackfillState::kCancelled, "cancelled"},
    {BackfillState::kDone, "done"},
}};

constexpr std::array<std::pair<DeploymentRow::Kind, std::string_view>, 3> kDeploymentKinds = {{
    {DeploymentRow::Kind::kDeploy, "deploy"},
    {DeploymentRow::Kind::kBack, "back"},
    {DeploymentRow::Kind::kFollow, "follow"},
}};

template <class Table, class Value>
std::string_view word_of(const Table& table, Value value) {
  for (const auto& [known, word] : table) {
    if (known == value) return word;
  }
  return "?";
}

template <class Value, class Table>
Result<Value> value_of(const Table& table, std::string_view word, std::string_view what) {
  for (const auto& [value, known] : table) {
    if (known == word) return value;
  }
  return fail(Code::kInvalid, fmt::format("'{}' is not {}", word, what));
}

}  // namespace

std::string_view word(BackfillState state) { return word_of(kBackfillStates, state); }
Result<BackfillState> backfill_state(std::string_view word) {
  return value_of<BackfillState>(kBackfillStates, word, "a backfill's state");
}
std::string_view word(DeploymentRow::Kind kind) { return word_of(kDeploymentKinds, kind); }
Result<DeploymentRow::Kind> deployment_kind(std::string_view word) {
  return value_of<DeploymentRow::Kind>(kDeploymentKinds, word, "a kind of deployment");
}

}  // namespace tidemill::run
