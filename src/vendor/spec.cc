#include "vendor/spec.h"

namespace tidemill::vendor {

bool Product::repeatable() const {
  switch (idempotency) {
    case Idempotency::kKey:
      return true;
    case Idempotency::kNatural:
      return effect == Effect::kRead;
    case Idempotency::kNone:
      return effect == Effect::kRead && (!price || price->is_zero);
  }
  return false;
}

const Product* Spec::product(std::string_view wanted) const {
  for (const Product& candidate : products) {
    if (candidate.name == wanted) return &candidate;
  }
  return nullptr;
}

}  // namespace tidemill::vendor
