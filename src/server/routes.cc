#include "server/routes.h"

#include "base/text.h"

namespace tidemill::server {
namespace {

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& segments,
             std::vector<std::string>& captures) {
  if (pattern.size() != segments.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].starts_with('{')) {
      captures.push_back(segments[i]);
    } else if (pattern[i] != segments[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    std::vector<std::string> pattern;
    for (std::string_view part : split(route.pattern.substr(1), '/')) pattern.emplace_back(part);
    patterns_.push_back(std::move(pattern));
  }
}

Router::Match Router::find(const Request& request) const {
  Match match;
  for (size_t i = 0; i < routes_.size(); ++i) {
    std::vector<std::string> captures;
    if (!matches(patterns_[i], request.segments, captures)) continue;
    match.path_is_known = true;
    if (routes_[i].method != request.method) continue;
    match.route = &routes_[i];
    match.captures = std::move(captures);
    return match;
  }
  return match;
}

}  // namespace tidemill::server
