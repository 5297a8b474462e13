// `vendor`: a call of a product through the vendor's limits and retries; the raw answer is kept.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/files.h"
#include "task/work.h"
#include "vendor/client.h"

namespace tidemill::task {

class VendorRunner final : public Runner {
 public:
  // Secrets are read from secrets/NAME in the data folder, else in the project's.
  VendorRunner(std::vector<std::string> secret_folders, vendor::Client& client, io::Files& files);

  void start(const Work& work, const flow::Scope& scope, Done done) override;
  void stop(const Work& work) override;

 private:
  Result<vendor::CallRequest> request_of(const Work& work, const flow::Scope& scope) const;
  Result<std::string> secret(const std::string& name) const;

  std::vector<std::string> secret_folders_;
  vendor::Client& client_;
  io::Files& files_;
  std::map<std::string, vendor::CallHandle> open_;  // by attempt id
};

}  // namespace tidemill::task
