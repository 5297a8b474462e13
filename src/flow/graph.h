// The graph of tasks as numbers: order and circles.
#pragma once

#include <cstdint>
#include <vector>

namespace tidemill::flow {

// What each node needs, by index.
using Needs = std::vector<std::vector<int32_t>>;

// Every node after what it needs; among those that are free, the first comes first. Shorter than
// `needs` if there is a circle. (Kahn's algorithm, O(nodes log nodes + edges).)
std::vector<int32_t> topological_order(const Needs& needs);

// One circle, each node needing the next one and the last the first; empty if there is none. The
// node with the lowest index comes first.
std::vector<int32_t> find_circle(const Needs& needs);

}  // namespace tidemill::flow
