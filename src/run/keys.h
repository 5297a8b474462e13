// How keys are written. The text of a key is stable for ever: it is what makes a tick run once.
#pragma once

#include <string>
#include <string_view>

#include "run/rows.h"

namespace tidemill::run {

Key cron_key(std::string_view trigger, std::string_view label,
             int fold);                                       // cron:nightly/2026-03-01T02:00/0
Key every_key(std::string_view trigger, Time due);            // every:sweep/2026-03-01T02:00:00Z
Key at_key(std::string_view trigger, Time due);               // at:once/2026-03-01T02:00:00Z
Key after_key(const RunId& upstream);                         // after:01J...
Key dataset_key(std::string_view dataset, int64_t sequence);  // dataset:applications/17
Key call_key(std::string_view principal, std::string_view idempotency_key);
Key manual_key(const RunId& run);
Key sub_key(const RunId& parent, std::string_view task, Item item);  // sub:01J.../decide/3

// The hash that tells two sets of params apart.
std::string body_hash(const Json& params);

}  // namespace tidemill::run
