// `http`: one request, recorded before and after.
#pragma once

#include <map>
#include <string>

#include "io/http_client.h"
#include "task/work.h"

namespace tidemill::task {

// The request that the settings describe. Hosts of `allow_private` may be reached although their
// addresses are private; `call_id` is the idempotency key.
Result<io::HttpRequest> http_request(const flow::HttpSettings& settings, const flow::Scope& scope,
                                     const std::string& call_id,
                                     const std::vector<std::string>& allow_private);

class HttpRunner final : public Runner {
 public:
  // `allow_private`: hosts that may be reached although their addresses are private.
  HttpRunner(io::HttpClient& http, std::vector<std::string> allow_private);

  void start(const Work& work, const flow::Scope& scope, Done done) override;
  void stop(const Work& work) override;

 private:
  io::HttpClient& http_;
  std::vector<std::string> allow_private_;
  std::map<std::string, io::HttpHandle> open_;  // by attempt id
};

}  // namespace tidemill::task
