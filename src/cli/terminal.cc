#include "cli/terminal.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

namespace tidemill::cli {
namespace {

size_t characters(std::string_view text) {
  size_t count = 0;
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

}  // namespace

bool shows_colour(std::FILE* file) {
  const char* off = ::getenv("NO_COLOR");
  return (off == nullptr || *off == '\0') && ::isatty(::fileno(file)) != 0;
}

std::string paint(std::string_view text, Colour colour, bool on) {
  static constexpr std::string_view kCodes[] = {"", "32", "31", "33", "34", "90", "1"};
  if (!on || colour == Colour::kNone) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<size_t>(colour)], text);
}

Colour state_colour(std::string_view state) {
  if (state == "succeeded") return Colour::kGreen;
  if (state == "failed" || state == "upstream_failed") return Colour::kRed;
  if (state == "running" || state == "retrying") return Colour::kBlue;
  if (state == "cancelled" || state == "queued") return Colour::kYellow;
  return Colour::kGrey;
}

void print_table(std::FILE* out, const std::vector<std::string>& headings,
                 const std::vector<std::vector<Cell>>& rows) {
  bool const colour = shows_colour(out);
  std::vector<size_t> widths;
  for (const std::string& heading : headings) widths.push_back(characters(heading));
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], characters(row[c].text));
    }
  }
  auto print_row = [&](const std::vector<Cell>& row) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      line += paint(row[c].text, row[c].colour, colour);
      if (c + 1 < row.size()) line += std::string(widths[c] - characters(row[c].text) + 2, ' ');
    }
    std::fprintf(out, "%s\n", line.c_str());
  };
  std::vector<Cell> top;
  for (const std::string& heading : headings) top.push_back({heading, Colour::kBold});
  print_row(top);
  for (const auto& row : rows) print_row(row);
}

}  // namespace tidemill::cli
