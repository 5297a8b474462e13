#include "run/keys.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace tidemill::run {

Key cron_key(std::string_view trigger, std::string_view label, int fold) {
  return Key(fmt::format("cron:{}/{}/{}", trigger, label, fold));
}
Key every_key(std::string_view trigger, Time due) {
  return Key(fmt::format("every:{}/{}", trigger, format_rfc3339(due)));
}
Key at_key(std::string_view trigger, Time due) {
  return Key(fmt::format("at:{}/{}", trigger, format_rfc3339(due)));
}
Key after_key(const RunId& upstream) { return Key("after:" + upstream.value); }
Key dataset_key(std::string_view dataset, int64_t sequence) {
  return Key(fmt::format("dataset:{}/{}", dataset, sequence));
}
Key call_key(std::string_view principal, std::string_view idempotency_key) {
  return Key(fmt::format("call:{}/{}", principal, idempotency_key));
}
Key manual_key(const RunId& run) { return Key("manual:" + run.value); }
Key sub_key(const RunId& parent, std::string_view task, Item item) {
  return Key(item == kWhole ? fmt::format("sub:{}/{}", parent.value, task)
                            : fmt::format("sub:{}/{}/{}", parent.value, task, item.value));
}

std::string body_hash(const Json& params) { return sha256_hex(params.dump()).substr(0, 32); }

}  // namespace tidemill::run
