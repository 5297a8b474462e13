// From text to a parsed schedule, one reader a dialect. Internal to the room: see schedule.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "clock/every.h"
#include "clock/pattern.h"
#include "clock/schedule.h"

namespace tidemill::clock {

struct Parsed {
  Pattern pattern;
  bool reboot = false;
  std::optional<Every> every;
  std::string zone;  // of a CRON_TZ prefix, or of a systemd calendar
  // What the dialect's own program logs about the text and runs nevertheless.
  std::vector<std::string> warnings;
};

enum class FieldKind { kSecond, kMinute, kHour, kDom, kMonth, kDow, kYear };

struct FieldInfo {
  FieldKind kind;
  std::string_view name;
  int low;
  int high;
  std::span<const std::string_view> names;  // three letters each; the first one means `names_from`
  int names_from;
};

// second, minute, hour, day-of-month, month, day-of-week, year.
std::span<const FieldInfo> field_table();
const FieldInfo& field_info(FieldKind kind);

struct Nickname {
  std::string_view name;    // "@daily"
  std::string_view fields;  // "0 0 * * *"; empty for @reboot
};
std::span<const Nickname> nicknames();

// The number of a name of the field in any case ("mon" = 1), or -1.
int value_of_name(const FieldInfo& field, std::string_view name);

// "minute field, column 3: found '60', expected a number from 0 to 59".
tl::unexpected<Error> field_error(const FieldInfo& field, size_t column, std::string_view found,
                                  std::string_view expected);

// A part of the text between blanks.
struct Word {
  std::string_view text;
  size_t column;  // from 1
};
std::vector<Word> words_of(std::string_view text, size_t from);

// Sets the bit of a value. Days of the week count from Sunday = 0; 7 is Sunday too.
void add_to_field(Pattern& pattern, FieldKind kind, int value);

// How a dialect's fields are read: see grammar_table.cc.
struct Traits;
const Traits* traits_of(Dialect dialect);
Result<Parsed> parse_by_table(std::string_view text, const Traits& traits, std::string_view id);

// A pattern that matches one second of local time.
Result<Parsed> one_instant(Time local);

Result<Parsed> parse_busybox(std::string_view text);
Result<Parsed> parse_aws(std::string_view text);
Result<Parsed> parse_systemd(std::string_view text);
Result<Parsed> parse_grammar(std::string_view text, Dialect dialect, std::string_view id, Days days,
                             DstRule dst);
Result<Parsed> parse_debian(std::string_view text);
Result<Parsed> parse_tidemill(std::string_view text, std::string_view id, Days days);

}  // namespace tidemill::clock
