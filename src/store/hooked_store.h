// A store in front of another: every call goes on to it, but for those that a hook answers. So
// stores that only read, and the faults of tests, say what they change and nothing else.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "store/store.h"

namespace tidemill::store {

// Each is called in place of the inner store's function, which it may call itself. Null: none.
struct StoreHooks {
  std::function<void(Store& inner, run::Changes, std::function<void(Status)>)> commit;
  std::function<Result<Recovered>(Store& inner)> recover;
  std::function<Status(Store& inner, const flow::Bundle&)> put_bundle;
  std::function<Result<std::optional<StoredKey>>(Store& inner, const flow::FlowName&,
                                                 const run::Key&)>
      find_key;
  std::function<Result<std::optional<run::StoredRun>>(Store& inner, const run::RunId&)> load_run;
};

class HookedStore final : public Store {
 public:
  HookedStore(std::unique_ptr<Store> inner, StoreHooks hooks)
      : inner_(std::move(inner)), hooks_(std::move(hooks)) {}

  void commit(run::Changes changes, std::function<void(Status)> done) override {
    if (hooks_.commit) return hooks_.commit(*inner_, std::move(changes), std::move(done));
    inner_->commit(std::move(changes), std::move(done));
  }
  Result<Recovered> recover() override {
    return hooks_.recover ? hooks_.recover(*inner_) : inner_->recover();
  }
  Status put_bundle(const flow::Bundle& bundle) override {
    return hooks_.put_bundle ? hooks_.put_bundle(*inner_, bundle) : inner_->put_bundle(bundle);
  }
  Result<flow::Bundle> get_bundle(const flow::BundleId& id) override {
    return inner_->get_bundle(id);
  }
  std::string bundle_folder(const flow::BundleId& id) const override {
    return inner_->bundle_folder(id);
  }
  Result<std::optional<StoredKey>> find_key(const flow::FlowName& flow,
                                            const run::Key& key) override {
    return hooks_.find_key ? hooks_.find_key(*inner_, flow, key) : inner_->find_key(flow, key);
  }
  Result<std::optional<run::StoredRun>> load_run(const run::RunId& id) override {
    return hooks_.load_run ? hooks_.load_run(*inner_, id) : inner_->load_run(id);
  }
  Result<std::vector<run::AttemptRow>> attempts_of(const run::RunId& id) override {
    return inner_->attempts_of(id);
  }
  Result<std::vector<run::RunRow>> list_runs(const RunFilter& filter) override {
    return inner_->list_runs(filter);
  }
  Result<std::vector<run::KeyRow>> skipped_keys(const flow::FlowName& flow, size_t limit) override {
    return inner_->skipped_keys(flow, limit);
  }
  Result<std::vector<run::TokenRow>> list_tokens() override { return inner_->list_tokens(); }
  void start_upkeep(UpkeepSettings settings) override { inner_->start_upkeep(std::move(settings)); }
  Result<std::vector<run::BackfillRow>> list_backfills(size_t limit) override {
    return inner_->list_backfills(limit);
  }
  Result<std::optional<run::BackfillRow>> find_backfill(const run::BackfillId& id) override {
    return inner_->find_backfill(id);
  }
  Result<std::vector<run::DeploymentRow>> list_deployments(size_t limit) override {
    return inner_->list_deployments(limit);
  }

 private:
  std::unique_ptr<Store> inner_;
  StoreHooks hooks_;
};

}  // namespace tidemill::store
