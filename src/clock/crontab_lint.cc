// The lints of a crontab. Each looks at one thing and says what was found and what to do.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <numeric>
#include <tuple>

#include "base/text.h"
#include "clock/crontab.h"
#include "clock/differences.h"

namespace tidemill::clock {
namespace {

using enum Severity;

constexpr size_t kLongestCommand = 998;   // of debian, in bytes
constexpr size_t kMostLines = 10'000;     // of debian
constexpr size_t kHerd = 10;              // entries in one minute that are worth a word
constexpr size_t kLongestSchedule = 200;  // longer ones are not compared between dialects

constexpr std::array<std::string_view, 24> kShellWords = {
    "cd",   "test", "[",    "[[", "echo", "export", "exec",  "set",    "if",   "for", "while", ":",
    "true", "eval", "case", "{",  ".",    "source", "umask", "ulimit", "wait", "(",   "until", "!"};

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// How much of an item of a field debian reads: *, */n, v, a-b, a-b/n.
size_t read_by_debian(std::string_view item) {
  size_t at = 0;
  auto word = [&] {
    size_t const from = at;
    while (at < item.size() && is_alnum(item[at])) ++at;
    return at > from;
  };
  bool is_range = false;
  if (item.starts_with('*')) {
    at = 1;
    is_range = true;
  } else {
    word();
    if (at < item.size() && item[at] == '-') {
      ++at;
      word();
      is_range = true;
    }
  }
  if (is_range && at < item.size() && item[at] == '/') {
    ++at;
    word();
  }
  return at;
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct FieldText {
  std::string_view text;
  int column;
};

std::vector<FieldText> fields_of(const CrontabLine& entry) {
  std::vector<FieldText> fields;
  std::string_view const text = entry.schedule;
  for (size_t at = 0; at < text.size();) {
    at = text.find_first_not_of(" \t", at);
    if (at == std::string_view::npos) break;
    size_t const end = std::min(text.find_first_of(" \t", at), text.size());
    fields.push_back({text.substr(at, end - at), entry.schedule_column + static_cast<int>(at)});
    at = end;
  }
  return fields;
}

// The N of "column N" in an error's message, from 1; 1 where there is none.
int column_in(std::string_view message) {
  size_t const at = message.find("column ");
  if (at == std::string_view::npos) return 1;
  int column = 0;
  for (size_t i = at + 7; i < message.size() && message[i] >= '0' && message[i] <= '9'; ++i) {
    column = std::min(column * 10 + (message[i] - '0'), 1'000'000);
  }
  return std::max(1, column);
}

class Linter {
 public:
  Linter(std::string_view text, const LintOptions& options)
      : text_(text), options_(options), lines_(read_crontab(text, options.form)) {}

  std::vector<Lint> run() {
    check_file();
    for (const CrontabLine& line : lines_) {
      if (line.kind == CrontabLine::Kind::kVariable) check_variable(line);
      if (line.kind == CrontabLine::Kind::kEntry) check_entry(line);
    }
    check_line_ends();
    check_herd();
    return in_order();
  }

 private:
  void add(std::string_view code, Severity severity, int line, int column, std::string found,
           std::string advice) {
    lints_.push_back({code, severity, line, column, std::move(found), std::move(advice)});
  }
  bool is_debian() const { return options_.dialect == Dialect::kDebian; }
  std::string_view dialect() const { return dialect_name(options_.dialect); }
  // By line and column; those of one place as they were found.
  std::vector<Lint> in_order() {
    std::vector<size_t> order(lints_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::tuple(lints_[a].line, lints_[a].column, a) <
             std::tuple(lints_[b].line, lints_[b].column, b);
    });
    std::vector<Lint> sorted;
    for (size_t i : order) sorted.push_back(std::move(lints_[i]));
    return sorted;
  }
  // What one bad line costs.
  std::string_view cost() const {
    if (is_debian()) return "the whole file is ignored";
    return options_.dialect == Dialect::kBusybox ? "the line is run half-read"
                                                 : "the line is dropped";
  }

  void check_file() {
    const CrontabFacts& facts = options_.facts;
    if (facts.is_in_cron_d && !facts.name.empty()) check_file_name(facts.name);
    bool const is_system = options_.form == CrontabForm::kSystem;
    std::string why;
    if (facts.mode && is_system && (*facts.mode & 022) != 0) {
      why = fmt::format("mode {:04o} lets others than the owner write", *facts.mode);
    } else if (facts.mode && facts.is_in_spool && *facts.mode != 0600) {
      why = fmt::format("mode {:04o}", *facts.mode);
    } else if (facts.owner && is_system && *facts.owner != 0) {
      why = fmt::format("it belongs to user {}, not to root", *facts.owner);
    } else if ((is_system || facts.is_in_spool) && facts.links != 1) {
      why = fmt::format("it has {} hard links", facts.links);
    }
    if (!why.empty()) {
      add("file-mode", kError, 1, 1, fmt::format("{}: debian ignores the file", why),
          is_system ? "chown root and chmod 0644, one link" : "chmod 0600, one link");
    }
    if (facts.is_in_spool && facts.is_newer_than_folder) {
      add("in-place", kInformation, 1, 1,
          "the file is newer than its folder: debian still runs the old text",
          "install it with crontab FILE, or touch the folder");
    }
    if (is_debian() && lines_.size() > kMostLines) {
      add("long-file", kError, static_cast<int>(kMostLines) + 1, 1,
          fmt::format("{} lines; debian refuses more than {}", lines_.size(), kMostLines),
          "split the file");
    }
  }

  void check_file_name(const std::string& name) {
    bool const is_plain = std::all_of(name.begin(), name.end(),
                                      [](char c) { return is_alnum(c) || c == '_' || c == '-'; });
    bool const ends_hidden = name.front() == '.' || name.front() == '#' || name.back() == '~' ||
                             name.ends_with(".rpmsave") || name.ends_with(".rpmorig") ||
                             name.ends_with(".rpmnew");
    bool const is_ignored = is_debian() ? !is_plain : ends_hidden;
    if (is_ignored) {
      add("file-name", kError, 1, 1,
          fmt::format("{} ignores /etc/cron.d/{} because of its name", dialect(),
                      printable(name, 100)),
          "use letters, digits, '_' and '-' alone");
    }
  }

  void check_variable(const CrontabLine& line) {
    int const at = line.value_column;
    bool const is_mailto = line.name == "MAILTO";
    // Nothing at all behind the '=', not even quotes.
    if (is_mailto && line.value.empty() && !line.is_quoted) {
      add("mailto-empty", kError, line.line, at,
          is_debian() ? "MAILTO= with nothing behind it: the whole file is ignored on debian"
                      : "MAILTO= with nothing behind it: debian ignores the whole file",
          "write MAILTO=\"\"");
    }
    if (is_mailto && !line.value.empty()) {
      add("mailto", kInformation, line.line, at,
          fmt::format("output is mailed to {}", printable(line.value, 200)),
          "move it to an alert of the flow's team");
    }
    if (size_t const dollar = line.value.find('$'); dollar != std::string::npos) {
      add("env-expand", kWarning, line.line, at,
          fmt::format("{}={} stays literal: cron expands no variables", printable(line.name, 60),
                      printable(line.value, 100)),
          "write the value out, or set it in the command");
    }
    if (line.name == "CRON_TZ" && (is_debian() || options_.dialect == Dialect::kBusybox)) {
      add("cron-tz", kWarning, line.line, 1,
          fmt::format("CRON_TZ is ignored: entries run in the zone of the daemon ({})",
                      options_.zone.name()),
          "give the trigger a zone");
    }
    check_order(line);
    if (line.name == "PATH") has_path_ = true;
  }

  void check_order(const CrontabLine& variable) {
    constexpr std::array<std::string_view, 4> kForAll = {"SHELL", "PATH", "MAILTO", "HOME"};
    bool const is_for_all =
        std::find(kForAll.begin(), kForAll.end(), variable.name) != kForAll.end();
    for (const CrontabLine* entry : entries_) {
      bool const uses = entry->command.find("$" + variable.name) != std::string::npos ||
                        entry->command.find("${" + variable.name) != std::string::npos;
      if (!uses && !(is_for_all && !seen_.contains(variable.name))) continue;
      add("env-order", kInformation, variable.line, 1,
          fmt::format("{} applies only to the lines below; the entry of line {} stands above",
                      printable(variable.name, 60), entry->line),
          "move the variable to the top");
      break;
    }
    seen_.insert({variable.name, variable.line});
  }

  void check_entry(const CrontabLine& line) {
    entries_.push_back(&line);
    ScheduleOptions options;
    options.zone = options_.zone;
    std::string const id = fmt::format("{}", line.line);
    options.id = id;
    auto const schedule = Schedule::parse(line.schedule, options_.dialect, options);
    if (!schedule) {
      explain_refusal(line, schedule.error().message);
    } else {
      check_schedule(line, *schedule, id);
      count_minutes(line, *schedule);
    }
    check_fields(line);
    check_command(line);
  }

  void explain_refusal(const CrontabLine& line, const std::string& message) {
    for (const FieldText& field : fields_of(line)) {
      size_t const slash = field.text.find('/');
      if (slash == std::string_view::npos || !is_number(field.text.substr(0, slash))) continue;
      add("step-start", kError, line.line, field.column,
          fmt::format("'{}': an error in debian, cronie and vixie4 ({}); {} alone in busybox; from "
                      "{} to the top in robfig and Quartz",
                      printable(field.text, 40), cost(), field.text.substr(0, slash),
                      field.text.substr(0, slash)),
          fmt::format("write a range: {}-MAX{}", field.text.substr(0, slash),
                      printable(field.text.substr(slash), 20)));
      return;
    }
    // An empty MAILTO= is no variable to debian, and comes here as an entry.
    int const column = line.schedule_column + column_in(message) - 1;
    add("syntax", kError, line.line, column, fmt::format("{}; {}", message, cost()),
        "mend the schedule, or make the line a comment");
  }

  void check_schedule(const CrontabLine& line, const Schedule& schedule, const std::string& id) {
    int const at = line.schedule_column;
    for (const std::string& warning : schedule.warnings()) {
      add("garbage", kError, line.line, at, warning, "mend the field");
    }
    if (schedule.is_reboot()) return;
    if (!schedule.next(kFirstInstant)) {
      add("never-fires", kError, line.line, at,
          fmt::format("'{}' never fires in {}", printable(line.schedule, 80), dialect()),
          "write a range that goes up as two (fri,sat,sun,mon), and a date that exists");
      return;
    }
    if (line.schedule.size() > kLongestSchedule) return;
    std::string const& others = elsewhere(line.schedule, id);
    if (!others.empty()) {
      add("dialect", kWarning, line.line, at,
          fmt::format("'{}' depends on the dialect: {}", printable(line.schedule, 80), others),
          fmt::format("see tidemill cron explain --dialect {} '{}'", dialect(),
                      printable(line.schedule, 80)));
    }
    check_clock_changes(line, schedule);
  }

  // What the near relatives make of the text, in UTC so that only the text counts.
  const std::string& elsewhere(const std::string& text, const std::string& id) {
    constexpr std::array<Dialect, 5> kFamily = {
        Dialect::kDebian, Dialect::kCronie, Dialect::kVixie4, Dialect::kBusybox, Dialect::kRobfig};
    auto const [at, is_new] = elsewhere_.try_emplace(text);
    if (!is_new) return at->second;
    ScheduleOptions options;
    options.id = id;
    auto const schedule = Schedule::parse(text, options_.dialect, options);
    if (!schedule) return at->second;
    for (const Difference& found : differences(*schedule, id, options_.now, kFamily)) {
      if (found.verdict == Difference::Verdict::kSame) continue;
      bool const is_refused = found.verdict == Difference::Verdict::kRefused;
      at->second +=
          fmt::format("{}{} {}", at->second.empty() ? "" : ", ", dialect_name(found.dialect),
                      is_refused ? "refuses it" : "runs it at other times");
    }
    return at->second;
  }

  // The changes of the zone in the next 400 days: what is skipped, and what comes twice.
  void check_clock_changes(const CrontabLine& line, const Schedule& schedule) {
    const Pattern& p = schedule.pattern();
    bool const is_often = p.hour == 0xFFFFFF && std::popcount(p.minute) > 1;
    if (is_often) return;
    int64_t const from_s = options_.now.seconds();
    Segment s = options_.zone.segment_at(from_s);
    for (int i = 0; i < 4 && !s.is_last() && s.end_s < from_s + 400LL * 86'400; ++i) {
      Segment const next = options_.zone.segment_at(s.end_s);
      int64_t const gap_s = next.offset_s - s.offset_s;
      // The local times that are skipped, or that come twice.
      int64_t const begin = (s.end_s + std::min(s.offset_s, next.offset_s)) / 60;
      int64_t const end = begin + std::abs(gap_s) / 60;
      auto const label = p.next(Label{begin});
      std::string const day = options_.zone.format_local(Time::from_seconds(s.end_s)).substr(0, 10);
      s = next;
      if (!label || label->value >= end) continue;
      std::string const clock = format_rfc3339(Time::from_seconds(label->value * 60)).substr(11, 5);
      add("dst", kWarning, line.line, line.schedule_column, change_words(gap_s > 0, clock, day, p),
          "choose an hour outside of 00:00 to 03:00, or a zone without changes");
      return;
    }
  }

  std::string change_words(bool is_forward, const std::string& clock, const std::string& day,
                           const Pattern& p) const {
    bool const by_clock = options_.dialect == Dialect::kBusybox;
    std::string_view happens;
    if (is_forward) {
      happens = p.is_wild() || by_clock ? "is lost" : "is run right after the change";
    } else {
      happens = p.is_wild() || by_clock ? "is run twice" : "is run once, the first time";
    }
    return fmt::format("the {} run {} on {} in {}", clock, happens, day, options_.zone.name());
  }

  void check_fields(const CrontabLine& line) {
    std::vector<FieldText> const fields = fields_of(line);
    if (fields.size() != 5) return;
    constexpr std::array<int, 5> kTops = {59, 23, 31, 12, 7};
    for (size_t i = 0; i < fields.size(); ++i) check_items(line, fields[i], kTops[i]);
    std::string_view const dom = fields[2].text;
    std::string_view const dow = fields[4].text;
    if (dom == "*" || dow == "*") return;
    bool const has_star = dom.front() == '*' || dow.front() == '*';
    bool const is_every_day = dom.starts_with("1-31") || dow.starts_with("0-6");
    if (has_star || is_every_day) {
      add("day-star", kWarning, line.line, fields[2].column,
          has_star ? fmt::format("'{}' with '{}': the leading star joins the days by AND here, by "
                                 "OR in robfig and busybox",
                                 printable(dom, 40), printable(dow, 40))
                   : fmt::format("'{}' with '{}': either is enough, so it runs every day",
                                 printable(dom, 40), printable(dow, 40)),
          is_every_day && !has_star ? "write * in the field that holds every day"
                                    : "list the days, or use days: all in tidemill");
    } else {
      add("day-or", kWarning, line.line, fields[2].column,
          fmt::format("both day fields are restricted: day {} OR weekday {}", printable(dom, 40),
                      printable(dow, 40)),
          "use days: any or days: all in tidemill");
    }
  }

  void check_items(const CrontabLine& line, const FieldText& field, int top) {
    int column = field.column;
    for (std::string_view item : split(field.text, ',')) {
      size_t const read = read_by_debian(item);
      bool const is_step_start = read < item.size() && item[read] == '/' && read > 0;
      if (read < item.size() && read > 0 && !is_step_start && item[read] != '~') {
        add("garbage", kError, line.line, column + static_cast<int>(read),
            fmt::format(
                "'{}': debian reads '{}' and skips the rest of the field; cronie and vixie4 "
                "refuse it",
                printable(item, 40), printable(item.substr(0, read), 40)),
            "take the rest away");
        return;
      }
      size_t const slash = item.find('/');
      std::string_view const step =
          slash == std::string_view::npos ? std::string_view() : item.substr(slash + 1);
      if (is_number(step) && (step.size() > 4 || std::stoi(std::string(step)) > top)) {
        add("big-step", kWarning, line.line, column,
            fmt::format(
                "'{}': a step beyond {} takes the first value alone; vixie4 takes every one",
                printable(item, 40), top),
            "write the value itself");
      }
      column += static_cast<int>(item.size()) + 1;
    }
  }

  void check_command(const CrontabLine& line) {
    std::string_view command = line.command;
    if (command.ends_with('\r')) command.remove_suffix(1);
    if (options_.form == CrontabForm::kSystem && line.user.empty()) {
      add("syntax", kError, line.line, line.command_column,
          fmt::format("no user before the command; {}", cost()), "name the user");
    }
    if (command.empty()) {
      add("empty-command", kWarning, line.line, line.command_column, "there is no command",
          "write one, or take the line away");
      return;
    }
    if (is_debian() && command.size() > kLongestCommand) {
      add("long-command", kError, line.line, line.command_column,
          fmt::format("the command has {} bytes, debian takes at most {}", command.size(),
                      kLongestCommand),
          "put it into a script");
    }
    check_characters(line, command);
    check_program(line, command);
  }

  void check_characters(const CrontabLine& line, std::string_view command) {
    bool const has_percent = options_.dialect != Dialect::kBusybox;
    char quote = '\0';
    bool said_percent = false;
    bool said_backslash = false;
    for (size_t i = 0; i < command.size(); ++i) {
      int const column = line.command_column + static_cast<int>(i);
      char const c = command[i];
      bool const is_escaped = i > 0 && command[i - 1] == '\\';
      if (c == '%' && !is_escaped && has_percent && !said_percent) {
        said_percent = true;
        add("percent", kWarning, line.line, column,
            "an unescaped '%': the command ends here and the rest is its input", "write \\%");
      }
      if (c == '\\' && i + 1 < command.size() && command[i + 1] == '\\' && !said_backslash) {
        said_backslash = true;
        add("backslash", kWarning, line.line, column, "'\\\\' becomes '\\' on debian alone",
            "put the command into a script");
      }
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = is_escaped ? '\0' : c;
      } else if (c == '#' && i > 0 && (command[i - 1] == ' ' || command[i - 1] == '\t')) {
        add("trailing-comment", kWarning, line.line, column,
            "'#' after a command is part of it: the shell drops it, a '%' in it still counts",
            "put the comment on a line of its own");
        return;
      }
    }
  }

