// Setups and teardowns are done again in pairs.
#pragma once

#include <vector>

#include "flow/flow.h"

namespace tidemill::run {

// `again` says by task which ones are to be done again. Added: the setups and the teardown of
// every task in between, and the teardown of every setup.
void add_pairs(const flow::Flow& flow, std::vector<bool>& again);

}  // namespace tidemill::run
