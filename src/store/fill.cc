#include "store/fill.h"

#include <fmt/format.h>

#include <map>

#include "base/ulid.h"
#include "io/sqlite.h"
#include "store/history/history.h"
#include "store/row_codec.h"
#include "store/sqlite_store.h"

namespace tidemill::store {
namespace {

constexpr size_t kRunsPerStep = 50'000;

struct Made {
  RunRecord record;
  PackedRun packed;
  std::string key;
};

// Columns in the order of row_codec.h.
Made make_run(const FillOptions& options, size_t number) {
  Time const created =
      options.newest - options.apart * static_cast<int64_t>(options.runs - 1 - number);
  Time const ended = created + Duration::millis(250);
  std::string const id = make_ulid(created, number, ~number);
  std::string const key = fmt::format("cron:nightly/{}/0", number);
  bool const has_failed = number % 50 == 49;
  std::string const state = has_failed ? "failed" : "succeeded";
  std::string const error = has_failed ? "task score: exit code 3" : "";
  Made made;
  made.record.run.cells = {id,
                           options.flow,
                           std::string(64, 'b'),
                           key,
                           state,
                           int64_t{1},
                           std::string(R"({"trigger":"cron","origin":"cron"})"),
                           fmt::format(R"({{"applicant":"{}"}})", number),
                           std::string(64, 'h'),
                           created.us,
                           created.us,
                           created.us,
                           created.us,
                           std::monostate(),
                           created.us,
                           ended.us,
                           std::string(has_failed ? "invalid" : ""),
                           error};
  Cells task;
  task.cells = {id,
                int64_t{0},
                int64_t{-1},
                std::string("fetch"),
                state,
                int64_t{1},
                int64_t{has_failed},
                int64_t{-1},
                created.us,
                ended.us,
                std::monostate(),
                std::string(),
                error,
                fmt::format(R"({{"score":{}}})", number % 1000)};
  Cells attempt;
  attempt.cells = {id,          int64_t{0},
                   int64_t{-1}, int64_t{1},
                   state,       created.us,
                   ended.us,    std::string(),
                   error,       std::string(R"({"exit_code":0,"max_rss_bytes":9400320})")};
  Cells chain;
  chain.cells = {id, int64_t{0}, ended.us,
                 fmt::format(R"({{"v":1,"e":[{{"t":1,"n":"decide","us":40,"x":"{}"}}]}})", number)};
  made.record.tasks = {task};
  made.record.attempts = {attempt};
  made.record.chains = {chain};
  made.packed = {id,
                 options.flow,
                 key,
                 has_failed ? run::RunState::kFailed : run::RunState::kSucceeded,
                 ended,
                 {},
                 pack(made.record)};
  made.key = key;
  return made;
}

Status add_keys(io::Connection& connection, const std::vector<PackedRun>& runs) {
  TIDEMILL_TRY(connection.execute("BEGIN IMMEDIATE"));
  TIDEMILL_TRY_LET(insert,
                   connection.prepare("INSERT INTO key (flow,key,run,at,reason,state,body_hash) "
                                      "VALUES (?,?,?,?,'',?,?)"));
  std::string const hash(64, 'h');
  for (const PackedRun& run : runs) {
    insert.add(run.flow).add(run.key).add(run.id).add(run.finished).add(word(run.state)).add(hash);
    Status const done = insert.run();
    insert.reset();
    TIDEMILL_TRY(done);
  }
  return connection.execute("COMMIT");
}

}  // namespace

Status fill_with_finished_runs(const std::string& folder, io::Files& files,
                               const FillOptions& options) {
  auto const lock = FolderLock::take(folder);
  if (!lock) return fail(lock.error());
  TIDEMILL_TRY_LET(history, History::open(folder, files, History::Mode::kOwner));
  TIDEMILL_TRY_LET(connection,
                   io::Connection::open(folder + "/meta.db", io::Connection::Mode::kWriter));
  for (size_t from = 0; from < options.runs; from += kRunsPerStep) {
    std::map<std::string, std::vector<PackedRun>> days;
    size_t const end = std::min(from + kRunsPerStep, options.runs);
    for (size_t number = from; number < end; ++number) {
      Made made = make_run(options, number);
      days[day_of(made.record.run.time(kRunCreatedColumn))].push_back(std::move(made.packed));
    }
    for (auto& [day, runs] : days) {
      TIDEMILL_TRY(add_keys(connection, runs));
      TIDEMILL_TRY(history->add(day, std::move(runs)));
    }
    TIDEMILL_TRY_LET(left, connection.checkpoint());
    (void)left;
  }
  return {};
}

}  // namespace tidemill::store
