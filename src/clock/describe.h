// A schedule in plain English.
#pragma once

#include <string>

#include "clock/schedule.h"

namespace tidemill::clock {

// "at 02:00 every day", "every 10 minutes", "at 09:30 on Monday to Friday in January". Made of what
// is run, not of how it is written: "*/60" of the debian dialect reads as minute 0. Without the
// zone.
std::string describe(const Schedule& schedule);

// What a change of the zone's offset does to this schedule, in one sentence. Empty for schedules
// that no change touches ("@every", "@reboot").
std::string describe_clock_changes(const Schedule& schedule);

}  // namespace tidemill::clock
