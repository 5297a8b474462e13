// Secrets by name: from files, from a command, or from Vault. Values are kept in memory for a short
// time and never written.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/project.h"
#include "io/clock.h"
#include "io/commands.h"
#include "io/executor.h"
#include "io/files.h"
#include "io/http_client.h"
#include "io/loop.h"

namespace tidemill::task {

struct SecretParts {
  io::Clock& clock;
  io::Loop& loop;
  io::Executor& executor;
  io::Files& files;
  io::HttpClient& http;
  io::Commands& commands;
  std::vector<std::string> folders;  // the first that has a file of that name
  flow::SecretSources sources;       // of tidemill.yaml
  std::string path;                  // PATH of the command
  std::string project_folder;
};

// Loop thread only.
class Secrets {
 public:
  using Found = std::function<void(Result<std::string>)>;
  explicit Secrets(SecretParts parts) : parts_(std::move(parts)) {}

  // Answers at once where the value is in a file or still known, else later. A name is letters,
  // digits, '_' and '-'.
  void find(const std::string& name, Found found);

  static constexpr Duration kKept = Duration::seconds(60);
  static constexpr size_t kMaxBytes = 64u << 10;

 private:
  void ask_command(const std::string& name);
  void ask_vault(const std::string& name);
  void answer(const std::string& name, Result<std::string> value);

  struct Known {
    std::string value;
    Elapsed since;
  };
  SecretParts parts_;
  std::map<std::string, Known> known_;
  std::map<std::string, std::vector<Found>> waiting_;  // for an answer that is under way
};

}  // namespace tidemill::task
