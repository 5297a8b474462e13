#include "vendor/vendor_state.h"

#include <algorithm>

namespace tidemill::vendor {

void LimitState::apply(const Limits& limits) {
  if (!limits.rate) {
    rate.reset();
  } else if (rate) {
    rate->set(*limits.rate, limits.burst);
  } else {
    rate.emplace(*limits.rate, limits.burst);
  }
  // Slots once made stay: calls hold them. A product without a limit has one that never refuses.
  constexpr int64_t kNoLimit = INT64_MAX / 2;
  int64_t const count = limits.concurrency.value_or(kNoLimit);
  if (slots) {
    slots->set(count, limits.queue);
  } else {
    slots.emplace(count, limits.queue);
  }
}

bool VendorState::apply(const std::shared_ptr<const Spec>& spec) {
  if (applied == spec) return false;
  applied = spec;
  vendor.apply(spec->limits);
  for (const Product& product : spec->products) products[product.name].apply(product.limits);
  return true;
}

void VendorState::pause(Elapsed until) {
  if (until <= paused_until) return;
  paused_until = until;
  if (vendor.rate) vendor.rate->pause(until.us * 1000);
  for (auto& [name, product] : products) {
    if (product.rate) product.rate->pause(until.us * 1000);
  }
}

Permit VendorState::permit(const std::string& product, Elapsed now, Elapsed deadline) {
  std::vector<Gcra*> limits;
  if (vendor.rate) limits.push_back(&*vendor.rate);
  auto const state = products.find(product);
  if (state != products.end() && state->second.rate) limits.push_back(&*state->second.rate);
  return reserve(limits, paused_until, now, deadline);
}

}  // namespace tidemill::vendor
