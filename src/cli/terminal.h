// How commands show things to people: tables, states in colour on a terminal.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::cli {

enum class Colour { kNone, kGreen, kRed, kYellow, kBlue, kGrey, kBold };

// Whether `file` is a terminal that shows colour (NO_COLOR is honoured).
bool shows_colour(std::FILE* file);
// `text` in colour, if `on`.
std::string paint(std::string_view text, Colour colour, bool on);
Colour state_colour(std::string_view state);

// Rows under headings, columns aligned. A cell's colour does not count for its width.
struct Cell {
  std::string text;
  Colour colour = Colour::kNone;
};
void print_table(std::FILE* out, const std::vector<std::string>& headings,
                 const std::vector<std::vector<Cell>>& rows);

}  // namespace tidemill::cli
