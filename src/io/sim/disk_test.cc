// The simulated disk under the real SQLite: acknowledged rows survive every kind of death, and a
// disk that lies about syncs is found out.
#include "io/sim/disk.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "io/sim/sqlite_vfs.h"
#include "io/sqlite.h"

namespace tidemill::io {
namespace {

constexpr const char* kPath = "/data/meta.db";

// A table that grows a row at a time, and what was acknowledged of it.
class Database {
 public:
  explicit Database(uint64_t seed) : disk(seed ^ 0x6469736b), bits_(seed), vfs_(disk) {}

  Status open() {
    TIDEMILL_TRY(rewrite_wal(kPath, vfs_.name()));
    TIDEMILL_TRY_LET(opened, Connection::open(kPath, Connection::Mode::kWriter, vfs_.name()));
    connection_ = std::move(opened);
    TIDEMILL_TRY(connection_.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"));
    return connection_.execute(
        "CREATE TABLE IF NOT EXISTS row (n INTEGER PRIMARY KEY, pad TEXT NOT NULL)");
  }

  // Rows until `count` are acknowledged or a write fails.
  Status work(int count) {
    for (int i = 0; i < count; ++i) {
      std::string const pad(bits_.next() % 9000, 'p');
      TIDEMILL_TRY(connection_.execute(
          fmt::format("INSERT INTO row VALUES ({}, '{}')", next_++, pad).c_str()));
      acknowledged.insert(next_ - 1);
      if (bits_.next() % 16 == 0) TIDEMILL_TRY(connection_.checkpoint().map([](int64_t) {}));
    }
    return {};
  }

  void close() { connection_ = {}; }

  // Opens what is left and says what is wrong with it; nothing if all is well.
  std::string verify() {
    disk.set_plan(nullptr);
    if (auto const opened = open(); !opened) return opened.error().text();
    auto check = connection_.prepare("PRAGMA integrity_check");
    if (!check || !check->step()) return "the check cannot be made";
    if (check->text(0) != "ok") return check->text(0);
    std::set<int64_t> found;
    auto rows = connection_.prepare("SELECT n FROM row");
    while (true) {
      auto const has_row = rows->step();
      if (!has_row) return has_row.error().text();
      if (!*has_row) break;
      found.insert(rows->integer(0));
    }
    for (int64_t const n : acknowledged) {
      if (!found.contains(n)) return fmt::format("row {} was acknowledged and is gone", n);
    }
    // What was not acknowledged may be there: its outcome was not known.
    acknowledged = found;
    return {};
  }

  SimDisk disk;
  std::set<int64_t> acknowledged;

 private:
  SeededBits bits_;
  SimSqliteVfs vfs_;
  Connection connection_;
  int64_t next_ = 1;
};

enum class Death { kKill, kPower };

// Some work, death at some call, recovery; three times over. What went wrong first.
std::string history(uint64_t seed, Death death, SimDisk::Syncs syncs) {
  Database database(seed);
  SeededBits bits(seed ^ 0x68);
  database.disk.set_syncs(syncs);
  for (int life = 0; life < 3; ++life) {
    int64_t const last = database.disk.calls() + 1 + static_cast<int64_t>(bits.next() % 400);
    database.disk.set_plan([last](DiskCall, const std::string&, int64_t number) {
      return number == last ? DiskFault::kDie : DiskFault::kNone;
    });
    if (database.open()) (void)database.work(60);
    if (death == Death::kKill) database.disk.kill();
    if (death == Death::kPower) database.disk.lose_power();
    database.close();
    if (std::string const wrong = database.verify(); !wrong.empty()) {
      return fmt::format("life {}, call {}: {}", life, last, wrong);
    }
    database.close();
  }
  return {};
}

TEST(SimDisk, AcknowledgedRowsSurviveAKillAtAnyCall) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    EXPECT_EQ(history(seed, Death::kKill, SimDisk::Syncs::kWork), "") << "seed " << seed;
  }
}

TEST(SimDisk, AcknowledgedRowsSurviveALossOfPowerAtAnyCall) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    EXPECT_EQ(history(seed, Death::kPower, SimDisk::Syncs::kWork), "") << "seed " << seed;
  }
}

