// The dialects of cron, by name. A dialect is stored with every schedule and never guessed.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace tidemill::clock {

// The dialects that can be read.
enum class Dialect {
  kDebian,    // Vixie 3.0pl1 as Debian and Ubuntu ship it, with all it silently accepts
  kTidemill,  // strict; optional seconds and year; L W # H ~; the default for new schedules
};

struct DialectInfo {
  std::string_view name;
  std::string_view what;
  bool is_readable = false;
  Dialect dialect = Dialect::kTidemill;  // only where readable
};

// Every dialect that has a name here, also those whose text cannot be read yet.
std::span<const DialectInfo> dialects();
std::string_view dialect_name(Dialect dialect);
// The error tells an unknown name from a dialect that is known and not yet read.
Result<Dialect> dialect_from_name(std::string_view name);

}  // namespace tidemill::clock
