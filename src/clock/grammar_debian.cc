// The debian dialect: what cron 3.0pl1 of Debian accepts, with all that it skips in silence.
#include <fmt/format.h>

#include "base/text.h"
#include "clock/grammar.h"

namespace tidemill::clock {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Parsed> read() {
    skip_blanks();
    Parsed parsed;
    if (peek() == '@') {
      TIDEMILL_TRY(read_nickname(parsed));
    } else {
      TIDEMILL_TRY(read_fields(parsed.pattern));
    }
    skip_blanks();
    if (at_ < text_.size()) {
      return fail(
          Code::kInvalid,
          fmt::format("column {}: found '{}' after the schedule, expected its end; give the "
                      "schedule without a command",
                      at_ + 1, printable(text_.substr(at_), 40)));
    }
    return parsed;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool is_end() const { return at_ >= text_.size(); }
  void skip_blanks() {
    while (!is_end() && is_blank(text_[at_])) ++at_;
  }
  std::string_view word_at(size_t from) const {
    size_t end = from;
    while (end < text_.size() && !is_blank(text_[end])) ++end;
    return text_.substr(from, end - from);
  }

  tl::unexpected<Error> bad(const FieldInfo& field, std::string_view expected) const {
    std::string_view const found = word_at(at_);
    if (found.empty()) {
      return fail(Code::kInvalid, fmt::format("{} field, column {}: nothing found, expected {}",
                                              field.name, at_ + 1, expected));
    }
    return field_error(field, at_ + 1, found, expected);
  }

  Status read_nickname(Parsed& parsed) {
    std::string_view const word = word_at(at_);
    std::vector<std::string> valid;
    for (const Nickname& nickname : nicknames()) {
      valid.emplace_back(nickname.name);
      if (nickname.name != word) continue;
      at_ += word.size();
      parsed.reboot = nickname.fields.empty();
      if (parsed.reboot) return {};
      TIDEMILL_TRY(Reader(nickname.fields).read_fields(parsed.pattern));
      // Nicknames are FIXED whatever their text, but for @hourly.
      parsed.pattern.minute_star = parsed.pattern.hour_star = false;
      parsed.pattern.hourly = nickname.name == "@hourly";
      return {};
    }
    return fail(Code::kInvalid, fmt::format("column {}: found '{}', expected one of {} (in lower "
                                            "case); debian has no other nickname",
                                            at_ + 1, printable(word, 40), join(valid, ", ")));
  }

  Status read_fields(Pattern& p) {
    uint64_t dom = 0;
    uint64_t month = 0;
    uint64_t dow = 0;
    uint64_t hour = 0;
    TIDEMILL_TRY(read_field(FieldKind::kMinute, p.minute, p.minute_star));
    TIDEMILL_TRY(read_field(FieldKind::kHour, hour, p.hour_star));
    TIDEMILL_TRY(read_field(FieldKind::kDom, dom, p.dom_star));
    bool month_star = false;
    TIDEMILL_TRY(read_field(FieldKind::kMonth, month, month_star));
    TIDEMILL_TRY(read_field(FieldKind::kDow, dow, p.dow_star));
    p.hour = static_cast<uint32_t>(hour);
    p.dom = static_cast<uint32_t>(dom);
    p.month = static_cast<uint32_t>(month);
    // 0 and 7 are both Sunday: either sets both.
    p.dow = static_cast<uint32_t>((dow | dow >> 7) & 0x7F);
    p.days_any = !p.dom_star && !p.dow_star;
    return {};
  }

  // range { ',' range }, then whatever comes up to the next blank is skipped.
  Status read_field(FieldKind kind, uint64_t& set, bool& star) {
    const FieldInfo& field = field_info(kind);
    star = peek() == '*';
    while (true) {
      TIDEMILL_TRY(read_range(field, set));
      if (peek() != ',') break;
      ++at_;
    }
    while (!is_end() && !is_blank(text_[at_])) ++at_;
    skip_blanks();
    return {};
  }

  Status read_range(const FieldInfo& field, uint64_t& set) {
    int64_t low = field.low;
    int64_t high = field.high;
    if (peek() == '*') {
      ++at_;
    } else {
      TIDEMILL_TRY(read_value(field, low));
      high = low;
      if (peek() == '/') return bad(field, "a range before a step: cron wants a-b/step or */step");
      if (peek() != '-') {
        set |= uint64_t{1} << low;
        return {};
      }
      ++at_;
      TIDEMILL_TRY(read_value(field, high));
    }
    int64_t step = 1;
    if (peek() == '/') {
      ++at_;
      TIDEMILL_TRY(read_step(field, step));
    }
    // A range that ends before it begins sets nothing, and that is no error.
    for (int64_t i = low; i <= high; i += step) set |= uint64_t{1} << i;
    return {};
  }

  std::string_view take_alnum() {
    size_t const from = at_;
    while (!is_end() && is_alnum(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }

  // The number of digits, capped far above every limit; -1 if something else is among them.
  static int64_t number_of(std::string_view word) {
    int64_t number = 0;
    for (char c : word) {
      if (!is_digit(c)) return -1;
      number = std::min<int64_t>(number * 10 + (c - '0'), 1'000'000'000);
    }
    return word.empty() ? -1 : number;
  }

  Status read_value(const FieldInfo& field, int64_t& value) {
    size_t const from = at_;
    std::string_view const word = take_alnum();
    value = number_of(word);
    if (value < 0) value = value_of_name(field, word);
    if (value >= field.low && value <= field.high) return {};
    at_ = from;
    return bad(field, fmt::format("* or a number from {} to {}{}", field.low, field.high,
                                  field.names.empty() ? "" : " or a name of three letters"));
  }

  Status read_step(const FieldInfo& field, int64_t& step) {
    size_t const from = at_;
    step = number_of(take_alnum());
    if (step > 0) return {};
    at_ = from;
    return bad(field, "a step of at least 1");
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Parsed> parse_debian(std::string_view text) { return Reader(text).read(); }

}  // namespace tidemill::clock
