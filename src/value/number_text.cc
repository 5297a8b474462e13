#include "value/number_text.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "base/text.h"
#include "value/digits.h"

namespace tidemill::value {
namespace {

constexpr size_t kShownBytes = 200;

Error text_error(std::string_view text, std::string_view type) {
  return {Code::kInvalid,
          fmt::format("Conversion Error: Could not convert string '{}' to {}",
                      printable(text, kShownBytes), type),
          {}};
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// "1F" or "1_F" in base 16 or 2; nothing on a foreign character or overflow.
std::optional<uint128> parse_base(std::string_view digits, unsigned base) {
  if (digits.empty() || digits.front() == '_' || digits.back() == '_') return std::nullopt;
  uint128 n = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] == '_' && digits[i - 1] != '_') continue;
    const auto digit = static_cast<unsigned>(digit_value(digits[i]));
    if (digit >= base || n > (~uint128(0) - digit) / base) return std::nullopt;
    n = n * base + digit;
  }
  return n;
}

// Magnitude and sign of an integer's text.
std::optional<uint128> parse_magnitude(std::string_view text, bool is_signed, bool& negative) {
  negative = false;
  if (text.size() > 2 && text[0] == '0') {
    if (text[1] == 'x' || text[1] == 'X') return parse_base(text.substr(2), 16);
    if (text[1] == 'b' || text[1] == 'B') return parse_base(text.substr(2), 2);
  }
  const auto number = split_number(text);
  if (!number) return std::nullopt;
  negative = number->negative;
  if (negative && !is_signed && number->has_fraction) return std::nullopt;
  return scaled_magnitude(*number, 0);
}

// What is left of a number's text for std::from_chars: no blanks, no '+', no '_'.
std::optional<std::string> plain_float_text(std::string_view text) {
  text = trim_blanks(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain.push_back(text[i]);
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() && digit_value(text[i - 1]) < 10 &&
                         digit_value(text[i + 1]) < 10;
    if (!between) return std::nullopt;
  }
  if (plain.find('(') != std::string::npos) return std::nullopt;  // from_chars reads nan(...)
  return plain;
}

// Too large gives infinity, too small gives zero: decided by the place of the first non-zero digit.
template <class T>
T out_of_range_value(std::string_view text) {
  const auto number = split_number(text);
  if (!number) return 0;
  const size_t first = number->digits.find_first_not_of('0');
  const int64_t place = number->integer_digits + number->exponent - static_cast<int64_t>(first);
  const T magnitude = place > 0 ? std::numeric_limits<T>::infinity() : T(0);
  return number->negative ? -magnitude : magnitude;
}

template <class T>
Result<T> parse_floating(std::string_view text, std::string_view type) {
  const auto plain = plain_float_text(text);
  if (!plain || plain->empty()) return fail(text_error(text, type));
  T x = 0;
  const char* end = plain->data() + plain->size();
  const auto [stop, problem] = std::from_chars(plain->data(), end, x);
  if (stop != end || problem == std::errc::invalid_argument) return fail(text_error(text, type));
  if (problem == std::errc::result_out_of_range) return out_of_range_value<T>(*plain);
  return x;
}

// "1.2345e+05" with the fewest digits that read back. Where the number lies exactly halfway between
// two such texts there is no nearest one, and DuckDB shows one digit more, which is exact.
template <class T>
std::string scientific(T x) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::scientific);
  std::string shortest(buffer, end.ptr);
  if constexpr (std::is_same_v<T, float>) {
    const auto digits = static_cast<int>(shortest.find('e')) - (shortest[1] == '.' ? 1 : 0);
    std::string longer = fmt::format("{:.{}e}", static_cast<double>(x), digits);
    const bool halfway = longer[longer.find('e') - 1] == '5';
    double read = 0;
    std::from_chars(longer.data(), longer.data() + longer.size(), read);
    if (halfway && read == static_cast<double>(x)) return longer;
  }
  return shortest;
}

