#include "task/wait.h"

#include <fmt/format.h>

#include "base/json_match.h"
#include "base/text.h"
#include "clock/zone.h"
#include "task/http.h"

namespace tidemill::task {
namespace {

using For = flow::WaitSettings::For;

constexpr Duration kLongestLook = Duration::seconds(30);

// "18:00" or "18:00:30" as seconds of the day.
std::optional<int64_t> time_of_day(std::string_view text) {
  auto two = [&](size_t at) -> int {
    auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : -100; };
    return digit(at) * 10 + digit(at + 1);
  };
  bool const has_seconds = text.size() == 8;
  if ((text.size() != 5 && !has_seconds) || text[2] != ':' || (has_seconds && text[5] != ':')) {
    return std::nullopt;
  }
  int const hour = two(0);
  int const minute = two(3);
  int const second = has_seconds ? two(6) : 0;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    return std::nullopt;
  }
  return hour * 3600 + minute * 60 + second;
}

bool is_true(const Json& cell) {
  if (cell.is_null()) return false;
  if (cell.is_bool()) return cell.as_bool();
  if (cell.is_number()) return cell.as_double() != 0.0;
  if (cell.is_string()) {
    std::string const text = to_lower_ascii(cell.as_string());
    return !text.empty() && text != "0" && text != "f" && text != "false";
  }
  return true;
}

}  // namespace

Result<Time> until_time(const std::string& text, const std::string& zone_name, Time scheduled_at) {
  std::string const trimmed(trim(text));
  if (auto const seconds = time_of_day(trimmed)) {
    TIDEMILL_TRY_LET(zone, clock::Zone::load(zone_name));
    int64_t const local = scheduled_at.seconds() + zone.segment_at(scheduled_at.seconds()).offset_s;
    int64_t const day = local >= 0 ? local / 86'400 : -((-local + 86'399) / 86'400);
    int64_t const wanted = day * 86'400 + *seconds;
    // The offset that holds at the wanted instant; within a gap that of before it.
    int64_t instant = wanted - zone.segment_at(wanted).offset_s;
    instant = wanted - zone.segment_at(instant).offset_s;
    return Time::from_seconds(instant);
  }
  for (const std::string& form : {trimmed, trimmed + "Z", trimmed + "T00:00:00Z"}) {
    if (auto const time = parse_rfc3339(form)) return *time;
  }
  return fail(Code::kInvalid,
              fmt::format("until: found '{}', expected an instant such as 2026-03-01T02:00:00Z, or "
                          "a time of day such as 18:00",
                          printable(text, 80)));
}

struct WaitRunner::Open {
  std::string run;
  std::string task;
  run::Item item = run::kWhole;
  std::shared_ptr<const flow::Flow> flow;  // keeps the settings alive
  const flow::WaitSettings* settings = nullptr;
  std::string path;      // of the file
  std::string label;     // what is waited for
  io::HttpRequest http;  // of the URL
  Json expect;
  std::vector<value::Value> params;  // of the query
  Time since;                        // of the dataset
  Time end;                          // of until and for
  Time started;
  int64_t looks = 0;
  std::string note;
  std::optional<io::TimerHandle> timer;
  std::optional<io::HttpHandle> request;
  Done done;
};

WaitRunner::WaitRunner(WaitParts parts) : parts_(std::move(parts)) {
  if (parts_.databases) return;
  parts_.databases =
      std::make_shared<Databases>(parts_.project_folder, parts_.executor, parts_.loop, nullptr);
}
WaitRunner::~WaitRunner() = default;

