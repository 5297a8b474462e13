// What happens to flows that people may want to be told of. The engine says it within a turn; rows
// that the listener adds are committed with what happened, so none is lost.
#pragma once

#include <string>
#include <vector>

#include "flow/flow.h"
#include "run/rows.h"

namespace tidemill::engine {

struct Notice {
  enum class Reason { kFailed, kLate, kTooLong, kDidNotRun, kRecovered } reason = Reason::kFailed;
  std::string run;  // "" : there is none
  std::string key;
  std::string text;
  Time at;
};

// The words of flow files: failed, late, too_long, did_not_run, recovered.
std::string_view word(Notice::Reason reason);

// Loop thread only. A turn that cannot be committed never happened: what was noticed in it is said
// again, after another begin().
class NoticeSink {
 public:
  virtual ~NoticeSink() = default;
  // The rows of an earlier start.
  virtual void restore(const std::vector<run::AlertRow>& rows) = 0;
  // Before the first notice of a turn.
  virtual void begin() = 0;
  virtual void noticed(const Notice& notice, const flow::Flow& flow, run::Changes& changes) = 0;
  // What was noticed since begin() is durable.
  virtual void durable() = 0;
};

}  // namespace tidemill::engine
