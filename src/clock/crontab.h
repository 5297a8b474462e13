// A whole crontab: its lines, and what in them will not do what it seems to say.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clock/schedule.h"

namespace tidemill::clock {

// The file below a user's name, or one of the system, whose entries name a user.
enum class CrontabForm { kUser, kSystem };

struct CrontabLine {
  enum class Kind { kBlank, kComment, kVariable, kEntry } kind = Kind::kBlank;
  int line = 0;      // from 1
  std::string name;  // of a variable
  std::string value;
  bool is_quoted = false;  // the value
  int value_column = 0;    // columns count bytes from 1
  std::string schedule;    // of an entry: the five fields or the nickname, as written
  int schedule_column = 0;
  std::string user;  // of an entry of a system table
  std::string command;
  int command_column = 0;
};

// Reads without judging: a line that is neither blank, comment nor variable is an entry, whatever
// it holds. Lines end in '\n'; a '\r' stays where it is.
std::vector<CrontabLine> read_crontab(std::string_view text, CrontabForm form);

enum class Severity { kError, kWarning, kInformation };

struct Lint {
  std::string_view code;  // "never-fires"
  Severity severity = Severity::kError;
  int line = 1;
  int column = 1;
  std::string found;   // what was found and what it means
  std::string advice;  // what to do
};

// What only the file system knows. All optional: without them their lints are not looked for.
struct CrontabFacts {
  std::string name;  // of the file, without its folder
  bool is_in_cron_d = false;
  bool is_in_spool = false;
  std::optional<uint32_t> mode;   // permission bits
  std::optional<uint32_t> owner;  // user id
  uint32_t links = 1;
  bool is_newer_than_folder = false;
  // Why the script at an absolute path is not safe to run, or "".
  std::function<std::string(const std::string& path)> unsafe_script;
};

struct LintOptions {
  CrontabForm form = CrontabForm::kUser;
  Dialect dialect = Dialect::kDebian;  // debian, cronie, vixie4 or busybox
  Zone zone = Zone::utc();
  Time now;  // from here on clock changes are looked for
  CrontabFacts facts;
};

// All of them, by line and column. Bounded: a line or a table of any size is read once.
std::vector<Lint> lint_crontab(std::string_view text, const LintOptions& options);

std::string_view severity_name(Severity severity);  // "error", "warning", "information"

}  // namespace tidemill::clock
