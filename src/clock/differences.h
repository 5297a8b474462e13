// What other dialects would make of the text of a schedule.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "clock/schedule.h"

namespace tidemill::clock {

struct Difference {
  Dialect dialect = Dialect::kDebian;
  enum class Verdict {
    kSame,     // the same ticks over the time compared
    kOther,    // accepted, other ticks
    kRefused,  // not accepted
  } verdict = Verdict::kSame;
  std::string error;                  // of kRefused
  std::vector<std::string> warnings;  // what its own program would log
  std::optional<Time> only_here;      // of kOther: the first tick that only this schedule has,
  std::optional<Time> only_there;     // and the first that only the other one has
};

// Every other readable dialect, in the table's order. Ticks after `now` are compared over 400 days
// or 2,000 ticks, whichever ends first. `id` is for H and ~.
// With `among`, only those dialects are compared.
std::vector<Difference> differences(const Schedule& schedule, std::string_view id, Time now,
                                    std::span<const Dialect> among = {});

// "refused", "other ticks: first at ..., here at ...", "the same": for one line of a table.
std::string describe(const Difference& difference);

}  // namespace tidemill::clock
