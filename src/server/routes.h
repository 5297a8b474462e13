// The one table of routes. Authentication is a property of a route, never of a path's shape.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"

namespace tidemill::server {

enum class Auth {
  kNone,   // listed in docs/api.md: /healthz and /readyz only
  kToken,  // a bearer token, or the Unix socket
  kLocal,  // the Unix socket only
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/v1/flows/{flow}/call": exact segments, {name} matches one
  Auth auth;
  std::string_view summary;
  std::function<void(const Request&, Respond)> handle;
};

class Router {
 public:
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> captures;
    bool path_is_known = false;  // another method would do
  };
  Match find(const Request& request) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> patterns_;
};

}  // namespace tidemill::server
