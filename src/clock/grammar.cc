#include "clock/grammar.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace tidemill::clock {
namespace {

constexpr size_t kLongestText = 4096;

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

constexpr std::array<FieldInfo, 7> kFields = {{
    {FieldKind::kSecond, "second", 0, 59, {}, 0},
    {FieldKind::kMinute, "minute", 0, 59, {}, 0},
    {FieldKind::kHour, "hour", 0, 23, {}, 0},
    {FieldKind::kDom, "day-of-month", 1, 31, {}, 0},
    {FieldKind::kMonth, "month", 1, 12, kMonths, 1},
    {FieldKind::kDow, "day-of-week", 0, 7, kWeekdays, 0},
    {FieldKind::kYear, "year", kFirstYear, kLastYear, {}, 0},
}};

constexpr std::array<Nickname, 8> kNicknames = {{
    {"@reboot", ""},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
}};

}  // namespace

std::span<const FieldInfo> field_table() { return kFields; }
const FieldInfo& field_info(FieldKind kind) { return kFields[static_cast<size_t>(kind)]; }
std::span<const Nickname> nicknames() { return kNicknames; }

int value_of_name(const FieldInfo& field, std::string_view name) {
  if (name.size() != 3) return -1;
  for (size_t i = 0; i < field.names.size(); ++i) {
    bool same = true;
    for (size_t c = 0; c < 3; ++c) {
      bool const is_letter = (name[c] | 0x20) >= 'a' && (name[c] | 0x20) <= 'z';
      same = same && is_letter && (name[c] | 0x20) == field.names[i][c];
    }
    if (same) return field.names_from + static_cast<int>(i);
  }
  return -1;
}

tl::unexpected<Error> field_error(const FieldInfo& field, size_t column, std::string_view found,
                                  std::string_view expected) {
  return fail(Code::kInvalid, fmt::format("{} field, column {}: found '{}', expected {}",
                                          field.name, column, printable(found, 40), expected));
}

std::vector<Word> words_of(std::string_view text, size_t from) {
  auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  std::vector<Word> words;
  words.reserve(7);
  while (from < text.size()) {
    if (is_blank(text[from])) {
      ++from;
      continue;
    }
    size_t end = from;
    while (end < text.size() && !is_blank(text[end])) ++end;
    words.push_back({text.substr(from, end - from), from + 1});
    from = end;
  }
  return words;
}

void add_to_field(Pattern& pattern, FieldKind kind, int value) {
  switch (kind) {
    case FieldKind::kSecond:
      pattern.second |= uint64_t{1} << value;
      break;
    case FieldKind::kMinute:
      pattern.minute |= uint64_t{1} << value;
      break;
    case FieldKind::kHour:
      pattern.hour |= 1U << value;
      break;
    case FieldKind::kDom:
      pattern.dom |= 1U << value;
      break;
    case FieldKind::kMonth:
      pattern.month |= 1U << value;
      break;
    case FieldKind::kDow:
      pattern.dow |= 1U << (value % 7);
      break;
    case FieldKind::kYear: {
      auto const bit = static_cast<size_t>(value - kFirstYear);
      pattern.years[bit / 64] |= uint64_t{1} << (bit % 64);
      break;
    }
  }
}

Result<Parsed> parse_grammar(std::string_view text, Dialect dialect, std::string_view id, Days days,
                             DstRule dst) {
  if (text.size() > kLongestText) {
    return fail(Code::kInvalid, fmt::format("the schedule has {} bytes, expected at most {}",
                                            text.size(), kLongestText));
  }
  // Only Jenkins has a line of its own for the zone.
  size_t const at = text.find('\n');
  if (at != std::string_view::npos && dialect != Dialect::kJenkins) {
    return fail(Code::kInvalid, fmt::format("column {}: found a line break, expected one schedule "
                                            "on one line",
                                            at + 1));
  }
  if (dialect == Dialect::kTidemill) return parse_tidemill(text, id, days);
  if (days != Days::kUnstated || dst != DstRule::kTwoPhase) {
    return fail(Code::kInvalid,
                fmt::format("'{}' cannot be chosen in the {} dialect, whose rule is fixed; "
                            "remove it, or write the schedule in the tidemill dialect",
                            days != Days::kUnstated ? "days" : "dst", dialect_name(dialect)));
  }
  if (const Traits* traits = traits_of(dialect)) return parse_by_table(text, *traits, id);
  switch (dialect) {
    case Dialect::kBusybox:
      return parse_busybox(text);
    case Dialect::kAws:
      return parse_aws(text);
    case Dialect::kSystemd:
      return parse_systemd(text);
    default:
      return parse_debian(text);
  }
}

}  // namespace tidemill::clock
