#include "engine/notices.h"

#include "engine/turn.h"

namespace tidemill::engine {
namespace {

constexpr size_t kLookedBack = 20;

}  // namespace

std::string_view word(Notice::Reason reason) {
  switch (reason) {
    case Notice::Reason::kFailed:
      return "failed";
    case Notice::Reason::kLate:
      return "late";
    case Notice::Reason::kTooLong:
      return "too_long";
    case Notice::Reason::kDidNotRun:
      return "did_not_run";
    case Notice::Reason::kRecovered:
      return "recovered";
  }
  return "";
}

void Engine::notice(Turn& turn, const flow::Flow& flow, const Notice& notice) {
  if (parts_.notices == nullptr || flow.alerts.empty()) return;
  if (!turn.has_notices) {
    turn.has_notices = true;
    parts_.notices->begin();
    turn.after.push_back([this] { parts_.notices->durable(); });
  }
  parts_.notices->noticed(notice, flow, turn.changes);
}

// Whether the run before this one, of those that ended, had failed.
bool Engine::had_failed_before(const run::RunRow& row) {
  store::RunFilter filter;
  filter.flow = row.flow.value;
  filter.after = row.id.value;
  filter.limit = kLookedBack;
  auto const before = parts_.store.list_runs(filter);
  if (!before) return false;
  for (const run::RunRow& one : *before) {
    if (run::is_final(one.state)) return one.state == run::RunState::kFailed;
  }
  return false;
}

void Engine::notice_end(Turn& turn, const run::Instance& run) {
  if (parts_.notices == nullptr || run.flow->alerts.empty()) return;
  const run::RunRow& row = run.row;
  Notice told{Notice::Reason::kFailed, row.id.value, row.key.value, row.error, turn.now.wall};
  if (row.state == run::RunState::kFailed) {
    notice(turn, *run.flow, told);
  } else if (row.state == run::RunState::kSucceeded && had_failed_before(row)) {
    told.reason = Notice::Reason::kRecovered;
    told.text.clear();
    notice(turn, *run.flow, told);
  }
}

}  // namespace tidemill::engine