  void check_program(const CrontabLine& line, std::string_view command) {
    std::string_view const word = command.substr(0, command.find_first_of(" \t;|&<>"));
    if (word.starts_with('/')) {
      if (!options_.facts.unsafe_script) return;
      std::string const why = options_.facts.unsafe_script(std::string(word));
      if (!why.empty()) {
        add("writable-script", kError, line.line, line.command_column, why,
            "take the right to write from group and others");
      }
      return;
    }
    bool const is_builtin =
        std::find(kShellWords.begin(), kShellWords.end(), word) != kShellWords.end();
    bool const is_assignment = word.find('=') != std::string_view::npos;
    if (has_path_ || is_builtin || is_assignment || word.empty() || word.find('$') == 0) return;
    add("relative-path", kWarning, line.line, line.command_column,
        fmt::format("'{}' is looked for in PATH=/usr/bin:/bin", printable(word, 60)),
        "write the absolute path, or set PATH above");
  }

  void count_minutes(const CrontabLine& line, const Schedule& schedule) {
    const Pattern& p = schedule.pattern();
    if (schedule.is_reboot() || schedule.every()) return;
    for (uint32_t hours = p.hour; hours != 0; hours &= hours - 1) {
      for (uint64_t minutes = p.minute; minutes != 0; minutes &= minutes - 1) {
        auto const minute =
            static_cast<size_t>(std::countr_zero(hours) * 60 + std::countr_zero(minutes));
        if (herd_[minute]++ == 0) herd_line_[minute] = line.line;
      }
    }
  }

