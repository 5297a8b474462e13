// strftime and strptime with a format that is compiled once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/date.h"

namespace tidemill::value {

// A compiled format: %Y %y %m %d %H %I %p %M %S %f (microseconds) %g (milliseconds) %n
// (nanoseconds) %j %b %h %B %a %A %w %u %U %W %G %V %z %Z %% and %x %X %T %c; a '-' in %-d %-m %-y
// %-H %-I %-M %-S %-j leaves the padding out. Immutable; may be shared by threads.
class DateFormat {
 public:
  // Error: "Invalid Input Error: Failed to parse format specifier %Q: Unrecognized format for
  // strftime/strptime: %Q".
  static Result<DateFormat> compile(std::string_view format);

  // "infinity" and "-infinity" for infinite values.
  std::string format(Timestamp timestamp) const;
  std::string format(Date date) const;

  // True if the format reads an offset or a zone: strptime then gives TIMESTAMP WITH TIME ZONE.
  bool has_zone() const;

  // strptime; fields that the format lacks are those of 1900-01-01 00:00:00. Error: "Invalid Input
  // Error: Could not parse string "x" according to format specifier..."
  Result<Timestamp> parse(std::string_view text) const;
  // try_strptime.
  std::optional<Timestamp> try_parse(std::string_view text) const;

 private:
  struct Piece {
    std::string literal;  // text before the specifier
    char specifier = 0;   // 0: none, at the end
    bool padded = true;   // false for the '-' forms
  };
  friend class DateFormatCompiler;
  friend class DateTextParser;
  std::string source_;
  std::vector<Piece> pieces_;
};

// Tries the formats in turn, as strptime(text, [format, ...]).
Result<Timestamp> parse_with_any(const std::vector<DateFormat>& formats, std::string_view text);

}  // namespace tidemill::value
