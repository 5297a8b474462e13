// `http`: one request, recorded before and after.
#pragma once

#include <map>
#include <string>

#include "io/http_client.h"
#include "task/work.h"

namespace tidemill::task {

class HttpRunner final : public Runner {
 public:
  // `allow_private`: hosts that may be reached although their addresses are private.
  HttpRunner(io::HttpClient& http, std::vector<std::string> allow_private);

  void start(const Work& work, const flow::Scope& scope, Done done) override;
  void stop(const Work& work) override;

 private:
  Result<io::HttpRequest> request_of(const Work& work, const flow::Scope& scope) const;

  io::HttpClient& http_;
  std::vector<std::string> allow_private_;
  std::map<std::string, io::HttpHandle> open_;  // by attempt id
};

}  // namespace tidemill::task
