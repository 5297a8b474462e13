#include "front_store.h"

namespace tidemill::sim {
namespace {

// The rows of keys get a name of their own each, so that none meets another.
void free_keys(run::Changes& changes) {
  for (run::KeyRow& row : changes.keys) {
    if (row.run) row.key = run::Key(row.key.value + "#" + row.run->value);
  }
}

}  // namespace

store::StoreHooks front_hooks(io::Loop& loop, const FrontRules& rules) {
  store::StoreHooks hooks;
  hooks.commit = [&loop, rules](store::Store& inner, run::Changes changes,
                                std::function<void(Status)> done) {
    if (auto const code = rules.refuses ? rules.refuses() : std::nullopt) {
      loop.post([done, code = *code] { done(fail(code, "refused by the simulation")); });
      return;
    }
    if (rules.keys_are_free) free_keys(changes);
    if (rules.answers_first) {
      loop.post([done] { done({}); });
      done = [](const Status&) {};
    }
    inner.commit(std::move(changes), std::move(done));
  };
  if (rules.keys_are_free) {
    hooks.find_key = [](store::Store&, const flow::FlowName&, const run::Key&) {
      return Result<std::optional<store::StoredKey>>(std::nullopt);
    };
  }
  return hooks;
}

}  // namespace tidemill::sim
