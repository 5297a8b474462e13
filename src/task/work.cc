#include "task/work.h"

#include <fmt/format.h>

namespace tidemill::task {

std::string Work::call_id() const {
  if (ref.item == run::kWhole) return fmt::format("{}/{}", run.id, task().name);
  return fmt::format("{}/{}[{}]", run.id, task().name, ref.item.value);
}

std::string Work::attempt_id() const { return fmt::format("{}.{}", call_id(), attempt.value); }

void Runner::recover(const Work&, const flow::Scope&, Done done) {
  done(run::Outcome::unknown(
      "the server was stopped while this attempt was under way; nobody knows whether it had its "
      "effect"));
}

void Runner::settled(const Work&) {}

}  // namespace tidemill::task
