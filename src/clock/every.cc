#include "clock/every.h"

#include <fmt/format.h>

#include <algorithm>

namespace tidemill::clock {
namespace {

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Result<Every> Every::of(Duration period) {
  if (period < kShortest || period > kLongest) {
    return fail(Code::kInvalid,
                fmt::format("a period of {} is too {}; expected {} to {}", format_duration(period),
                            period < kShortest ? "short" : "long", format_duration(kShortest),
                            format_duration(kLongest)));
  }
  return Every(period);
}

Result<Every> Every::parse(std::string_view text) {
  TIDEMILL_TRY_LET(period, parse_duration(text));
  return of(period);
}

std::optional<Time> Every::next(Time after) const {
  if (after >= kLastInstant) return std::nullopt;
  Time const from = std::max(after, kFirstInstant - Duration::micros(1));
  Time const tick{(floor_div(from.us, period_.us) + 1) * period_.us};
  if (tick > kLastInstant) return std::nullopt;
  return tick;
}

std::optional<Time> Every::previous(Time before) const {
  if (before <= kFirstInstant) return std::nullopt;
  Time const upto = std::min(before, kLastInstant + Duration::micros(1));
  Time const tick{floor_div(upto.us - 1, period_.us) * period_.us};
  if (tick < kFirstInstant) return std::nullopt;
  return tick;
}

std::string Every::describe() const {
  struct Unit {
    int64_t us;
    std::string_view name;
  };
  constexpr Unit kUnits[] = {{86'400'000'000, "day"}, {3'600'000'000, "hour"},
                             {60'000'000, "minute"},  {1'000'000, "second"},
                             {1'000, "millisecond"},  {1, "microsecond"}};
  std::string out = "every";
  int64_t rest = period_.us;
  for (const Unit& unit : kUnits) {
    int64_t const n = rest / unit.us;
    rest %= unit.us;
    if (n == 0) continue;
    if (n == 1 && rest == 0 && out == "every") return fmt::format("every {}", unit.name);
    out += fmt::format(" {} {}{}", n, unit.name, n == 1 ? "" : "s");
  }
  return out;
}

}  // namespace tidemill::clock
