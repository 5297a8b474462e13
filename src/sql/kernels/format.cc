#include "sql/kernels/format.h"

#include "base/text.h"
#include "sql/kernels/strings.h"
#include "sql/kernels/text_format.h"
#include "sql/kernels/utf8.h"

namespace tidemill::sql::kernels {
namespace {

Error invalid(std::string message) {
  return {Code::kInvalid, "Invalid Input Error: " + std::move(message), {}};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads patterns of both functions: a cursor, the arguments and the next argument without a number.
class Cursor {
 public:
  Cursor(std::string_view pattern, std::span<const FormatArgument> arguments)
      : pattern_(pattern), arguments_(arguments) {}

  bool done() const { return at_ >= pattern_.size(); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }
  void skip(size_t n = 1) { at_ += n; }
  std::string_view take_character() {
    const size_t size = character_size(pattern_, at_);
    at_ += size;
    return pattern_.substr(at_ - size, size);
  }
  size_t place() const { return at_; }
  void return_to(size_t place) { at_ = place; }
  std::string_view rest() const { return pattern_.substr(std::min(at_, pattern_.size())); }

  // Digits as a number, capped far above every limit; -1 without digits.
  int64_t number() {
    if (!is_digit(peek())) return -1;
    int64_t n = 0;
    for (; is_digit(peek()); skip()) n = std::min<int64_t>(n * 10 + (peek() - '0'), 1'000'000'000);
    return n;
  }
  size_t next_index() { return next_++; }
  std::span<const FormatArgument> arguments() const { return arguments_; }

 private:
  std::string_view pattern_;
  std::span<const FormatArgument> arguments_;
  size_t at_ = 0;
  size_t next_ = 0;
};

Status check_length(const std::string& out) {
  if (out.size() <= kMaxTextBytes) return {};
  return fail(invalid(fmt::format("the text is longer than {} bytes", kMaxTextBytes)));
}

Align align_of(char c) {
  if (c == '<') return Align::kLeft;
  if (c == '>') return Align::kRight;
  return c == '^' ? Align::kCenter : Align::kDefault;
}

// "{}" or "{3}" inside a specification, else a plain number.
Result<int64_t> read_size(Cursor& cursor) {
  if (cursor.peek() != '{') return cursor.number();
  cursor.skip();
  const int64_t given = cursor.number();
  if (cursor.peek() != '}') return fail(invalid("invalid format string"));
  cursor.skip();
  return size_argument(cursor.arguments(),
                       given >= 0 ? static_cast<size_t>(given) : cursor.next_index());
}

// [[fill]align][sign][#][0][width][,|_|tC][.precision][type]
Result<FieldOptions> read_specification(Cursor& cursor) {
  FieldOptions options;
  const size_t start = cursor.place();
  if (!cursor.done() && cursor.peek() != '}') {
    const std::string_view fill = cursor.take_character();
    options.align = align_of(cursor.peek());
    if (options.align != Align::kDefault && fill != "{") {
      options.fill = fill;
      cursor.skip();
    } else {
      cursor.return_to(start);
      options.align = align_of(cursor.peek());
      if (options.align != Align::kDefault) cursor.skip();
    }
  }
  if (cursor.peek() == '+' || cursor.peek() == '-' || cursor.peek() == ' ') {
    options.sign = cursor.peek();
    cursor.skip();
  }
  if (cursor.peek() == '#') {
    options.alternate = true;
    cursor.skip();
  }
  if (cursor.peek() == '0') {
    options.zero_padded = true;
    cursor.skip();
  }
  TIDEMILL_TRY_LET(width, read_size(cursor));
  options.width = std::max<int64_t>(width, 0);
  if (cursor.peek() == ',' || cursor.peek() == '_') {
    options.thousands = cursor.peek();
    cursor.skip();
  } else if (cursor.peek() == 't' && cursor.peek(1) != '}' && cursor.peek(1) != '\0') {
    options.thousands = cursor.peek(1);
    cursor.skip(2);
  }
  if (cursor.peek() == '.') {
    cursor.skip();
    TIDEMILL_TRY_LET(precision, read_size(cursor));
    if (precision < 0) return fail(invalid("missing precision specifier"));
    options.precision = precision;
  }
  if (!cursor.done() && cursor.peek() != '}') {
    options.type = cursor.peek();
    cursor.skip();
  }
  if (cursor.peek() != '}') return fail(invalid("invalid format string"));
  return options;
}

// What stands between '{' and '}'; the cursor is behind the '{'.
Result<std::string> replacement_field(Cursor& cursor) {
  const int64_t given = cursor.number();
  if (given < 0 && cursor.peek() != ':' && cursor.peek() != '}') {
    const std::string_view rest = cursor.rest();
    const size_t end = rest.find('}');
    if (end == std::string_view::npos) return fail(invalid("invalid format string"));
    const std::string name = printable(rest.substr(0, end), 100);
    return fail(
        invalid(fmt::format("Argument with name \"{}\" not found, did you mean to use it as "
                            "a format specifier (e.g. {{:{}}}",
                            name, name)));
  }
  const size_t index = given >= 0 ? static_cast<size_t>(given) : cursor.next_index();
  FieldOptions options;
  if (cursor.peek() == ':') {
    cursor.skip();
    TIDEMILL_TRY_LET(read, read_specification(cursor));
    options = read;
  }
  if (cursor.peek() != '}') return fail(invalid("invalid format string"));
  cursor.skip();
  if (index >= cursor.arguments().size()) return fail(argument_range_error(index));
  return write_field(cursor.arguments()[index], options);
}

// A width or precision of printf: digits or '*'.
Result<int64_t> printf_size(Cursor& cursor) {
  if (cursor.peek() != '*') return cursor.number();
  cursor.skip();
  return size_argument(cursor.arguments(), cursor.next_index());
}

// "3$" at the cursor as index 2; moves behind it.
std::optional<size_t> positional_index(Cursor& cursor) {
  const size_t start = cursor.place();
  const int64_t n = cursor.number();
  if (n > 0 && cursor.peek() == '$') {
    cursor.skip();
    return static_cast<size_t>(n - 1);
  }
  cursor.return_to(start);
  return std::nullopt;
}

void printf_flags(Cursor& cursor, FieldOptions& options) {
  for (;; cursor.skip()) {
    switch (cursor.peek()) {
      case '-':
        options.align = Align::kLeft;
        continue;
      case '+':
        options.sign = '+';
        continue;
      case ' ':
        if (options.sign != '+') options.sign = ' ';
        continue;
      case '0':
        options.zero_padded = true;
        continue;
      case '#':
        options.alternate = true;
        continue;
      case ',':
      case '\'':
      case '_':
        options.thousands = cursor.peek();
        continue;
      default:
        return;
    }
  }
}

// The cursor is behind the '%'.
Result<std::string> conversion(Cursor& cursor) {
  FieldOptions options;
  options.printf_rules = true;
  auto index = positional_index(cursor);
  printf_flags(cursor, options);
  TIDEMILL_TRY_LET(width, printf_size(cursor));
  options.width = std::max<int64_t>(width, 0);
  if (cursor.peek() == '.') {
    cursor.skip();
    const bool sized = is_digit(cursor.peek()) || cursor.peek() == '*';
    if (sized) {
      TIDEMILL_TRY_LET(precision, printf_size(cursor));
      options.precision = precision;
    } else {
      options.thousands = '.';  // "%.d" groups digits by points
    }
  }
  while (std::string_view("hlLqjzt").find(cursor.peek()) != std::string_view::npos &&
         cursor.peek() != '\0' && cursor.peek(1) != '\0') {
    cursor.skip();
  }
  options.type = cursor.peek() == '\0' ? '%' : cursor.peek();
  cursor.skip();
  if (!index) index = cursor.next_index();
  if (*index >= cursor.arguments().size()) return fail(argument_range_error(*index));
  const FormatArgument& argument = cursor.arguments()[*index];
  if (options.type == 'u') {  // without a sign: a negative number wraps
    options.type = 'd';
    const int64_t* number = std::get_if<int64_t>(&argument);
    if (number != nullptr) return write_field(static_cast<uint64_t>(*number), options);
  }
  if (options.type == 'i') options.type = 'd';
  if (options.type == 'c') {
    const int64_t* code = std::get_if<int64_t>(&argument);
    if (code == nullptr) return fail(invalid("%c needs a whole number"));
    TIDEMILL_TRY_LET(character, chr(*code));
    options.type = 's';
    return write_field(character, options);
  }
  return write_field(argument, options);
}

}  // namespace

Result<std::string> format(std::string_view pattern, std::span<const FormatArgument> arguments) {
  Cursor cursor(pattern, arguments);
  std::string out;
  while (!cursor.done()) {
    const char c = cursor.peek();
    cursor.skip();
    if (c != '{' && c != '}') {
      out.push_back(c);
    } else if (cursor.peek() == c) {
      out.push_back(c);
      cursor.skip();
    } else if (c == '}') {
      return fail(invalid("unmatched '}' in format string"));
    } else {
      if (cursor.done()) return fail(invalid("invalid format string"));
      TIDEMILL_TRY_LET(field, replacement_field(cursor));
      out += field;
      TIDEMILL_TRY(check_length(out));
    }
  }
  return out;
}

Result<std::string> printf(std::string_view pattern, std::span<const FormatArgument> arguments) {
  Cursor cursor(pattern, arguments);
  std::string out;
  while (!cursor.done()) {
    const char c = cursor.peek();
    cursor.skip();
    if (c != '%') {
      out.push_back(c);
    } else if (cursor.peek() == '%') {
      out.push_back('%');
      cursor.skip();
    } else {
      TIDEMILL_TRY_LET(field, conversion(cursor));
      out += field;
      TIDEMILL_TRY(check_length(out));
    }
  }
  return out;
}

}  // namespace tidemill::sql::kernels
