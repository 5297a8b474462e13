#include "clock/dialect.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace tidemill::clock {
namespace {

constexpr std::array<DialectInfo, 13> kDialects = {{
    {"debian", "cron of Debian and Ubuntu (3.0pl1)", true, Dialect::kDebian},
    {"tidemill", "strict, optional seconds and year", true, Dialect::kTidemill},
    {"cronie", "cron of Red Hat, Fedora, SUSE and Arch"},
    {"vixie4", "vixie cron 4"},
    {"busybox", "crond of busybox"},
    {"robfig", "robfig/cron 3: Kubernetes CronJob, ofelia"},
    {"quartz", "Quartz CronExpression"},
    {"aws", "EventBridge rules and Scheduler"},
    {"jenkins", "Jenkins triggers"},
    {"systemd", "OnCalendar of systemd timers"},
    {"dcron", "dcron"},
    {"fcron", "fcron"},
    {"anacron", "anacron"},
}};

}  // namespace

std::span<const DialectInfo> dialects() { return kDialects; }

std::string_view dialect_name(Dialect dialect) {
  for (const DialectInfo& info : kDialects) {
    if (info.is_readable && info.dialect == dialect) return info.name;
  }
  return "?";
}

Result<Dialect> dialect_from_name(std::string_view name) {
  std::vector<std::string> names;
  std::vector<std::string> readable;
  for (const DialectInfo& info : kDialects) {
    names.emplace_back(info.name);
    if (info.is_readable) readable.emplace_back(info.name);
    if (info.name != name) continue;
    if (info.is_readable) return info.dialect;
    return fail(Code::kInvalid,
                fmt::format("the dialect {} ({}) is not yet read here; expected one of: {}", name,
                            info.what, join(readable, ", ")));
  }
  std::string const near = nearest_word(name, names);
  return fail(Code::kInvalid,
              fmt::format("'{}' is not a dialect{}; expected one of: {}", printable(name, 40),
                          near.empty() ? "" : fmt::format(", did you mean {}?", near),
                          join(readable, ", ")));
}

}  // namespace tidemill::clock
