// Outgoing mail, through a relay that takes it further.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::io {

struct MailRelay {
  std::string url;  // smtp://mail.example:25 or smtps://mail.example:465
  std::string user;
  std::string password;
  Duration timeout = Duration::seconds(30);
};

struct Mail {
  std::string from;  // an address
  std::vector<std::string> to;
  std::string message;  // headers, an empty line, the text; lines end with CRLF
};

// Thread-safe. Blocking: on a lane, never on the loop.
class Mailer {
 public:
  virtual ~Mailer() = default;
  // The relay has taken it. `invalid`: it refused for good; `unavailable`: try again.
  virtual Status send(const MailRelay& relay, const Mail& mail) = 0;
};

}  // namespace tidemill::io
