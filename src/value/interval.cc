#include "value/interval.h"

#include <cmath>

#include "base/text.h"
#include "value/date_part.h"
#include "value/number_text.h"

namespace tidemill::value {
namespace {

constexpr size_t kShownBytes = 200;
constexpr int64_t kMillion = 1'000'000;

Error invalid(std::string message) { return {Code::kInvalid, std::move(message), {}}; }

// What one unit is worth. Exactly one field is not 0.
struct UnitSize {
  int64_t months = 0;
  int64_t days = 0;
  int64_t us = 0;
};

Result<UnitSize> unit_size(DatePart part, std::string_view word) {
  switch (part) {
    case DatePart::kMillennium:
      return UnitSize{12'000, 0, 0};
    case DatePart::kCentury:
      return UnitSize{1'200, 0, 0};
    case DatePart::kDecade:
      return UnitSize{120, 0, 0};
    case DatePart::kYear:
      return UnitSize{12, 0, 0};
    case DatePart::kQuarter:
      return UnitSize{3, 0, 0};
    case DatePart::kMonth:
      return UnitSize{1, 0, 0};
    case DatePart::kWeek:
      return UnitSize{0, 7, 0};
    case DatePart::kDay:
      return UnitSize{0, 1, 0};
    case DatePart::kHour:
      return UnitSize{0, 0, kMicrosPerHour};
    case DatePart::kMinute:
      return UnitSize{0, 0, kMicrosPerMinute};
    case DatePart::kSecond:
      return UnitSize{0, 0, kMicrosPerSecond};
    case DatePart::kMilliseconds:
      return UnitSize{0, 0, 1000};
    case DatePart::kMicroseconds:
      return UnitSize{0, 0, 1};
    default:
      break;
  }
  return fail(invalid(
      fmt::format("Conversion Error: extract specifier \"{}\" not supported for interval", word)));
}

struct Total {
  int128 months = 0;
  int128 days = 0;
  int128 us = 0;
};

Result<Interval> narrow(const Total& total) {
  TIDEMILL_TRY_LET(months, integer_cast<int32_t>(total.months));
  TIDEMILL_TRY_LET(days, integer_cast<int32_t>(total.days));
  TIDEMILL_TRY_LET(us, integer_cast<int64_t>(total.us));
  return Interval{months, days, us};
}

// count and `millionths` of one unit. A fraction of a year or more goes to months only, one of a
// month to days and time, as PostgreSQL and DuckDB do.
void add_unit(Total& total, const UnitSize& unit, DatePart part, int64_t count,
              int64_t millionths) {
  total.months += int128(unit.months) * count;
  total.days += int128(unit.days) * count;
  total.us += int128(unit.us) * count;
  int64_t part_days = unit.days * millionths;
  if (unit.months != 0) {
    const int64_t part_months = unit.months * millionths;
    total.months += part_months / kMillion;
    const bool small = part == DatePart::kMonth || part == DatePart::kQuarter;
    part_days = small ? part_months % kMillion * kDaysPerMonth : 0;
  }
  total.days += part_days / kMillion;
  total.us += part_days % kMillion * kMicrosPerDay / kMillion;
  total.us += int128(unit.us) * millionths / kMillion;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // False (or the error of an unknown unit) if the text is not an interval.
  Result<bool> read() {
    skip_blanks();
    if (peek() == '@') ++at_;
    bool found = false;
    for (skip_blanks(); at_ < text_.size(); skip_blanks()) {
      if (found && read_ago()) break;
      const bool negative = peek() == '-';
      if (negative) ++at_;
      if (!is_digit(peek())) return false;
      TIDEMILL_TRY_LET(good, read_amount(negative));
      if (!good) return false;
      found = true;
    }
    return found;
  }
  const Total& total() const { return total_; }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  bool read_ago() {
    if (to_lower_ascii(text_.substr(at_, 3)) != "ago") return false;
    const size_t behind = text_.find_first_not_of(" \t\n", at_ + 3);
    if (behind != std::string_view::npos) return false;
    total_ = {-total_.months, -total_.days, -total_.us};
    at_ = text_.size();
    return true;
  }

  std::optional<int64_t> read_digits() {
    const size_t start = at_;
    while (is_digit(peek())) ++at_;
    const auto number = parse_integer<int64_t>(text_.substr(start, at_ - start));
    if (!number) return std::nullopt;
    return *number;
  }

  // ".1234567" as 123457 millionths.
  int64_t read_fraction() {
    if (peek() != '.') return 0;
    ++at_;
    int64_t millionths = 0;
    int64_t place = kMillion / 10;
    for (; is_digit(peek()); ++at_) {
      if (place > 0) millionths += (peek() - '0') * place;
      if (place == 0 && peek() >= '5') ++millionths;
      place = place > 0 ? place / 10 : -1;
    }
    return millionths;
  }

  Result<bool> read_amount(bool negative) {
    const auto count = read_digits();
    if (!count) return false;
    if (peek() == ':') return read_clock(*count, negative);
    const int64_t millionths = read_fraction();
    skip_blanks();
    const size_t start = at_;
    while (is_letter(peek())) ++at_;
    std::string_view word = text_.substr(start, at_ - start);
    if (word.empty() && at_ < text_.size()) return false;
    if (word.empty()) word = "second";
    TIDEMILL_TRY_LET(part, parse_date_part(word));
    TIDEMILL_TRY_LET(unit, unit_size(part, word));
    const int64_t sign = negative ? -1 : 1;
    add_unit(total_, unit, part, sign * *count, sign * millionths);
    return true;
  }

  // The rest of "hours:minutes[:seconds[.fraction]]"; nothing may follow.
  bool read_clock(int64_t hours, bool negative) {
    int64_t fields[2] = {0, 0};
    for (int i = 0; i < 2 && peek() == ':'; ++i) {
      ++at_;
      if (!is_digit(peek())) return false;
      const auto field = read_digits();
      if (!field || *field > 59) return false;
      fields[i] = *field;
    }
    int128 us = int128(hours) * kMicrosPerHour + fields[0] * kMicrosPerMinute +
                fields[1] * kMicrosPerSecond;
    int64_t place = kMillion / 10;
    if (peek() == '.') ++at_;
    for (; is_digit(peek()); ++at_, place /= 10) us += (peek() - '0') * place;
    total_.us += negative ? -us : us;
    skip_blanks();
    return at_ == text_.size();
  }

  std::string_view text_;
  size_t at_ = 0;
  Total total_;
};

void append_unit(std::string& out, int64_t count, std::string_view unit) {
  if (count == 0) return;
  if (!out.empty()) out += ' ';
  out += fmt::format("{} {}{}", count, unit, count == 1 || count == -1 ? "" : "s");
}

double round_to_micros(double x) { return std::rint(x * 1e6) / 1e6; }

Result<Interval> from_doubles(double months, double days, double us) {
  if (!std::isfinite(months) || !std::isfinite(days) || !std::isfinite(us)) {
    return fail(invalid("Out of Range Error: the interval is out of range"));
  }
  TIDEMILL_TRY_LET(whole_months, integer_from_double<int32_t>(std::trunc(months)));
  TIDEMILL_TRY_LET(whole_days, integer_from_double<int32_t>(std::trunc(days)));
  const double month_days = round_to_micros((months - whole_months) * kDaysPerMonth);
  double rest = round_to_micros((days - whole_days + month_days - std::trunc(month_days)) * 86400);
  double more_days = std::trunc(month_days);
  if (std::fabs(rest) >= 86400) {
    more_days += std::trunc(rest / 86400);
    rest -= std::trunc(rest / 86400) * 86400;
  }
  TIDEMILL_TRY_LET(all_days, integer_from_double<int32_t>(whole_days + more_days));
  TIDEMILL_TRY_LET(all_us, integer_from_double<int64_t>(us + rest * 1e6));
  return Interval{whole_months, all_days, all_us};
}

}  // namespace

NormalInterval normalize(Interval interval) {
  NormalInterval normal{interval.months, interval.days, interval.us};
  normal.days += normal.us / kMicrosPerDay;
  normal.us %= kMicrosPerDay;
  if (normal.us < 0) {
    normal.us += kMicrosPerDay;
    --normal.days;
  }
  normal.months += normal.days / kDaysPerMonth;
  normal.days %= kDaysPerMonth;
  if (normal.days < 0) {
    normal.days += kDaysPerMonth;
    --normal.months;
  }
  return normal;
}

std::string format_interval(Interval interval) {
  std::string out;
  append_unit(out, interval.months / 12, "year");
  append_unit(out, interval.months % 12, "month");
  append_unit(out, interval.days, "day");
  if (interval.us == 0) return out.empty() ? "00:00:00" : out;
  if (!out.empty()) out += ' ';
  if (interval.us < 0) out += '-';
  const uint64_t us =
      interval.us < 0 ? 0 - static_cast<uint64_t>(interval.us) : static_cast<uint64_t>(interval.us);
  out += fmt::format("{:02}:{:02}:{:02}", us / kMicrosPerHour, us / kMicrosPerMinute % 60,
                     us / kMicrosPerSecond % 60);
  if (us % kMicrosPerSecond != 0) {
    std::string fraction = fmt::format(".{:06}", us % kMicrosPerSecond);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    out += fraction;
  }
  return out;
}

Result<Interval> parse_interval(std::string_view text) {
  Reader reader(text);
  TIDEMILL_TRY_LET(good, reader.read());
  if (!good) {
    return fail(invalid(fmt::format("Conversion Error: Could not convert string '{}' to INTERVAL",
                                    printable(text, kShownBytes))));
  }
  return narrow(reader.total());
}

Result<Interval> make_interval(int64_t count, std::string_view unit) {
  TIDEMILL_TRY_LET(part, parse_date_part(unit));
  TIDEMILL_TRY_LET(size, unit_size(part, unit));
  return narrow({int128(size.months) * count, int128(size.days) * count, int128(size.us) * count});
}

Result<Interval> make_interval(double count, std::string_view unit) {
  TIDEMILL_TRY_LET(part, parse_date_part(unit));
  TIDEMILL_TRY_LET(size, unit_size(part, unit));
  if (size.us != 0 && size.us <= kMicrosPerSecond) {
    TIDEMILL_TRY_LET(us, integer_from_double<int64_t>(count * static_cast<double>(size.us)));
    return Interval{0, 0, us};
  }
  TIDEMILL_TRY_LET(whole, integer_from_double<int64_t>(std::trunc(count)));
  return make_interval(whole, unit);
}

Result<Interval> add(Interval a, Interval b) {
  return narrow({int128(a.months) + b.months, int128(a.days) + b.days, int128(a.us) + b.us});
}

Result<Interval> subtract(Interval a, Interval b) {
  return narrow({int128(a.months) - b.months, int128(a.days) - b.days, int128(a.us) - b.us});
}

Result<Interval> negate(Interval a) {
  return narrow({-int128(a.months), -int128(a.days), -int128(a.us)});
}

Result<Interval> multiply(Interval a, int64_t n) {
  return narrow({int128(a.months) * n, int128(a.days) * n, int128(a.us) * n});
}

Result<Interval> multiply(Interval a, double factor) {
  return from_doubles(a.months * factor, a.days * factor, static_cast<double>(a.us) * factor);
}

Result<Interval> divide(Interval a, double divisor) {
  return from_doubles(a.months / divisor, a.days / divisor, static_cast<double>(a.us) / divisor);
}

}  // namespace tidemill::value
