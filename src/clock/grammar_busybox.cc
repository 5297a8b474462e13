// The busybox dialect: what crond of busybox 1.35 makes of five fields. It never refuses a line: a
// mistake is logged and what was read until then is run. So the tables are filled in its order.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "clock/grammar.h"

namespace tidemill::clock {
namespace {

constexpr int kFailsafe = 1024;  // steps after which busybox gives up on a range

constexpr std::array<Nickname, 8> kNames = {{{"@reboot", ""},
                                             {"@yearly", "0 0 1 1 *"},
                                             {"@annually", "0 0 1 1 *"},
                                             {"@monthly", "0 0 1 * *"},
                                             {"@weekly", "0 0 * * 0"},
                                             {"@daily", "0 0 * * *"},
                                             {"@midnight", "0 0 * * *"},
                                             {"@hourly", "0 * * * *"}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// One field as busybox keeps it: a flag for each value, counted from 0.
class Table {
 public:
  Table(FieldKind kind, Word word)
      : field_(field_info(kind)),
        word_(word),
        size_(kind == FieldKind::kDom   ? 32
              : kind == FieldKind::kDow ? 7
                                        : field_.high + 1),
        offset_(0) {
    if (kind == FieldKind::kMonth) {
      size_ = 12;
      offset_ = -1;
    }
  }

  void read(std::vector<std::string>& warnings) {
    if (fill()) return;
    warnings.push_back(fmt::format(
        "{} field, column {}: busybox logs a parse error at '{}' and runs what it has read until "
        "then",
        field_.name, word_.column, printable(word_.text, 40)));
  }

  bool is_complete() const {
    return std::all_of(flags_.begin(), flags_.begin() + size_, [](bool b) { return b; });
  }
  void clear() { flags_.fill(false); }
  bool has(int value) const { return flags_[static_cast<size_t>(value)]; }

 private:
  char peek() const { return at_ < word_.text.size() ? word_.text[at_] : '\0'; }

  // As strtol: blanks cannot come, a sign may. Capped far above every limit.
  int take_number() {
    int64_t number = 0;
    bool const is_negative = peek() == '-';
    size_t const from = at_;
    if (peek() == '-' || peek() == '+') ++at_;
    size_t const digits = at_;
    for (; is_digit(peek()); ++at_) {
      number = std::min<int64_t>(number * 10 + (peek() - '0'), 1'000'000'000);
    }
    if (at_ == digits) at_ = from;
    return static_cast<int>(is_negative ? -number : number);
  }

  // False on what busybox calls a parse error; the flags set until then stay.
  bool fill() {
    int low = -1;
    int high = -1;
    int step = 0;
    while (true) {
      if (peek() == '*') {
        low = 0;
        high = size_ - 1;
        step = 1;
        ++at_;
      } else if (is_digit(peek())) {
        (low < 0 ? low : high) = take_number() + offset_;
        step = 1;
      } else if (int const name = value_of_name(field_, word_.text.substr(at_, 3)); name >= 0) {
        at_ += 3;
        (low < 0 ? low : high) = name - field_.names_from;
        step = 1;
      }
      if (step == 0) return false;
      if (peek() == '-' && high < 0) {
        ++at_;
        continue;
      }
      if (high < 0) high = low;
      if (peek() == '/') {
        ++at_;
        step = take_number();
      }
      if (!set_range(low, high, step)) return false;
      if (peek() != ',') break;
      ++at_;
      low = high = -1;
    }
    return at_ >= word_.text.size();
  }

  bool set_range(int low, int high, int step) {
    // Month 0 lies before the table: busybox writes outside of it.
    if (low < 0) return false;
    int due = 1;
    int failsafe = kFailsafe;
    int value = low - 1;
    do {
      value = (value + 1) % size_;
      if (--due == 0) {
        flags_[static_cast<size_t>(value)] = true;
        due = step;
      }
      if (--failsafe == 0) return false;
    } while (value != high);
    return true;
  }

  const FieldInfo& field_;
  Word word_;
  int size_;
  int offset_;
  size_t at_ = 0;
  std::array<bool, 64> flags_{};
};

Parsed read_fields(std::span<const Word> words) {
  constexpr FieldKind kKinds[] = {FieldKind::kMinute, FieldKind::kHour, FieldKind::kDom,
                                  FieldKind::kMonth, FieldKind::kDow};
  Parsed parsed;
  std::vector<Table> tables;
  for (size_t i = 0; i < 5; ++i) {
    tables.emplace_back(kKinds[i], words[i]);
    tables.back().read(parsed.warnings);
  }
  // Where one of the day tables is complete, the other one decides. Day 0 is among the days of the
  // month, so 1-31 is not complete.
  bool const week_used = !tables[4].is_complete();
  bool const days_used = !tables[2].is_complete();
  if (week_used && !days_used) tables[2].clear();
  if (days_used && !week_used) tables[4].clear();
  Pattern& p = parsed.pattern;
  p.days_any = true;
  auto copy = [&](size_t table, int low, int high, int shift) {
    for (int v = low; v <= high; ++v) {
      if (tables[table].has(v + shift)) add_to_field(p, kKinds[table], v);
    }
  };
  copy(0, 0, 59, 0);
  copy(1, 0, 23, 0);
  copy(2, 1, 31, 0);
  copy(3, 1, 12, -1);
  copy(4, 0, 6, 0);
  p.minute_star = words[0].text.front() == '*';
  p.hour_star = words[1].text.front() == '*';
  p.dom_star = words[2].text.front() == '*';
  p.dow_star = words[4].text.front() == '*';
  return parsed;
}

}  // namespace

Result<Parsed> parse_busybox(std::string_view text) {
  std::vector<Word> const words = words_of(text, 0);
  if (!words.empty() && words[0].text.front() == '@') {
    std::vector<std::string> valid;
    for (const Nickname& nickname : kNames) {
      valid.emplace_back(nickname.name);
      if (nickname.name != words[0].text || words.size() > 1) continue;
      Parsed parsed;
      if (!nickname.fields.empty()) parsed = read_fields(words_of(nickname.fields, 0));
      parsed.reboot = nickname.fields.empty();
      return parsed;
    }
    return fail(
        Code::kInvalid,
        fmt::format("column {}: found '{}', expected one alone of {} in the busybox dialect",
                    words[0].column, printable(words[0].text, 40), join(valid, ", ")));
  }
  if (words.size() != 5) {
    return fail(Code::kInvalid,
                fmt::format("found {} field{}, expected 5 (minute, hour, day-of-month, month, "
                            "day-of-week) in the busybox dialect; give the schedule without a "
                            "command",
                            words.size(), words.size() == 1 ? "" : "s"));
  }
  return read_fields(words);
}

}  // namespace tidemill::clock
