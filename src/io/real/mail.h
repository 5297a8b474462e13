#pragma once

#include "io/mail.h"

namespace tidemill::io {

// SMTP by libcurl; TLS where the relay offers it, and always with smtps.
class RealMailer final : public Mailer {
 public:
  Status send(const MailRelay& relay, const Mail& mail) override;
};

}  // namespace tidemill::io
