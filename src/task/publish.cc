#include "task/publish.h"

#include <fmt/format.h>

#include <set>

#include "base/text.h"

namespace tidemill::task {
namespace {

// How much of the file's end is searched for lines of an attempt that a crash interrupted. Between
// its lines and the crash at most the lines of the attempts that ran beside it were written.
constexpr size_t kTailBytes = 16u << 20;

using LineKey = std::tuple<std::string, std::string, int64_t>;  // run, task, index

std::set<LineKey> keys_in(std::string_view tail) {
  std::set<LineKey> keys;
  for (std::string_view line : split(tail, '\n')) {
    auto const json = parse_json(line);
    if (!json) continue;  // the first line of a tail is cut
    keys.emplace(json->text_or("run", ""), json->text_or("task", ""), json->int_or("index", -1));
  }
  return keys;
}

std::string line_text(const Work& work, int64_t index, Time at, const Json& value) {
  Json line = Json::object();
  line.set("run", work.run.id)
      .set("task", work.task().name)
      .set("index", index)
      .set("attempt", int64_t{work.attempt.value})
      .set("key", work.run.key)
      .set("at", format_rfc3339(at))
      .set("value", value);
  return line.dump() + "\n";
}

// What is published: `with` as one object, or else the value of the one task that it needs.
Result<Json> published_value(const Work& work, const flow::Scope& scope) {
  if (!work.task().with.empty()) {
    Json value = Json::object();
    for (const auto& [name, rendered] : work.task().with) {
      TIDEMILL_TRY_LET(json, rendered.json(scope));
      value.set(name, std::move(json));
    }
    return value;
  }
  if (scope.task_values().size() != 1) {
    return fail(Code::kInvalid, "publish needs one task whose value it publishes, or `with`");
  }
  return scope.task_values()[0].second->json();
}

}  // namespace

PublishRunner::PublishRunner(std::function<std::string(const std::string&)> path_of,
                             io::Executor& executor, io::Loop& loop, io::Files& files,
                             io::Clock& clock)
    : path_of_(std::move(path_of)),
      executor_(executor),
      loop_(loop),
      files_(files),
      clock_(clock) {}

void PublishRunner::start(const Work& work, const flow::Scope& scope, Done done) {
  enqueue(work, scope, std::move(done), work.attempt.value > 1);
}

void PublishRunner::recover(const Work& work, const flow::Scope& scope, Done done) {
  enqueue(work, scope, std::move(done), true);
}

void PublishRunner::stop(const Work&) {}

void PublishRunner::enqueue(const Work& work, const flow::Scope& scope, Done done,
                            bool is_recovery) {
  auto value = published_value(work, scope);
  if (!value) {
    done(run::Outcome::failure(value.error()));
    return;
  }
  Job job;
  job.run = work.run.id;
  job.task = work.task().name;
  job.is_recovery = is_recovery;
  job.done = std::move(done);
  Time const now = clock_.wall();
  bool const is_rows = value->is_array() && work.ref.item == run::kWhole;
  if (is_rows) {
    for (size_t i = 0; i < value->as_array().size(); ++i) {
      int64_t const index = static_cast<int64_t>(i);
      job.lines.push_back({index, line_text(work, index, now, value->as_array()[i])});
    }
  } else {
    int64_t const index = std::max(work.ref.item.value, 0);
    job.lines.push_back({index, line_text(work, index, now, *value)});
  }
  const auto& settings = std::get<flow::PublishSettings>(work.task().settings);
  std::string const path = path_of_(settings.dataset);
  waiting_[path].push_back(std::move(job));
  if (!writing_[path]) write_next(path);
}

void PublishRunner::write_next(const std::string& path) {
  auto jobs = std::make_shared<std::vector<Job>>(std::move(waiting_[path]));
  waiting_[path].clear();
  writing_[path] = !jobs->empty();
  if (jobs->empty()) return;
  auto finish = [this, path, jobs](const Status& written) {
    for (Job& job : *jobs) {
      if (written) {
        Json value = Json::object().set("lines", static_cast<int64_t>(job.lines.size()));
        job.done(run::Outcome::success(flow::TaskValue::of_json(std::move(value))));
      } else {
        // A failed fsync: nobody knows what the disk holds, so it is not simply tried again.
        job.done(written.error().code == Code::kUnknown
                     ? run::Outcome::unknown(written.error().text())
                     : run::Outcome::failure(written.error()));
      }
    }
    write_next(path);
  };
  Status const queued = executor_.run(io::Lane::kRead, [this, path, jobs, finish] {
    Status const written = append_jobs(files_, path, *jobs);
    loop_.post([finish, written] { finish(written); });
  });
  if (!queued) loop_.post([finish, queued] { finish(queued); });
}

Status append_jobs(io::Files& files, const std::string& path,
                   const std::vector<PublishRunner::Job>& jobs) {
  size_t const slash = path.rfind('/');
  if (slash != std::string::npos) TIDEMILL_TRY(files.make_folders(path.substr(0, slash)));
  TIDEMILL_TRY_LET(file, files.open_append(path));
  bool const is_recovery =
      std::any_of(jobs.begin(), jobs.end(), [](const auto& job) { return job.is_recovery; });
  TIDEMILL_TRY_LET(end, files.read_tail(path, is_recovery ? kTailBytes : 1));
  std::set<LineKey> known;
  if (!end.empty() && end.back() != '\n') {
    // A crash cut the last line: it was never acknowledged.
    TIDEMILL_TRY_LET(tail, files.read_tail(path, kTailBytes));
    TIDEMILL_TRY_LET(info, files.info(path));
    size_t const last = tail.rfind('\n');
    size_t const torn = last == std::string::npos ? tail.size() : tail.size() - last - 1;
    TIDEMILL_TRY(files.truncate(path, info.size - static_cast<int64_t>(torn)));
    end = tail.substr(0, tail.size() - torn);
  }
  if (is_recovery) known = keys_in(end);
  std::string text;
  for (const auto& job : jobs) {
    for (const auto& line : job.lines) {
      if (job.is_recovery && known.contains({job.run, job.task, line.index})) continue;
      text += line.text;
    }
  }
  if (text.empty()) return {};
  TIDEMILL_TRY(file->append(text));
  return file->sync();
}

}  // namespace tidemill::task
