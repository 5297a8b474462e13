// The tidemill dialect: strict, so that nothing is silently wrong. What is refused names what other
// dialects would do with it.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "clock/grammar.h"

namespace tidemill::clock {
namespace {

constexpr std::string_view kZonePrefix = "CRON_TZ=";
constexpr int kLastCommonDay = 28;  // H in the day-of-month field chooses a day of every month

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string span_text(int low, int high) {
  return low == high ? fmt::format("{}", low) : fmt::format("{}-{}", low, high);
}

// One field: a list of items, each read from left to right.
class FieldReader {
 public:
  FieldReader(const FieldInfo& field, Word word, std::string_view id, Pattern& pattern)
      : field_(field), word_(word), id_(id), pattern_(pattern) {}

  Status read() {
    if (word_.text == "?") return read_not_given();
    while (true) {
      TIDEMILL_TRY(read_item());
      if (at_ >= word_.text.size()) break;
      if (peek() != ',') return garbage();
      ++at_;
      ++item_;
    }
    if (saw_zero_ && saw_seven_) {
      return refuse(0, word_.text, "either 0 or 7 for Sunday, not both",
                    "both are Sunday in debian, cronie and vixie4; 7 is every day in busybox, an "
                    "error in robfig and Saturday in Quartz");
    }
    return {};
  }

 private:
  struct Range {
    int low;
    int high;
  };

