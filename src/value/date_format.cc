#include "value/date_format.h"

#include <array>
#include <cctype>

#include "base/text.h"
#include "base/time.h"
#include "value/date_part.h"
#include "value/date_text.h"
#include "value/digits.h"

namespace tidemill::value {
namespace {

constexpr size_t kShownBytes = 200;
constexpr std::string_view kPlain = "aAwudbhBmyYHIpMSfngGVzZjUW";
constexpr std::string_view kUnpadded = "dmyHIMSj";

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

std::string_view expansion(char specifier) {
  switch (specifier) {
    case 'c':
      return "%Y-%m-%d %H:%M:%S";
    case 'x':
      return "%Y-%m-%d";
    case 'X':
    case 'T':
      return "%H:%M:%S";
    default:
      return "";
  }
}

}  // namespace

class DateFormatCompiler {
 public:
  explicit DateFormatCompiler(std::string_view source) : source_(source) {}

  Result<DateFormat> compile() {
    if (source_.empty()) return fail(fault("Empty format string"));
    TIDEMILL_TRY(add(source_));
    if (!piece_.literal.empty() || format_.pieces_.empty()) finish(0, true);
    format_.source_ = source_;
    return std::move(format_);
  }

 private:
  Error fault(std::string_view why) const {
    return {Code::kInvalid,
            fmt::format("Invalid Input Error: Failed to parse format specifier {}: {}",
                        printable(source_, kShownBytes), why),
            {}};
  }

  void finish(char specifier, bool padded) {
    piece_.specifier = specifier;
    piece_.padded = padded;
    format_.pieces_.push_back(std::move(piece_));
    piece_ = {};
  }

  // Depth is at most two: the expansions hold plain specifiers only.
  Status add(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        piece_.literal.push_back(text[i]);
        continue;
      }
      if (++i >= text.size()) return fail(fault("Trailing format character %"));
      const bool padded = text[i] != '-';
      if (!padded) ++i;
      const char specifier = i < text.size() ? text[i] : '\0';
      if (padded && specifier == '%') {
        piece_.literal.push_back('%');
      } else if (padded && !expansion(specifier).empty()) {
        TIDEMILL_TRY(add(expansion(specifier)));
      } else if (specifier != '\0' &&
                 (padded ? kPlain : kUnpadded).find(specifier) != std::string_view::npos) {
        finish(specifier, padded);
      } else {
        return fail(
            fault(fmt::format("Unrecognized format for strftime/strptime: %{}{}", padded ? "" : "-",
                              printable(std::string_view(&specifier, specifier ? 1 : 0), 8))));
      }
    }
    return {};
  }

  std::string_view source_;
  DateFormat format_;
  DateFormat::Piece piece_;
};

Result<DateFormat> DateFormat::compile(std::string_view format) {
  return DateFormatCompiler(format).compile();
}

bool DateFormat::has_zone() const {
  for (const Piece& piece : pieces_) {
    if (piece.specifier == 'z' || piece.specifier == 'Z') return true;
  }
  return false;
}

namespace {

// What the specifiers show of an instant.
struct Shown {
  CivilDate civil;
  int64_t days;
  int64_t us;  // of the day

