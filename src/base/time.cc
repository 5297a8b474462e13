#include "base/time.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace tidemill {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct Unit {
  std::string_view name;
  int64_t us;
};
constexpr std::array<Unit, 7> kUnits = {{{"w", 7 * kMicrosPerDay},
                                         {"d", kMicrosPerDay},
                                         {"h", 3'600'000'000},
                                         {"m", 60'000'000},
                                         {"s", 1'000'000},
                                         {"ms", 1'000},
                                         {"us", 1}}};

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads exactly `count` digits at the front of `text` and removes them; -1 if they are not there.
int64_t take_digits(std::string_view& text, size_t count) {
  if (text.size() < count) return -1;
  int64_t number = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return -1;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

tl::unexpected<Error> bad_time(std::string_view text) {
  return fail(Code::kInvalid, fmt::format("'{}' is not a time; expected RFC 3339, such as "
                                          "2026-03-01T02:00:00Z",
                                          printable(text, 60)));
}

// Reads "Z" or "+hh:mm"; the answer is the offset in microseconds.
bool take_offset(std::string_view& text, int64_t& offset_us) {
  offset_us = 0;
  if (take(text, 'Z') || take(text, 'z')) return true;
  bool const minus = !text.empty() && text.front() == '-';
  if (!take(text, '+') && !take(text, '-')) return false;
  int64_t const hours = take_digits(text, 2);
  if (!take(text, ':')) return false;
  int64_t const minutes = take_digits(text, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  offset_us = (hours * 60 + minutes) * 60'000'000 * (minus ? -1 : 1);
  return true;
}

bool take_fraction(std::string_view& text, int64_t& fraction_us) {
  fraction_us = 0;
  if (!take(text, '.')) return true;
  int64_t scale = 100'000;
  size_t digits = 0;
  while (!text.empty() && is_digit(text.front())) {
    fraction_us += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
    ++digits;
  }
  return digits > 0 && digits <= 9;
}

}  // namespace

int64_t days_from_civil(CivilDate date) {
  int64_t const y = date.year - (date.month <= 2 ? 1 : 0);
  int64_t const era = floor_div(y, 400);
  int64_t const yoe = y - era * 400;
  int64_t const doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  int64_t const doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146'097 + doe - 719'468;
}

CivilDate civil_from_days(int64_t days) {
  int64_t const z = days + 719'468;
  int64_t const era = floor_div(z, 146'097);
  int64_t const doe = z - era * 146'097;
  int64_t const yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  int64_t const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t const mp = (5 * doy + 2) / 153;
  int const day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  int const month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {yoe + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

int days_in_month(int64_t year, int month) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool const leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[static_cast<size_t>(month - 1)];
}

std::string format_rfc3339(Time t) {
  int64_t const days = floor_div(t.us, kMicrosPerDay);
  int64_t rest = t.us - days * kMicrosPerDay;
  CivilDate const date = civil_from_days(days);
  int64_t const fraction = rest % 1'000'000;
  rest /= 1'000'000;
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month,
                                date.day, rest / 3600, rest / 60 % 60, rest % 60);
  if (fraction != 0) {
    out += fmt::format(".{:06}", fraction);
    while (out.back() == '0') out.pop_back();
  }
  return out + "Z";
}

Result<Time> parse_rfc3339(std::string_view text) {
  std::string_view rest = text;
  CivilDate date{};
  date.year = take_digits(rest, 4);
  bool good = take(rest, '-');
  date.month = static_cast<int>(take_digits(rest, 2));
  good = good && take(rest, '-');
  date.day = static_cast<int>(take_digits(rest, 2));
  good = good && (take(rest, 'T') || take(rest, 't') || take(rest, ' '));
  int64_t const hour = take_digits(rest, 2);
  good = good && take(rest, ':');
  int64_t const minute = take_digits(rest, 2);
  good = good && take(rest, ':');
  int64_t const second = take_digits(rest, 2);
  if (!good || date.year < 0 || date.month < 1 || date.month > 12 || date.day < 1 ||
      date.day > days_in_month(date.year, date.month) || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 59) {
    return bad_time(text);
  }
  int64_t fraction_us = 0;
  int64_t offset_us = 0;
  if (!take_fraction(rest, fraction_us) || !take_offset(rest, offset_us) || !rest.empty()) {
    return bad_time(text);
  }
  int64_t const seconds = days_from_civil(date) * 86'400 + hour * 3600 + minute * 60 + second;
  return Time{seconds * 1'000'000 + fraction_us - offset_us};
}

Result<Duration> parse_duration(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return fail(Code::kInvalid,
                fmt::format("'{}' is not a duration ({}); expected a number with a unit, such as "
                            "50ms, 3s, 2m, 1h30m, 7d",
                            printable(text, 40), why));
  };
  if (text.empty()) return bad("it is empty");
  std::string_view rest = text;
  int64_t total = 0;
  int64_t last_unit = INT64_MAX;
  while (!rest.empty()) {
    int64_t number = 0;
    size_t digits = 0;
    while (digits < rest.size() && is_digit(rest[digits])) {
      if (digits == 15) return bad("the number is too long");
      number = number * 10 + (rest[digits++] - '0');
    }
    if (digits == 0) return bad("a number is missing");
    rest.remove_prefix(digits);
    size_t letters = 0;
    while (letters < rest.size() && !is_digit(rest[letters])) ++letters;
    Unit const* unit = find_unit(rest.substr(0, letters));
    if (unit == nullptr) return bad(letters == 0 ? "the unit is missing" : "the unit is unknown");
    if (unit->us >= last_unit) return bad("units must go from large to small, each once");
    if (number > (INT64_MAX / 4 - total) / unit->us) return bad("it is too long");
    total += number * unit->us;
    last_unit = unit->us;
    rest.remove_prefix(letters);
  }
  return Duration{total};
}

std::string format_duration(Duration d) {
  if (d.us == 0) return "0s";
  std::string out = d.us < 0 ? "-" : "";
  int64_t rest = d.us < 0 ? -d.us : d.us;
  for (const Unit& unit : kUnits) {
    if (unit.name == "w" || rest < unit.us) continue;
    out += fmt::format("{}{}", rest / unit.us, unit.name);
    rest %= unit.us;
  }
  return out;
}

}  // namespace tidemill
