#include "task/tasks.h"

#include "base/check.h"

namespace tidemill::task {

Tasks::Tasks(Runners runners, ModelStore& models) : runners_(std::move(runners)), models_(models) {}

run::Outcome Tasks::evaluate(const flow::Flow& flow, const flow::BundleId& bundle,
                             const flow::Task& task, const flow::Scope& scope) {
  Json detail;
  auto value = task.kind == flow::Kind::kModel ? score(models_, bundle, task, scope, detail)
                                               : calc_.evaluate(flow, task, scope);
  if (!value) {
    Error error = value.error();
    error.message = error.text();
    error.context.clear();
    return run::Outcome::failure(std::move(error), std::move(detail));
  }
  return run::Outcome::success(std::move(*value), std::move(detail));
}

Runner& Tasks::runner(flow::Kind kind) {
  switch (kind) {
    case flow::Kind::kShell:
    case flow::Kind::kPython:
      return *runners_.process;
    case flow::Kind::kHttp:
      return *runners_.http;
    case flow::Kind::kVendor:
      return *runners_.vendor;
    case flow::Kind::kSql:
      return *runners_.sql;
    case flow::Kind::kPublish:
      return *runners_.publish;
    case flow::Kind::kWait:
      return *runners_.wait;
    case flow::Kind::kApprove:
      return *runners_.approve;
    case flow::Kind::kCalc:
    case flow::Kind::kModel:
    case flow::Kind::kFlow:
      break;
  }
  TIDEMILL_CHECK(false);
  return *runners_.process;
}

void Tasks::start(const Work& work, const flow::Scope& scope, Done done) {
  runner(work.task().kind).start(work, scope, std::move(done));
}
void Tasks::stop(const Work& work) { runner(work.task().kind).stop(work); }
void Tasks::prepare_recovery(std::function<void()> ready) {
  runners_.process->ask_spawner(std::move(ready));
}
void Tasks::recover(const Work& work, const flow::Scope& scope, Done done) {
  runner(work.task().kind).recover(work, scope, std::move(done));
}
void Tasks::recovered() { runners_.process->recovered(); }
std::vector<Waiting> Tasks::waiting(const std::string& run) const {
  std::vector<Waiting> list;
  if (runners_.wait) list = runners_.wait->waiting(run);
  if (!runners_.approve) return list;
  for (Waiting& one : runners_.approve->waiting(run)) list.push_back(std::move(one));
  return list;
}
void Tasks::settled(const Work& work) { runner(work.task().kind).settled(work); }

}  // namespace tidemill::task
