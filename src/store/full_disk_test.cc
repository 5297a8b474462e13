// A full disk and a failing fsync under the real SQLite. SQLite's own table of system calls gives
// the write calls; fsync is this binary's, which the library finds first.
#include <dlfcn.h>
#include <errno.h>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "store/test_support.h"

namespace {

std::atomic<int64_t> writes_left{INT64_MAX};  // after them the disk is full
std::atomic<bool> syncs_fail{false};

ssize_t limited_pwrite(int descriptor, const void* bytes, size_t count, off64_t offset) {
  if (writes_left.fetch_sub(1) <= 0) {
    errno = ENOSPC;
    return -1;
  }
  return ::pwrite64(descriptor, bytes, count, offset);
}

}  // namespace

extern "C" int fdatasync(int descriptor) {
  if (syncs_fail) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}

extern "C" int fsync(int descriptor) {
  if (syncs_fail) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

namespace tidemill::store {
namespace {

class FaultyDisk : public testing::Test {
 protected:
  FaultyDisk() {
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    for (const char* name : {"pwrite", "pwrite64"}) {
      vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(limited_pwrite));
    }
  }
  ~FaultyDisk() override {
    writes_left = INT64_MAX;
    syncs_fail = false;
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    for (const char* name : {"pwrite", "pwrite64"}) vfs->xSetSystemCall(vfs, name, nullptr);
  }

  static run::Changes run_of(const std::string& id, run::Epoch epoch) {
    run::Changes changes;
    run::RunRow row;
    row.id = run::RunId(id);
    row.flow = flow::FlowName("f");
    row.key = run::Key(id);
    row.epoch = epoch;
    row.params = Json::object().set("padding", std::string(20'000, 'p'));
    changes.new_runs.push_back(row);
    changes.keys.push_back({row.flow, row.key, row.id, Time{1}, ""});
    return changes;
  }
};

TEST_F(FaultyDisk, AFullDiskRefusesTheCommitAndEverythingBeforeItIsThere) {
  for (int64_t writes = 0; writes < 12; ++writes) {
    SqliteBed bed;
    auto const recovered = bed.store().recover();
    ASSERT_TRUE(recovered);
    ASSERT_TRUE(bed.commit(run_of("01A", recovered->epoch)));
    writes_left = writes;
    auto const done = bed.commit(run_of("01B", recovered->epoch));
    bool const was_full = writes_left < 0;
    if (was_full) {
      ASSERT_FALSE(done) << writes;
      EXPECT_EQ(done.error().code, Code::kExhausted) << done.error().text();
    }
    // Reads go on.
    EXPECT_TRUE(bed.store().load_run(run::RunId("01A"))->has_value());
    EXPECT_EQ(bed.store().load_run(run::RunId("01B"))->has_value(), done.has_value());
    // There is room again: the same commit is taken.
    writes_left = INT64_MAX;
    if (!done) {
      auto const again = bed.commit(run_of("01B", recovered->epoch));
      ASSERT_TRUE(again) << again.error().text();
    }
    bed.restart();
    auto const after = bed.store().recover();
    ASSERT_TRUE(after) << after.error().text();
    EXPECT_EQ(after->open_runs.size(), 2u);
    EXPECT_TRUE(bed.fsync_failures.empty());
  }
}

TEST_F(FaultyDisk, AFullDiskAndThenAKillLoseNothingThatWasAcknowledged) {
  for (int64_t writes = 0; writes < 40; writes += 3) {
    SqliteBed bed;
    auto const recovered = bed.store().recover();
    ASSERT_TRUE(recovered);
    writes_left = writes;
    size_t acknowledged = 0;
    for (int i = 0; i < 10; ++i) {
      std::string const id = "01" + std::to_string(i);
      if (bed.commit(run_of(id, recovered->epoch))) ++acknowledged;
    }
    writes_left = INT64_MAX;
    bed.restart();
    auto const after = bed.store().recover();
    ASSERT_TRUE(after) << after.error().text();
    EXPECT_EQ(after->open_runs.size(), acknowledged);
  }
}

TEST_F(FaultyDisk, AValueThatDoesNotFitIntoItsFileIsRefusedWithTheCommit) {
  SqliteBed bed;
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  run::Changes changes = run_of("01A", recovered->epoch);
  run::TaskRow task;
  task.run = run::RunId("01A");
  task.value = std::string(1u << 20, 'v');
  changes.tasks.push_back(task);
  ASSERT_TRUE(bed.files().remove(bed.folder() + "/values"));  // nowhere to write it
  EXPECT_FALSE(bed.commit(changes));
  EXPECT_FALSE(bed.store().load_run(run::RunId("01A"))->has_value());
  ASSERT_TRUE(bed.files().make_folders(bed.folder() + "/values"));
  EXPECT_TRUE(bed.commit(changes));
}

TEST_F(FaultyDisk, AFailedFsyncIsToldToWhoMustEndTheProcess) {
  SqliteBed bed;
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  ASSERT_TRUE(bed.commit(run_of("01A", recovered->epoch)));
  syncs_fail = true;
  auto const done = bed.commit(run_of("01B", recovered->epoch));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kUnknown);
  ASSERT_EQ(bed.fsync_failures.size(), 1u);
  syncs_fail = false;
  bed.restart();
  auto const after = bed.store().recover();
  ASSERT_TRUE(after);
  EXPECT_GE(after->open_runs.size(), 1u);
}

}  // namespace
}  // namespace tidemill::store