Result<std::shared_ptr<WaitRunner::Open>> WaitRunner::prepare(const Work& work,
                                                              const flow::Scope& scope) const {
  auto open = std::make_shared<Open>();
  const auto& settings = std::get<flow::WaitSettings>(work.task().settings);
  open->run = work.run.id;
  open->task = work.task().name;
  open->item = work.ref.item;
  open->flow = work.flow;
  open->settings = &settings;
  open->started = work.started.value_or(parts_.clock.wall());
  switch (settings.what) {
    case For::kFile: {
      TIDEMILL_TRY_LET(path, settings.text.text(scope));
      bool const climbs = path == ".." || path.starts_with("../") ||
                          path.find("/../") != std::string::npos || path.ends_with("/..");
      if (path.empty() || climbs || path.find('\0') != std::string::npos) {
        return fail(Code::kInvalid, fmt::format("file: found '{}', expected a path without ..",
                                                printable(path, 80)));
      }
      open->path = path.starts_with('/') ? path : parts_.project_folder + "/" + path;
      open->label = "the file " + printable(path, 200);
      break;
    }
    case For::kUrl: {
      TIDEMILL_TRY_LET(request,
                       http_request(settings.url, scope, work.call_id(), parts_.allow_private));
      request.timeout = std::min(kLongestLook, std::max(settings.every, Duration::seconds(5)));
      open->label = "the answer of " + printable(request.url, 200);
      open->http = std::move(request);
      if (settings.expect) {
        TIDEMILL_TRY_LET(expect, settings.expect->json(scope));
        open->expect = std::move(expect);
      }
      break;
    }
    case For::kQuery: {
      TIDEMILL_TRY_LET(params, sql_params(settings.query, scope));
      open->params = std::move(params);
    }
      open->label = "a row of " + settings.query.connection;
      break;
    case For::kDataset:
      open->since = work.run.interval_start;
      open->label = "the dataset " + settings.dataset;
      break;
    case For::kUntil: {
      TIDEMILL_TRY_LET(text, settings.text.text(scope));
      TIDEMILL_TRY_LET(end, until_time(text, work.flow->zone, work.run.scheduled_at));
      open->end = end;
      open->label = format_rfc3339(end);
      break;
    }
    case For::kDuration:
      open->end = open->started + settings.duration;
      open->label = format_rfc3339(open->end);
      break;
  }
  return open;
}

void WaitRunner::start(const Work& work, const flow::Scope& scope, Done done) {
  auto prepared = prepare(work, scope);
  if (!prepared) {
    done(run::Outcome::failure(prepared.error()));
    return;
  }
  std::string const id = work.attempt_id();
  (*prepared)->done = std::move(done);
  open_[id] = std::move(*prepared);
  look(id);
}

// Looking changes nothing: it just goes on.
void WaitRunner::recover(const Work& work, const flow::Scope& scope, Done done) {
  start(work, scope, std::move(done));
}

void WaitRunner::look(const std::string& id) {
  auto const found = open_.find(id);
  if (found == open_.end()) return;
  std::shared_ptr<Open> const open = found->second;
  open->timer.reset();
  ++open->looks;
  switch (open->settings->what) {
    case For::kFile:
      return look_at_file(id, *open);
    case For::kUrl:
      return look_at_url(id, *open);
    case For::kQuery:
      return look_at_rows(id, *open);
    case For::kDataset:
      return looked(id, look_at_dataset(*open));
    case For::kUntil:
    case For::kDuration:
      if (parts_.clock.wall() >= open->end) return looked(id, Look{.is_there = true});
      open->timer = parts_.loop.at(open->end, [this, id] { look(id); });
  }
}

void WaitRunner::look_at_file(const std::string& id, const Open& open) {
  auto const queued = parts_.executor.run(io::Lane::kRead, [this, id, path = open.path] {
    auto const info = parts_.files.info(path);
    Look look;
    if (info) {
      look.is_there = true;
      look.found.set("path", path)
          .set("size", info->size)
          .set("modified", format_rfc3339(info->modified));
    } else if (info.error().code == Code::kNotFound) {
      look.note = "it is not there";
    } else {
      look.error = info.error();
    }
    parts_.loop.post([this, id, look = std::move(look)] { looked(id, look); });
  });
  if (!queued) looked(id, Look{.note = queued.error().message});
}

WaitRunner::Look WaitRunner::judge(const Open& open, const io::HttpOutcome& outcome) {
  Look look;
  if (!outcome) {
    using Kind = io::HttpFailure::Kind;
    look.note = outcome.error().message;
    if (outcome.error().kind == Kind::kDenied || outcome.error().kind == Kind::kInvalid) {
      look.error = {outcome.error().kind == Kind::kDenied ? Code::kDenied : Code::kInvalid,
                    outcome.error().message,
                    {}};
    }
    return look;
  }
  int const wanted = open.settings->status;
  bool const is_right =
      wanted == 0 ? outcome->status >= 200 && outcome->status <= 299 : outcome->status == wanted;
  if (!is_right) {
    look.note = fmt::format("it answered {}: {}", outcome->status, printable(outcome->body, 120));
    return look;
  }
  auto body = parse_json(outcome->body);
  if (open.settings->expect) {
    auto const differences =
        body ? json_differences(*body, open.expect)
             : std::vector<std::string>{"the answer is no JSON: " + printable(outcome->body, 80)};
    if (!differences.empty()) {
      look.note = differences[0];
      return look;
    }
  }
  look.is_there = true;
  look.found.set("status", outcome->status);
  look.found.set("body", body ? std::move(*body)
                              : Json(is_utf8(outcome->body) ? outcome->body : std::string()));
  return look;
}

