#include "store/sqlite_store.h"

#include <fmt/format.h>

#include <mutex>

#include "store/control_rows.h"
#include "store/reader.h"
#include "store/writer.h"

namespace tidemill::store {
namespace {

constexpr size_t kBundleFileBytes = 256u << 20;

// Readers on connections of their own. The lock guards only the list: any thread may ask at any
// time, and it waits for nobody else's query.
class ReaderPool {
 public:
  ReaderPool(std::string folder, std::string vfs, io::Files& files)
      : folder_(std::move(folder)), vfs_(std::move(vfs)), files_(files) {}

  template <class Call>
  auto use(Call call) -> decltype(call(std::declval<Reader&>())) {
    std::unique_ptr<Reader> reader;
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        reader = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!reader) {
      auto opened = Reader::open(folder_, files_, vfs_);
      if (!opened) return fail(opened.error());
      reader = std::move(*opened);
    }
    auto answer = call(*reader);
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
    return answer;
  }

 private:
  std::string folder_;
  std::string vfs_;
  io::Files& files_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(SqliteStoreOptions options, std::unique_ptr<Writer> writer, io::Loop* loop,
              io::Executor* executor, io::Files& files, Log* log)
      : options_(std::move(options)),
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
  Result<std::optional<run::StoredRun>> load_run(const run::RunId& id) override {
    return readers_.use([&](Reader& reader) { return reader.load_run(id); });
  }
  Result<std::vector<run::AttemptRow>> attempts_of(const run::RunId& id) override {
    return readers_.use([&](Reader& reader) { return reader.attempts_of(id); });
  }
  Result<std::vector<run::RunRow>> list_runs(const RunFilter& filter) override {
    return readers_.use([&](Reader& reader) { return reader.list_runs(filter); });
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
  Result<std::vector<run::DeploymentRow>> list_deployments(size_t limit) override {
    return readers_.use(
        [&](Reader& reader) { return read_deployments(reader.connection(), limit); });
  }

  std::string bundle_folder(const flow::BundleId& id) const override {
    return fmt::format("{}/bundles/{}", options_.folder, id.value);
  }

 private:
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
  std::unique_ptr<Writer> writer_;
  io::Loop* loop_;
  io::Executor* executor_;
  io::Files& files_;
  Log* log_;
  ReaderPool readers_;
};

// Commits nothing.
class ReadOnlyStore final : public Store {
 public:
  explicit ReadOnlyStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}
  void commit(run::Changes, std::function<void(Status)> done) override { done(refused()); }
  Result<Recovered> recover() override { return fail(refused().error()); }
  Status put_bundle(const flow::Bundle&) override { return refused(); }
  std::string bundle_folder(const flow::BundleId& id) const override {
    return store_->bundle_folder(id);
  }
  Result<flow::Bundle> get_bundle(const flow::BundleId& id) override {
    return store_->get_bundle(id);
  }
  Result<std::optional<StoredKey>> find_key(const flow::FlowName& flow,
                                            const run::Key& key) override {
    return store_->find_key(flow, key);
  }
  Result<std::optional<run::StoredRun>> load_run(const run::RunId& id) override {
    return store_->load_run(id);
  }
  Result<std::vector<run::AttemptRow>> attempts_of(const run::RunId& id) override {
    return store_->attempts_of(id);
  }
  Result<std::vector<run::RunRow>> list_runs(const RunFilter& filter) override {
    return store_->list_runs(filter);
  }
  Result<std::vector<run::KeyRow>> skipped_keys(const flow::FlowName& flow, size_t limit) override {
    return store_->skipped_keys(flow, limit);
  }
  Result<std::vector<run::TokenRow>> list_tokens() override { return store_->list_tokens(); }
  Result<std::vector<run::BackfillRow>> list_backfills(size_t limit) override {
    return store_->list_backfills(limit);
  }
  Result<std::vector<run::DeploymentRow>> list_deployments(size_t limit) override {
    return store_->list_deployments(limit);
  }

 private:
  static Status refused() {
    return fail(Code::kDenied, "the store is open for reading only; start the server to write");
  }
  std::unique_ptr<Store> store_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(SqliteStoreOptions options, io::Loop& loop,
                                                 io::Executor& executor, io::Files& files,
                                                 Log& log) {
  for (const char* folder : {"", "/bundles", "/values"}) {
    TIDEMILL_TRY(files.make_folders(options.folder + folder, 0700));
  }
  TIDEMILL_TRY_LET(writer, Writer::open(options.folder, files, options.vfs));
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(options), std::move(writer),
                                                              &loop, &executor, files, &log));
}

Result<std::unique_ptr<Store>> open_sqlite_reader(const std::string& folder, io::Files& files) {
  TIDEMILL_TRY_LET(probe, Reader::open(folder, files));
  probe.reset();
  SqliteStoreOptions options;
  options.folder = folder;
  auto store =
      std::make_unique<SqliteStore>(std::move(options), nullptr, nullptr, nullptr, files, nullptr);
  return std::unique_ptr<Store>(std::make_unique<ReadOnlyStore>(std::move(store)));
}

}  // namespace tidemill::store
