// The real store behind faults and mutants of a simulation.
#pragma once

#include <memory>
#include <optional>

#include "io/loop.h"
#include "store/store.h"

namespace tidemill::sim {

struct FrontRules {
  std::function<std::optional<Code>()> refuses;  // asked before each commit
  bool keys_are_free = false;
  bool answers_first = false;
};

class FrontStore final : public store::Store {
 public:
  FrontStore(std::unique_ptr<store::Store> inner, io::Loop& loop, FrontRules rules)
      : inner_(std::move(inner)), loop_(loop), rules_(std::move(rules)) {}

  void commit(run::Changes changes, std::function<void(Status)> done) override;
  Result<std::optional<store::StoredKey>> find_key(const flow::FlowName& flow,
                                                   const run::Key& key) override;

  void start_upkeep(store::UpkeepSettings settings) override {
    inner_->start_upkeep(std::move(settings));
  }
  Result<store::Recovered> recover() override { return inner_->recover(); }
  Status put_bundle(const flow::Bundle& bundle) override { return inner_->put_bundle(bundle); }
  Result<flow::Bundle> get_bundle(const flow::BundleId& id) override {
    return inner_->get_bundle(id);
  }
  std::string bundle_folder(const flow::BundleId& id) const override {
    return inner_->bundle_folder(id);
  }
  Result<std::optional<run::StoredRun>> load_run(const run::RunId& id) override {
    return inner_->load_run(id);
  }
  Result<std::vector<run::AttemptRow>> attempts_of(const run::RunId& id) override {
    return inner_->attempts_of(id);
  }
  Result<std::vector<run::RunRow>> list_runs(const store::RunFilter& filter) override {
    return inner_->list_runs(filter);
  }
  Result<std::vector<run::KeyRow>> skipped_keys(const flow::FlowName& flow, size_t limit) override {
    return inner_->skipped_keys(flow, limit);
  }
  Result<std::vector<run::TokenRow>> list_tokens() override { return inner_->list_tokens(); }
  Result<std::vector<run::BackfillRow>> list_backfills(size_t limit) override {
    return inner_->list_backfills(limit);
  }
  Result<std::vector<run::DeploymentRow>> list_deployments(size_t limit) override {
    return inner_->list_deployments(limit);
  }

 private:
  std::unique_ptr<store::Store> inner_;
  io::Loop& loop_;
  FrontRules rules_;
};

}  // namespace tidemill::sim
