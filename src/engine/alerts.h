// Notices to alerts: who is told, how often, and again until it arrives. The first notice of a flow
// and reason goes out at once; those of the next five minutes go together, with their number. Rows
// in the store keep what has not arrived yet over a crash; a receiver may see an alert twice, with
// the same id.
//
//   notice ──► row (committed with the turn) ──► due ──► channel ──► row removed
//                                                 ▲         │ not taken: later, at growing
//                                                 intervals └─────────┘
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "engine/notices.h"
#include "flow/project.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/random.h"
#include "notify/sender.h"
#include "task/secrets.h"

namespace tidemill::engine {

struct AlertParts {
  io::Clock& clock;
  io::Loop& loop;
  io::Random& random;
  Log& log;
  notify::Sender& sender;
  std::shared_ptr<task::Secrets> secrets;
  flow::Project project;  // its channels, mail and allow_private
  std::function<void(run::Changes, std::function<void(Status)>)> write;
};

// Loop thread only.
class Alerts final : public NoticeSink {
 public:
  explicit Alerts(AlertParts parts) : parts_(std::move(parts)) {}

  void restore(const std::vector<run::AlertRow>& rows) override;
  void begin() override;
  void noticed(const Notice& notice, const flow::Flow& flow, run::Changes& changes) override;
  void durable() override;

  size_t waiting() const { return rows_.size(); }

  static constexpr Duration kWindow = Duration::seconds(300);
  static constexpr Duration kGiveUp = Duration::seconds(86'400);

 private:
  struct Row {
    notify::Alert alert;
    std::string channel;
    Time due;
    int tries = 0;
    bool is_sending = false;
  };
  using Rows = std::map<std::string, Row>;      // by id
  using Windows = std::map<std::string, Time>;  // by flow, reason and channel: when it opened

  void add(const Notice& notice, const flow::Flow& flow, const std::string& channel,
           run::Changes& changes);
  Row* open_row(const std::string& flow, std::string_view reason, const std::string& channel);
  std::string new_id();
  void arm(const std::string& id);
  void deliver(const std::string& id);
  void send(const std::string& id, notify::Channel channel, notify::MailSettings mail);
  void sent(const std::string& id, int64_t count, const Status& status);
  void remove(const std::string& id);
  void keep(const Row& row);
  static run::AlertRow stored(const Row& row);
  static std::string window_key(const std::string& flow, std::string_view reason,
                                const std::string& channel);

  AlertParts parts_;
  Rows rows_;
  Windows windows_;
  Rows proposed_rows_;
  Windows proposed_windows_;
};

}  // namespace tidemill::engine