void WaitRunner::look_at_url(const std::string& id, Open& open) {
  open.request = parts_.http.send(open.http, [this, id](const io::HttpOutcome& outcome) {
    auto const found = open_.find(id);
    if (found == open_.end()) return;
    found->second->request.reset();
    looked(id, judge(*found->second, outcome));
  });
}

void WaitRunner::look_at_rows(const std::string& id, const Open& open) {
  parts_.databases->run(open.settings->query, open.params, kLongestLook,
                        [this, id](const Result<flow::TaskValuePtr>& rows) {
                          Look look;
                          if (!rows) {
                            look.note = rows.error().text();
                            bool const may_pass = rows.error().code == Code::kUnavailable ||
                                                  rows.error().code == Code::kUnknown ||
                                                  rows.error().code == Code::kTooLate;
                            if (!may_pass) look.error = rows.error();
                          } else if ((*rows)->json().as_array().empty()) {
                            look.note = "there is no row";
                          } else {
                            const Json& first = (*rows)->json().as_array()[0];
                            look.is_there =
                                !first.as_object().empty() && is_true(first.as_object()[0].second);
                            look.note = "the first row is " + printable(first.dump(), 120);
                            look.found.set("row", first);
                          }
                          looked(id, std::move(look));
                        });
}

WaitRunner::Look WaitRunner::look_at_dataset(const Open& open) const {
  Look look;
  auto const updated = parts_.dataset_updated ? parts_.dataset_updated(open.settings->dataset)
                                              : std::optional<Time>();
  if (!updated) {
    look.note = "it was never updated";
  } else if (*updated < open.since) {
    look.note = fmt::format("it was updated last at {}, before {}", format_rfc3339(*updated),
                            format_rfc3339(open.since));
  } else {
    look.is_there = true;
    look.found.set("dataset", open.settings->dataset).set("updated", format_rfc3339(*updated));
  }
  return look;
}

void WaitRunner::looked(const std::string& id, Look look) {
  auto const found = open_.find(id);
  if (found == open_.end()) return;  // stopped meanwhile
  std::shared_ptr<Open> const open = found->second;
  open->note = std::move(look.note);
  if (!look.is_there && look.error.message.empty()) {
    open->timer = parts_.loop.after(open->settings->every, [this, id] { this->look(id); });
    return;
  }
  open_.erase(found);
  Json detail = Json::object().set("checks", open->looks);
  if (!look.is_there) {
    open->done(run::Outcome::failure(std::move(look.error), std::move(detail)));
    return;
  }
  Json value = std::move(look.found);
  value.set("waited_ms", (parts_.clock.wall() - open->started).us / 1000)
      .set("checks", open->looks);
  open->done(run::Outcome::success(flow::TaskValue::of_json(std::move(value)), std::move(detail)));
}

void WaitRunner::stop(const Work& work) {
  auto const found = open_.find(work.attempt_id());
  if (found == open_.end()) return;
  std::shared_ptr<Open> const open = found->second;
  open_.erase(found);
  if (open->timer) parts_.loop.cancel(*open->timer);
  if (open->request) parts_.http.cancel(*open->request);
  Json detail = Json::object().set("checks", open->looks).set("last", open->note);
  Error const error{Code::kTooLate,
                    fmt::format("waited for {} in vain{}{}", open->label,
                                open->note.empty() ? "" : ": ", open->note),
                    {}};
  open->done(open->settings->soft ? run::Outcome::skipped(error.message, std::move(detail))
                                  : run::Outcome::failure(error, std::move(detail)));
}

std::vector<Waiting> WaitRunner::waiting(const std::string& run) const {
  std::vector<Waiting> list;
  for (auto one = open_.lower_bound(run + "/"); one != open_.end(); ++one) {
    const Open& open = *one->second;
    if (open.run != run) break;
    std::string text = open.label;
    bool const looks_again =
        open.settings->what != For::kUntil && open.settings->what != For::kDuration;
    if (looks_again) {
      text += fmt::format("; looked {} time{}{}{}", open.looks, open.looks == 1 ? "" : "s",
                          open.note.empty() ? "" : ", ", open.note);
    }
    list.push_back({open.task, open.item, std::move(text)});
  }
  return list;
}

}  // namespace tidemill::task
