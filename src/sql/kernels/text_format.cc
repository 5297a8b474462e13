#include "sql/kernels/text_format.h"

#include <cmath>
#include <cstdio>

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

std::string printed(const char* pattern, int precision, double x) {
  std::string out(512, '\0');
  const int size = std::snprintf(out.data(), out.size(), pattern, precision, x);
  out.resize(static_cast<size_t>(std::max(size, 0)));
  if (size >= 512) {
    out.resize(static_cast<size_t>(size) + 1);
    std::snprintf(out.data(), out.size(), pattern, precision, x);
    out.resize(static_cast<size_t>(size));
  }
  return out;
}

std::string float_body(double x, const FieldOptions& options) {
  const int precision = options.precision < 0 ? 6 : static_cast<int>(options.precision);
  switch (options.type) {
    case 'f':
    case 'F':
      return printed("%.*f", precision, x);
    case 'e':
      return printed("%.*e", precision, x);
    case 'E':
      return printed("%.*E", precision, x);
    case 'G':
      return printed("%.*G", precision, x);
    case 'g':
      return printed("%.*g", precision, x);
    case 'a':
      return options.precision < 0 ? fmt::format("{:a}", x) : printed("%.*a", precision, x);
    case 'A':
      return options.precision < 0 ? fmt::format("{:A}", x) : printed("%.*A", precision, x);
    default:
      return options.precision < 0 ? value::format_double(x) : printed("%.*g", precision, x);
  }
}

Result<std::string> write_double(double x, FieldOptions options) {
  constexpr std::string_view kTypes = "fFeEgGaA";
  const bool known = options.type == 0 || options.type == 'n' ||
                     kTypes.find(options.type) != std::string_view::npos;
  if (!known) return fail(type_error(options.type, "float"));
  NumberParts parts{sign_text(std::signbit(x), options.sign), ""};
  if (!std::isfinite(x)) {
    options.zero_padded = false;
    options.thousands = 0;
    parts.body = std::isnan(x) ? "nan" : "inf";
  } else {
    parts.body = float_body(std::fabs(x), options);
  }
  return finish_number(std::move(parts), options);
}

Result<std::string> write_text(std::string_view text, const FieldOptions& options) {
  if (options.type != 0 && options.type != 's') return fail(type_error(options.type, "string"));
  if (options.precision >= 0) text = left(text, options.precision);
  return padded(std::string(text), options, Align::kLeft);
}

struct Writer {
  const FieldOptions& options;

  Result<std::string> operator()(bool b) const {
    if (options.type == 0 || options.type == 's') return write_text(b ? "true" : "false", options);
    return write_integer(false, b ? 1 : 0, options);
  }
  Result<std::string> operator()(int64_t n) const { return (*this)(value::int128(n)); }
  Result<std::string> operator()(uint64_t n) const { return write_integer(false, n, options); }
  Result<std::string> operator()(value::int128 n) const {
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
