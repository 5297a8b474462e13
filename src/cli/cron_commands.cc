#include "cli/cron_commands.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/json.h"
#include "base/text.h"
#include "clock/describe.h"
#include "clock/differences.h"
#include "clock/schedule.h"

namespace tidemill::cli {
namespace {

using clock::Schedule;
using clock::Tick;

constexpr int64_t kMostTicks = 10'000'000;
constexpr size_t kLongestLine = 1 << 20;
constexpr size_t kFlushBytes = 1 << 16;
constexpr int kMostExplained = 10'000;

struct Window {
  Time from;
  Time to;
};

Result<Schedule> schedule_of(const CronRequest& request, clock::ZoneCache& zones) {
  TIDEMILL_TRY_LET(dialect, clock::dialect_from_name(request.dialect));
  TIDEMILL_TRY_LET(zone, zones.load(request.zone));
  clock::ScheduleOptions options;
  options.zone = zone;
  options.id = request.id;
  if (!request.days.empty()) {
    TIDEMILL_TRY_LET(days, clock::days_from_name(request.days));
    options.days = days;
  }
  if (!request.dst.empty()) {
    TIDEMILL_TRY_LET(dst, clock::dst_rule_from_name(request.dst));
    options.dst = dst;
  }
  return Schedule::parse(request.expr, dialect, options);
}

// RFC 3339, or a whole number since 1970.
Result<Time> instant_of(std::string_view name, std::string_view text) {
  auto bad = [&](std::string_view why) {
    return fail(Code::kInvalid, fmt::format("{}: {}", name, why));
  };
  if (text.empty()) return bad("is missing; expected RFC 3339, such as 2026-03-01T02:00:00Z");
  std::string_view const digits = text.front() == '-' ? text.substr(1) : text;
  if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos) {
    int64_t seconds = 0;
    for (char c : digits.substr(0, 18)) seconds = seconds * 10 + (c - '0');
    if (text.front() == '-') seconds = -seconds;
    if (digits.size() > 18 || seconds < clock::kFirstInstant.seconds() ||
        seconds > clock::kLastInstant.seconds()) {
      return bad(fmt::format("{} lies outside the years 0 to 9999", printable(text, 40)));
    }
    return Time::from_seconds(seconds);
  }
  Result<Time> time = parse_rfc3339(text);
  if (!time) return bad(time.error().message);
  return time;
}

Result<Window> window_of(std::string_view from_text, std::string_view to_text) {
  TIDEMILL_TRY_LET(from, instant_of("from", from_text));
  TIDEMILL_TRY_LET(to, instant_of("to", to_text));
  if (from > to) {
    return fail(Code::kInvalid, fmt::format("from ({}) is later than to ({}); ticks are listed "
                                            "with from <= tick < to",
                                            format_rfc3339(from), format_rfc3339(to)));
  }
  return Window{from, to};
}

std::optional<Tick> first_tick(const Schedule& schedule, Window window) {
  return schedule.next(std::max(window.from, clock::kFirstInstant) - Duration::micros(1));
}

// Counts before anything is printed, but only where the window is long enough for too many.
Status check_count(const Schedule& schedule, Window window) {
  int64_t const span_s = (window.to - window.from).us / 1'000'000;
  int64_t const shortest_s = schedule.has_seconds() ? 1 : 60;
  constexpr int64_t kSlack = 10'000;  // labels of a skipped hour, due at one instant
  if (span_s / shortest_s + kSlack < kMostTicks) return {};
  int64_t count = 0;
  for (auto tick = first_tick(schedule, window); tick && tick->due < window.to;
       tick = schedule.next(*tick)) {
    if (++count > kMostTicks) {
      return fail(Code::kExhausted,
                  fmt::format("more than {} ticks from {} to {}; ask for a shorter time",
                              kMostTicks, format_rfc3339(window.from), format_rfc3339(window.to)));
    }
  }
  return {};
}

// Writes instants as RFC 3339 in blocks; the date is formatted once a day.
class TickWriter {
 public:
  explicit TickWriter(std::FILE* out) : out_(out) {}

