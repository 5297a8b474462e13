#include "sql/kernels/text_format.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "sql/kernels/strings.h"
#include "value/number_text.h"

namespace tidemill::sql::kernels {
namespace {

Error invalid(std::string message) {
  return {Code::kInvalid, "Invalid Input Error: " + std::move(message), {}};
}

Error type_error(char type, std::string_view value_type) {
  return invalid(fmt::format("Invalid type specifier \"{}\" for formatting a value of type {}",
                             printable(std::string_view(&type, 1), 8), value_type));
}

// The parts of a number: sign or prefix first, so that zero padding goes behind it.
struct NumberParts {
  std::string lead;
  std::string body;
};

std::string digits_in_base(value::uint128 n, unsigned base, bool capital) {
  const std::string_view digits = capital ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  do {
    out.push_back(digits[static_cast<size_t>(n % base)]);
    n /= base;
  } while (n != 0);
  return {out.rbegin(), out.rend()};
}

void group_thousands(std::string& body, char separator) {
  size_t end = 0;
  while (end < body.size() && body[end] >= '0' && body[end] <= '9') ++end;
  for (size_t at = end; at > 3; at -= 3) body.insert(at - 3, 1, separator);
}

std::string padded(const std::string& text, const FieldOptions& options, Align natural) {
  const int64_t missing = options.width - length(text);
  if (missing <= 0) return text;
  const Align align = options.align == Align::kDefault ? natural : options.align;
  int64_t before = 0;
  if (align == Align::kRight) before = missing;
  if (align == Align::kCenter) before = missing / 2;
  std::string out;
  for (int64_t i = 0; i < before; ++i) out += options.fill;
  out += text;
  for (int64_t i = before; i < missing; ++i) out += options.fill;
  return out;
}

std::string finish_number(NumberParts parts, const FieldOptions& options) {
  if (options.thousands != 0) group_thousands(parts.body, options.thousands);
  if (options.zero_padded && options.align == Align::kDefault) {
    const int64_t have = length(parts.lead) + length(parts.body);
    if (have < options.width) parts.lead.append(static_cast<size_t>(options.width - have), '0');
  }
  return padded(parts.lead + parts.body, options, Align::kRight);
}

std::string sign_text(bool negative, char sign) {
  if (negative) return "-";
  return sign == '-' ? "" : std::string(1, sign);
}

Result<std::string> write_integer(bool negative, value::uint128 magnitude,
                                  const FieldOptions& options) {
  if (options.precision >= 0) return fail(invalid("precision not allowed for this argument type"));
  NumberParts parts{sign_text(negative, options.sign), ""};
  switch (options.type) {
    case 0:
    case 'd':
    case 'n':
      parts.body = digits_in_base(magnitude, 10, false);
      break;
    case 'x':
    case 'X':
      if (options.alternate) parts.lead += options.type == 'x' ? "0x" : "0X";
      parts.body = digits_in_base(magnitude, 16, options.type == 'X');
      break;
    case 'b':
    case 'B':
      if (options.alternate) parts.lead += options.type == 'b' ? "0b" : "0B";
      parts.body = digits_in_base(magnitude, 2, false);
      break;
    case 'o':
      if (options.alternate && magnitude != 0) parts.lead += "0";
      parts.body = digits_in_base(magnitude, 8, false);
      break;
    default:
      return fail(type_error(options.type, "int"));
  }
  return finish_number(std::move(parts), options);
}

// Digits without a type: as 'g', but with a point, so that it reads as a number with a fraction.
std::string with_point(double x, int precision) {
  std::string out = fmt::format("{:.{}g}", x, precision);
  const size_t end = std::min(out.find('e'), out.size());
  if (out.find('.') == std::string::npos) out.insert(end, ".0");
  return out;
}

std::string float_body(double x, const FieldOptions& options) {
  const int precision = options.precision < 0 ? 6 : static_cast<int>(options.precision);
  switch (options.type) {
    case 'f':
    case 'F':
      return fmt::format("{:.{}f}", x, precision);
    case 'e':
      return fmt::format("{:.{}e}", x, precision);
    case 'E':
      return fmt::format("{:.{}E}", x, precision);
    case 'G':
      return fmt::format("{:.{}G}", x, precision);
    case 'g':
      return fmt::format("{:.{}g}", x, precision);
    case 'a':
      return options.precision < 0 ? fmt::format("{:a}", x) : fmt::format("{:.{}a}", x, precision);
    case 'A':
      return options.precision < 0 ? fmt::format("{:A}", x) : fmt::format("{:.{}A}", x, precision);
    default:
      return options.precision < 0 ? value::format_double(x) : with_point(x, precision);
  }
}

Result<std::string> write_double(double x, FieldOptions options) {
  constexpr std::string_view kTypes = "fFeEgGaA";
  const bool known = options.type == 0 || options.type == 'n' ||
                     kTypes.find(options.type) != std::string_view::npos;
  if (!known) return fail(type_error(options.type, "float"));
  NumberParts parts{sign_text(std::signbit(x), options.sign), ""};
  if (!std::isfinite(x)) {
    // In format it stands at the left, and what would be leading zeros follows it.
    if (options.printf_rules && !options.zero_padded) {
      const bool capital = std::string_view("FEGA").find(options.type) != std::string_view::npos;
      const std::string_view word =
          std::isnan(x) ? (capital ? "NAN" : "nan") : (capital ? "INF" : "inf");
      return padded(parts.lead + std::string(word), options, Align::kRight);
    }
    if (options.zero_padded) options.fill = "0";
    return padded(parts.lead + (std::isnan(x) ? "nan" : "inf"), options, Align::kLeft);
  }
  parts.body = float_body(std::fabs(x), options);
  if (options.thousands == '.') std::replace(parts.body.begin(), parts.body.end(), '.', ',');
  return finish_number(std::move(parts), options);
}

Result<std::string> write_text(std::string_view text, const FieldOptions& options) {
  if (options.type != 0 && options.type != 's') return fail(type_error(options.type, "string"));
  if (options.precision >= 0) text = left(text, options.precision);
  return padded(std::string(text), options, options.printf_rules ? Align::kRight : Align::kLeft);
}

struct Writer {
  const FieldOptions& options;