  // The fullest minute of the day.
  void check_herd() {
    auto const most = std::max_element(herd_.begin(), herd_.end());
    if (*most < kHerd) return;
    auto const minute = static_cast<size_t>(most - herd_.begin());
    add("herd", kInformation, herd_line_[minute], 1,
        fmt::format("{} entries at {:02}:{:02}", *most, minute / 60, minute % 60),
        "spread them: a jitter, or H in tidemill");
  }

  void check_line_ends() {
    int number = 1;
    int column = 1;
    bool said = false;
    for (size_t i = 0; i < text_.size(); ++i, ++column) {
      if (text_[i] == '\n') {
        if (i > 0 && text_[i - 1] == '\r' && !said) {
          said = true;
          add("crlf", kError, number, column - 1,
              "the line ends in \\r\\n: the \\r becomes part of the command",
              "convert the file: sed -i 's/\\r$//'");
        }
        ++number;
        column = 0;
      }
    }
    if (!text_.empty() && text_.back() != '\n') {
      add("no-newline", kError, number, column,
          fmt::format("the last line has no end: {}",
                      is_debian() ? "debian ignores the whole file"
                                  : "cronie ignores the line, debian the whole file"),
          "add a line break");
    }
  }

  std::string_view text_;
  const LintOptions& options_;
  std::vector<CrontabLine> lines_;
  std::vector<Lint> lints_;
  std::vector<const CrontabLine*> entries_;  // above the line that is looked at
  std::map<std::string, int> seen_;
  std::map<std::string, std::string> elsewhere_;  // by the text of a schedule
  bool has_path_ = false;
  std::array<size_t, 1440> herd_{};
  std::array<int, 1440> herd_line_{};
};

}  // namespace

std::vector<Lint> lint_crontab(std::string_view text, const LintOptions& options) {
  return Linter(text, options).run();
}

}  // namespace tidemill::clock
