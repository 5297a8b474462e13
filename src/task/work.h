// One attempt of one task, as the kinds are given it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "flow/flow.h"
#include "flow/scope.h"
#include "run/machine.h"

namespace tidemill::task {

struct Work {
  std::shared_ptr<const flow::Flow> flow;
  flow::BundleId bundle;
  run::TaskRef ref;
  run::Attempt attempt;
  flow::RunFacts run;
  std::string bundle_folder;
  std::optional<Time> started;              // when the attempt began, also after a restart
  std::string principal;                    // who asked for the run; "" : nobody did
  bool is_cancelling = false;               // the whole run is being stopped
  std::optional<Elapsed> elapsed_deadline;  // of the run or of the task, whichever is first

  const flow::Task& task() const { return flow->task(ref.task); }
  // "<run>/<task>[<item>]": the same for every attempt. The idempotency key of calls.
  std::string call_id() const;
  // "<run>/<task>[<item>].<attempt>"
  std::string attempt_id() const;
};

// Called once, later, on the loop's thread.
using Done = std::function<void(run::Outcome)>;

// How one kind of task is done. Loop thread only.
class Runner {
 public:
  virtual ~Runner() = default;
  // The attempt is durable: it may have its effect. `scope` is valid within the call only.
  virtual void start(const Work& work, const flow::Scope& scope, Done done) = 0;
  // Asked to end early; `done` comes as ever.
  virtual void stop(const Work& work) = 0;
  // The server was started again while the attempt was under way: what became of it? By default
  // nobody knows.
  virtual void recover(const Work& work, const flow::Scope& scope, Done done);
  // The attempt's end is durable.
  virtual void settled(const Work& work);
};

}  // namespace tidemill::task
