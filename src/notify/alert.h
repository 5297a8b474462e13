// What is told, and to whom.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"

namespace tidemill::notify {

// Something that people want to know: of one flow, for one reason, maybe several times.
struct Alert {
  std::string id;  // the same for every try, so that a receiver can drop repeats
  std::string flow;
  std::string team;
  std::string reason;  // failed, late, too_long, did_not_run, recovered
  std::string run;     // the last one; "" : there is none
  std::string key;
  std::string text;  // the last error, or what was expected
  int64_t count = 1;
  Time first;
  Time last;
};

struct Channel {
  std::string name;
  enum class Kind { kMail, kWebhook, kSlack } kind = Kind::kWebhook;
  std::vector<std::string> to;  // addresses of a mail
  std::string url;              // of the others
  std::string secret;           // the value that a webhook is signed with; "" : unsigned
  bool is_private = false;      // the address may be private
};

}  // namespace tidemill::notify
