#include "clock/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/text.h"
#include "clock/schedule.h"

namespace tidemill::clock {
namespace {

constexpr Time kYear2028 = Time::from_seconds(1'830'297'600);
constexpr Time kYear2029 = Time::from_seconds(1'861'920'000);
constexpr size_t kMostTicks = 5'000'000;
// Ten seconds for each caught-up job, and as much for those that become due meanwhile.
constexpr int64_t kPacing_s = 12;

struct KindName {
  std::string_view name;
  VectorKind kind;
};
constexpr std::array<KindName, 3> kKinds = {{{"cron-syntax", VectorKind::kSyntax},
                                             {"cron-year", VectorKind::kYear},
                                             {"cron-dst", VectorKind::kDst}}};

Comparison disagree(std::string words) { return {Verdict::kDisagrees, std::move(words)}; }

std::string show(const std::vector<int64_t>& minutes) {
  std::string out = "[";
  for (size_t i = 0; i < minutes.size() && i < 6; ++i) {
    out += fmt::format("{}{}", i == 0 ? "" : ",", minutes[i]);
  }
  return out + (minutes.size() > 6 ? fmt::format(",... {} in all]", minutes.size()) : "]");
}

// The distinct minutes in which ticks are due, ascending.
std::vector<int64_t> minutes_of(const std::vector<Tick>& ticks) {
  std::vector<int64_t> minutes;
  for (const Tick& tick : ticks) {
    int64_t const minute = tick.due.seconds() / 60 * 60;
    if (minutes.empty() || minutes.back() != minute) minutes.push_back(minute);
  }
  return minutes;
}

Result<std::vector<int64_t>> numbers(const Json& row, std::string_view name) {
  const Json* list = row.find(name);
  if (list == nullptr || !list->is_array()) {
    return fail(Code::kInvalid, fmt::format("'{}' is missing, expected a list of numbers", name));
  }
  std::vector<int64_t> out;
  for (const Json& item : list->as_array()) {
    if (!item.is_int()) {
      return fail(Code::kInvalid,
                  fmt::format("'{}' holds {}, expected whole numbers", name, item.kind()));
    }
    out.push_back(item.as_int());
  }
  return out;
}

Result<int64_t> number(const Json& row, std::string_view name) {
  const Json* value = row.find(name);
  if (value != nullptr && value->is_int()) return value->as_int();
  return fail(Code::kInvalid, fmt::format("'{}' is missing, expected a whole number", name));
}

Result<std::string> text(const Json& row, std::string_view name) {
  const Json* value = row.find(name);
  if (value != nullptr && value->is_string()) return value->as_string();
  return fail(Code::kInvalid, fmt::format("'{}' is missing, expected text", name));
}

// `dialect`, or debian where the row names none.
Result<Dialect> dialect_of(const Json& row) {
  const Json* value = row.find("dialect");
  if (value == nullptr || value->is_null()) return Dialect::kDebian;
  TIDEMILL_TRY_LET(name, text(row, "dialect"));
  return dialect_from_name(name);
}

// Count and first minutes, which two kinds of row share.
Result<Comparison> compare_minutes(const Json& row, const std::vector<int64_t>& minutes) {
  TIDEMILL_TRY_LET(count, number(row, "count"));
  TIDEMILL_TRY_LET(first, numbers(row, "first"));
  if (count != static_cast<int64_t>(minutes.size())) {
    return disagree(fmt::format("count: expected {}, here {}", count, minutes.size()));
  }
  if (first.size() > minutes.size() || !std::equal(first.begin(), first.end(), minutes.begin())) {
    return disagree(fmt::format("first: expected {}, here {}", show(first), show(minutes)));
  }
  return Comparison{Verdict::kAgrees, {}};
}

Result<Comparison> compare_syntax(const Json& row) {
  TIDEMILL_TRY_LET(entry, text(row, "entry"));
  const Json* accepted = row.find("accepted");
  if (accepted == nullptr || !accepted->is_bool()) {
    return fail(Code::kInvalid, "'accepted' is missing, expected true or false");
  }
  TIDEMILL_TRY_LET(dialect, dialect_of(row));
  ScheduleOptions options;
  std::string const id = row.text_or("id", "job");
  options.id = id;
  auto const schedule = Schedule::parse(entry, dialect, options);
  if (schedule.has_value() != accepted->as_bool()) {
    return disagree(schedule ? "it was rejected, here it is accepted"
                             : "it was accepted, here: " + schedule.error().message);
  }
  if (!schedule) return compare_minutes(row, {});
  TIDEMILL_TRY_LET(ticks, schedule->ticks(kYear2028, kYear2029, kMostTicks));
  return compare_minutes(row, minutes_of(ticks));
}

struct Window {
  Schedule schedule;
  std::vector<Tick> ticks;
};

// Both ends of a window are exclusive.
Result<Window> run_window(const Json& row) {
  TIDEMILL_TRY_LET(entry, text(row, "entry"));
  TIDEMILL_TRY_LET(zone_name, text(row, "zone"));
  TIDEMILL_TRY_LET(after, number(row, "after"));
  TIDEMILL_TRY_LET(before, number(row, "before"));
  if (after < -30'000'000'000 || before > 200'000'000'000) {
    return fail(Code::kInvalid, "the window lies outside the years 1000 to 8000");
  }
  ScheduleOptions options;
  TIDEMILL_TRY_LET(zone, Zone::load(zone_name));
  options.zone = zone;
  TIDEMILL_TRY_LET(dialect, dialect_of(row));
  std::string const id = row.text_or("id", "job");
  options.id = id;
  TIDEMILL_TRY_LET(schedule, Schedule::parse(entry, dialect, options));
  TIDEMILL_TRY_LET(
      ticks, schedule.ticks(Time::from_seconds(after + 1), Time::from_seconds(before), kMostTicks));
  return Window{std::move(schedule), std::move(ticks)};
}

Result<Comparison> compare_year(const Json& row) {
  TIDEMILL_TRY_LET(digest, text(row, "sha256"));
  TIDEMILL_TRY_LET(window, run_window(row));
  std::vector<int64_t> const minutes = minutes_of(window.ticks);
  TIDEMILL_TRY_LET(comparison, compare_minutes(row, minutes));
  if (comparison.verdict != Verdict::kAgrees) return comparison;
  Sha256 sha;
  std::string line;
  for (size_t i = 0; i < minutes.size(); ++i) {
    line = fmt::format("{}{}", i == 0 ? "" : "\n", minutes[i]);
    sha.add(line);
  }
  std::string const ours = sha.finish_hex();
  if (ours != digest) return disagree(fmt::format("sha256: expected {}, here {}", digest, ours));
  return comparison;
}

// True if every minute that only Debian has lies within the time that its catch-ups take,
// from the change on which they are due.
bool is_pacing(const Window& window, const std::vector<int64_t>& runs,
               const std::vector<int64_t>& minutes) {
  if (window.schedule.pattern().is_wild()) return false;
  if (!std::includes(runs.begin(), runs.end(), minutes.begin(), minutes.end())) return false;
  std::vector<int64_t> extra;
  std::set_difference(runs.begin(), runs.end(), minutes.begin(), minutes.end(),
                      std::back_inserter(extra));
  return std::all_of(extra.begin(), extra.end(), [&](int64_t minute) {
    // Ticks due at one instant are caught up one after another.
    for (size_t i = 0; i < window.ticks.size(); ++i) {
      Time const due = window.ticks[i].due;
      int64_t caught_up = 0;
      size_t j = i;
      for (; j < window.ticks.size() && window.ticks[j].due == due; ++j) ++caught_up;
      int64_t const end_s = due.seconds() + 60 + caught_up * kPacing_s;
      if (caught_up > 1 && minute > due.seconds() && minute < end_s) return true;
      i = j - 1;
    }
    return false;
  });
}

Result<Comparison> compare_dst(const Json& row) {
  TIDEMILL_TRY_LET(runs, numbers(row, "runs"));
  TIDEMILL_TRY_LET(launches, number(row, "launches"));
  TIDEMILL_TRY_LET(window, run_window(row));
  std::vector<int64_t> const minutes = minutes_of(window.ticks);
  if (launches != static_cast<int64_t>(window.ticks.size())) {
    return disagree(fmt::format("launches: expected {}, here {}; runs: expected {}, here {}",
                                launches, window.ticks.size(), show(runs), show(minutes)));
  }
  if (runs == minutes) return Comparison{Verdict::kAgrees, {}};
  std::string words =
      fmt::format("runs: expected {} minutes, here {}", runs.size(), minutes.size());
  if (!is_pacing(window, runs, minutes)) return disagree(std::move(words));
  return Comparison{Verdict::kAgreesButForPacing, std::move(words)};
}

}  // namespace

Result<VectorKind> vector_kind_from_name(std::string_view name) {
  std::vector<std::string> valid;
  for (const KindName& row : kKinds) {
    if (row.name == name) return row.kind;
    valid.emplace_back(row.name);
  }
  return fail(Code::kInvalid, fmt::format("'{}' is not a kind of cron vectors, expected one of: {}",
                                          printable(name, 40), join(valid, ", ")));
}

Result<Comparison> compare_with_vector(VectorKind kind, const Json& row) {
  switch (kind) {
    case VectorKind::kSyntax:
      return compare_syntax(row);
    case VectorKind::kYear:
      return compare_year(row);
    case VectorKind::kDst:
      return compare_dst(row);
  }
  return fail(Code::kInternal, "unknown kind of vectors");
}

}  // namespace tidemill::clock
