#include "clock/crontab.h"

#include <algorithm>

#include "base/text.h"

namespace tidemill::clock {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// A line and a place in it.
struct Cursor {
  std::string_view text;
  size_t at = 0;

  bool is_end() const { return at >= text.size(); }
  char peek() const { return is_end() ? '\0' : text[at]; }
  int column() const { return static_cast<int>(at) + 1; }
  void skip_blanks() {
    while (!is_end() && is_blank(text[at])) ++at;
  }
  std::string_view word() {
    size_t const from = at;
    while (!is_end() && !is_blank(text[at])) ++at;
    return text.substr(from, at - from);
  }
};

// A name or a value: in quotes, or up to `end` characters that end it. False where a quote is open.
bool take_part(Cursor& cursor, std::string_view ends, std::string& out) {
  char const quote = cursor.peek();
  if (quote == '"' || quote == '\'') {
    size_t const close = cursor.text.find(quote, cursor.at + 1);
    if (close == std::string_view::npos) return false;
    out = cursor.text.substr(cursor.at + 1, close - cursor.at - 1);
    cursor.at = close + 1;
    return true;
  }
  size_t const from = cursor.at;
  cursor.at = std::min(cursor.text.find_first_of(ends, from), cursor.text.size());
  out = cursor.text.substr(from, cursor.at - from);
  return true;
}

// name = value, tried before a line is an entry.
bool read_variable(std::string_view text, CrontabLine& line) {
  Cursor cursor{text};
  cursor.skip_blanks();
  std::string name;
  if (!take_part(cursor, " \t=", name) || name.empty()) return false;
  cursor.skip_blanks();
  if (cursor.peek() != '=') return false;
  ++cursor.at;
  cursor.skip_blanks();
  line.value_column = cursor.column();
  std::string value;
  bool const is_quoted = cursor.peek() == '"' || cursor.peek() == '\'';
  if (!take_part(cursor, is_quoted ? " \t" : "", value)) return false;
  // An unquoted value reaches to the end of the line; blanks at its end are dropped.
  if (!is_quoted) value = std::string(trim(value));
  cursor.skip_blanks();
  if (!cursor.is_end() && cursor.peek() != '\r') return false;
  line.kind = CrontabLine::Kind::kVariable;
  line.name = std::move(name);
  line.value = std::move(value);
  line.is_quoted = is_quoted;
  return true;
}

void read_entry(std::string_view text, CrontabForm form, CrontabLine& line) {
  Cursor cursor{text};
  cursor.skip_blanks();
  line.kind = CrontabLine::Kind::kEntry;
  line.schedule_column = cursor.column();
  size_t const from = cursor.at;
  size_t end = from;
  int const words = cursor.peek() == '@' ? 1 : 5;
  for (int i = 0; i < words && !cursor.is_end(); ++i) {
    cursor.word();
    end = cursor.at;
    cursor.skip_blanks();
  }
  line.schedule = std::string(text.substr(from, end - from));
  if (form == CrontabForm::kSystem) {
    line.user = std::string(cursor.word());
    cursor.skip_blanks();
  }
  line.command_column = cursor.column();
  line.command = std::string(text.substr(std::min(cursor.at, text.size())));
}

}  // namespace

std::vector<CrontabLine> read_crontab(std::string_view text, CrontabForm form) {
  std::vector<CrontabLine> lines;
  int number = 0;
  while (!text.empty()) {
    size_t const end = std::min(text.find('\n'), text.size());
    std::string_view const content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    CrontabLine line;
    line.line = ++number;
    size_t const first = content.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
      line.kind = CrontabLine::Kind::kBlank;
    } else if (content[first] == '#') {
      line.kind = CrontabLine::Kind::kComment;
    } else if (!read_variable(content, line)) {
      read_entry(content, form, line);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kInformation:
      return "information";
  }
  return "?";
}

}  // namespace tidemill::clock
