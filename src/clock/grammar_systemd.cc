// The systemd dialect: OnCalendar= of systemd 252. What is refused follows its calendarspec.c: a
// repetition that never repeats, a range that goes down, a star with a step.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "clock/grammar.h"

namespace tidemill::clock {
namespace {

struct Shorthand {
  std::string_view name;
  std::string_view text;
};
constexpr std::array<Shorthand, 13> kShorthands = {{{"minutely", "*-*-* *:*:00"},
                                                    {"hourly", "*-*-* *:00:00"},
                                                    {"daily", "*-*-* 00:00:00"},
                                                    {"weekly", "Mon *-*-* 00:00:00"},
                                                    {"monthly", "*-*-01 00:00:00"},
                                                    {"quarterly", "*-01,04,07,10-01 00:00:00"},
                                                    {"semiannually", "*-01,07-01 00:00:00"},
                                                    {"semi-annually", "*-01,07-01 00:00:00"},
                                                    {"biannually", "*-01,07-01 00:00:00"},
                                                    {"bi-annually", "*-01,07-01 00:00:00"},
                                                    {"annually", "*-01-01 00:00:00"},
                                                    {"anually", "*-01-01 00:00:00"},
                                                    {"yearly", "*-01-01 00:00:00"}}};
// Monday first: a range of weekdays goes up from there. Each after its long form.
constexpr std::array<std::string_view, 14> kWeekdays = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "mon",    "tue",     "wed",       "thu",      "fri",    "sat",      "sun"};
constexpr int64_t kMostNumber = 2'147'483'647;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// value, a..b, value/repeat, a..b/repeat
struct Component {
  int64_t start = 0;
  int64_t stop = -1;
  int64_t repeat = 0;
  size_t column = 0;
};
struct Chain {
  std::vector<Component> components;  // empty: every value
  size_t column = 0;
};

class Reader {
 public:
  Reader(std::string_view text, size_t skipped) : text_(text), skipped_(skipped) {}

