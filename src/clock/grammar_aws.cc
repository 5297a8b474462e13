// The aws dialect: cron(...), rate(...) and at(...) of EventBridge.
#include <fmt/format.h>

#include "base/text.h"
#include "clock/grammar.h"
#include "clock/grammar_traits.h"

namespace tidemill::clock {
namespace {

constexpr int64_t kLongestRate = 100'000;

// The text between `name(` and the last ')', or nothing.
std::optional<std::string_view> argument(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || !text.ends_with(')')) return std::nullopt;
  text.remove_prefix(name.size());
  if (!text.starts_with('(')) return std::nullopt;
  return text.substr(1, text.size() - 2);
}

Result<Parsed> read_rate(std::string_view inside) {
  struct Unit {
    std::string_view one;
    std::string_view many;
    int64_t seconds;
  };
  constexpr Unit kUnits[] = {
      {"minute", "minutes", 60}, {"hour", "hours", 3600}, {"day", "days", 86'400}};
  std::vector<Word> const words = words_of(inside, 0);
  int64_t count = 0;
  bool is_number = words.size() == 2 && words[0].text.size() <= 6;
  for (char c : is_number ? words[0].text : std::string_view()) {
    is_number = is_number && c >= '0' && c <= '9';
    count = count * 10 + (c - '0');
  }
  for (const Unit& unit : kUnits) {
    // A value of 1 wants the singular, all others the plural.
    if (!is_number || count < 1 || count > kLongestRate) break;
    if (words[1].text != (count == 1 ? unit.one : unit.many)) continue;
    TIDEMILL_TRY_LET(every, Every::of(Duration::seconds(count * unit.seconds)));
    Parsed parsed;
    parsed.every = every;
    return parsed;
  }
  return fail(Code::kInvalid,
              fmt::format("rate: found '{}', expected a number from 1 and minutes, hours or days "
                          "(in the singular after 1), such as rate(5 minutes)",
                          printable(inside, 40)));
}

Result<Parsed> read_at(std::string_view inside) {
  auto const time = parse_rfc3339(fmt::format("{}Z", inside));
  if (!time || inside.size() != 19 || inside[10] != 'T') {
    return fail(Code::kInvalid,
                fmt::format("at: found '{}', expected local time, such as at(2026-03-01T02:00:00)",
                            printable(inside, 40)));
  }
  return one_instant(*time);
}

}  // namespace

Result<Parsed> one_instant(Time local) {
  int64_t const second = local.seconds();
  int64_t const day = second >= 0 ? second / 86'400 : -((-second + 86'399) / 86'400);
  CivilDate const date = civil_from_days(day);
  if (date.year < kFirstYear || date.year > kLastYear) {
    return fail(Code::kInvalid, fmt::format("found the year {}, expected {} to {}", date.year,
                                            kFirstYear, kLastYear));
  }
  auto const of_day = static_cast<int>(second - day * 86'400);
  Parsed parsed;
  Pattern& p = parsed.pattern;
  p.has_seconds = p.has_years = true;
  p.second = 0;
  p.dow = 0x7F;
  add_to_field(p, FieldKind::kSecond, of_day % 60);
  add_to_field(p, FieldKind::kMinute, of_day / 60 % 60);
  add_to_field(p, FieldKind::kHour, of_day / 3600);
  add_to_field(p, FieldKind::kDom, date.day);
  add_to_field(p, FieldKind::kMonth, date.month);
  add_to_field(p, FieldKind::kYear, static_cast<int>(date.year));
  return parsed;
}

Result<Parsed> parse_aws(std::string_view text) {
  std::string_view const all = trim(text);
  if (auto const inside = argument(all, "rate")) return read_rate(*inside);
  if (auto const inside = argument(all, "at")) return read_at(*inside);
  auto const inside = argument(all, "cron");
  return parse_by_table(inside ? *inside : all, aws_traits(), {});
}

}  // namespace tidemill::clock
