// What all calls of one vendor share. Pure.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vendor/bulkhead.h"
#include "vendor/limiter.h"
#include "vendor/retry.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

struct LimitState {
  std::optional<Bulkhead> slots;
  std::optional<Gcra> rate;

  // Takes over new settings; what was granted and who waits is kept.
  void apply(const Limits& limits);
};

struct VendorState {
  LimitState vendor;
  std::map<std::string, LimitState> products;
  Elapsed paused_until;
  RetryBudget budget;

  std::shared_ptr<const Spec> applied;

  // The spec of the newest call holds; flows of two versions may differ for a while. True if it was
  // another one before: there may be new slots to grant.
  bool apply(const std::shared_ptr<const Spec>& spec);
  // No permit of the vendor before `until`.
  void pause(Elapsed until);
  // A permit of the vendor's and the product's limits, or none of them.
  Permit permit(const std::string& product, Elapsed now, Elapsed deadline);
};

}  // namespace tidemill::vendor