  Result<Parsed> read() {
    if (text_.empty()) return bad("weekdays, a date, a time, or a shorthand such as daily");
    TIDEMILL_TRY(read_weekdays());
    if (peek() == '@') return read_unix_time();
    TIDEMILL_TRY(read_date());
    TIDEMILL_TRY(read_time());
    return finish();
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool is_end() const { return at_ >= text_.size(); }
  void skip_blanks() {
    while (peek() == ' ') ++at_;
  }
  tl::unexpected<Error> bad_at(size_t at, std::string_view expected) const {
    std::string_view const found = text_.substr(std::min(at, text_.size()));
    return fail(Code::kInvalid,
                fmt::format("column {}: found '{}', expected {} (in the systemd dialect)",
                            skipped_ + at + 1, printable(found, 40), expected));
  }
  tl::unexpected<Error> bad(std::string_view expected) const { return bad_at(at_, expected); }

  // Monday = 0, or -1.
  int take_weekday() {
    std::string const rest = to_lower_ascii(text_.substr(at_, 10));
    for (size_t i = 0; i < kWeekdays.size(); ++i) {
      if (!rest.starts_with(kWeekdays[i])) continue;
      at_ += kWeekdays[i].size();
      return static_cast<int>(i % 7);
    }
    return -1;
  }

  Status read_weekdays() {
    constexpr std::string_view kExpected = "a weekday, such as Mon, Mon..Fri or Sat,Sun";
    int from = -1;
    bool is_first = true;
    while (true) {
      size_t const begin = at_;
      int const day = take_weekday();
      if (day < 0) return is_first ? Status{} : bad(kExpected);
      if (!is_end() && std::string_view("-., ").find(peek()) == std::string_view::npos) {
        return bad_at(begin, kExpected);
      }
      if (from > day) return bad_at(begin, "a range of weekdays that goes up, Monday first");
      for (int d = from < 0 ? day : from; d <= day; ++d) weekdays_ |= 1U << ((d + 1) % 7);
      if (is_end()) return {};
      if (peek() == ' ') break;
      bool const opens_range = peek() != ',';
      if (opens_range && from >= 0) return bad("a comma or a blank after a range of weekdays");
      if (peek() == '.' && peek(1) != '.') return bad("'..' between two weekdays");
      at_ += peek() == '.' ? 2 : 1;
      from = opens_range ? day : -1;
      if (is_end() || peek() == ' ') {
        if (opens_range) return bad(kExpected);
        break;
      }
      is_first = false;
    }
    skip_blanks();
    return {};
  }

  Result<Parsed> read_unix_time() {
    size_t const begin = at_++;
    int64_t seconds = 0;
    if (!take_number(seconds) || !is_end()) {
      return bad_at(begin, "@ and whole seconds since 1970, alone");
    }
    auto parsed = one_instant(Time::from_seconds(seconds));
    if (!parsed) return bad_at(begin, "an instant of the years 1970 to 2199");
    parsed->zone = "UTC";
    return parsed;
  }

  bool take_number(int64_t& number) {
    if (!is_digit(peek())) return false;
    number = 0;
    for (; is_digit(peek()); ++at_) {
      number = std::min<int64_t>(number * 10 + (peek() - '0'), kMostNumber + 1);
    }
    return number <= kMostNumber;
  }

  // A number of a component; seconds may carry a fraction, of which only zero can be run.
  Status take_value(FieldKind kind, int64_t& value) {
    size_t const begin = at_;
    if (!take_number(value)) return bad_at(begin, "a number or '*'");
    if (kind != FieldKind::kSecond || peek() != '.' || !is_digit(peek(1))) return {};
    ++at_;
    for (; is_digit(peek()); ++at_) {
      if (peek() != '0') {
        return bad_at(begin, "whole seconds: systemd knows fractions, ticks here do not");
      }
    }
    return {};
  }

  Result<Chain> read_chain(FieldKind kind) {
    Chain chain;
    chain.column = at_;
    if (peek() == '*') {
      ++at_;
      return chain;
    }
    while (true) {
      Component c;
      c.column = at_;
      TIDEMILL_TRY(take_value(kind, c.start));
      if (peek() == '.' && peek(1) == '.') {
        at_ += 2;
        TIDEMILL_TRY(take_value(kind, c.stop));
        c.repeat = 1;
      }
      if (peek() == '/') {
        ++at_;
        TIDEMILL_TRY(take_value(kind, c.repeat));
        if (c.repeat == 0) return bad_at(c.column, "a repetition of at least 1");
      }
      if (!is_end() && std::string_view(" ,-~:").find(peek()) == std::string_view::npos) {
        return bad("a comma, '-', ':', '~', a blank or the end");
      }
      chain.components.push_back(c);
      if (peek() != ',') return chain;
      ++at_;
    }
  }

  // [year-]month-day, with ~ in place of the last '-' to count days from the end of the month.
  Status read_date() {
    if (is_end()) return {};
    size_t const begin = at_;
    TIDEMILL_TRY_LET(first, read_chain(FieldKind::kYear));
    if (is_end() || peek() == ':') {
      at_ = begin;  // a time, no date
      return {};
    }
    TIDEMILL_TRY(read_separator());
    TIDEMILL_TRY_LET(second, read_chain(FieldKind::kMonth));
    if (is_end() || peek() == ' ') {
      month_ = std::move(first);
      day_ = std::move(second);
      skip_blanks();
      return {};
    }
    if (from_end_) return bad("a blank or the end: '~' stands before the day");
    TIDEMILL_TRY(read_separator());
    TIDEMILL_TRY_LET(third, read_chain(FieldKind::kDom));
    if (!is_end() && peek() != ' ') return bad("a blank or the end after the date");
    year_ = std::move(first);
    month_ = std::move(second);
    day_ = std::move(third);
    skip_blanks();
    return {};
  }

  Status read_separator() {
    if (peek() != '-' && peek() != '~') return bad("'-' or '~' in a date, ':' in a time");
    from_end_ = peek() == '~';
    ++at_;
    return {};
  }

  Status read_time() {
    if (is_end()) {
      hour_ = minute_ = second_ = zero();
      return {};
    }
    TIDEMILL_TRY_LET(hour, read_chain(FieldKind::kHour));
    hour_ = std::move(hour);
    if (peek() != ':') return bad("':' after the hour");
    ++at_;
    TIDEMILL_TRY_LET(minute, read_chain(FieldKind::kMinute));
    minute_ = std::move(minute);
    second_ = zero();
    if (is_end()) return {};
    if (peek() != ':') return bad("':' or the end after the minute");
    ++at_;
    TIDEMILL_TRY_LET(second, read_chain(FieldKind::kSecond));
    second_ = std::move(second);
    if (!is_end()) return bad("the end after the time");
    return {};
  }

  static Chain zero() { return Chain{{Component{}}, 0}; }

  // As systemd does before it looks whether a chain is valid.
  static void normalize(Chain& chain, FieldKind kind) {
    for (Component& c : chain.components) {
      if (kind == FieldKind::kYear) {
        auto whole_year = [](int64_t& year) {
          if (year >= 0 && year < 100) year += year < 70 ? 2000 : 1900;
        };
        whole_year(c.start);
        whole_year(c.stop);
      }
      if (c.stop > c.start && c.repeat > 0) c.stop -= (c.stop - c.start) % c.repeat;
      if (c.stop == c.start) {
        c.repeat = 0;
        c.stop = -1;
      }
    }
  }

  Status check(const Chain& chain, const FieldInfo& field, int low, int high) const {
    for (const Component& c : chain.components) {
      auto refuse = [&](std::string_view expected) {
        return bad_at(c.column, fmt::format("{} in the {}", expected, field.name));
      };
      bool const is_outside =
          c.start < low || c.start > high || (c.stop >= 0 && (c.stop < low || c.stop > high));
      if (is_outside) return refuse(fmt::format("numbers from {} to {}", low, high));
      if (c.stop >= 0 && c.stop < c.start) return refuse("a range that goes up");
      bool const is_day_from_end = from_end_ && field.kind == FieldKind::kDom;
      int64_t const end = is_day_from_end ? c.start - c.repeat : c.start + c.repeat;
      bool const repeats = c.stop >= 0       ? c.start + c.repeat <= c.stop
                           : is_day_from_end ? end >= low
                                             : end <= high;
      if (!repeats || c.repeat > high - low) return refuse("a repetition that repeats once");
    }
    return {};
  }

  Status fill(Chain chain, FieldKind kind) {
    const FieldInfo& field = field_info(kind);
    bool const is_from_end = from_end_ && kind == FieldKind::kDom;
    int const high = is_from_end ? 28 : field.high;
    normalize(chain, kind);
    TIDEMILL_TRY(check(chain, field, field.low, high));
    if (chain.components.empty()) {
      if (kind == FieldKind::kYear) return {};
      for (int v = field.low; v <= field.high; ++v) add_to_field(pattern_, kind, v);
      return {};
    }
    if (kind == FieldKind::kYear) pattern_.has_years = true;
    for (const Component& c : chain.components) {
      if (is_from_end) {
        fill_from_end(c);
        continue;
      }
      int64_t const stop = c.stop >= 0 ? c.stop : c.repeat > 0 ? high : c.start;
      for (int64_t v = c.start; v <= stop; v += std::max<int64_t>(1, c.repeat)) {
        add_to_field(pattern_, kind, static_cast<int>(v));
      }
    }
    return {};
  }

  // The n-th last day, and from there on towards the end of the month.
  void fill_from_end(const Component& c) {
    int64_t const first = c.stop >= 0 ? c.stop : c.start;
    int64_t const last = c.stop >= 0 ? c.start : c.repeat > 0 ? 1 : c.start;
    for (int64_t n = first; n >= last; n -= std::max<int64_t>(1, c.repeat)) {
      pattern_.before_last |= 1U << (n - 1);
    }
  }

  Result<Parsed> finish() {
    pattern_.has_seconds = true;
    pattern_.second = 0;
    pattern_.dow = weekdays_ == 0 ? 0x7F : weekdays_;
    TIDEMILL_TRY(fill(std::move(year_), FieldKind::kYear));
    TIDEMILL_TRY(fill(std::move(month_), FieldKind::kMonth));
    TIDEMILL_TRY(fill(std::move(day_), FieldKind::kDom));
    TIDEMILL_TRY(fill(std::move(hour_), FieldKind::kHour));
    TIDEMILL_TRY(fill(std::move(minute_), FieldKind::kMinute));
    TIDEMILL_TRY(fill(std::move(second_), FieldKind::kSecond));
    Parsed parsed;
    parsed.pattern = pattern_;
    return parsed;
  }

  std::string_view text_;
  size_t skipped_;
  size_t at_ = 0;
  uint32_t weekdays_ = 0;
  bool from_end_ = false;
  Chain year_, month_, day_, hour_, minute_, second_;
  Pattern pattern_;
};

bool is_same_word(std::string_view a, std::string_view b) {
  return to_lower_ascii(a) == to_lower_ascii(b);
}

}  // namespace

Result<Parsed> parse_systemd(std::string_view text) {
  size_t const skipped = std::min(text.find_first_not_of(" \t"), text.size());
  std::string_view body = trim(text);
  std::string zone;
  // The last word is a zone if there is one of its name.
  if (size_t const blank = body.rfind(' '); blank != std::string_view::npos) {
    std::string_view const last = body.substr(blank + 1);
    bool const is_utc = is_same_word(last, "utc");
    bool const may_be_zone = !last.empty() && last.find(':') == std::string_view::npos &&
                             (last[0] >= 'A' && last[0] <= 'Z') && Zone::load(last);
    if (is_utc || may_be_zone) {
      zone = is_utc ? "UTC" : std::string(last);
      body = trim(body.substr(0, blank));
    }
  }
  for (const Shorthand& shorthand : kShorthands) {
    if (is_same_word(shorthand.name, body)) body = shorthand.text;
  }
  auto parsed = Reader(body, skipped).read();
  if (parsed && parsed->zone.empty()) parsed->zone = std::move(zone);
  return parsed;
}

}  // namespace tidemill::clock
