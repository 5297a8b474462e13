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
  kCronie,
  kVixie4,
  kBusybox,
  kRobfig,
  kQuartz,
  kAws,
  kJenkins,
  kSystemd,
  kCroniter,
};

// What a change of the zone's offset does.
enum class DstRule {
  kTwoPhase,  // as cron: fixed times are run once whatever happens, wildcards follow the clock
  kSkip,      // labels in the gap do not run
  kTwice,     // fixed times run again in the repeated hour too
  kOnce,      // wildcards do not run again in the repeated hour
  // The rules of other dialects; no flow can choose them.
  kClock,  // what the clock shows is run: a skipped label never, a repeated one twice
  kFirst,  // a skipped label is never run, a repeated one the first time only
};

struct DialectInfo {
  std::string_view name;
  std::string_view what;
  bool is_readable = false;
  Dialect dialect = Dialect::kTidemill;  // only where readable
  DstRule dst = DstRule::kTwoPhase;      // its rule, or the default where one can be chosen
  bool is_for_flows = false;             // a trigger of a flow may be written in it
};

// Every dialect that has a name here, also those whose text cannot be read yet.
std::span<const DialectInfo> dialects();
std::string_view dialect_name(Dialect dialect);
// The error tells an unknown name from a dialect that is known and not yet read.
Result<Dialect> dialect_from_name(std::string_view name);
// The same for the trigger of a flow, which knows few dialects.
Result<Dialect> flow_dialect_from_name(std::string_view name);
const DialectInfo& dialect_info(Dialect dialect);

}  // namespace tidemill::clock