TEST(SimDisk, WithoutSyncsALossOfPowerIsFoundAndAKillDoesNoHarm) {
  int found = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    found += history(seed, Death::kPower, SimDisk::Syncs::kLie).empty() ? 0 : 1;
    EXPECT_EQ(history(seed, Death::kKill, SimDisk::Syncs::kLie), "") << "seed " << seed;
  }
  EXPECT_GT(found, 25);
}

// One fault at every call of a fixed scenario, once and for ever after.
TEST(SimDisk, AfterAFaultAtAnyCallEverythingAcknowledgedIsThere) {
  int64_t calls = 0;
  {
    Database database(7);
    ASSERT_TRUE(database.open());
    ASSERT_TRUE(database.work(12));
    database.close();
    calls = database.disk.calls();
  }
  ASSERT_GT(calls, 60);
  for (DiskFault const fault : {DiskFault::kIoError, DiskFault::kFull, DiskFault::kShort}) {
    for (bool const sticky : {false, true}) {
      for (int64_t at = 1; at <= calls; ++at) {
        Database database(7);
        database.disk.set_plan([&](DiskCall, const std::string&, int64_t number) {
          return number == at || (sticky && number > at) ? fault : DiskFault::kNone;
        });
        if (database.open()) (void)database.work(12);
        // A failed sync ends the process: what it has open is not used any more.
        database.disk.lose_power();
        database.close();
        ASSERT_EQ(database.verify(), "") << "fault " << static_cast<int>(fault) << " at " << at;
      }
    }
  }
}

// After a failed sync the next process reads from the cache what the disk does not have.
TEST(SimDisk, AfterAFailedSyncAndARestartALossOfPowerTakesNothingThatWasAcknowledgedSince) {
  int failed = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Database database(seed);
    ASSERT_TRUE(database.open());
    int64_t const from = database.disk.calls() + 1 + static_cast<int64_t>(seed % 7);
    bool is_failed = false;
    database.disk.set_plan([&](DiskCall call, const std::string&, int64_t number) {
      if (is_failed || number < from || call != DiskCall::kSync) return DiskFault::kNone;
      is_failed = true;
      return DiskFault::kIoError;
    });
    failed += database.work(60) ? 0 : 1;
    database.disk.kill();
    database.close();
    database.disk.set_plan(nullptr);
    ASSERT_TRUE(database.open());
    ASSERT_TRUE(database.work(10));
    database.disk.lose_power();
    database.close();
    EXPECT_EQ(database.verify(), "") << "seed " << seed;
  }
  EXPECT_GT(failed, 90);
}

TEST(SimDisk, AFileWhoseNameWasNotSyncedMayBeGone) {
  std::set<bool> seen;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SimDisk disk(seed);
    SimDiskFile file;
    ASSERT_EQ(disk.open("/d/f", SimDisk::Missing::kIsMade, file), DiskAnswer::kDone);
    ASSERT_EQ(disk.write(file, 0, "x"), DiskAnswer::kDone);
    ASSERT_EQ(disk.sync(file), DiskAnswer::kDone);
    disk.lose_power();
    seen.insert(disk.exists("/d/f"));
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(SimDisk, TheSameSeedKeepsTheSameSectors) {
  auto const left = [](uint64_t seed) {
    SimDisk disk(seed);
    SimDiskFile file;
    (void)disk.open("/d/f", SimDisk::Missing::kIsMade, file);
    (void)disk.write(file, 100, std::string(20'000, 'a'));
    (void)disk.sync(file);
    (void)disk.sync_folder("/d/f");
    (void)disk.write(file, 3000, std::string(9'000, 'b'));
    (void)disk.truncate(file, 15'000);
    disk.lose_power();
    return *disk.content("/d/f");
  };
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    EXPECT_EQ(left(seed), left(seed));
    seen.insert(left(seed));
  }
  EXPECT_GT(seen.size(), 5u);
}

}  // namespace
}  // namespace tidemill::io
