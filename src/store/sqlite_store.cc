#include "store/sqlite_store.h"

#include <fmt/format.h>

#include "store/control_rows.h"
#include "store/history/history.h"
#include "store/hooked_store.h"
#include "store/reader_pool.h"
#include "store/row_codec.h"
#include "store/upkeep.h"
#include "store/writer.h"

namespace tidemill::store {
namespace {

constexpr size_t kBundleFileBytes = 256u << 20;

class SqliteStore final : public Store {
 public:
  SqliteStore(SqliteStoreOptions options, std::unique_ptr<History> history,
              std::unique_ptr<Writer> writer, io::Loop* loop, io::Executor* executor,
              io::Files& files, Log* log)
      : options_(std::move(options)),
        history_(std::move(history)),
        writer_(std::move(writer)),
        loop_(loop),
        executor_(executor),
        files_(files),
        log_(log),
        readers_(options_.folder, options_.vfs, files) {}

  void commit(run::Changes changes, std::function<void(Status)> done) override {
    auto shared = std::make_shared<run::Changes>(std::move(changes));
    Status const queued = executor_->run(io::Lane::kStore, [this, shared, done] {
      Status const written = writer_->write(*shared);
      if (!written && written.error().code == Code::kUnknown) {
        options_.on_fsync_failure(written.error().text());
      }
      if (!written && writer_->is_taken_over() && options_.on_taken_over) {
        options_.on_taken_over(written.error().text());
      }
      loop_->post([done, written] { done(written); });
      if (auto const moved = writer_->checkpoint_if_large(); !moved) {
        if (moved.error().code == Code::kUnknown) options_.on_fsync_failure(moved.error().text());
        log_->warn("the WAL could not be moved into meta.db: {}", moved.error().text());
      }
    });
    if (!queued) loop_->post([done, queued] { done(queued); });
  }

  Result<Recovered> recover() override {
    Recovered recovered;
    TIDEMILL_TRY_LET(epoch, writer_->take_epoch());
    recovered.epoch = epoch;
    return readers_.use([&](Reader& reader) -> Result<Recovered> {
      TIDEMILL_TRY_LET(ids, reader.open_run_ids());
      for (const run::RunId& id : ids) {
        TIDEMILL_TRY_LET(stored, reader.load_run(id));
        if (stored) recovered.open_runs.push_back(std::move(*stored));
      }
      TIDEMILL_TRY_LET(triggers, reader.triggers());
      recovered.triggers = std::move(triggers);
      TIDEMILL_TRY_LET(datasets, reader.last_datasets());
      recovered.datasets = std::move(datasets);
      TIDEMILL_TRY_LET(control, read_control(reader.connection()));
      recovered.control = std::move(control);
      TIDEMILL_TRY_LET(alerts, reader.list_alerts());
      recovered.alerts = std::move(alerts);
      return std::move(recovered);
    });
  }

  // Written beside its place and renamed: a folder with the bundle's name is whole.
  Status put_bundle(const flow::Bundle& bundle) override {
    std::string const folder = bundle_folder(bundle.id);
    if (files_.info(folder)) return {};
    std::string const draft = folder + ".draft";
    for (const auto& [name, bytes] : bundle.files) {
      std::string const file = draft + "/" + name;
      TIDEMILL_TRY(files_.make_folders(file.substr(0, file.rfind('/'))));
      TIDEMILL_TRY(files_.write(file, bytes));
    }
    return files_.rename(draft, folder);
  }

  Result<flow::Bundle> get_bundle(const flow::BundleId& id) override {
    flow::Bundle bundle;
    bundle.id = id;
    TIDEMILL_TRY(read_folder(bundle_folder(id), "", bundle));
    return bundle;
  }

  Result<std::optional<StoredKey>> find_key(const flow::FlowName& flow,
                                            const run::Key& key) override {
    return readers_.use([&](Reader& reader) { return reader.find_key(flow, key); });
  }
  // meta.db first, then history: what left the one before the look stands in the other since.
  Result<std::optional<run::StoredRun>> load_run(const run::RunId& id) override {
    TIDEMILL_TRY_LET(found, readers_.use([&](Reader& reader) { return reader.load_run(id); }));
    if (found) return std::move(found);
    TIDEMILL_TRY_LET(record, history_->find(id));
    if (!record) return std::optional<run::StoredRun>();
    TIDEMILL_TRY_LET(stored, stored_run(*record, options_.folder, files_));
    return std::optional<run::StoredRun>(std::move(stored));
  }
  Result<std::vector<run::AttemptRow>> attempts_of(const run::RunId& id) override {
    TIDEMILL_TRY_LET(rows, readers_.use([&](Reader& reader) { return reader.attempts_of(id); }));
    if (!rows.empty()) return std::move(rows);
    TIDEMILL_TRY_LET(record, history_->find(id));
    if (!record) return std::vector<run::AttemptRow>();
    return attempts_in(*record);
  }
  Result<std::vector<run::RunRow>> list_runs(const RunFilter& filter) override {
    TIDEMILL_TRY_LET(open, readers_.use([&](Reader& reader) { return reader.list_runs(filter); }));
    TIDEMILL_TRY_LET(old, history_->list(filter));
    return merge_lists(std::move(open), old, filter.limit);
  }
  Result<std::vector<run::KeyRow>> skipped_keys(const flow::FlowName& flow, size_t limit) override {
    return readers_.use([&](Reader& reader) { return reader.skipped_keys(flow, limit); });
  }
  Result<std::vector<run::TokenRow>> list_tokens() override {
    return readers_.use([&](Reader& reader) { return reader.list_tokens(); });
  }
  Result<std::vector<run::BackfillRow>> list_backfills(size_t limit) override {
    return readers_.use([&](Reader& reader) { return read_backfills(reader.connection(), limit); });
  }
  Result<std::optional<run::BackfillRow>> find_backfill(const run::BackfillId& id) override {
    return readers_.use(
        [&](Reader& reader) { return store::find_backfill(reader.connection(), id); });
  }
  Result<std::vector<run::DeploymentRow>> list_deployments(size_t limit) override {
    return readers_.use(
        [&](Reader& reader) { return read_deployments(reader.connection(), limit); });
  }

