#include "flow/graph.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace tidemill::flow {

std::vector<int32_t> topological_order(const Needs& needs) {
  std::vector<std::vector<int32_t>> children(needs.size());
  std::vector<size_t> waiting(needs.size());
  std::priority_queue<int32_t, std::vector<int32_t>, std::greater<>> free;
  for (size_t node = 0; node < needs.size(); ++node) {
    waiting[node] = needs[node].size();
    for (int32_t need : needs[node]) {
      children[static_cast<size_t>(need)].push_back(static_cast<int32_t>(node));
    }
    if (needs[node].empty()) free.push(static_cast<int32_t>(node));
  }
  std::vector<int32_t> order;
  while (!free.empty()) {
    int32_t const node = free.top();
    free.pop();
    order.push_back(node);
    for (int32_t child : children[static_cast<size_t>(node)]) {
      if (--waiting[static_cast<size_t>(child)] == 0) free.push(child);
    }
  }
  return order;
}

std::vector<int32_t> find_circle(const Needs& needs) {
  std::vector<int32_t> const order = topological_order(needs);
  if (order.size() == needs.size()) return {};
  std::vector<char> is_free(needs.size(), 0);
  for (int32_t node : order) is_free[static_cast<size_t>(node)] = 1;
  // Every node left needs another one that is left: walking along needs must come to a circle.
  size_t node = static_cast<size_t>(std::find(is_free.begin(), is_free.end(), 0) - is_free.begin());
  std::vector<int32_t> path;
  std::vector<int32_t> place(needs.size(), -1);
  while (place[node] < 0) {
    place[node] = static_cast<int32_t>(path.size());
    path.push_back(static_cast<int32_t>(node));
    auto const next = std::find_if(needs[node].begin(), needs[node].end(), [&](int32_t need) {
      return is_free[static_cast<size_t>(need)] == 0;
    });
    node = static_cast<size_t>(*next);
  }
  std::vector<int32_t> circle(path.begin() + place[node], path.end());
  std::rotate(circle.begin(), std::min_element(circle.begin(), circle.end()), circle.end());
  return circle;
}

}  // namespace tidemill::flow
