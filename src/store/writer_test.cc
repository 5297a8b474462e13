#include "store/writer.h"

#include <gtest/gtest.h>

#include "io/real/files.h"
#include "io/real/loop.h"
#include "io/real/test_support.h"
#include "store/history/history.h"

namespace tidemill::store {
namespace {

run::Changes chain_of(int number) {
  run::ChainRow row;
  row.run = run::RunId("01RUN");
  row.number = number;
  row.entries.push_back({});
  row.entries.back().name = "t";
  row.entries.back().value = std::string(200'000, 'x');
  run::Changes changes;
  changes.chains.push_back(std::move(row));
  return changes;
}

class WriterTest : public testing::Test {
 protected:
  void SetUp() override {
    auto history = History::open(folder_.path(), files_, History::Mode::kOwner);
    ASSERT_TRUE(history) << history.error().text();
    history_ = std::move(*history);
    auto writer = Writer::open(folder_.path(), files_, *history_);
    ASSERT_TRUE(writer) << writer.error().text();
    writer_ = std::move(*writer);
  }

  void write(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(writer_->write(chain_of(number_++)));
      ASSERT_TRUE(writer_->checkpoint_if_large());
    }
  }

  io::TestFolder folder_;
  io::RealLoop loop_;
  io::RealFiles files_{loop_};
  std::unique_ptr<History> history_;
  std::unique_ptr<Writer> writer_;
  int number_ = 0;
};

TEST_F(WriterTest, TheWalIsMovedEachTimeItHasGrown) {
  write(10);
  EXPECT_EQ(writer_->checkpoints(), 0);
  write(400);  // 50 pages each
  EXPECT_GE(writer_->checkpoints(), 4);
  EXPECT_LE(writer_->checkpoints(), 6);
}

// The reader keeps the WAL from beginning anew, so that it stays large.
TEST_F(WriterTest, AReaderOfAnOldStateDoesNotMakeEveryCommitMoveTheWal) {
  write(1);
  auto reader = io::Connection::open(folder_ / "meta.db", io::Connection::Mode::kReader);
  ASSERT_TRUE(reader);
  auto reading = reader->prepare("SELECT run FROM chain");
  ASSERT_TRUE(reading);
  ASSERT_TRUE(reading->step());
  write(150);
  EXPECT_EQ(writer_->checkpoints(), 1);
}

// SQLite's own disk takes at most 128 KiB in one call.
TEST_F(WriterTest, AWalThatAKilledServerLeftIsTakenUpWhateverItsSize) {
  write(40);
  ASSERT_TRUE(files_.make_folders(folder_ / "killed", 0700));
  for (const char* name : {"meta.db", "meta.db-wal"}) {
    auto const bytes = files_.read(folder_ / name, 64u << 20);
    ASSERT_TRUE(bytes);
    ASSERT_TRUE(files_.write(folder_ / "killed/" + name, *bytes, 0600));
  }
  auto writer = Writer::open(folder_ / "killed", files_, *history_, {});
  ASSERT_TRUE(writer) << writer.error().text();
  auto reader = io::Connection::open(folder_ / "killed/meta.db", io::Connection::Mode::kReader);
  ASSERT_TRUE(reader);
  auto count = reader->prepare("SELECT count(*) FROM chain");
  ASSERT_TRUE(count && count->step());
  EXPECT_EQ(count->integer(0), 40);
}

}  // namespace
}  // namespace tidemill::store
