// `vendor`: a call of a product through the vendor's limits and retries; the raw answer is kept.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "io/files.h"
#include "task/secrets.h"
#include "task/work.h"
#include "vendor/client.h"

namespace tidemill::task {

class VendorRunner final : public Runner {
 public:
  VendorRunner(std::shared_ptr<Secrets> secrets, vendor::Client& client);
  // Secrets of files alone: the first folder that has NAME.
  VendorRunner(std::vector<std::string> secret_folders, vendor::Client& client, io::Files& files);

  void start(const Work& work, const flow::Scope& scope, Done done) override;
  void stop(const Work& work) override;

 private:
  Result<vendor::CallRequest> request_of(const Work& work, const flow::Scope& scope) const;
  Result<std::string> file_secret(const std::string& name) const;
  void find_secret(const std::string& name, Secrets::Found found) const;
  void send(const std::string& id, vendor::CallRequest request, Done done);

  std::shared_ptr<Secrets> secrets_;
  std::vector<std::string> secret_folders_;
  vendor::Client& client_;
  io::Files* files_ = nullptr;
  std::set<std::string> waiting_;                   // for a secret, by attempt id
  std::map<std::string, vendor::CallHandle> open_;  // by attempt id
};

}  // namespace tidemill::task
