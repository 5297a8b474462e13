// A SQLite store in a folder of its own, on a simulated loop.
#pragma once

#include <gtest/gtest.h>

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
  SqliteBed() { open(); }

  Store& store() override { return *store_; }

  Status commit(run::Changes changes) override {
    std::optional<Status> answer;
    store_->commit(std::move(changes), [&](Status done) { answer = std::move(done); });
    world_.run_until_idle();
    EXPECT_TRUE(answer.has_value()) << "commit did not answer";
    return answer.value_or(fail(Code::kInternal, "no answer"));
  }

  void restart() override {
    store_.reset();
    world_.kill_server();
    open();
  }

  const std::string& folder() const { return folder_.path(); }
  io::Files& files() { return files_; }
  std::vector<std::string> fsync_failures;

 private:
  void open() {
    SqliteStoreOptions options;
    options.folder = folder_.path();
    options.on_fsync_failure = [this](const std::string& reason) {
      fsync_failures.push_back(reason);
    };
    auto store =
        open_sqlite_store(std::move(options), world_.loop(), world_.executor(), files_, log_);
    ASSERT_TRUE(store) << store.error().text();
    store_ = std::move(*store);
  }

  io::TestFolder folder_;
  io::RealLoop loop_;
  io::RealFiles files_{loop_};
  io::SimWorld world_{1};
  NoLog log_;
  std::unique_ptr<Store> store_;
};

}  // namespace tidemill::store