  char peek(size_t ahead = 0) const {
    return at_ + ahead < word_.text.size() ? word_.text[at_ + ahead] : '\0';
  }
  bool is_item_end() const { return at_ >= word_.text.size() || peek() == ','; }
  // The rest of the item that begins at `from`.
  std::string_view item_text(size_t from) const {
    std::string_view const rest = word_.text.substr(from);
    return rest.substr(0, rest.find(','));
  }
  bool take(std::string_view text) {
    if (word_.text.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }

  tl::unexpected<Error> refuse(size_t at, std::string_view found, std::string_view expected,
                               std::string_view elsewhere = {}) const {
    auto error = field_error(field_, word_.column + at, found, expected);
    if (!elsewhere.empty()) error.value().message += fmt::format(". Elsewhere: {}", elsewhere);
    return error;
  }

  tl::unexpected<Error> garbage() const {
    return refuse(at_, word_.text.substr(at_),
                  fmt::format("a comma or the end of the field after '{}'",
                              printable(word_.text.substr(0, at_), 40)),
                  fmt::format("debian reads '{}' and skips the rest; cronie and vixie4 refuse it",
                              printable(word_.text.substr(0, at_), 40)));
  }

  Status read_not_given() {
    if (field_.kind != FieldKind::kDom && field_.kind != FieldKind::kDow) {
      return refuse(0, "?", "'*': only the day fields may be '?', not given",
                    "debian, cronie and vixie4 refuse '?'; robfig reads it as '*'");
    }
    add_range({field_.low, field_.high}, 1);
    return {};
  }

  Status read_item() {
    item_begin_ = at_;
    if (is_item_end()) {
      return refuse(at_, "", "an item before and after each comma",
                    "debian, cronie and vixie4 refuse the field; robfig ignores the empty item");
    }
    if (peek() == '*') {
      ++at_;
      return read_step_of({field_.low, field_.high});
    }
    if (peek() == 'H') return read_hashed();
    if (field_.kind == FieldKind::kDom && peek() == 'L') return read_last_days();
    return read_values();
  }

  // L, L-n, LW
  Status read_last_days() {
    ++at_;
    if (take("W")) {
      pattern_.last_weekday = true;
    } else if (take("-")) {
      size_t const from = at_;
      int const n = take_number();
      if (n < 1 || n > 30) return refuse(from, item_text(from), "L-n with n from 1 to 30");
      pattern_.before_last |= 1U << n;
    } else {
      pattern_.before_last |= 1U;
    }
    return is_item_end() ? Status{} : garbage();
  }

  // a, a-b, a-b/s, a~b, and with a letter behind: nW, nL, n#k
  Status read_values() {
    TIDEMILL_TRY_LET(low, take_value());
    if (field_.kind == FieldKind::kDom && take("W")) {
      pattern_.near_weekday |= 1U << low;
      return is_item_end() ? Status{} : garbage();
    }
    if (field_.kind == FieldKind::kDow && take("L")) {
      pattern_.last_dow |= 1U << (low % 7);
      return is_item_end() ? Status{} : garbage();
    }
    if (field_.kind == FieldKind::kDow && take("#")) return read_nth(low);
    if (take("~")) return read_random(low);
    if (take("-")) {
      TIDEMILL_TRY_LET(high, take_value());
      if (low > high) return refuse_descending({low, high});
      return read_step_of({low, high});
    }
    if (peek() == '/') return refuse_value_step(low);
    add(low);
    return is_item_end() ? Status{} : garbage();
  }

  Status read_nth(int weekday) {
    size_t const from = at_;
    int const k = take_number();
    if (k < 1 || k > 5) return refuse(from, item_text(from), "n#k with k from 1 to 5");
    pattern_.nth_dow |= uint64_t{1} << ((k - 1) * 7 + weekday % 7);
    return is_item_end() ? Status{} : garbage();
  }

  Status read_random(int low) {
    TIDEMILL_TRY_LET(high, take_value());
    if (low > high) return refuse_descending({low, high});
    if (!is_item_end()) return garbage();
    TIDEMILL_TRY_LET(chosen, choose({low, high}));
    add(chosen);
    return {};
  }

  // H, H(a-b), H/s, H(a-b)/s
  Status read_hashed() {
    ++at_;
    if (field_.kind == FieldKind::kYear) {
      return refuse(item_begin_, item_text(item_begin_), "a year; H has no meaning here");
    }
    Range range{field_.low, field_.kind == FieldKind::kDom   ? kLastCommonDay
                            : field_.kind == FieldKind::kDow ? 6
                                                             : field_.high};
    if (take("(")) {
      TIDEMILL_TRY_LET(low, take_value());
      if (!take("-")) return refuse(item_begin_, item_text(item_begin_), "H(a-b)");
      TIDEMILL_TRY_LET(high, take_value());
      if (!take(")")) return refuse(item_begin_, item_text(item_begin_), "H(a-b)");
      if (low > high) return refuse_descending({low, high});
      range = {low, high};
    }
    if (peek() != '/') {
      if (!is_item_end()) return garbage();
      TIDEMILL_TRY_LET(chosen, choose(range));
      add(chosen);
      return {};
    }
    ++at_;
    TIDEMILL_TRY_LET(step, take_step(range.high - range.low + 1));
    if (!is_item_end()) return garbage();
    TIDEMILL_TRY_LET(first, choose({range.low, range.low + step - 1}));
    add_range({first, range.high}, step);
    return {};
  }

  // What may stand behind '*' and a-b.
  Status read_step_of(Range range) {
    int step = 1;
    if (take("/")) {
      int const largest = field_.kind == FieldKind::kYear ? field_.high - field_.low : field_.high;
      TIDEMILL_TRY_LET(taken, take_step(largest));
      step = taken;
    }
    if (!is_item_end()) return garbage();
    add_range(range, step);
    return {};
  }

  Result<int> take_step(int largest) {
    size_t const from = at_;
    int const step = take_number();
    std::string_view const found = item_text(from);
    if (step == 0) {
      return refuse(from, found, "a step of at least 1", "debian refuses it too");
    }
    if (step < 0) return refuse(from, found, fmt::format("a step from 1 to {}", largest));
    if (step > largest) {
      return refuse(from, found, fmt::format("a step from 1 to {}", largest),
                    "debian, cronie, busybox and robfig take only the first value; vixie4 takes "
                    "the whole range");
    }
    return step;
  }

  tl::unexpected<Error> refuse_descending(Range range) const {
    int const top = field_.kind == FieldKind::kDow ? 6 : field_.high;
    return refuse(item_begin_, item_text(item_begin_),
                  fmt::format("a range that goes up: if it is to wrap, write {},{}",
                              span_text(range.low, top), span_text(field_.low, range.high)),
                  "debian accepts it and never runs, cronie too but for x-0; vixie4 and robfig "
                  "refuse it; busybox and Quartz wrap");
  }

  Status refuse_value_step(int value) {
    size_t from = at_ + 1;
    int const step = [&] {
      ++at_;
      return take_number();
    }();
    int const top = field_.kind == FieldKind::kDow ? 6 : field_.high;
    std::string values = fmt::format("{}", value);
    for (int v = value + step, n = 1; step > 0 && v <= top && n < 4; v += step, ++n) {
      values += n == 3 ? ",..." : fmt::format(",{}", v);
    }
    if (step <= 0) return refuse(from, item_text(from), "a range a-b/step or */step");
    return refuse(item_begin_, item_text(item_begin_),
                  fmt::format("a range before the step: write {}-{}/{}", value, top, step),
                  fmt::format("an error in debian, cronie and vixie4; {} in busybox; {} in robfig, "
                              "Quartz and croniter",
                              value, values));
  }

  int take_number() {
    int64_t number = 0;
    size_t const from = at_;
    for (; is_digit(peek()); ++at_) {
      number = std::min<int64_t>(number * 10 + (peek() - '0'), 1'000'000'000);
    }
    return at_ == from ? -1 : static_cast<int>(number);
  }

  Result<int> take_value() {
    size_t const from = at_;
    int value = take_number();
    if (value < 0 && !field_.names.empty()) {
      value = value_of_name(field_, word_.text.substr(at_, 3));
      if (value >= 0) at_ += 3;
      // A letter behind a name is a longer word, but for the L of "friL".
      bool const is_last = field_.kind == FieldKind::kDow && peek() == 'L' && !is_alnum(peek(1));
      if (is_alnum(peek()) && !is_last) value = -1;
    }
    if (value >= field_.low && value <= field_.high) {
      if (field_.kind == FieldKind::kDow) (value == 0 ? saw_zero_ : saw_seven_) |= value % 7 == 0;
      return value;
    }
    at_ = from;
    return refuse(from, item_text(from), expected_value(), elsewhere_for(value));
  }

  std::string expected_value() const {
    std::string text = fmt::format("a number from {} to {}", field_.low, field_.high);
    if (!field_.names.empty()) text += fmt::format(", a name ({}...)", field_.names.front());
    text += ", '*', 'H'";
    if (field_.kind == FieldKind::kDom) text += ", 'L', 'LW', '?'";
    if (field_.kind == FieldKind::kDow) text += ", '?'";
    return text;
  }

  std::string_view elsewhere_for(int value) const {
    if (value < 0) return {};
    return "debian refuses it too; busybox logs an error and fills the field";
  }

  // Chooses from a range by the job's id, the field and the place in its list: the same after every
  // restart, and independent between fields.
  Result<int> choose(Range range) const {
    if (id_.empty()) {
      return refuse(item_begin_, item_text(item_begin_),
                    "an id: H and ~ choose by the stable id of the job, and none is given");
    }
    uint64_t const hash = hash64(fmt::format("{}\n{}\n{}", id_, field_.name, item_));
    return range.low + static_cast<int>(hash % static_cast<uint64_t>(range.high - range.low + 1));
  }

  void add_range(Range range, int step) {
    for (int v = range.low; v <= range.high; v += step) add(v);
  }

  void add(int value) { add_to_field(pattern_, field_.kind, value); }

  const FieldInfo& field_;
  Word word_;
  std::string_view id_;
  Pattern& pattern_;
  size_t at_ = 0;
  size_t item_begin_ = 0;
  int item_ = 0;
  bool saw_zero_ = false;
  bool saw_seven_ = false;
};

bool has_star(std::string_view text) { return text.front() == '*' || text.front() == '?'; }
bool is_open(std::string_view text) { return text == "*" || text == "?"; }

Status apply_day_rule(const Word& dom, const Word& dow, Days days, Pattern& pattern) {
  if (dom.text == "?" && dow.text == "?") {
    return fail(Code::kInvalid,
                fmt::format("day-of-week field, column {}: found '?', expected a value or '*', "
                            "since the day-of-month field is '?' already",
                            dow.column));
  }
  pattern.dom_star = has_star(dom.text);
  pattern.dow_star = has_star(dow.text);
  if (is_open(dom.text) || is_open(dow.text)) return {};
  if (days != Days::kUnstated) {
    pattern.days_any = days == Days::kAny;
    return {};
  }
  // As vixie: a leading star joins the two fields by AND.
  if (pattern.dom_star || pattern.dow_star) return {};
  return fail(
      Code::kInvalid,
      fmt::format("day-of-month field, column {}, and day-of-week field, column {}: found "
                  "'{}' and '{}', both restricted; expected 'days: any' (either of them) or "
                  "'days: all' (both together) with the schedule. Elsewhere: any in "
                  "debian, cronie, vixie4, busybox and robfig; all in fcron; refused by "
                  "Quartz and AWS",
                  dom.column, dow.column, printable(dom.text, 40), printable(dow.text, 40)));
}

Result<Parsed> read_fields(std::span<const Word> words, std::string_view id, Days days) {
  if (words.size() < 5 || words.size() > 7) {
    return fail(Code::kInvalid,
                fmt::format("found {} field{}, expected 5 (minute, hour, day-of-month, month, "
                            "day-of-week), 6 (seconds first) or 7 (year last); give the schedule "
                            "without a command",
                            words.size(), words.size() == 1 ? "" : "s"));
  }
  Parsed parsed;
  Pattern& p = parsed.pattern;
  p.has_seconds = words.size() >= 6;
  p.has_years = words.size() == 7;
  if (p.has_seconds) p.second = 0;
  size_t const first = p.has_seconds ? 0 : 1;
  for (size_t i = 0; i < words.size(); ++i) {
    TIDEMILL_TRY(FieldReader(field_table()[first + i], words[i], id, p).read());
  }
  auto word = [&](FieldKind kind) -> const Word& {
    return words[static_cast<size_t>(kind) - first];
  };
  p.second_star = p.has_seconds && has_star(word(FieldKind::kSecond).text);
  p.minute_star = has_star(word(FieldKind::kMinute).text);
  p.hour_star = has_star(word(FieldKind::kHour).text);
  TIDEMILL_TRY(apply_day_rule(word(FieldKind::kDom), word(FieldKind::kDow), days, p));
  return parsed;
}

Result<Parsed> read_every(std::span<const Word> words) {
  if (words.size() != 2) {
    return fail(Code::kInvalid, fmt::format("column {}: found '@every' with {} words behind it, "
                                            "expected one duration, such as @every 90s",
                                            words[0].column, words.size() - 1));
  }
  Result<Duration> const period = parse_duration(words[1].text);
  if (!period) {
    return fail(Code::kInvalid,
                fmt::format("column {}: {}", words[1].column, period.error().message));
  }
  if (*period < Duration::seconds(1)) {
    return fail(Code::kInvalid,
                fmt::format("column {}: found '@every {}', expected at least 1s; for shorter "
                            "periods use the trigger 'every'",
                            words[1].column, printable(words[1].text, 40)));
  }
  TIDEMILL_TRY_LET(every, Every::of(*period));
  Parsed parsed;
  parsed.every = every;
  return parsed;
}

Result<Parsed> read_nickname(std::span<const Word> words) {
  std::string_view const word = words[0].text;
  if (word == "@every") return read_every(words);
  std::vector<std::string> valid;
  for (const Nickname& nickname : nicknames()) {
    valid.emplace_back(nickname.name);
    if (nickname.name != word) continue;
    if (words.size() > 1) {
      return fail(Code::kInvalid,
                  fmt::format("column {}: found '{}' after {}, expected the end; give the schedule "
                              "without a command",
                              words[1].column, printable(words[1].text, 40), word));
    }
    Parsed parsed;
    parsed.reboot = nickname.fields.empty();
    if (parsed.reboot) return parsed;
    TIDEMILL_TRY_LET(fields, read_fields(words_of(nickname.fields, 0), {}, Days::kUnstated));
    parsed.pattern = fields.pattern;
    // Nicknames are FIXED whatever their text, but for @hourly.
    parsed.pattern.minute_star = parsed.pattern.hour_star = false;
    parsed.pattern.hourly = word == "@hourly";
    return parsed;
  }
  valid.emplace_back("@every <duration>");
  return fail(Code::kInvalid,
              fmt::format("column {}: found '{}', expected one of {} (in lower case, as in debian)",
                          words[0].column, printable(word, 40), join(valid, ", ")));
}

}  // namespace

Result<Parsed> parse_tidemill(std::string_view text, std::string_view id, Days days) {
  size_t from = 0;
  while (from < text.size() && is_blank(text[from])) ++from;
  std::string zone;
  if (text.substr(from, kZonePrefix.size()) == kZonePrefix) {
    size_t const begin = from + kZonePrefix.size();
    from = begin;
    while (from < text.size() && !is_blank(text[from])) ++from;
    zone = std::string(text.substr(begin, from - begin));
    if (zone.empty()) {
      return fail(Code::kInvalid, fmt::format("column {}: found no zone after CRON_TZ=, expected "
                                              "CRON_TZ=Europe/Paris and the fields",
                                              begin + 1));
    }
  }
  std::vector<Word> const words = words_of(text, from);
  if (words.empty()) {
    return fail(Code::kInvalid,
                "the schedule is empty; expected five fields, such as '0 2 * * *', "
                "or a nickname, such as @daily");
  }
  bool const is_nickname = words[0].text.front() == '@';
  auto parsed = is_nickname ? read_nickname(words) : read_fields(words, id, days);
  if (parsed) parsed->zone = std::move(zone);
  return parsed;
}

}  // namespace tidemill::clock
