#include "value/digits.h"

namespace tidemill::value {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Appends a run of digits with single '_' between them; false at a misplaced '_'.
bool take_digits(std::string_view text, size_t& at, std::string& out) {
  const size_t start = at;
  while (at < text.size()) {
    if (is_digit(text[at])) {
      out.push_back(text[at++]);
    } else if (text[at] == '_') {
      const bool between =
          at > start && is_digit(text[at - 1]) && at + 1 < text.size() && is_digit(text[at + 1]);
      if (!between) return false;
      ++at;
    } else {
      break;
    }
  }
  return true;
}

// The exponent is capped: beyond the cap every number is 0 or too large anyway.
constexpr int64_t kExponentCap = 1'000'000'000;

std::optional<int64_t> take_exponent(std::string_view text, size_t& at) {
  bool negative = false;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
  std::string digits;
  if (!take_digits(text, at, digits) || digits.empty()) return std::nullopt;
  int64_t exponent = 0;
  for (const char c : digits) {
    exponent = exponent * 10 + (c - '0');
    if (exponent > kExponentCap) exponent = kExponentCap;
  }
  return negative ? -exponent : exponent;
}

}  // namespace

std::string_view trim_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<NumberText> split_number(std::string_view text) {
  NumberText number;
  size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) number.negative = text[at++] == '-';
  if (!take_digits(text, at, number.digits)) return std::nullopt;
  number.integer_digits = static_cast<int64_t>(number.digits.size());
  if (at < text.size() && text[at] == '.') {
    number.has_fraction = true;
    ++at;
    if (!take_digits(text, at, number.digits)) return std::nullopt;
  }
  if (number.digits.empty()) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const auto exponent = take_exponent(text, at);
    if (!exponent) return std::nullopt;
    number.exponent = *exponent;
  }
  if (at != text.size()) return std::nullopt;
  return number;
}

std::optional<uint128> scaled_magnitude(const NumberText& number, int scale) {
  constexpr uint128 kMax = ~uint128(0);
  const int64_t wanted = number.integer_digits + number.exponent + scale;
  const auto available = static_cast<int64_t>(number.digits.size());
  if (wanted < 0) return uint128(0);
  uint128 magnitude = 0;
  for (int64_t i = 0; i < wanted; ++i) {
    if (i >= available && magnitude == 0) return uint128(0);
    const unsigned digit = i < available ? static_cast<unsigned>(number.digits[i] - '0') : 0;
    if (magnitude > (kMax - digit) / 10) return std::nullopt;
    magnitude = magnitude * 10 + digit;
  }
  if (wanted < available && number.digits[wanted] >= '5') {
    if (magnitude == kMax) return std::nullopt;
    ++magnitude;
  }
  return magnitude;
}

}  // namespace tidemill::value