  void text(std::string_view text) { buffer_ += text; }

  void instant(Time t) {
    if (t.us % 1'000'000 != 0) {
      buffer_ += format_rfc3339(t);
    } else {
      whole_second(t.seconds());
    }
    if (buffer_.size() >= kFlushBytes) drain();
  }

  void drain() {
    std::fwrite(buffer_.data(), 1, buffer_.size(), out_);
    buffer_.clear();
  }

 private:
  void whole_second(int64_t seconds) {
    if (seconds < day_begin_ || seconds >= day_begin_ + 86'400) {
      date_ = format_rfc3339(Time::from_seconds(seconds));
      int64_t const of_day = seconds % 86'400;
      day_begin_ = seconds - (of_day < 0 ? of_day + 86'400 : of_day);
    }
    int64_t const rest = seconds - day_begin_;
    size_t const at = date_.size() - 9;  // "hh:mm:ssZ" stands at the end
    two_digits(at, rest / 3600);
    two_digits(at + 3, rest / 60 % 60);
    two_digits(at + 6, rest % 60);
    buffer_ += date_;
  }
  void two_digits(size_t at, int64_t n) {
    date_[at] = static_cast<char>('0' + n / 10);
    date_[at + 1] = static_cast<char>('0' + n % 10);
  }

  std::FILE* out_;
  std::string buffer_;
  std::string date_;
  int64_t day_begin_ = INT64_MAX / 2;
};

enum class Form { kText, kJson };

void write_ticks(const Schedule& schedule, Window window, Form form, std::FILE* out) {
  TickWriter writer(out);
  bool const json = form == Form::kJson;
  if (json) writer.text("{\"ticks\":[");
  bool is_first = true;
  for (auto tick = first_tick(schedule, window); tick && tick->due < window.to;
       tick = schedule.next(*tick)) {
    if (json) writer.text(is_first ? "\"" : ",\"");
    writer.instant(tick->due);
    writer.text(json ? "\"" : "\n");
    is_first = false;
  }
  if (json) writer.text("]}\n");
  writer.drain();
}

void write_error(const Error& error, std::FILE* out) {
  std::string line = Json::object().set("error", error.text()).dump() + "\n";
  std::fwrite(line.data(), 1, line.size(), out);
}

enum class LineRead { kLine, kTooLong, kEnd };

// One line without its end, of bounded length; a longer one is skipped to its end.
LineRead read_line(std::FILE* in, std::string& line) {
  line.clear();
  bool too_long = false;
  int c = 0;
  while ((c = std::getc(in)) != EOF && c != '\n') {
    if (line.size() < kLongestLine) {
      line += static_cast<char>(c);
    } else {
      too_long = true;
    }
  }
  if (c == EOF && line.empty()) return LineRead::kEnd;
  return too_long ? LineRead::kTooLong : LineRead::kLine;
}

struct LineRequest {
  CronRequest request;
  std::string from;
  std::string to;
};

struct LineField {
  std::string_view name;
  std::string& (*place)(LineRequest&);
  bool takes_number;  // a whole number, too
};
constexpr std::array<LineField, 8> kLineFields = {{
    {"expr", [](LineRequest& r) -> std::string& { return r.request.expr; }, false},
    {"zone", [](LineRequest& r) -> std::string& { return r.request.zone; }, false},
    {"dialect", [](LineRequest& r) -> std::string& { return r.request.dialect; }, false},
    {"from", [](LineRequest& r) -> std::string& { return r.from; }, true},
    {"to", [](LineRequest& r) -> std::string& { return r.to; }, true},
    {"id", [](LineRequest& r) -> std::string& { return r.request.id; }, true},
    {"days", [](LineRequest& r) -> std::string& { return r.request.days; }, false},
    {"dst", [](LineRequest& r) -> std::string& { return r.request.dst; }, false},
}};

Result<LineRequest> parse_line(std::string_view line, const CronTicksOptions& defaults) {
  TIDEMILL_TRY_LET(json, parse_json(line));
  if (!json.is_object()) {
    return fail(Code::kInvalid, fmt::format("found a JSON {}, expected an object with expr, zone, "
                                            "dialect, from and to",
                                            json.kind()));
  }
  LineRequest request{defaults.request, defaults.from, defaults.to};
  bool has_expr = !request.request.expr.empty();
  for (const auto& [name, value] : json.as_object()) {
    std::vector<std::string> valid;
    const LineField* field = nullptr;
    for (const LineField& row : kLineFields) {
      valid.emplace_back(row.name);
      if (row.name == name) field = &row;
    }
    if (field == nullptr) {
      std::string const near = nearest_word(name, valid);
      return fail(Code::kInvalid,
                  fmt::format("unknown field '{}'{}; expected: {}", printable(name, 40),
                              near.empty() ? "" : fmt::format(", did you mean {}?", near),
                              join(valid, ", ")));
    }
    if (value.is_null()) continue;
    if (!value.is_string() && !(field->takes_number && value.is_int())) {
      return fail(Code::kInvalid,
                  fmt::format("field '{}': found {}, expected text{}", name, value.kind(),
                              field->takes_number ? " or a whole number" : ""));
    }
    field->place(request) = value.is_int() ? fmt::format("{}", value.as_int()) : value.as_string();
    has_expr = has_expr || name == "expr";
  }
  if (!has_expr) return fail(Code::kInvalid, "field 'expr' is missing, expected a cron expression");
  return request;
}

Status answer_line(std::string_view line, const CronTicksOptions& defaults, clock::ZoneCache& zones,
                   std::FILE* out) {
  TIDEMILL_TRY_LET(request, parse_line(line, defaults));
  TIDEMILL_TRY_LET(schedule, schedule_of(request.request, zones));
  TIDEMILL_TRY_LET(window, window_of(request.from, request.to));
  TIDEMILL_TRY(check_count(schedule, window));
  write_ticks(schedule, window, Form::kJson, out);
  return {};
}

int answer_lines(const CronTicksOptions& options, std::FILE* in, std::FILE* out) {
  clock::ZoneCache zones;
  std::string line;
  while (true) {
    LineRead const read = read_line(in, line);
    if (read == LineRead::kEnd) return kCronOk;
    Status status =
        read == LineRead::kTooLong
            ? fail(Code::kInvalid, fmt::format("the line is longer than {} bytes", kLongestLine))
            : answer_line(line, options, zones, out);
    if (!status) write_error(status.error(), out);
    std::fflush(out);
  }
}

int complain(const Error& error, Form form, std::FILE* out, std::FILE* err) {
  if (form == Form::kJson) {
    write_error(error, out);
  } else {
    std::string const line = "error: " + error.text() + "\n";
    std::fwrite(line.data(), 1, line.size(), err);
  }
  return kCronInvalid;
}

using Elsewhere = std::vector<clock::Difference>;

void explain_as_json(const Schedule& schedule, const std::vector<Tick>& ticks,
                     const Elsewhere& elsewhere, std::FILE* out) {
  Json answer = Json::object();
  answer.set("expr", schedule.text());
  answer.set("dialect", clock::dialect_name(schedule.dialect()));
  answer.set("zone", schedule.zone().name());
  answer.set("words", clock::describe(schedule));
  answer.set("clock_changes", clock::describe_clock_changes(schedule));
  Json list = Json::array();
  for (const Tick& tick : ticks) {
    Json row = Json::object();
    row.set("due", format_rfc3339(tick.due));
    row.set("local", schedule.zone().format_local(tick.due));
    row.set("label", schedule.label_text(tick));
    row.set("fold", tick.fold);
    list.push(std::move(row));
  }
  answer.set("next", std::move(list));
  Json others = Json::array();
  for (const clock::Difference& other : elsewhere) {
    using Verdict = clock::Difference::Verdict;
    Json row = Json::object();
    row.set("dialect", clock::dialect_name(other.dialect));
    row.set("accepted", other.verdict != Verdict::kRefused);
    row.set("same", other.verdict == Verdict::kSame);
    if (other.verdict == Verdict::kRefused) row.set("error", other.error);
    if (other.only_here) row.set("only_here", format_rfc3339(*other.only_here));
    if (other.only_there) row.set("only_there", format_rfc3339(*other.only_there));
    if (!other.warnings.empty()) row.set("warning", other.warnings.front());
    others.push(std::move(row));
  }
  answer.set("elsewhere", std::move(others));
  std::string const text = answer.dump() + "\n";
  std::fwrite(text.data(), 1, text.size(), out);
}

void explain_as_text(const Schedule& schedule, const std::vector<Tick>& ticks,
                     const Elsewhere& elsewhere, std::FILE* out) {
  std::string text =
      fmt::format("{}\n  {} ({}, {})\n", printable(schedule.text(), 200), clock::describe(schedule),
                  schedule.zone().name(), clock::dialect_name(schedule.dialect()));
  if (std::string const changes = clock::describe_clock_changes(schedule); !changes.empty()) {
    text += fmt::format("  {}\n", changes);
  }
  text += ticks.empty() ? "  no next ticks\n" : "  next ticks:\n";
  for (const Tick& tick : ticks) {
    text += fmt::format("    {}   {}", schedule.zone().format_local(tick.due),
                        format_rfc3339(tick.due));
    std::string const local = schedule.zone().format_local(tick.due);
    std::string const label = schedule.label_text(tick);
    if (!schedule.every() && local.substr(0, label.size()) != label) {
      text += fmt::format("   for {}, which the clock skips", label);
    } else if (tick.fold > 0) {
      text += "   for the second time, the clock went back";
    }
    text += "\n";
  }
  text += "  elsewhere:\n";
  for (const clock::Difference& other : elsewhere) {
    text +=
        fmt::format("    {:<9} {}\n", clock::dialect_name(other.dialect), clock::describe(other));
  }
  std::fwrite(text.data(), 1, text.size(), out);
}

}  // namespace

int cron_ticks(const CronTicksOptions& options, std::FILE* in, std::FILE* out, std::FILE* err) {
  if (options.jsonl) return answer_lines(options, in, out);
  Form const form = options.json ? Form::kJson : Form::kText;
  clock::ZoneCache zones;
  auto const schedule = schedule_of(options.request, zones);
  if (!schedule) return complain(schedule.error(), form, out, err);
  auto const window = window_of(options.from, options.to);
  if (!window) return complain(window.error(), form, out, err);
  if (Status const status = check_count(*schedule, *window); !status) {
    return complain(status.error(), form, out, err);
  }
  write_ticks(*schedule, *window, form, out);
  std::fflush(out);
  return kCronOk;
}

int cron_explain(const CronExplainOptions& options, std::FILE* out, std::FILE* err) {
  Form const form = options.json ? Form::kJson : Form::kText;
  clock::ZoneCache zones;
  auto const schedule = schedule_of(options.request, zones);
  if (!schedule) return complain(schedule.error(), form, out, err);
  if (options.count < 0 || options.count > kMostExplained) {
    return complain(
        {Code::kInvalid,
         fmt::format("count: found {}, expected 0 to {}", options.count, kMostExplained),
         {}},
        form, out, err);
  }
  std::vector<Tick> ticks;
  for (auto tick = schedule->next(options.now);
       tick && ticks.size() < static_cast<size_t>(options.count); tick = schedule->next(*tick)) {
    ticks.push_back(*tick);
  }
  Elsewhere const elsewhere = clock::differences(*schedule, options.request.id, options.now);
  form == Form::kJson ? explain_as_json(*schedule, ticks, elsewhere, out)
                      : explain_as_text(*schedule, ticks, elsewhere, out);
  std::fflush(out);
  return kCronOk;
}

}  // namespace tidemill::cli
