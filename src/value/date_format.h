// strftime and strptime with a format that is compiled once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/date.h"

namespace tidemill::value {

// A compiled format: %Y %m %d %H %M %S %f %y %b %B %a %A %j %p %I %u %w %U %W %V %G %g %z %Z %n %N
// %x %X %c %D %F %T %R %% %L and the unpadded %-d forms. Immutable; may be shared by threads.
class DateFormat {
 public:
  // Error: "Invalid Input Error: Failed to parse format specifier %Q: Unrecognized format for
  // strftime/strptime: %Q".
  static Result<DateFormat> compile(std::string_view format);

  // "infinity" and "-infinity" for infinite values.
  std::string format(Timestamp timestamp) const;
  std::string format(Date date) const;

  // strptime. Error: "Invalid Input Error: Could not parse string "x" according to format
  // specifier..."
  Result<Timestamp> parse(std::string_view text) const;
  // try_strptime.
  std::optional<Timestamp> try_parse(std::string_view text) const;

 private:
  struct Piece {
    std::string literal;  // text before the specifier
    char specifier = 0;   // 0: none
    bool padded = true;   // false for the '-' forms
  };
  std::string source_;
  std::vector<Piece> pieces_;
  friend struct DateFormatParser;
};

// Tries the formats in turn, as strptime(text, [format, ...]).
Result<Timestamp> parse_with_any(const std::vector<DateFormat>& formats, std::string_view text);

}  // namespace tidemill::value
