// Any text in any zone: the readers answer, and the next hundred ticks go strictly forward.
// Input: byte 0 chooses dialect, days and dst (its upper three bits choose the other dialects);
// bytes 1-2 a zone; bytes 3-8 the instant; the rest is the expression.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "clock/describe.h"
#include "clock/schedule.h"

namespace {

using namespace tidemill;
using namespace tidemill::clock;

constexpr size_t kHeader = 9;

const Zone& zone_of(size_t number) {
  static std::vector<Zone> const zones = [] {
    std::vector<Zone> all;
    for (const std::string& name : Zone::names()) all.push_back(*Zone::load(name));
    return all;
  }();
  return zones[number % zones.size()];
}

void check_ticks(const Schedule& schedule, Time from) {
  std::optional<Tick> tick = schedule.next(from);
  TIDEMILL_CHECK(!tick || tick->due > from);
  for (int i = 0; i < 100 && tick; ++i) {
    std::optional<Tick> const next = schedule.next(*tick);
    std::optional<Tick> const later = schedule.next(tick->due);
    TIDEMILL_CHECK(!later || later->due > tick->due);
    TIDEMILL_CHECK(!next || next->due > tick->due ||
                   (next->due == tick->due && next->label > tick->label));
    TIDEMILL_CHECK(!next || schedule.previous(*next) == tick);
    TIDEMILL_CHECK(!schedule.label_text(*tick).empty());
    tick = next;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kHeader) return 0;
  ScheduleOptions options;
  options.zone = zone_of(data[1] | static_cast<size_t>(data[2]) << 8);
  options.id = "job";
  constexpr Dialect kOthers[] = {Dialect::kCronie,  Dialect::kVixie4,  Dialect::kBusybox,
                                 Dialect::kRobfig,  Dialect::kQuartz,  Dialect::kAws,
                                 Dialect::kJenkins, Dialect::kSystemd, Dialect::kCroniter};
  size_t const other = data[0] >> 5;
  Dialect const dialect = other > 0            ? kOthers[((other - 1) * 2 + (data[0] & 1)) % 9]
                          : (data[0] & 1) != 0 ? Dialect::kTidemill
                                               : Dialect::kDebian;
  if (dialect == Dialect::kTidemill) {
    options.days = static_cast<Days>((data[0] >> 1) % 3);
    options.dst = static_cast<DstRule>(data[0] >> 3 & 3);
  }
  uint64_t seconds = 0;
  for (size_t i = 3; i < kHeader; ++i) seconds = seconds << 8 | data[i];
  auto const span = static_cast<uint64_t>(kLastInstant.seconds() - kFirstInstant.seconds());
  Time const from = kFirstInstant + Duration::seconds(static_cast<int64_t>(seconds % span));

  std::string_view const text(reinterpret_cast<const char*>(data) + kHeader, size - kHeader);
  Result<Schedule> const schedule = Schedule::parse(text, dialect, options);
  if (!schedule) {
    TIDEMILL_CHECK(!schedule.error().message.empty());
    return 0;
  }
  TIDEMILL_CHECK(!describe(*schedule).empty());
  check_ticks(*schedule, from);
  return 0;
}
