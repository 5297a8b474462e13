// The dialects whose fields differ only in a few traits: one reader, and the table of the traits.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/text.h"
#include "clock/grammar.h"
#include "clock/grammar_traits.h"
#include "clock/jenkins_hash.h"

namespace tidemill::clock {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr std::array<Nickname, 7> kRobfigNames = {{{"@yearly", "0 0 1 1 *"},
                                                   {"@annually", "0 0 1 1 *"},
                                                   {"@monthly", "0 0 1 * *"},
                                                   {"@weekly", "0 0 * * 0"},
                                                   {"@daily", "0 0 * * *"},
                                                   {"@midnight", "0 0 * * *"},
                                                   {"@hourly", "0 * * * *"}}};
constexpr std::array<Nickname, 7> kJenkinsNames = {{{"@yearly", "H H H H *"},
                                                    {"@annually", "H H H H *"},
                                                    {"@monthly", "H H H * *"},
                                                    {"@weekly", "H H * * H"},
                                                    {"@daily", "H H * * *"},
                                                    {"@midnight", "H H(0-2) * * *"},
                                                    {"@hourly", "H * * * *"}}};
// Airflow adds @quarterly to what croniter knows.
constexpr std::array<Nickname, 8> kAirflowNames = {{{"@yearly", "0 0 1 1 *"},
                                                    {"@annually", "0 0 1 1 *"},
                                                    {"@quarterly", "0 0 1 */3 *"},
                                                    {"@monthly", "0 0 1 * *"},
                                                    {"@weekly", "0 0 * * 0"},
                                                    {"@daily", "0 0 * * *"},
                                                    {"@midnight", "0 0 * * *"},
                                                    {"@hourly", "0 * * * *"}}};

constexpr Traits kCronie = {.name = "cronie",
                            .descending = Traits::Descending::kNever,
                            .has_tilde = true,
                            .vixie_nicknames = true};
constexpr Traits kVixie4 = {.name = "vixie4",
                            .big_step = Traits::BigStep::kWholeRange,
                            .has_dollar = true,
                            .vixie_nicknames = true};
constexpr Traits kRobfig = {.name = "robfig",
                            .dow_high = 6,
                            .value_step = Traits::ValueStep::kToTop,
                            .day_rule = Traits::DayRule::kStarItem,
                            .question_is_star = true,
                            .ignores_empty_items = true,
                            .zone_prefix = true,
                            .has_every = true,
                            .nicknames = kRobfigNames};
constexpr Traits kQuartz = {.name = "quartz",
                            .first = FieldKind::kSecond,
                            .least_fields = 6,
                            .most_fields = 7,
                            .sunday = 1,
                            .dow_high = 7,
                            .descending = Traits::Descending::kWrap,
                            .value_step = Traits::ValueStep::kToTop,
                            .big_step = Traits::BigStep::kRefuse,
                            .day_rule = Traits::DayRule::kOneGiven,
                            .has_quartz_letters = true,
                            .bare_step_is_star = true};
constexpr Traits kAws = {.name = "aws",
                         .least_fields = 6,
                         .most_fields = 6,
                         .sunday = 1,
                         .dow_high = 7,
                         .descending = Traits::Descending::kWrap,
                         .value_step = Traits::ValueStep::kToTop,
                         .big_step = Traits::BigStep::kRefuse,
                         .day_rule = Traits::DayRule::kOneGiven,
                         .has_quartz_letters = true};
constexpr Traits kJenkins = {.name = "jenkins",
                             .big_step = Traits::BigStep::kRefuse,
                             .day_rule = Traits::DayRule::kBoth,
                             .has_names = false,
                             .has_hash = true,
                             .nicknames = kJenkinsNames};
constexpr Traits kCroniter = {.name = "croniter",
                              .descending = Traits::Descending::kWrap,
                              .value_step = Traits::ValueStep::kToTop,
                              .day_rule = Traits::DayRule::kFullSets,
                              .has_croniter_letters = true,
                              .question_is_star = true,
                              .nicknames = kAirflowNames};

struct Shared {
  const Traits& traits;
  std::string_view id;
  JenkinsHash hash;
  Pattern& pattern;
  bool has_dom_star_item = false;
  bool has_dow_star_item = false;
};

// One field: a list of items, each read from left to right.
class FieldReader {
 public:
  FieldReader(FieldKind kind, Word word, Shared& shared)
      : field_(field_info(kind)), traits_(shared.traits), word_(word), shared_(shared) {
    low_ = kind == FieldKind::kDow ? traits_.sunday : field_.low;
    high_ = kind == FieldKind::kDow ? traits_.dow_high : field_.high;
  }