  void start_upkeep(UpkeepSettings settings) override {
    upkeep_ = std::make_unique<Upkeep>(
        UpkeepParts{options_.folder, *loop_, *executor_, files_, *log_, *history_, *writer_,
                    readers_, options_.on_fsync_failure},
        std::move(settings));
    upkeep_->start();
  }

  std::string bundle_folder(const flow::BundleId& id) const override {
    return fmt::format("{}/bundles/{}", options_.folder, id.value);
  }

 private:
  // Both newest first. A run that stands in both is the one of meta.db.
  Result<std::vector<run::RunRow>> merge_lists(std::vector<run::RunRow> open,
                                               const std::vector<Cells>& old, size_t limit) {
    std::vector<run::RunRow> rows;
    size_t next_open = 0;
    size_t next_old = 0;
    while (rows.size() < limit && (next_open < open.size() || next_old < old.size())) {
      std::string const old_id = next_old < old.size() ? old[next_old].text(0) : std::string();
      bool const takes_open =
          next_old == old.size() || (next_open < open.size() && open[next_open].id.value >= old_id);
      if (takes_open) {
        if (open[next_open].id.value == old_id) ++next_old;
        rows.push_back(std::move(open[next_open++]));
        continue;
      }
      TIDEMILL_TRY_LET(row, read_run(old[next_old++]));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Status read_folder(const std::string& folder, const std::string& prefix, flow::Bundle& bundle) {
    TIDEMILL_TRY_LET(entries, files_.list(folder));
    for (const io::FileInfo& entry : entries) {
      std::string const path = folder + "/" + entry.name;
      if (entry.is_folder) {
        TIDEMILL_TRY(read_folder(path, prefix + entry.name + "/", bundle));
        continue;
      }
      TIDEMILL_TRY_LET(bytes, files_.read(path, kBundleFileBytes));
      bundle.files[prefix + entry.name] = std::move(bytes);
    }
    return {};
  }

  SqliteStoreOptions options_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Writer> writer_;
  io::Loop* loop_;
  io::Executor* executor_;
  io::Files& files_;
  Log* log_;
  ReaderPool readers_;
  std::unique_ptr<Upkeep> upkeep_;
};

StoreHooks read_only() {
  auto refused = [] {
    return fail(Code::kDenied, "the store is open for reading only; start the server to write");
  };
  StoreHooks hooks;
  hooks.commit = [refused](Store&, run::Changes, const std::function<void(Status)>& done) {
    done(refused());
  };
  hooks.recover = [refused](Store&) -> Result<Recovered> { return refused(); };
  hooks.put_bundle = [refused](Store&, const flow::Bundle&) -> Status { return refused(); };
  return hooks;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(SqliteStoreOptions options, io::Loop& loop,
                                                 io::Executor& executor, io::Files& files,
                                                 Log& log) {
  for (const char* folder : {"", "/bundles", "/values"}) {
    TIDEMILL_TRY(files.make_folders(options.folder + folder, 0700));
  }
  TIDEMILL_TRY_LET(history, History::open(options.folder, files, History::Mode::kOwner));
  TIDEMILL_TRY_LET(writer, Writer::open(options.folder, files, *history, options.vfs));
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(
      std::move(options), std::move(history), std::move(writer), &loop, &executor, files, &log));
}

Result<std::unique_ptr<Store>> open_sqlite_reader(const std::string& folder, io::Files& files) {
  TIDEMILL_TRY_LET(probe, Reader::open(folder, files));
  probe.reset();
  TIDEMILL_TRY_LET(history, History::open(folder, files, History::Mode::kGuest));
  SqliteStoreOptions options;
  options.folder = folder;
  auto store = std::make_unique<SqliteStore>(std::move(options), std::move(history), nullptr,
                                             nullptr, nullptr, files, nullptr);
  return std::unique_ptr<Store>(std::make_unique<HookedStore>(std::move(store), read_only()));
}

}  // namespace tidemill::store
