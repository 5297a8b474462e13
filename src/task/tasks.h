// Every kind of task behind one door.
#pragma once

#include <array>
#include <memory>

#include "task/approve.h"
#include "task/calc.h"
#include "task/model.h"
#include "task/process.h"
#include "task/wait.h"
#include "task/work.h"

namespace tidemill::task {

// Loop thread only, but for evaluate().
class Tasks {
 public:
  struct Runners {
    std::unique_ptr<ProcessRunner> process;
    std::unique_ptr<Runner> http;
    std::unique_ptr<Runner> vendor;
    std::unique_ptr<Runner> sql;
    std::unique_ptr<Runner> publish;
    std::unique_ptr<WaitRunner> wait;
    std::unique_ptr<ApproveRunner> approve;
  };
  Tasks(Runners runners, ModelStore& models);

  // A pure task. Any thread.
  run::Outcome evaluate(const flow::Flow& flow, const flow::BundleId& bundle,
                        const flow::Task& task, const flow::Scope& scope);

  void start(const Work& work, const flow::Scope& scope, Done done);
  void stop(const Work& work);
  // Before the first recover(): asks the spawner what runs.
  void prepare_recovery(std::function<void()> ready);
  void recover(const Work& work, const flow::Scope& scope, Done done);
  // After the last recover().
  void recovered();
  void settled(const Work& work);
  // A version of a flow that is no longer used: no task of it will be given any more.
  void forget(const flow::Flow& flow) { calc_.forget(flow); }

  ApproveRunner& approvals() { return *runners_.approve; }
  // What the running tasks of a run wait for.
  std::vector<Waiting> waiting(const std::string& run) const;

 private:
  Runner& runner(flow::Kind kind);

  Runners runners_;
  ModelStore& models_;
  CalcEvaluator calc_;
};

}  // namespace tidemill::task
