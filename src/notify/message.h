// An alert as text. Pure.
#pragma once

#include <string>

#include "base/json.h"
#include "notify/alert.h"

namespace tidemill::notify {

// "Flow decide failed", "Flow decide failed 7 times": one line.
std::string headline(const Alert& alert);
// {"type": "flow.failed", "timestamp": ..., "data": {...}}
Json webhook_body(const Alert& alert);
// {"text": ...}, as Slack and what is like it read it.
Json slack_body(const Alert& alert);
// A whole message of RFC 5322 in UTF-8.
std::string mail_message(const Alert& alert, const std::string& from,
                         const std::vector<std::string>& to, Time now);

}  // namespace tidemill::notify