// Shortest digits, laid out as DuckDB does: an exponent form below 1e-4 and from 1e16.
template <class T>
std::string format_floating(T x) {
  if (std::isnan(x)) return std::signbit(x) ? "-nan" : "nan";
  if (std::isinf(x)) return x < 0 ? "-inf" : "inf";
  const std::string shortest = scientific(std::fabs(x));
  const std::string_view shown = shortest;
  const size_t e = shown.find('e');
  std::string digits(shown.substr(0, e));
  if (digits.size() > 1) digits.erase(1, 1);
  int exponent = 0;
  const size_t sign = shown[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(shown.data() + sign, shown.data() + shown.size(), exponent);
  std::string out = std::signbit(x) ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(-exponent - 1, '0') + digits;
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

template <Integer To, class From>
Result<To> round_to_integer(From x, std::string_view from_type) {
  // Both bounds are powers of two (or 0), so they are exact in From.
  const From above = std::ldexp(From(1), sizeof(To) * 8 - (is_signed_integer<To> ? 1 : 0));
  const From lowest = is_signed_integer<To> ? -above : From(0);
  const From rounded = std::nearbyint(x);
  if (!(rounded >= lowest && rounded < above)) {
    return fail(integer_range_error(from_type, format_floating(x), integer_name<To>()));
  }
  return static_cast<To>(rounded);
}

}  // namespace

Error integer_range_error(std::string_view from_type, std::string_view shown,
                          std::string_view to_type) {
  return {Code::kInvalid,
          fmt::format("Conversion Error: Type {} with value {} can't be cast because the value is "
                      "out of range for the destination type {}",
                      from_type, shown, to_type),
          {}};
}

template <Integer T>
Result<T> parse_integer(std::string_view text) {
  bool negative = false;
  const auto magnitude = parse_magnitude(trim_blanks(text), is_signed_integer<T>, negative);
  const uint128 limit = uint128(max_of<T>) + (negative && is_signed_integer<T> ? 1 : 0);
  if (!magnitude || *magnitude > limit || (negative && !is_signed_integer<T> && *magnitude != 0)) {
    return fail(text_error(text, integer_name<T>()));
  }
  return static_cast<T>(negative ? uint128(0) - *magnitude : *magnitude);
}

template Result<int8_t> parse_integer<int8_t>(std::string_view);
template Result<int16_t> parse_integer<int16_t>(std::string_view);
template Result<int32_t> parse_integer<int32_t>(std::string_view);
template Result<int64_t> parse_integer<int64_t>(std::string_view);
template Result<int128> parse_integer<int128>(std::string_view);
template Result<uint8_t> parse_integer<uint8_t>(std::string_view);
template Result<uint16_t> parse_integer<uint16_t>(std::string_view);
template Result<uint32_t> parse_integer<uint32_t>(std::string_view);
template Result<uint64_t> parse_integer<uint64_t>(std::string_view);
template Result<uint128> parse_integer<uint128>(std::string_view);

Result<double> parse_double(std::string_view text) {
  return parse_floating<double>(text, "DOUBLE");
}
Result<float> parse_float(std::string_view text) { return parse_floating<float>(text, "FLOAT"); }

Result<bool> parse_bool(std::string_view text) {
  const std::string word = text.size() <= 5 ? to_lower_ascii(text) : "";
  for (const std::string_view yes : {"true", "t", "yes", "y", "1"}) {
    if (word == yes) return true;
  }
  for (const std::string_view no : {"false", "f", "no", "n", "0"}) {
    if (word == no) return false;
  }
  return fail(text_error(text, "BOOL"));
}

std::string format_double(double x) { return format_floating(x); }
std::string format_float(float x) { return format_floating(x); }

template <Integer T>
Result<T> integer_from_double(double x) {
  return round_to_integer<T>(x, "DOUBLE");
}
template <Integer T>
Result<T> integer_from_float(float x) {
  return round_to_integer<T>(x, "FLOAT");
}

template Result<int8_t> integer_from_double<int8_t>(double);
template Result<int16_t> integer_from_double<int16_t>(double);
template Result<int32_t> integer_from_double<int32_t>(double);
template Result<int64_t> integer_from_double<int64_t>(double);
template Result<int128> integer_from_double<int128>(double);
template Result<uint8_t> integer_from_double<uint8_t>(double);
template Result<uint16_t> integer_from_double<uint16_t>(double);
template Result<uint32_t> integer_from_double<uint32_t>(double);
template Result<uint64_t> integer_from_double<uint64_t>(double);
template Result<uint128> integer_from_double<uint128>(double);
template Result<int8_t> integer_from_float<int8_t>(float);
template Result<int16_t> integer_from_float<int16_t>(float);
template Result<int32_t> integer_from_float<int32_t>(float);
template Result<int64_t> integer_from_float<int64_t>(float);
template Result<int128> integer_from_float<int128>(float);
template Result<uint8_t> integer_from_float<uint8_t>(float);
template Result<uint16_t> integer_from_float<uint16_t>(float);
template Result<uint32_t> integer_from_float<uint32_t>(float);
template Result<uint64_t> integer_from_float<uint64_t>(float);

Result<float> float_from_double(double x) {
  const auto narrow = static_cast<float>(x);
  if (std::isfinite(x) && !std::isfinite(narrow)) {
    return fail(integer_range_error("DOUBLE", format_double(x), "FLOAT"));
  }
  return narrow;
}

double double_from_int128(int128 n) { return static_cast<double>(n); }

}  // namespace tidemill::value
