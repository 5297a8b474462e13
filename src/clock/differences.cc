#include "clock/differences.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace tidemill::clock {
namespace {

constexpr int kMostCompared = 2'000;
constexpr Duration kSpan = Duration::seconds(400LL * 86'400);

void compare(const Schedule& here, const Schedule& there, Time now, Difference& out) {
  Time const end = std::min(now, kLastInstant - kSpan) + kSpan;
  auto a = here.next(now);
  auto b = there.next(now);
  auto due = [&](const std::optional<Tick>& tick) {
    return tick && tick->due < end ? tick->due : Time{INT64_MAX};
  };
  for (int i = 0; i < kMostCompared; ++i) {
    Time const at_a = due(a);
    Time const at_b = due(b);
    if (at_a.us == INT64_MAX && at_b.us == INT64_MAX) break;
    if (at_a < at_b && !out.only_here) out.only_here = at_a;
    if (at_b < at_a && !out.only_there) out.only_there = at_b;
    if (out.only_here && out.only_there) break;
    if (at_a <= at_b) a = here.next(*a);
    if (at_b <= at_a) b = there.next(*b);
  }
  if (out.only_here || out.only_there) out.verdict = Difference::Verdict::kOther;
}

}  // namespace

std::vector<Difference> differences(const Schedule& schedule, std::string_view id, Time now,
                                    std::span<const Dialect> among) {
  std::vector<Difference> out;
  for (const DialectInfo& info : dialects()) {
    if (!info.is_readable || info.dialect == schedule.dialect()) continue;
    if (!among.empty() && std::find(among.begin(), among.end(), info.dialect) == among.end()) {
      continue;
    }
    Difference difference;
    difference.dialect = info.dialect;
    ScheduleOptions options;
    options.zone = schedule.zone();
    options.id = id.empty() ? "explain" : id;
    auto const other = Schedule::parse(schedule.text(), info.dialect, options);
    if (!other) {
      difference.verdict = Difference::Verdict::kRefused;
      difference.error = other.error().message;
    } else {
      difference.warnings = other->warnings();
      compare(schedule, *other, now, difference);
    }
    out.push_back(std::move(difference));
  }
  return out;
}

std::string describe(const Difference& difference) {
  switch (difference.verdict) {
    case Difference::Verdict::kSame:
      return "the same";
    case Difference::Verdict::kRefused:
      return "refused: " + printable(difference.error, 120);
    case Difference::Verdict::kOther:
      break;
  }
  std::string text = "other ticks";
  if (difference.only_there) {
    text += fmt::format(", also at {}", format_rfc3339(*difference.only_there));
  }
  if (difference.only_here) {
    text += fmt::format(", not at {}", format_rfc3339(*difference.only_here));
  }
  return text;
}

}  // namespace tidemill::clock
