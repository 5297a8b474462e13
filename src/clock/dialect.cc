#include "clock/dialect.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace tidemill::clock {
namespace {

using enum DstRule;

constexpr std::array<DialectInfo, 14> kDialects = {{
    {"debian", "cron of Debian and Ubuntu (3.0pl1)", true, Dialect::kDebian, kTwoPhase, true},
    {"tidemill", "strict, optional seconds and year", true, Dialect::kTidemill, kTwoPhase, true},
    {"cronie", "cron of Red Hat, Fedora, SUSE and Arch", true, Dialect::kCronie},
    {"vixie4", "vixie cron 4", true, Dialect::kVixie4},
    {"busybox", "crond of busybox", true, Dialect::kBusybox, kClock},
    {"robfig", "robfig/cron 3: Kubernetes CronJob, ofelia", true, Dialect::kRobfig, kClock},
    {"quartz", "Quartz CronExpression", true, Dialect::kQuartz, kFirst},
    {"aws", "EventBridge rules and Scheduler", true, Dialect::kAws, kFirst},
    {"jenkins", "Jenkins triggers", true, Dialect::kJenkins, kClock},
    {"systemd", "OnCalendar of systemd timers", true, Dialect::kSystemd, kFirst},
    {"croniter", "croniter: Airflow", true, Dialect::kCroniter, kClock},
    {"dcron", "dcron"},
    {"fcron", "fcron"},
    {"anacron", "anacron"},
}};

Result<Dialect> find(std::string_view name, bool DialectInfo::* is_allowed, std::string_view why) {
  std::vector<std::string> allowed;
  for (const DialectInfo& info : kDialects) {
    if (info.*is_allowed) allowed.emplace_back(info.name);
  }
  for (const DialectInfo& info : kDialects) {
    if (info.name != name) continue;
    if (info.*is_allowed) return info.dialect;
    return fail(Code::kInvalid, fmt::format("the dialect {} ({}) {}; expected one of: {}", name,
                                            info.what, why, join(allowed, ", ")));
  }
  std::string const near = nearest_word(name, allowed);
  return fail(Code::kInvalid,
              fmt::format("'{}' is not a dialect{}; expected one of: {}", printable(name, 40),
                          near.empty() ? "" : fmt::format(", did you mean {}?", near),
                          join(allowed, ", ")));
}

}  // namespace

std::span<const DialectInfo> dialects() { return kDialects; }

const DialectInfo& dialect_info(Dialect dialect) {
  for (const DialectInfo& info : kDialects) {
    if (info.is_readable && info.dialect == dialect) return info;
  }
  return kDialects[1];
}

std::string_view dialect_name(Dialect dialect) { return dialect_info(dialect).name; }

Result<Dialect> dialect_from_name(std::string_view name) {
  return find(name, &DialectInfo::is_readable, "is not yet read here");
}

Result<Dialect> flow_dialect_from_name(std::string_view name) {
  return find(name, &DialectInfo::is_for_flows,
              "is not one of a flow: write the same in tidemill, and compare the ticks with "
              "'tidemill cron explain'");
}

}  // namespace tidemill::clock