  int64_t hour() const { return us / kMicrosPerHour; }
  int64_t hour12() const { return hour() % 12 == 0 ? 12 : hour() % 12; }
  int64_t day_of_week() const { return (days % 7 + 11) % 7; }  // Sunday is 0
  int64_t day_of_year() const { return days - days_from_civil({civil.year, 1, 1}) + 1; }
  // Weeks that begin on the first `weekday` of the year; the days before are week 0.
  int64_t week_from(int64_t weekday) const {
    const int64_t since = (day_of_week() - weekday + 7) % 7;
    return (day_of_year() - 1 - since + 7) / 7;
  }
};

std::string number(int64_t n, int width, bool padded) {
  return padded ? fmt::format("{:0{}}", n, width) : fmt::format("{}", n);
}

std::string year_text(int64_t year) {
  return year >= 0 && year <= 9999 ? fmt::format("{:04}", year) : fmt::format("{}", year);
}

int64_t iso_part(DatePart part, const Shown& shown) {
  return extract(part, Date{static_cast<int32_t>(shown.days)})->value_or(0);
}

std::string clock_text(char specifier, bool padded, const Shown& shown) {
  switch (specifier) {
    case 'H':
      return number(shown.hour(), 2, padded);
    case 'I':
      return number(shown.hour12(), 2, padded);
    case 'p':
      return shown.hour() < 12 ? "AM" : "PM";
    case 'M':
      return number(shown.us / kMicrosPerMinute % 60, 2, padded);
    case 'S':
      return number(shown.us / kMicrosPerSecond % 60, 2, padded);
    case 'f':
      return number(shown.us % kMicrosPerSecond, 6, true);
    case 'g':
      return number(shown.us % kMicrosPerSecond / 1000, 3, true);
    case 'n':
      return number(shown.us % kMicrosPerSecond * 1000, 9, true);
    case 'z':
      return "+00";
    default:
      return "";  // 'Z': a TIMESTAMP has no zone
  }
}

std::string specifier_text(char specifier, bool padded, const Shown& shown) {
  switch (specifier) {
    case 'a':
      return std::string(kDays[shown.day_of_week()].substr(0, 3));
    case 'A':
      return std::string(kDays[shown.day_of_week()]);
    case 'w':
      return number(shown.day_of_week(), 1, padded);
    case 'u':
      return number(shown.day_of_week() == 0 ? 7 : shown.day_of_week(), 1, padded);
    case 'd':
      return number(shown.civil.day, 2, padded);
    case 'b':
    case 'h':
      return std::string(kMonths[shown.civil.month - 1].substr(0, 3));
    case 'B':
      return std::string(kMonths[shown.civil.month - 1]);
    case 'm':
      return number(shown.civil.month, 2, padded);
    case 'y':
      return number(std::abs(shown.civil.year % 100), 2, padded);
    case 'Y':
      return year_text(shown.civil.year);
    case 'G':
      return year_text(iso_part(DatePart::kIsoYear, shown));
    case 'V':
      return number(iso_part(DatePart::kWeek, shown), 2, true);
    case 'j':
      return number(shown.day_of_year(), 3, padded);
    case 'U':
      return number(shown.week_from(0), 2, true);
    case 'W':
      return number(shown.week_from(1), 2, true);
    default:
      return clock_text(specifier, padded, shown);
  }
}

}  // namespace

std::string DateFormat::format(Timestamp timestamp) const {
  if (!timestamp.is_finite()) return format_timestamp(timestamp);
  const int64_t days = date_of(timestamp).days;
  const Shown shown{civil_from_days(days), days, timestamp.us - days * kMicrosPerDay};
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.literal;
    if (piece.specifier != 0) out += specifier_text(piece.specifier, piece.padded, shown);
  }
  return out;
}

std::string DateFormat::format(Date date) const {
  if (!date.is_finite()) return format_date(date);
  const Shown shown{civil_from_days(date.days), date.days, 0};
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.literal;
    if (piece.specifier != 0) out += specifier_text(piece.specifier, piece.padded, shown);
  }
  return out;
}

namespace {

// A specifier that reads a number: most digits and the range.
struct NumberField {
  char specifier;
  int digits;
  int64_t low;
  int64_t high;
  std::string_view name;
};

constexpr NumberField kNumberFields[] = {
    {'d', 2, 1, 31, "Day"},         {'m', 2, 1, 12, "Month"},
    {'y', 2, 0, 99, "Year"},        {'Y', 4, 0, 9999, "Year"},
    {'G', 4, 0, 9999, "ISO year"},  {'H', 2, 0, 23, "Hour"},
    {'I', 2, 1, 12, "Hour12"},      {'M', 2, 0, 59, "Minutes"},
    {'S', 2, 0, 59, "Seconds"},     {'j', 3, 1, 366, "Year day"},
    {'w', 1, 0, 6, "Weekday"},      {'u', 1, 1, 7, "ISO weekday offset"},
    {'U', 2, 0, 53, "Week number"}, {'W', 2, 0, 53, "Week number"},
    {'V', 2, 1, 53, "ISO week"},
};

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

// Reads one text by one format. What goes wrong is kept in fault_.
class DateTextParser {
 public:
  DateTextParser(const DateFormat& format, std::string_view text) : format_(format), text_(text) {}

  std::optional<Timestamp> parse() {
    const auto special = parse_special();
    if (special) return special;
    skip_blanks();
    for (const DateFormat::Piece& piece : format_.pieces_) {
      if (!literal(piece.literal)) return std::nullopt;
      if (piece.specifier != 0 && !specifier(piece.specifier)) return std::nullopt;
    }
    skip_blanks();
    if (at_ < text_.size()) {
      return fault("Full specifier did not match: trailing characters");
    }
    return assemble();
  }
  const std::string& problem() const { return fault_; }
  bool is_conversion_error() const { return conversion_error_; }

 private:
  std::nullopt_t fault(std::string why) {
    fault_ = std::move(why);
    return std::nullopt;
  }
  bool refuse(std::string why) {
    fault_ = std::move(why);
    return false;
  }

