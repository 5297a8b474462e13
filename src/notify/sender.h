// Sends one alert to one channel, once. Trying again is the caller's business.
#pragma once

#include <functional>

#include "io/clock.h"
#include "io/executor.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/mail.h"
#include "notify/alert.h"

namespace tidemill::notify {

struct SenderParts {
  io::Clock& clock;
  io::Loop& loop;
  io::Executor& executor;
  io::HttpClient& http;
  io::Mailer& mailer;
};

// How mails leave. Without a relay none can.
struct MailSettings {
  io::MailRelay relay;
  std::string from;
};

// Loop thread only.
class Sender {
 public:
  explicit Sender(SenderParts parts) : parts_(parts) {}
  // `done` comes once, later, on the loop's thread. `invalid`: trying again does not help.
  void send(const Channel& channel, const MailSettings& mail, const Alert& alert,
            std::function<void(Status)> done);

 private:
  void send_mail(const Channel& channel, const MailSettings& mail, const Alert& alert,
                 std::function<void(Status)> done);
  void send_http(const Channel& channel, const Alert& alert, std::function<void(Status)> done);

  SenderParts parts_;
};

}  // namespace tidemill::notify
