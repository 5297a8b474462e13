#include "flow/source_text.h"

#include <algorithm>

#include "base/text.h"

namespace tidemill::flow {

SourceText::SourceText(std::string text) : text_(std::move(text)) { lines_ = split(text_, '\n'); }

std::string_view SourceText::line(int number) const {
  if (number < 1 || static_cast<size_t>(number) > lines_.size()) return {};
  return lines_[static_cast<size_t>(number - 1)];
}

Mark SourceText::place(const YamlNode& scalar, size_t offset) const {
  return place(scalar, mark_of(scalar.scalar, offset));
}

Mark SourceText::place(const YamlNode& scalar, Mark within) const {
  Mark const start = scalar.mark;
  std::string_view const first = line(start.line);
  if (static_cast<size_t>(start.column) > first.size()) return start;
  std::string_view const at_mark = first.substr(static_cast<size_t>(start.column - 1));
  std::vector<std::string_view> const wanted = split(scalar.scalar, '\n');
  size_t const index = static_cast<size_t>(within.line - 1);
  if (index >= wanted.size()) return start;
  if (!at_mark.empty() && (at_mark[0] == '|' || at_mark[0] == '>')) {
    int const found = start.line + within.line;
    std::string_view const shown = line(found);
    std::string_view const text = wanted[index];
    if (text.empty() || !shown.ends_with(text)) return start;
    return {found, static_cast<int>(shown.size() - text.size()) + within.column};
  }
  int const quote = scalar.quoted && !at_mark.empty() && (at_mark[0] == '"' || at_mark[0] == '\'');
  bool const is_shown = at_mark.substr(static_cast<size_t>(quote)).starts_with(wanted[0]);
  if (within.line != 1 || !is_shown) return start;
  return {start.line, start.column + quote + within.column - 1};
}

Mark mark_of(std::string_view text, size_t offset) {
  std::string_view const before = text.substr(0, offset);
  size_t const newline = before.rfind('\n');
  int const lines = static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  size_t const column =
      newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  return {lines + 1, static_cast<int>(column) + 1};
}

size_t offset_of(std::string_view text, int line, int column) {
  size_t offset = 0;
  for (int i = 1; i < line; ++i) {
    size_t const newline = text.find('\n', offset);
    if (newline == std::string_view::npos) return text.size();
    offset = newline + 1;
  }
  auto continues = [&](size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  for (int i = 1; i < column && offset < text.size() && text[offset] != '\n'; ++i) {
    ++offset;
    while (continues(offset)) ++offset;
  }
  return offset;
}

}  // namespace tidemill::flow