  Status read() {
    size_t items = 0;
    while (true) {
      item_begin_ = at_;
      if (is_item_end() && traits_.ignores_empty_items) {
        // Nothing to add.
      } else {
        TIDEMILL_TRY(read_item());
        ++items;
      }
      if (at_ >= word_.text.size()) break;
      if (peek() != ',') return garbage();
      ++at_;
    }
    if (is_alone_ && items > 1) {
      return refuse(0, word_.text, "one item alone where L, W or # is used");
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
  bool is_dom() const { return field_.kind == FieldKind::kDom; }
  bool is_dow() const { return field_.kind == FieldKind::kDow; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  // Quartz reads its text in capitals, croniter in small letters; the vixie family knows neither.
  bool take_letter(char capital) {
    if ((peek() & ~0x20) != capital || is_digit(peek())) return false;
    ++at_;
    return true;
  }

  std::string item_text() const {
    std::string_view const rest = word_.text.substr(item_begin_);
    return std::string(rest.substr(0, rest.find(',')));
  }
  tl::unexpected<Error> refuse(size_t at, std::string_view found, std::string_view expected) const {
    return field_error(field_, word_.column + at, found,
                       fmt::format("{} (in the {} dialect)", expected, traits_.name));
  }
  tl::unexpected<Error> refuse_item(std::string_view expected) const {
    return refuse(item_begin_, item_text(), expected);
  }
  tl::unexpected<Error> garbage() const {
    return refuse(at_, word_.text.substr(at_),
                  fmt::format("a comma or the end of the field after '{}'",
                              printable(word_.text.substr(0, at_), 40)));
  }
  Status end_of_item() const { return is_item_end() ? Status{} : garbage(); }

  Status read_item() {
    if (is_item_end()) return refuse(at_, "", "an item before and after each comma");
    if (peek() == '*') {
      ++at_;
      return read_star();
    }
    if (peek() == '?') return read_question();
    if (peek() == '/' && traits_.bare_step_is_star) return read_star();
    if (peek() == '~' && traits_.has_tilde) return read_tilde(low_);
    if (peek() == 'H' && traits_.has_hash) return read_hashed();
    if (peek() == '$' && traits_.has_dollar && is_dom()) {
      ++at_;
      shared_.pattern.before_last |= 1U;
      return end_of_item();
    }
    if ((peek() & ~0x20) == 'L' && (traits_.has_quartz_letters || traits_.has_croniter_letters)) {
      return read_last();
    }
    return read_values();
  }

  Status read_star() {
    // robfig takes a '*' or '?' before a hyphen for the whole range.
    if (traits_.question_is_star && traits_.has_every && peek() == '-') {
      while (!is_item_end() && peek() != '/') ++at_;
    }
    int step = 1;
    TIDEMILL_TRY(read_step({low_, high_}, step));
    if (step == 1) (is_dom() ? shared_.has_dom_star_item : shared_.has_dow_star_item) |= is_day();
    // 0 and 7 are both Sunday: a star means each day once.
    int const top = is_dow() && high_ - low_ == 7 ? high_ - 1 : high_;
    add_range({low_, top}, step);
    return end_of_item();
  }
  bool is_day() const { return is_dom() || is_dow(); }

  Status read_question() {
    if (traits_.question_is_star) {
      ++at_;
      return read_star();
    }
    if (traits_.day_rule != Traits::DayRule::kOneGiven) {
      return refuse_item("a value or '*', not '?'");
    }
    if (!is_day()) return refuse_item("'*': only the day fields may be '?', not given");
    if (word_.text != "?") return refuse(0, word_.text, "'?' alone, not given");
    ++at_;
    add_range({low_, high_}, 1);
    return {};
  }

  // Quartz: L, L-n, LW in day-of-month, L alone (Saturday) in day-of-week. croniter: l.
  Status read_last() {
    ++at_;
    Pattern& p = shared_.pattern;
    if (is_dow() && traits_.has_quartz_letters) {
      add(7);
      is_alone_ = true;
      return end_of_item();
    }
    if (is_dow() && traits_.has_croniter_letters && is_digit(peek())) {
      int const day = take_number();
      if (day > 7) return refuse_item("a day from 0 to 7 after L");
      p.last_dow |= 1U << (day % 7);
      return end_of_item();
    }
    if (!is_dom()) return refuse_item(expected_value());
    is_alone_ = traits_.has_quartz_letters;
    if (traits_.has_quartz_letters && take_letter('W')) {
      p.last_weekday = true;
    } else if (traits_.has_quartz_letters && take('-')) {
      int const n = take_number();
      if (n < 0 || n > 30) return refuse_item("L-n with n from 0 to 30");
      p.before_last |= 1U << n;
    } else {
      p.before_last |= 1U;
    }
    return end_of_item();
  }

  Status read_values() {
    TIDEMILL_TRY_LET(low, take_value());
    if (traits_.has_quartz_letters && is_dom() && take_letter('W')) {
      is_alone_ = true;
      shared_.pattern.near_weekday |= 1U << low;
      return end_of_item();
    }
    if (traits_.has_quartz_letters && is_dow() && take_letter('L')) {
      is_alone_ = true;
      shared_.pattern.last_dow |= 1U << weekday(low);
      return end_of_item();
    }
    bool const has_nth = traits_.has_quartz_letters || traits_.has_croniter_letters;
    if (has_nth && is_dow() && take('#')) return read_nth(low);
    if (traits_.has_tilde && peek() == '~') return read_tilde(low);
    Range range{low, low};
    bool const is_range = take('-');
    if (is_range) {
      TIDEMILL_TRY_LET(high, take_value());
      range.high = high;
    } else if (peek() == '/') {
      if (traits_.value_step == Traits::ValueStep::kRefuse) {
        return refuse_item("a range before a step: a-b/step or */step");
      }
      range.high = high_;
    }
    int step = 1;
    bool const has_step = peek() == '/';
    TIDEMILL_TRY(read_step(range, step));
    if (range.low > range.high) TIDEMILL_TRY(resolve_descending(range, has_step));
    add_range(range, step);
    return end_of_item();
  }

  // A range that goes down, made to go up (its high end may lie beyond the field), or to be empty.
  Status resolve_descending(Range& range, bool has_step) const {
    switch (traits_.descending) {
      case Traits::Descending::kRefuse:
        return refuse_item("a range that goes up");
      case Traits::Descending::kNever:
        // Written for mon-sun, and applied to every field.
        if (range.high == 0 && !has_step) range.high = 7;
        return {};
      case Traits::Descending::kWrap:
        range.high += is_dow() ? 7 : high_ - low_ + 1;
        return {};
    }
    return {};
  }

  Status read_nth(int day) {
    is_alone_ = traits_.has_quartz_letters;
    int const k = take_number();
    if (k < 1 || k > 5) return refuse_item("n#k with k from 1 to 5");
    shared_.pattern.nth_dow |= uint64_t{1} << ((k - 1) * 7 + weekday(day));
    return end_of_item();
  }

  // a~b, ~b, a~, ~: one value, chosen by the id of the job and not anew at each reading.
  Status read_tilde(int low) {
    ++at_;
    Range range{low, high_};
    if (!is_item_end()) {
      TIDEMILL_TRY_LET(high, take_value());
      range.high = high;
    }
    if (range.low > range.high) return refuse_item("a range that goes up");
    if (!is_item_end()) return garbage();
    if (shared_.id.empty()) return refuse_item("an id: ~ chooses by the stable id of the job");
    uint64_t const hash = hash64(fmt::format("{}\n{}\n{}", shared_.id, field_.name, item_begin_));
    add(range.low + static_cast<int>(hash % static_cast<uint64_t>(range.high - range.low + 1)));
    return {};
  }

  // H, H(a-b), H/s, H(a-b)/s
  Status read_hashed() {
    ++at_;
    constexpr int kLastCommonDay = 28;
    Range range{low_, is_dom() ? kLastCommonDay : is_dow() ? 6 : high_};
    if (take('(')) {
      TIDEMILL_TRY_LET(low, take_value());
      if (!take('-')) return refuse_item("H(a-b)");
      TIDEMILL_TRY_LET(high, take_value());
      if (!take(')')) return refuse_item("H(a-b)");
      if (low > high) return refuse_item("a range that goes up");
      range = {low, high};
    }
    int step = 1;
    TIDEMILL_TRY(read_step(range, step));
    if (!is_item_end()) return garbage();
    if (shared_.id.empty()) return refuse_item("an id: H chooses by the name of the job");
    if (step > 1) {
      add_range({range.low + shared_.hash.next(step), range.high}, step);
    } else {
      add(range.low + shared_.hash.next(range.high - range.low + 1));
    }
    return {};
  }

  Status read_step(Range range, int& step) {
    if (!take('/')) return {};
    step = take_number();
    if (step < 1) return refuse_item("a step of at least 1");
    int const top = range.high;
    if (step <= top) return {};
    if (traits_.big_step == Traits::BigStep::kWholeRange) step = 1;
    if (traits_.big_step == Traits::BigStep::kRefuse) {
      return refuse_item(fmt::format("a step from 1 to {}", top));
    }
    return {};
  }

  int take_number() {
    size_t const from = at_;
    int64_t number = 0;
    for (; is_digit(peek()); ++at_) {
      number = std::min<int64_t>(number * 10 + (peek() - '0'), 1'000'000'000);
    }
    return at_ == from ? -1 : static_cast<int>(number);
  }

  Result<int> take_value() {
    size_t const from = at_;
    int value = take_number();
    bool const is_named = value < 0 && traits_.has_names && !field_.names.empty();
    if (is_named) {
      value = value_of_name(field_, word_.text.substr(at_, 3));
      if (value >= 0) {
        at_ += 3;
        if (is_dow()) value += traits_.sunday;
        bool const is_last = traits_.has_quartz_letters && (peek() & ~0x20) == 'L' && is_dow();
        if ((is_letter(peek()) || is_digit(peek())) && !is_last) value = -1;
      }
    }
    if (value >= low_ && value <= high_) return value;
    at_ = from;
    return refuse_item(expected_value());
  }

  std::string expected_value() const {
    bool const has_names = traits_.has_names && !field_.names.empty();
    return fmt::format("'*' or a number from {} to {}{}", low_, high_,
                       has_names ? " or a name of three letters" : "");
  }

  int weekday(int value) const { return (value - traits_.sunday) % 7; }

  void add(int value) {
    add_to_field(shared_.pattern, field_.kind, is_dow() ? weekday(value) : value);
  }
  // Values beyond the field wrap.
  void add_range(Range range, int step) {
    int const span = high_ - low_ + 1;
    for (int v = range.low; v <= range.high; v += step) {
      add(is_dow() || v <= high_ ? v : low_ + (v - low_) % span);
    }
  }

  const FieldInfo& field_;
  const Traits& traits_;
  Word word_;
  Shared& shared_;
  int low_;
  int high_;
  size_t at_ = 0;
  size_t item_begin_ = 0;
  bool is_alone_ = false;  // no other item may stand beside this one
};

Status apply_day_rule(const Word& dom, const Word& dow, Shared& shared) {
  Pattern& p = shared.pattern;
  auto is_star = [](const Word& word) { return word.text.front() == '*'; };
  p.dom_star = is_star(dom);
  p.dow_star = is_star(dow);
  switch (shared.traits.day_rule) {
    case Traits::DayRule::kFirstStar:
      p.days_any = !p.dom_star && !p.dow_star;
      return {};
    case Traits::DayRule::kStarItem:
      p.days_any = !shared.has_dom_star_item && !shared.has_dow_star_item;
      return {};
    case Traits::DayRule::kBoth:
      return {};
    case Traits::DayRule::kFullSets:
      p.days_any = p.dom != 0xFFFFFFFE && p.dow != 0x7F;
      return {};
    case Traits::DayRule::kOneGiven:
      if ((dom.text == "?") != (dow.text == "?")) return {};
      return field_error(field_info(FieldKind::kDow), dow.column, dow.text,
                         fmt::format("exactly one of day-of-month and day-of-week to be '?' (in "
                                     "the {} dialect)",
                                     shared.traits.name));
  }
  return {};
}

std::string fields_text(const Traits& traits) {
  std::string text;
  size_t const first = static_cast<size_t>(traits.first);
  for (size_t i = 0; i < traits.most_fields; ++i) {
    text += fmt::format("{}{}{}", i == 0 ? "" : ", ", i >= traits.least_fields ? "optional " : "",
                        field_table()[first + i].name);
  }
  return text;
}

Result<Parsed> read_fields(std::span<const Word> words, const Traits& traits, std::string_view id) {
  if (words.size() < traits.least_fields || words.size() > traits.most_fields) {
    return fail(Code::kInvalid,
                fmt::format("found {} field{}, expected {} ({}) in the {} dialect; give the "
                            "schedule without a command",
                            words.size(), words.size() == 1 ? "" : "s",
                            traits.least_fields == traits.most_fields
                                ? fmt::format("{}", traits.least_fields)
                                : fmt::format("{} or {}", traits.least_fields, traits.most_fields),
                            fields_text(traits), traits.name));
  }
  Parsed parsed;
  Pattern& p = parsed.pattern;
  auto const first = static_cast<size_t>(traits.first);
  p.has_seconds = traits.first == FieldKind::kSecond;
  p.has_years = first + words.size() == field_table().size();
  if (p.has_seconds) p.second = 0;
  Shared shared{traits, id, JenkinsHash(id), p};
  for (size_t i = 0; i < words.size(); ++i) {
    FieldKind const kind = field_table()[first + i].kind;
    TIDEMILL_TRY(FieldReader(kind, words[i], shared).read());
  }
  auto word = [&](FieldKind kind) -> const Word& {
    return words[static_cast<size_t>(kind) - first];
  };
  p.second_star = p.has_seconds && word(FieldKind::kSecond).text.front() == '*';
  p.minute_star = word(FieldKind::kMinute).text.front() == '*';
  p.hour_star = word(FieldKind::kHour).text.front() == '*';
  TIDEMILL_TRY(apply_day_rule(word(FieldKind::kDom), word(FieldKind::kDow), shared));
  return parsed;
}

Result<Parsed> read_every(std::span<const Word> words) {
  if (words.size() == 2) {
    Result<Duration> const period = parse_duration(words[1].text);
    if (!period) return fail(period.error());
    // Shorter periods are rounded up to a second, and fractions of a second dropped.
    int64_t const whole_s = std::max<int64_t>(1, period->us / 1'000'000);
    TIDEMILL_TRY_LET(every, Every::of(Duration::seconds(whole_s)));
    Parsed parsed;
    parsed.every = every;
    return parsed;
  }
  return fail(Code::kInvalid, fmt::format("column {}: found '@every' with {} words behind it, "
                                          "expected one duration, such as @every 90s",
                                          words[0].column, words.size() - 1));
}

Result<Parsed> read_nickname(std::span<const Word> words, const Traits& traits,
                             std::string_view id) {
  std::string_view const word = words[0].text;
  if (traits.has_every && word == "@every") return read_every(words);
  std::span<const Nickname> const known = traits.vixie_nicknames ? nicknames() : traits.nicknames;
  std::vector<std::string> valid;
  for (const Nickname& nickname : known) {
    valid.emplace_back(nickname.name);
    if (nickname.name != word) continue;
    if (words.size() > 1) break;
    Parsed parsed;
    parsed.reboot = nickname.fields.empty();
    if (parsed.reboot) return parsed;
    auto read = read_fields(words_of(nickname.fields, 0), traits, id);
    if (!read) return read;
    // Nicknames are FIXED whatever their text, but for @hourly.
    read->pattern.minute_star = read->pattern.hour_star = false;
    read->pattern.hourly = word == "@hourly";
    return read;
  }
  return fail(Code::kInvalid, fmt::format("column {}: found '{}', expected {} in the {} dialect",
                                          words[0].column, printable(word, 40),
                                          valid.empty() ? "fields, since there are no nicknames"
                                                        : "one alone of " + join(valid, ", "),
                                          traits.name));
}

// "CRON_TZ=Zone " or "TZ=Zone ", in Jenkins a line of its own. Answers where the fields begin.
size_t read_zone(std::string_view text, const Traits& traits, std::string& zone) {
  bool const has_line = traits.has_hash;
  if (!traits.zone_prefix && !has_line) return 0;
  for (std::string_view prefix : {"CRON_TZ=", "TZ="}) {
    if (!text.starts_with(prefix) || (has_line && prefix != "TZ=")) continue;
    size_t const end = text.find(has_line ? '\n' : ' ');
    zone = std::string(trim(text.substr(prefix.size(), end - prefix.size())));
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  return 0;
}

}  // namespace

const Traits* traits_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::kCronie:
      return &kCronie;
    case Dialect::kVixie4:
      return &kVixie4;
    case Dialect::kRobfig:
      return &kRobfig;
    case Dialect::kQuartz:
      return &kQuartz;
    case Dialect::kJenkins:
      return &kJenkins;
    case Dialect::kCroniter:
      return &kCroniter;
    default:
      return nullptr;
  }
}

Result<Parsed> parse_by_table(std::string_view text, const Traits& traits, std::string_view id) {
  std::string zone;
  size_t const from = read_zone(text, traits, zone);
  if (size_t const line = text.find('\n', from); line != std::string_view::npos) {
    return fail(Code::kInvalid, fmt::format("column {}: found a line break, expected one schedule "
                                            "on one line",
                                            line + 1));
  }
  std::vector<Word> const words = words_of(text, from);
  if (words.empty()) {
    return fail(Code::kInvalid, fmt::format("the schedule is empty; expected {} in the {} dialect",
                                            fields_text(traits), traits.name));
  }
  auto parsed = words[0].text.front() == '@' ? read_nickname(words, traits, id)
                                             : read_fields(words, traits, id);
  if (parsed) parsed->zone = std::move(zone);
  return parsed;
}

const Traits& aws_traits() { return kAws; }

}  // namespace tidemill::clock