  std::optional<Timestamp> parse_special() const {
    const std::string word = to_lower_ascii(trim_blanks(text_).substr(0, 10));
    if (word == "infinity") return Timestamp::infinity();
    if (word == "-infinity") return Timestamp::minus_infinity();
    if (word == "epoch") return Timestamp{0};
    return std::nullopt;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  // A blank in the format stands for any number of blanks, at least one unless the text ends.
  bool literal(std::string_view expected) {
    for (const char c : expected) {
      if (is_blank(c)) {
        if (at_ < text_.size() && !is_blank(text_[at_]) && !(at_ > 0 && is_blank(text_[at_ - 1]))) {
          return refuse("Space does not match, expected a blank");
        }
        skip_blanks();
      } else if (at_ < text_.size() && text_[at_] == c) {
        ++at_;
      } else {
        return refuse(fmt::format("Literal does not match, expected {}", expected));
      }
    }
    return true;
  }

  std::optional<int64_t> digits(int most, int* count = nullptr) {
    const size_t start = at_;
    int64_t n = 0;
    while (is_digit(peek()) && at_ - start < static_cast<size_t>(most)) {
      n = n * 10 + (text_[at_++] - '0');
    }
    if (at_ == start) return fault("Expected a number");
    if (count != nullptr) *count = static_cast<int>(at_ - start);
    return n;
  }

  bool specifier(char c) {
    for (const NumberField& field : kNumberFields) {
      if (field.specifier == c) return number_field(field);
    }
    switch (c) {
      case 'f':
        return fraction(6);
      case 'g':
        return fraction(3);
      case 'n':
        return fraction(9);
      case 'a':
        return name(kDays, 3, "an abbreviated day name (Sun, Mon, Tue, etc..)") >= 0;
      case 'A':
        return name(kDays, 0, "a full day name (Sunday, Monday, etc...)") >= 0;
      case 'b':
      case 'h':
        month_ = name(kMonths, 3, "an abbreviated month name (Jan, Feb, Mar, etc..)") + 1;
        return month_ > 0;
      case 'B':
        month_ = name(kMonths, 0, "a full month name (January, February, etc...)") + 1;
        return month_ > 0;
      case 'p':
        return am_or_pm();
      case 'z':
        return offset();
      default:
        return zone_name();
    }
  }

  bool number_field(const NumberField& field) {
    const auto n = digits(field.digits);
    if (!n) return false;
    if (*n < field.low || *n > field.high) {
      return refuse(fmt::format("{} out of range, expected a value between {} and {}", field.name,
                                field.low, field.high));
    }
    switch (field.specifier) {
      case 'd':
        day_ = *n;
        break;
      case 'm':
        month_ = *n;
        break;
      case 'y':
        year_ = *n + (*n >= 69 ? 1900 : 2000);
        break;
      case 'Y':
        year_ = *n;
        break;
      case 'G':
        iso_year_ = *n;
        break;
      case 'H':
      case 'I':
        hour_ = *n;
        break;
      case 'M':
        minute_ = *n;
        break;
      case 'S':
        second_ = *n;
        break;
      case 'j':
        year_day_ = *n;
        break;
      case 'w':
        weekday_ = *n;
        break;
      case 'u':
        weekday_ = *n % 7;
        break;
      case 'V':
        iso_week_ = *n;
        break;
      default:
        week_ = *n;
        week_start_ = field.specifier == 'U' ? 0 : 1;
    }
    return true;
  }

  bool fraction(int places) {
    int count = 0;
    const auto n = digits(places, &count);
    if (!n) return false;
    int64_t nanos = *n;
    for (int i = count; i < 9; ++i) nanos *= 10;
    micros_ = nanos / 1000;
    return true;
  }

  // The index of the name at the place, comparing the first `prefix` letters (0: all); -1 if none.
  template <size_t N>
  int64_t name(const std::array<std::string_view, N>& names, size_t prefix,
               std::string_view expected) {
    for (size_t i = 0; i < N; ++i) {
      const std::string_view whole = prefix == 0 ? names[i] : names[i].substr(0, prefix);
      const std::string_view found = text_.substr(at_, whole.size());
      if (to_lower_ascii(found) != to_lower_ascii(whole)) continue;
      at_ += whole.size();
      return static_cast<int64_t>(i);
    }
    refuse(fmt::format("Expected {}", expected));
    return -1;
  }

  bool am_or_pm() {
    const std::string word = to_lower_ascii(text_.substr(at_, 2));
    if (word != "am" && word != "pm") return refuse("Expected AM/PM");
    half_ = word == "am" ? Half::kMorning : Half::kAfternoon;
    at_ += 2;
    return true;
  }

  bool offset() {
    const auto seconds = read_offset(text_, at_);
    if (!seconds) return refuse("Expected ±HH[MM] or ±HH[:MM[:SS]]");
    offset_seconds_ = *seconds;
    return true;
  }

  bool zone_name() {
    skip_blanks();
    const size_t start = at_;
    while (std::isalnum(static_cast<unsigned char>(peek())) || peek() == '/' || peek() == '_')
      ++at_;
    const std::string zone = to_lower_ascii(text_.substr(start, at_ - start));
    if (zone == "utc" || zone == "gmt" || zone == "z" || zone.empty()) return true;
    return refuse("the only time zone known here is UTC");
  }

  std::optional<Date> assemble_date() {
    if (iso_year_ || iso_week_) {
      const int64_t year = iso_year_.value_or(year_);
      const int64_t fourth = days_from_civil({year, 1, 4});
      const int64_t monday = fourth - ((fourth % 7 + 10) % 7);
      const int64_t in_week = weekday_ ? (*weekday_ + 6) % 7 : 0;
      return Date{static_cast<int32_t>(monday + (iso_week_.value_or(1) - 1) * 7 + in_week)};
    }
    const int64_t january = days_from_civil({year_, 1, 1});
    if (week_) {
      const int64_t weekday = (january % 7 + 11) % 7;
      const int64_t first = january + (week_start_ - weekday + 7) % 7;
      const int64_t in_week = (weekday_.value_or(week_start_) - week_start_ + 7) % 7;
      return Date{static_cast<int32_t>(first + (*week_ - 1) * 7 + in_week)};
    }
    if (year_day_) {
      const int64_t days = january + *year_day_ - 1;
      if (civil_from_days(days).year != year_) {
        return fault("Year day out of range for the year");
      }
      return Date{static_cast<int32_t>(days)};
    }
    const auto date = date_from_fields(year_, month_, day_);
    if (date) return date;
    conversion_error_ = true;
    return fault(fmt::format("Conversion Error: Date out of range: {}-{}-{}", year_, month_, day_));
  }

  std::optional<Timestamp> assemble() {
    if (half_ != Half::kNone) {
      if (hour_ > 12) {
        return fault(fmt::format(
            "Invalid hour: {} AM/PM, expected an hour within the range [0..12]", hour_));
      }
      hour_ = hour_ % 12 + (half_ == Half::kAfternoon ? 12 : 0);
    }
    const auto date = assemble_date();
    if (!date) return std::nullopt;
    const int64_t seconds = hour_ * 3600 + minute_ * 60 + second_ - offset_seconds_;
    return timestamp_from_micros(int128(date->days) * kMicrosPerDay + seconds * kMicrosPerSecond +
                                 micros_);
  }

  enum class Half { kNone, kMorning, kAfternoon };

  const DateFormat& format_;
  std::string_view text_;
  size_t at_ = 0;
  std::string fault_;
  bool conversion_error_ = false;

  int64_t year_ = 1900;
  int64_t month_ = 1;
  int64_t day_ = 1;
  int64_t hour_ = 0;
  int64_t minute_ = 0;
  int64_t second_ = 0;
  int64_t micros_ = 0;
  int64_t offset_seconds_ = 0;
  int64_t week_start_ = 0;
  Half half_ = Half::kNone;
  std::optional<int64_t> iso_year_;
  std::optional<int64_t> iso_week_;
  std::optional<int64_t> week_;
  std::optional<int64_t> weekday_;
  std::optional<int64_t> year_day_;
};

Result<Timestamp> DateFormat::parse(std::string_view text) const {
  DateTextParser parser(*this, text);
  if (const auto timestamp = parser.parse()) return *timestamp;
  if (parser.is_conversion_error()) return fail(Code::kInvalid, parser.problem());
  return fail(
      Code::kInvalid,
      fmt::format("Invalid Input Error: Could not parse string \"{}\" according to format "
                  "specifier \"{}\"\nError: {}",
                  printable(text, kShownBytes), printable(source_, kShownBytes), parser.problem()));
}

std::optional<Timestamp> DateFormat::try_parse(std::string_view text) const {
  return DateTextParser(*this, text).parse();
}

Result<Timestamp> parse_with_any(const std::vector<DateFormat>& formats, std::string_view text) {
  if (formats.empty()) {
    return fail(Code::kInvalid, "Invalid Input Error: strptime format list must not be empty");
  }
  for (const DateFormat& format : formats) {
    if (const auto timestamp = format.try_parse(text)) return *timestamp;
  }
  return formats.front().parse(text);
}

}  // namespace tidemill::value
