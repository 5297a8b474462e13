// `wait`: looks at once and then every so often whether something is there. No slot is held; after
// a restart of the server it looks again. The task's timeout is the engine's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/clock.h"
#include "io/executor.h"
#include "io/files.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "task/databases.h"
#include "task/waiting.h"
#include "task/work.h"

namespace tidemill::task {

struct WaitParts {
  io::Clock& clock;
  io::Loop& loop;
  io::Executor& executor;
  io::Files& files;
  io::HttpClient& http;
  std::string project_folder;
  std::vector<std::string> allow_private;
  // When a dataset was updated last; nothing if never.
  std::function<std::optional<Time>(const std::string& dataset)> dataset_updated;
  std::shared_ptr<Databases> databases = nullptr;  // none: SQLite without secrets
};

class WaitRunner final : public Runner {
 public:
  explicit WaitRunner(WaitParts parts);
  ~WaitRunner() override;

  void start(const Work& work, const flow::Scope& scope, Done done) override;
  void stop(const Work& work) override;
  void recover(const Work& work, const flow::Scope& scope, Done done) override;

  // What the waits of a run wait for.
  std::vector<Waiting> waiting(const std::string& run) const;

 private:
  struct Open;
  // What one look has found.
  struct Look {
    bool is_there = false;
    Json found = Json::object();
    std::string note = {};  // why not
    Error error = {};       // with a message: looking again does not help
  };

  Result<std::shared_ptr<Open>> prepare(const Work& work, const flow::Scope& scope) const;
  void look(const std::string& id);
  void look_at_file(const std::string& id, const Open& open);
  void look_at_url(const std::string& id, Open& open);
  void look_at_rows(const std::string& id, const Open& open);
  Look look_at_dataset(const Open& open) const;
  void looked(const std::string& id, Look look);
  static Look judge(const Open& open, const io::HttpOutcome& outcome);

  WaitParts parts_;
  std::map<std::string, std::shared_ptr<Open>> open_;  // by attempt id
};

// The instant that `until` means. `text` is a timestamp, a date or a time of day ("18:00"); the
// last is of the day that `scheduled_at` has in the zone.
Result<Time> until_time(const std::string& text, const std::string& zone, Time scheduled_at);

}  // namespace tidemill::task