  Result<std::string> operator()(bool b) const {
    if (options.type == 's' && !options.printf_rules) return fail(type_error('s', "bool"));
    if (options.type == 0 || options.type == 's') {
      if (options.precision >= 0 && !options.printf_rules) {
        return fail(invalid("precision not allowed for this argument type"));
      }
      return write_text(b ? "true" : "false", options);
    }
    if (options.sign != '-' && !options.printf_rules) {
      return fail(invalid("format specifier requires signed argument"));
    }
    return write_integer(false, b ? 1 : 0, options);
  }
  Result<std::string> operator()(int64_t n) const { return (*this)(value::int128(n)); }
  Result<std::string> operator()(uint64_t n) const { return write_integer(false, n, options); }
  Result<std::string> operator()(value::int128 n) const {
    const bool wraps = options.printf_rules && n < 0 && n >= INT64_MIN && options.type != 0 &&
                       std::string_view("xXo").find(options.type) != std::string_view::npos;
    if (wraps) return write_integer(false, static_cast<uint64_t>(n), options);
    const value::uint128 magnitude =
        n < 0 ? value::uint128(0) - value::uint128(n) : value::uint128(n);
    return write_integer(n < 0, magnitude, options);
  }
  Result<std::string> operator()(double x) const { return write_double(x, options); }
  Result<std::string> operator()(const std::string& text) const {
    return write_text(text, options);
  }
};

}  // namespace

Result<std::string> write_field(const FormatArgument& argument, const FieldOptions& options) {
  if (options.width > kMaxFieldWidth || options.precision > kMaxPrecision) {
    return fail(invalid(fmt::format("the width may be at most {} and the precision at most {}",
                                    kMaxFieldWidth, kMaxPrecision)));
  }
  return std::visit(Writer{options}, argument);
}

Error argument_range_error(size_t index) {
  return invalid(fmt::format("Argument index \"{}\" out of range", index));
}

Result<int64_t> size_argument(std::span<const FormatArgument> arguments, size_t index) {
  if (index >= arguments.size()) return fail(argument_range_error(index));
  const int64_t* n = std::get_if<int64_t>(&arguments[index]);
  if (n == nullptr || *n < 0) {
    return fail(invalid(
        fmt::format("argument {} gives a width or precision and must be a whole number of at least "
                    "0",
                    index)));
  }
  return *n;
}

}  // namespace tidemill::sql::kernels
