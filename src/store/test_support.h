// A SQLite store in a folder of its own, on a simulated loop.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "io/real/files.h"
#include "io/real/loop.h"
#include "io/real/test_support.h"
#include "io/sim/world.h"
#include "store/sqlite_store.h"
#include "store/store_bed.h"

namespace tidemill::store {

class SqliteBed final : public StoreBed {
 public:
  // Over the files of the test, if it brings its own.
  using Wrap = std::function<std::unique_ptr<io::Files>(io::Files&)>;
  explicit SqliteBed(Wrap wrap = nullptr) : wrap_(std::move(wrap)) { open(); }

  Store& store() override { return *store_; }
  Time now() override { return world_.clock().wall(); }

  Status commit(run::Changes changes) override {
    std::optional<Status> answer;
    store_->commit(std::move(changes), [&](Status done) { answer = std::move(done); });
    world_.run_until([&] { return answer.has_value(); }, Duration::seconds(1));
    EXPECT_TRUE(answer.has_value()) << "commit did not answer";
    return answer.value_or(fail(Code::kInternal, "no answer"));
  }

  void restart() override {
    store_.reset();
    world_.kill_server();
    open();
  }

  void keep_up(UpkeepSettings settings) override {
    settings.clock = &world_.clock();
    store_->start_upkeep(std::move(settings));
    world_.run_for(Duration::seconds(60));
  }

  io::SimWorld& world() { return world_; }
  const std::string& folder() const { return folder_.path(); }
  io::Files& files() { return files_; }
  std::vector<std::string> fsync_failures;
  std::vector<std::string> taken_over;

 private:
  void open() {
    SqliteStoreOptions options;
    options.folder = folder_.path();
    options.on_fsync_failure = [this](const std::string& reason) {
      fsync_failures.push_back(reason);
    };
    options.on_taken_over = [this](const std::string& reason) { taken_over.push_back(reason); };
    wrapped_ = wrap_ ? wrap_(files_) : nullptr;
    io::Files& files = wrapped_ ? *wrapped_ : files_;
    auto store =
        open_sqlite_store(std::move(options), world_.loop(), world_.executor(), files, log_);
    ASSERT_TRUE(store) << store.error().text();
    store_ = std::move(*store);
  }

  io::TestFolder folder_;
  io::RealLoop loop_;
  io::RealFiles files_{loop_};
  io::SimWorld world_{1};
  NoLog log_;
  Wrap wrap_;
  std::unique_ptr<io::Files> wrapped_;
  std::unique_ptr<Store> store_;
};

}  // namespace tidemill::store
