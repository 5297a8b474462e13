#include "store/upkeep.h"

#include <fmt/format.h>

#include <map>

#include "io/clock.h"
#include "store/row_codec.h"

namespace tidemill::store {
namespace {

constexpr Duration kBetweenBatches = Duration::millis(20);
constexpr Duration kAfterFailure = Duration::seconds(30);
constexpr Duration kRetentionEvery = Duration::seconds(3600);

// A value may be written before the row that names it is.
constexpr Duration kValueAge = Duration::seconds(3600);

}  // namespace

template <class T>
void Upkeep::step(io::Lane lane, std::function<Result<T>()> work, std::function<void(T)> then) {
  auto run = [this, alive = alive_, work, then] {
    auto answer = std::make_shared<Result<T>>(work());
    parts_.loop.post([this, alive, answer, then] {
      if (!*alive) return;
      if (*answer) {
        then(std::move(**answer));
      } else {
        failed(answer->error());
      }
    });
  };
  if (!parts_.executor.run(lane, run)) after(Duration::seconds(1), &Upkeep::move);
}

void Upkeep::after(Duration delay, void (Upkeep::*next)()) {
  parts_.loop.after(delay, [this, alive = alive_, next] {
    if (*alive) (this->*next)();
  });
}

void Upkeep::failed(const Error& error) {
  if (error.code == Code::kUnknown) parts_.on_fsync_failure(error.text());
  parts_.log.warn("history: {}; it is tried again", error.text());
  after(kAfterFailure, &Upkeep::move);
}

void Upkeep::start() { after(Duration::millis(500), &Upkeep::check); }

// Once, after serving has begun: a damaged file is told, loudly.
void Upkeep::check() {
  step<std::string>(
      io::Lane::kRead,
      [this]() -> Result<std::string> {
        return parts_.readers.use([](Reader& reader) { return reader.check_integrity(); });
      },
      [this](const std::string& found) {
        if (found.empty()) {
          parts_.log.info("meta.db is sound");
        } else {
          parts_.log.error("meta.db is damaged: {}; stop the server and restore a backup", found);
        }
        if (settings_.on_checked) settings_.on_checked(found);
        move();
      });
}

void Upkeep::move() {
  step<Batch>(
      io::Lane::kRead, [this] { return collect(); },
      [this](Batch batch) {
        if (batch.moved.empty()) {
          tidy();
        } else {
          forget(std::make_shared<Batch>(std::move(batch)), 0);
        }
      });
}

// Packs the longest finished runs into segments, one a day that they were created on.
Result<Upkeep::Batch> Upkeep::collect() {
  return parts_.readers.use([&](Reader& reader) -> Result<Batch> {
    Batch batch;
    TIDEMILL_TRY_LET(count, reader.count_finished(settings_.finished_rows + 1));
    bool const is_crowded = count > settings_.finished_rows;
    Time const until = settings_.clock->wall() - (is_crowded ? Duration{} : settings_.linger);
    TIDEMILL_TRY_LET(finished, reader.finished_runs(until, kRunsPerSegment));
    batch.is_full = finished.size() == kRunsPerSegment;
    std::map<std::string, std::vector<PackedRun>> days;
    size_t bytes = 0;
    for (const Reader::Finished& one : finished) {
      if (bytes > kBytesPerSegment) {
        batch.is_full = true;
        break;
      }
      TIDEMILL_TRY_LET(record, reader.record_of(one.id));
      if (!record || record->run.time(kRunFinishedColumn) != one.finished) continue;
      TIDEMILL_TRY_LET(row, read_run(record->run));
      PackedRun run{row.id.value, row.flow.value,     row.key.value, row.state,
                    one.finished, values_of(*record), pack(*record)};
      bytes += run.bytes.size();
      if (run.bytes.size() > kRunBytes || run.key.size() > 60'000) continue;
      batch.moved.push_back(
          {row.id, one.finished, row.flow, row.key, std::string(word(row.state)), row.body_hash});
      days[day_of(row.created)].push_back(std::move(run));
    }
    for (auto& [day, runs] : days) TIDEMILL_TRY(parts_.history.add(day, std::move(runs)));
    return batch;
  });
}

// Rows leave in transactions so small that a turn waits for one hardly.
void Upkeep::forget(std::shared_ptr<Batch> batch, size_t from) {
  step<bool>(
      io::Lane::kStore,
      [this, batch, from]() -> Result<bool> {
        size_t const count = std::min(kRunsPerCommit, batch->moved.size() - from);
        TIDEMILL_TRY(parts_.writer.forget_moved(std::span(batch->moved).subspan(from, count)));
        TIDEMILL_TRY(parts_.writer.checkpoint_if_large());
        return true;
      },
      [this, batch, from](bool) {
        if (from + kRunsPerCommit < batch->moved.size()) {
          forget(batch, from + kRunsPerCommit);
        } else if (batch->is_full) {
          after(kBetweenBatches, &Upkeep::move);
        } else {
          tidy();
        }
      });
}

void Upkeep::tidy() {
  step<Swept>(
      io::Lane::kRead, [this] { return tidy_files(); },
      [this](Swept swept) {
        if (swept.has_more) {
          tidy();
        } else if (!swept.values.empty()) {
          sweep(std::make_shared<Swept>(std::move(swept)), 0);
        } else {
          purge();
        }
      });
}

Result<Upkeep::Swept> Upkeep::tidy_files() {
  Swept swept;
  TIDEMILL_TRY_LET(merged, parts_.history.merge());
  swept.has_more = merged;
  Time const now = settings_.clock->wall();
  if (merged || (last_retention_ && now - *last_retention_ < kRetentionEvery)) return swept;
  bool const is_first = !last_retention_;
  last_retention_ = now;
  Time const kept_since = now - settings_.keep;
  TIDEMILL_TRY_LET(removed, parts_.history.remove_days(day_of(kept_since), kept_since));
  if (removed > 0) parts_.log.info("history: {} days are older than is kept; removed", removed);
  TIDEMILL_TRY_LET(oldest,
                   parts_.readers.use([](Reader& reader) { return reader.oldest_open_run(); }));
  TIDEMILL_TRY_LET(has_removed,
                   remove_old_logs(day_of(oldest ? std::min(*oldest, kept_since) : kept_since)));
  (void)has_removed;
  if (removed == 0 && !is_first) return swept;
  TIDEMILL_TRY_LET(files, parts_.files.list(parts_.folder + "/values"));
  TIDEMILL_TRY_LET(named, parts_.history.values());
  for (const io::FileInfo& file : files) {
    bool const is_old = file.modified < now - kValueAge;
    if (is_old && file.name.size() == 64 && !named.contains(file.name)) {
      swept.values.push_back(file.name);
    }
  }
  return swept;
}

// tasklogs/<day>/<run>/<log>: whole days go.
Result<bool> Upkeep::remove_old_logs(const std::string& first_kept) {
  std::string const root = parts_.folder + "/tasklogs";
  auto const days = parts_.files.list(root);
  if (!days) return false;  // no task has written one
  bool has_removed = false;
  for (const io::FileInfo& day : *days) {
    if (!day.is_folder || day.name.size() != 10 || day.name >= first_kept) continue;
    std::string const day_folder = root + "/" + day.name;
    TIDEMILL_TRY_LET(runs, parts_.files.list(day_folder));
    for (const io::FileInfo& run : runs) {
      std::string const run_folder = day_folder + "/" + run.name;
      if (run.is_folder) {
        TIDEMILL_TRY_LET(logs, parts_.files.list(run_folder));
        for (const io::FileInfo& log : logs) {
          TIDEMILL_TRY(parts_.files.remove(run_folder + "/" + log.name));
        }
      }
      TIDEMILL_TRY(parts_.files.remove(run_folder));
    }
    TIDEMILL_TRY(parts_.files.remove(day_folder));
    has_removed = true;
  }
  return has_removed;
}

// On the writing thread: no commit can name a file between the look and its removal. Nothing moves
// to history meanwhile, since that is a step of this object too.
void Upkeep::sweep(std::shared_ptr<Swept> swept, size_t from) {
  step<bool>(
      io::Lane::kStore, [this, swept, from] { return remove_unnamed(*swept, from); },
      [this, swept, from](bool) {
        if (from + kValuesPerStep < swept->values.size()) {
          sweep(swept, from + kValuesPerStep);
        } else {
          purge();
        }
      });
}

Result<bool> Upkeep::remove_unnamed(const Swept& swept, size_t from) {
  size_t const end = std::min(from + kValuesPerStep, swept.values.size());
  for (size_t i = from; i < end; ++i) {
    TIDEMILL_TRY_LET(is_named, parts_.writer.names_value(swept.values[i]));
    if (is_named) continue;
    TIDEMILL_TRY(parts_.files.remove(parts_.folder + "/values/" + swept.values[i]));
  }
  return true;
}

void Upkeep::purge() {
  step<int64_t>(
      io::Lane::kStore,
      [this] { return parts_.writer.purge_datasets(settings_.clock->wall() - settings_.keep); },
      [this](int64_t purged) {
        if (purged > 0) {
          purge();
        } else {
          after(settings_.every, &Upkeep::move);
        }
      });
}

}  // namespace tidemill::store
