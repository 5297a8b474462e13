// The real store behind faults and mutants of a simulation.
#pragma once

#include <functional>
#include <optional>

#include "io/loop.h"
#include "store/hooked_store.h"

namespace tidemill::sim {

struct FrontRules {
  std::function<std::optional<Code>()> refuses;  // asked before each commit
  bool keys_are_free = false;
  bool answers_first = false;
};

store::StoreHooks front_hooks(io::Loop& loop, const FrontRules& rules);

}  // namespace tidemill::sim
