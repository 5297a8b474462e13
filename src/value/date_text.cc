// Reading and writing of dates and times.
#include "value/date_text.h"

#include "base/text.h"
#include "base/time.h"
#include "value/digits.h"

namespace tidemill::value {
namespace {

constexpr size_t kShownBytes = 200;
constexpr int64_t kYearLimit = 10'000'000;  // beyond every range; keeps the digits from overflowing

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// One or two digits.
std::optional<int64_t> read_two_digits(std::string_view text, size_t& at) {
  if (at >= text.size() || !is_digit(text[at])) return std::nullopt;
  int64_t n = text[at++] - '0';
  if (at < text.size() && is_digit(text[at])) n = n * 10 + (text[at++] - '0');
  return n;
}

void skip_blanks(std::string_view text, size_t& at) {
  while (at < text.size() && is_blank(text[at])) ++at;
}

enum class Special { kNone, kInfinity, kMinusInfinity, kEpoch };

Special special_word(std::string_view text) {
  const std::string word = text.size() <= 9 ? to_lower_ascii(text) : "";
  if (word == "infinity" || word == "inf") return Special::kInfinity;
  if (word == "-infinity" || word == "-inf") return Special::kMinusInfinity;
  if (word == "epoch") return Special::kEpoch;
  return Special::kNone;
}

// " (BC)" in any case.
bool read_bc(std::string_view text, size_t& at) {
  if (to_lower_ascii(text.substr(std::min(at, text.size()), 5)) != " (bc)") return false;
  at += 5;
  return true;
}

struct DateRead {
  TextFault fault = TextFault::kFormat;
  Date date;
};

// A date at `at`; moves behind it. Whatever follows is the caller's.
DateRead read_date(std::string_view text, size_t& at) {
  bool negative = false;
  if (at < text.size() && text[at] == '-') {
    negative = true;
    ++at;
  }
  if (at >= text.size() || !is_digit(text[at])) return {};
  int64_t year = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    year = year * 10 + (text[at] - '0');
    if (year > kYearLimit) return {TextFault::kRange, {}};
  }
  if (at >= text.size()) return {};
  const char separator = text[at++];
  if (separator != '-' && separator != '/' && separator != '\\' && separator != ' ') return {};
  const auto month = read_two_digits(text, at);
  if (!month || at >= text.size() || text[at++] != separator) return {};
  const auto day = read_two_digits(text, at);
  if (!day || (at < text.size() && is_digit(text[at]))) return {};
  if (negative) year = -year;
  if (read_bc(text, at)) {
    if (year <= 0) return {};
    year = 1 - year;
  }
  const auto date = date_from_fields(year, *month, *day);
  if (!date) return {TextFault::kRange, {}};
  return {TextFault::kNone, *date};
}

struct TimeRead {
  TextFault fault = TextFault::kFormat;
  int64_t us = 0;
};

// "hours:minutes[:seconds[.fraction]]" at `at`; at most 24:00:00.
TimeRead read_time(std::string_view text, size_t& at) {
  skip_blanks(text, at);
  const auto hour = read_two_digits(text, at);
  if (!hour || at >= text.size() || text[at++] != ':') return {};
  if (*hour > 24) return {TextFault::kRange, 0};
  const auto minute = read_two_digits(text, at);
  if (!minute || *minute > 59) return {};
  int64_t second = 0;
  int64_t micros = 0;
  if (at < text.size() && text[at] == ':') {
    ++at;
    const auto read = read_two_digits(text, at);
    if (!read || *read > 59) return {};
    second = *read;
    if (at < text.size() && text[at] == '.') micros = read_micros(text, ++at);
  }
  const int64_t us =
      *hour * kMicrosPerHour + *minute * kMicrosPerMinute + second * kMicrosPerSecond + micros;
  return {us > kMicrosPerDay ? TextFault::kRange : TextFault::kNone, us};
}

struct ZoneRead {
  bool well_formed = true;
  bool known = true;  // false for a zone's name other than UTC
  int64_t offset_seconds = 0;
};

// What may follow a time: 'Z', an offset, or a zone's name behind a blank.
ZoneRead read_zone(std::string_view text, size_t& at) {
  ZoneRead zone;
  if (at < text.size() && text[at] == 'Z') {
    ++at;
  } else {
    const size_t before = at;
    skip_blanks(text, at);
    const size_t start = at;
    if (const auto offset = read_offset(text, at)) {
      zone.offset_seconds = *offset;
    } else if (start > before) {
      while (at < text.size() && !is_blank(text[at])) ++at;
      const std::string name = to_lower_ascii(text.substr(start, at - start));
      const bool starts_well = name.empty() || (name[0] >= 'a' && name[0] <= 'z');
      zone.known = name.empty() || name == "utc" || name == "z" || name == "gmt";
      zone.well_formed = starts_well;
    }
  }
  skip_blanks(text, at);
  zone.well_formed = zone.well_formed && at == text.size();
  return zone;
}

struct TimestampRead {
  TextFault fault = TextFault::kFormat;
  Timestamp timestamp;  // local
  ZoneRead zone;
};

TimestampRead read_timestamp(std::string_view text) {
  const std::string_view trimmed = trim_blanks(text);
  switch (special_word(trimmed)) {
    case Special::kInfinity:
      return {TextFault::kNone, Timestamp::infinity(), {}};
    case Special::kMinusInfinity:
      return {TextFault::kNone, Timestamp::minus_infinity(), {}};
    case Special::kEpoch:
      return {TextFault::kNone, {0}, {}};
    case Special::kNone:
      break;
  }
  size_t at = 0;
  skip_blanks(text, at);
  const DateRead date = read_date(text, at);
  if (date.fault != TextFault::kNone) return {date.fault, {}, {}};
  TimestampRead read;
  int128 us = int128(date.date.days) * kMicrosPerDay;
  if (at < text.size()) {
    if (text[at] == ' ' || text[at] == 'T') ++at;
    const TimeRead time = read_time(text, at);
    if (time.fault != TextFault::kNone) return {time.fault, {}, {}};
    us += time.us;
    read.zone = read_zone(text, at);
    if (!read.zone.well_formed) return {TextFault::kFormat, {}, {}};
  }
  const auto timestamp = timestamp_from_micros(us);
  read.fault = timestamp ? TextFault::kNone : TextFault::kRange;
  if (timestamp) read.timestamp = *timestamp;
  return read;
}

Error timestamp_error(std::string_view text, TextFault fault) {
  const std::string shown = printable(text, kShownBytes);
  if (fault == TextFault::kRange) {
    return {Code::kInvalid,
            fmt::format("Conversion Error: timestamp field value out of range: \"{}\"", shown),
            {}};
  }
  return {
      Code::kInvalid,
      fmt::format("Conversion Error: invalid timestamp field format: \"{}\", expected format is "
                  "(YYYY-MM-DD HH:MM[:SS[.US]][±HH[:MM[:SS]]| ZONE])",
                  shown),
      {}};
}

std::string format_micros_of_day(int64_t us) {
  std::string out = fmt::format("{:02}:{:02}:{:02}", us / kMicrosPerHour,
                                us / kMicrosPerMinute % 60, us / kMicrosPerSecond % 60);
  if (us % kMicrosPerSecond != 0) {
    out += fmt::format(".{:06}", us % kMicrosPerSecond);
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out;
}

}  // namespace

std::optional<Date> date_from_fields(int64_t year, int64_t month, int64_t day) {
  if (year < -kYearLimit || year > kYearLimit || month < 1 || month > 12 || day < 1) {
    return std::nullopt;
  }
  if (day > days_in_month(year, static_cast<int>(month))) return std::nullopt;
  const int64_t days = days_from_civil({year, static_cast<int>(month), static_cast<int>(day)});
  if (days < kFirstDate || days > kLastDate) return std::nullopt;
  return Date{static_cast<int32_t>(days)};
}

std::optional<Timestamp> timestamp_from_micros(int128 us) {
  if (us >= INT64_MAX || us <= -int128(INT64_MAX)) return std::nullopt;
  return Timestamp{static_cast<int64_t>(us)};
}

std::optional<int64_t> read_offset(std::string_view text, size_t& at) {
  const auto two_digits = [&](size_t from) -> int64_t {
    if (from + 2 > text.size() || !is_digit(text[from]) || !is_digit(text[from + 1])) return -1;
    return (text[from] - '0') * 10 + (text[from + 1] - '0');
  };
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return std::nullopt;
  const int64_t sign = text[at] == '-' ? -1 : 1;
  size_t next = at + 1;
  const int64_t hours = two_digits(next);
  if (hours < 0) return std::nullopt;
  next += 2;
  int64_t seconds = hours * 3600;
  for (const int64_t unit : {60, 1}) {
    const size_t colon = next < text.size() && text[next] == ':' ? 1 : 0;
    const int64_t field = two_digits(next + colon);
    if (field < 0 || (unit == 1 && colon == 0)) break;
    seconds += field * unit;
    next += colon + 2;
  }
  at = next;
  return sign * seconds;
}

int64_t read_micros(std::string_view text, size_t& at) {
  int64_t us = 0;
  int64_t place = 100'000;
  for (; at < text.size() && is_digit(text[at]); ++at, place /= 10) us += (text[at] - '0') * place;
  return us;
}

Result<Date> parse_date(std::string_view text) {
  const std::string_view trimmed = trim_blanks(text);
  switch (special_word(trimmed)) {
    case Special::kInfinity:
      return Date::infinity();
    case Special::kMinusInfinity:
      return Date::minus_infinity();
    case Special::kEpoch:
      return Date{0};
    case Special::kNone:
      break;
  }
  size_t at = 0;
  DateRead read = read_date(trimmed, at);
  if (read.fault == TextFault::kNone && at < trimmed.size()) {
    read.fault = read_timestamp(trimmed).fault;  // a time may follow, if it is well formed
  }
  if (read.fault == TextFault::kNone) return read.date;
  const std::string shown = printable(text, kShownBytes);
  if (read.fault == TextFault::kRange) {
    return fail(Code::kInvalid,
                fmt::format("Conversion Error: date field value out of range: \"{}\"", shown));
  }
  return fail(Code::kInvalid,
              fmt::format("Conversion Error: invalid date field format: \"{}\", expected format is "
                          "(YYYY-MM-DD)",
                          shown));
}

std::string format_date(Date date) {
  if (date == Date::infinity()) return "infinity";
  if (date == Date::minus_infinity()) return "-infinity";
  const CivilDate civil = civil_from_days(date.days);
  const bool bc = civil.year <= 0;
  return fmt::format("{:04}-{:02}-{:02}{}", bc ? 1 - civil.year : civil.year, civil.month,
                     civil.day, bc ? " (BC)" : "");
}

Result<Timestamp> parse_timestamp(std::string_view text) {
  const TimestampRead read = read_timestamp(text);
  if (read.fault != TextFault::kNone) return fail(timestamp_error(text, read.fault));
  return read.timestamp;
}

Result<Timestamp> parse_timestamptz(std::string_view text) {
  const TimestampRead read = read_timestamp(text);
  if (read.fault != TextFault::kNone) return fail(timestamp_error(text, read.fault));
  if (!read.zone.known) {
    return fail(Code::kInvalid,
                fmt::format("Conversion Error: \"{}\" names a time zone other than UTC: give an "
                            "offset such as +02:00 instead",
                            printable(text, kShownBytes)));
  }
  if (!read.timestamp.is_finite()) return read.timestamp;
  const auto utc = timestamp_from_micros(int128(read.timestamp.us) -
                                         read.zone.offset_seconds * kMicrosPerSecond);
  if (!utc) return fail(timestamp_error(text, TextFault::kRange));
  return *utc;
}

std::string format_timestamp(Timestamp timestamp) {
  if (timestamp == Timestamp::infinity()) return "infinity";
  if (timestamp == Timestamp::minus_infinity()) return "-infinity";
  const Date date = date_of(timestamp);
  const int64_t us = timestamp.us - (int64_t(date.days) * kMicrosPerDay);
  return format_date(date) + " " + format_micros_of_day(us);
}

std::string format_timestamptz(Timestamp timestamp) {
  return timestamp.is_finite() ? format_timestamp(timestamp) + "+00" : format_timestamp(timestamp);
}

Result<TimeOfDay> parse_time(std::string_view text) {
  const std::string_view trimmed = trim_blanks(text);
  size_t at = 0;
  const TimeRead time = read_time(trimmed, at);
  if (time.fault == TextFault::kNone) {
    const ZoneRead zone = read_zone(trimmed, at);
    if (zone.well_formed && zone.known) return TimeOfDay{time.us};
  }
  const TimestampRead whole = read_timestamp(trimmed);
  if (whole.fault == TextFault::kNone && whole.timestamp.is_finite()) {
    return time_of(whole.timestamp);
  }
  return fail(
      Code::kInvalid,
      fmt::format("Conversion Error: time field value out of range: \"{}\", expected format "
                  "is ([YYYY-MM-DD ]HH:MM:SS[.MS])",
                  printable(text, kShownBytes)));
}

std::string format_time(TimeOfDay time) { return format_micros_of_day(time.us); }

}  // namespace tidemill::value
