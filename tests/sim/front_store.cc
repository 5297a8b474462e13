#include "front_store.h"

namespace tidemill::sim {

void FrontStore::commit(run::Changes changes, std::function<void(Status)> done) {
  if (rules_.refuses) {
    if (auto const code = rules_.refuses()) {
      loop_.post([done, code = *code] { done(fail(code, "refused by the simulation")); });
      return;
    }
  }
  if (rules_.keys_are_free) {
    // The rows of keys get a name of their own each, so that none meets another.
    for (run::KeyRow& row : changes.keys) {
      if (row.run) row.key = run::Key(row.key.value + "#" + row.run->value);
    }
  }
  if (rules_.answers_first) {
    loop_.post([done] { done({}); });
    inner_->commit(std::move(changes), [](const Status&) {});
    return;
  }
  inner_->commit(std::move(changes), std::move(done));
}

Result<std::optional<store::StoredKey>> FrontStore::find_key(const flow::FlowName& flow,
                                                             const run::Key& key) {
  if (rules_.keys_are_free) return std::optional<store::StoredKey>();
  return inner_->find_key(flow, key);
}

}  // namespace tidemill::sim
