// The move into history, killed between any two of its steps.
#include "store/upkeep.h"

#include <gmock/gmock.h>

#include "store/test_support.h"

namespace tidemill::store {
namespace {

// Files of a process that is killed after so many changes: from then on nothing reaches the disk.
class MortalFiles final : public io::Files {
 public:
  MortalFiles(io::Files& inner, int& lives) : inner_(inner), lives_(lives) {}
  Result<std::string> read(const std::string& path, size_t limit) override {
    return inner_.read(path, limit);
  }
  Status write(const std::string& path, std::string_view bytes, int mode) override {
    return lives() ? inner_.write(path, bytes, mode) : dead();
  }
  Result<std::unique_ptr<io::AppendFile>> open_append(const std::string& path, int mode) override {
    return inner_.open_append(path, mode);
  }
  Result<std::string> read_tail(const std::string& path, size_t limit) override {
    return inner_.read_tail(path, limit);
  }
  Result<std::shared_ptr<io::MappedFile>> map(const std::string& path) override {
    return inner_.map(path);
  }
  Result<io::FileInfo> info(const std::string& path) override { return inner_.info(path); }
  Result<std::vector<io::FileInfo>> list(const std::string& folder) override {
    return inner_.list(folder);
  }
  Status make_folders(const std::string& path, int mode) override {
    return lives() ? inner_.make_folders(path, mode) : dead();
  }
  Status rename(const std::string& from, const std::string& to) override {
    return lives() ? inner_.rename(from, to) : dead();
  }
  Status truncate(const std::string& path, int64_t size) override {
    return lives() ? inner_.truncate(path, size) : dead();
  }
  Status remove(const std::string& path) override { return lives() ? inner_.remove(path) : dead(); }
  Result<std::unique_ptr<io::FolderWatch>> watch(std::vector<std::string> folders,
                                                 std::function<void()> changed) override {
    return inner_.watch(std::move(folders), std::move(changed));
  }

 private:
  bool lives() { return lives_ > 0 && lives_-- > 0; }
  static Status dead() { return fail(Code::kUnavailable, "the process is dead (test)"); }
  io::Files& inner_;
  int& lives_;
};

run::Changes ended_run(const std::string& id, run::Epoch epoch, Time created, Time finished) {
  run::Changes changes;
  run::RunRow row;
  row.id = run::RunId(id);
  row.flow = flow::FlowName("f");
  row.key = run::Key("key " + id);
  row.state = run::RunState::kSucceeded;
  row.epoch = epoch;
  row.body_hash = "hash";
  row.created = created;
  row.finished = finished;
  changes.new_runs.push_back(row);
  changes.keys.push_back({row.flow, row.key, row.id, created, ""});
  run::TaskRow task;
  task.run = row.id;
  task.state = run::TaskState::kSucceeded;
  task.value = "\"" + id + "\"";
  changes.tasks.push_back(task);
  return changes;
}

int64_t rows_in(SqliteBed& bed, const std::string& table) {
  auto connection = io::Connection::open(bed.folder() + "/meta.db", io::Connection::Mode::kReader);
  EXPECT_TRUE(connection);
  auto statement = connection->prepare("SELECT count(*) FROM " + table);
  EXPECT_TRUE(statement);
  EXPECT_TRUE(statement->step());
  return statement->integer(0);
}

UpkeepSettings at_once(SqliteBed& bed) {
  UpkeepSettings settings;
  settings.clock = &bed.world().clock();
  settings.linger = Duration{};
  return settings;
}

void expect_each_once(SqliteBed& bed, const std::vector<std::string>& ids, const char* when) {
  auto const rows = bed.store().list_runs({});
  ASSERT_TRUE(rows) << rows.error().text();
  std::vector<std::string> listed;
  for (const auto& row : *rows) listed.insert(listed.begin(), row.id.value);
  EXPECT_EQ(listed, ids) << when;
  for (const std::string& id : ids) {
    auto const stored = bed.store().load_run(run::RunId(id));
    ASSERT_TRUE(stored && *stored) << when << id;
    ASSERT_EQ((*stored)->tasks.size(), 1u) << when << id;
    EXPECT_EQ((*stored)->tasks[0].value, "\"" + id + "\"") << when;
    auto const key = bed.store().find_key(flow::FlowName("f"), run::Key("key " + id));
    ASSERT_TRUE(key && *key) << when << id;
    EXPECT_EQ((*key)->body_hash, "hash") << when;
    EXPECT_EQ((*key)->state, run::RunState::kSucceeded) << when;
  }
}

// Ten moves of one run each: eight segments of a day become one.
std::vector<std::string> ten_moves(SqliteBed& bed, run::Epoch epoch) {
  std::vector<std::string> ids;
  Time const day = bed.now();
  bed.store().start_upkeep(at_once(bed));
  for (int i = 0; i < 10; ++i) {
    ids.push_back(fmt::format("01{}", i));
    EXPECT_TRUE(bed.commit(ended_run(ids.back(), epoch, day, bed.now())));
    bed.world().run_for(Duration::seconds(6));
  }
  return ids;
}

size_t segments_of(SqliteBed& bed) {
  size_t count = 0;
  auto const days = bed.files().list(bed.folder() + "/history");
  EXPECT_TRUE(days);
  for (const auto& day : *days) {
    count += bed.files().list(bed.folder() + "/history/" + day.name)->size();
  }
  return count;
}

TEST(Upkeep, SmallSegmentsOfADayBecomeOne) {
  SqliteBed bed;
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  auto const ids = ten_moves(bed, recovered->epoch);
  EXPECT_EQ(rows_in(bed, "run"), 0);
  EXPECT_EQ(rows_in(bed, "task"), 0);
  EXPECT_EQ(segments_of(bed), 3u);  // one of eight, and two
  expect_each_once(bed, ids, "merged ");
  auto reader = open_sqlite_reader(bed.folder(), bed.files());
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->list_runs({})->size(), 10u);
}

TEST(Upkeep, KilledAfterAnyChangeOfTheDiskEveryRunIsFoundOnce) {
  for (int lives = 2; lives < 60; ++lives) {
    int left = lives;
    bool is_mortal = true;
    SqliteBed bed([&](io::Files& files) -> std::unique_ptr<io::Files> {
      if (!is_mortal) return nullptr;
      left += 3;  // the folders of the store
      return std::make_unique<MortalFiles>(files, left);
    });
    auto const recovered = bed.store().recover();
    ASSERT_TRUE(recovered);
    auto const ids = ten_moves(bed, recovered->epoch);
    bool const was_killed = left == 0;
    is_mortal = false;
    expect_each_once(bed, ids, "before the end ");
    bed.restart();
    ASSERT_TRUE(bed.store().recover());
    expect_each_once(bed, ids, "after the start ");
    bed.store().start_upkeep(at_once(bed));
    bed.world().run_for(Duration::seconds(10));
    EXPECT_EQ(rows_in(bed, "run"), 0);
    EXPECT_LE(segments_of(bed), 9u);
    expect_each_once(bed, ids, "at the end ");
    if (!was_killed) return;
  }
  FAIL() << "the moves change the disk more often than this test kills";
}

TEST(Upkeep, KilledBetweenTheCommitsThatDeleteARunIsFoundOnce) {
  for (int64_t left = 100; left >= 0; left -= 20) {
    SqliteBed bed;
    auto const recovered = bed.store().recover();
    ASSERT_TRUE(recovered);
    std::vector<std::string> ids;
    for (int i = 0; i < 100; ++i) {
      ids.push_back(fmt::format("01{:02}", i));
      ASSERT_TRUE(bed.commit(ended_run(ids.back(), recovered->epoch, bed.now(), bed.now())));
    }
    bed.store().start_upkeep(at_once(bed));
    EXPECT_TRUE(
        bed.world().run_until([&] { return rows_in(bed, "run") <= left; }, Duration::seconds(20)));
    expect_each_once(bed, ids, "in the middle ");
    bed.restart();
    ASSERT_TRUE(bed.store().recover());
    expect_each_once(bed, ids, "after the start ");
    bed.store().start_upkeep(at_once(bed));
    bed.world().run_for(Duration::seconds(10));
    EXPECT_EQ(rows_in(bed, "run"), 0);
    EXPECT_EQ(rows_in(bed, "task"), 0);
    expect_each_once(bed, ids, "at the end ");
  }
}

TEST(Upkeep, ARunThatIsReopenedDuringTheMoveStays) {
  SqliteBed bed;
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  ASSERT_TRUE(bed.commit(ended_run("01A", recovered->epoch, bed.now(), bed.now())));
  bed.store().start_upkeep(at_once(bed));
  ASSERT_TRUE(bed.world().run_until([&] { return segments_of(bed) == 1; }, Duration::seconds(20)));
  ASSERT_EQ(rows_in(bed, "run"), 1);  // in both
  run::Changes reopened;
  reopened.runs.push_back((*bed.store().load_run(run::RunId("01A")))->row);
  reopened.runs[0].state = run::RunState::kRunning;
  reopened.runs[0].finished.reset();
  ASSERT_TRUE(bed.commit(reopened));
  bed.world().run_for(Duration::seconds(20));
  EXPECT_EQ(rows_in(bed, "run"), 1);
  EXPECT_EQ((*bed.store().load_run(run::RunId("01A")))->row.state, run::RunState::kRunning);
}

TEST(Upkeep, FinishedRunsLingerUnlessTheyAreMany) {
  SqliteBed bed;
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  UpkeepSettings settings = at_once(bed);
  settings.linger = Duration::seconds(3600);
  settings.finished_rows = 3;
  bed.store().start_upkeep(settings);
  for (int i = 0; i < 3; ++i) {
    std::string const id = fmt::format("01{}", i);
    ASSERT_TRUE(bed.commit(ended_run(id, recovered->epoch, bed.now(), bed.now())));
  }
  bed.world().run_for(Duration::seconds(20));
  EXPECT_EQ(rows_in(bed, "run"), 3);
  ASSERT_TRUE(bed.commit(ended_run("013", recovered->epoch, bed.now(), bed.now())));
  bed.world().run_for(Duration::seconds(20));
  EXPECT_EQ(rows_in(bed, "run"), 0);
}

TEST(Upkeep, RoomOfMovedRunsIsUsedAgain) {
  SqliteBed bed;
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  bed.store().start_upkeep(at_once(bed));
  int64_t pages[2] = {};
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 100; ++i) {
      run::Changes changes =
          ended_run(fmt::format("01{}{:03}", round, i), recovered->epoch, bed.now(), bed.now());
      changes.tasks[0].value = std::string(4000, 'v');
      ASSERT_TRUE(bed.commit(std::move(changes)));
    }
    bed.world().run_for(Duration::seconds(20));
    auto connection =
        io::Connection::open(bed.folder() + "/meta.db", io::Connection::Mode::kReader);
    auto statement = connection->prepare("PRAGMA page_count");
    ASSERT_TRUE(statement->step());
    pages[round == 0 ? 0 : 1] = statement->integer(0);
  }
  EXPECT_LT(pages[1], pages[0] + pages[0] / 5);
}

TEST(Upkeep, AValueGoesWhenNoRunNamesIt) {
  SqliteBed bed;
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  // The files' times are the machine's; the simulation's must be later than all of them.
  bed.world().step_clock(Duration::seconds(100LL * 365 * 86'400));
  Time const old = bed.now() - Duration::seconds(20 * 86'400);
  auto with_value = [&](const std::string& id, Time created, char fill) {
    run::Changes changes = ended_run(id, recovered->epoch, created, created);
    changes.tasks[0].value = std::string(300u << 10, fill);
    ASSERT_TRUE(bed.commit(std::move(changes)));
  };
  with_value("01A", old, 'a');
  with_value("01B", old, 'b');
  with_value("01C", bed.now(), 'b');  // the same file as the old one's
  with_value("01D", bed.now(), 'd');
  run::Changes open = ended_run("01E", recovered->epoch, old, old);
  open.new_runs[0].finished.reset();
  open.new_runs[0].state = run::RunState::kRunning;
  open.tasks[0].value = std::string(300u << 10, 'e');
  ASSERT_TRUE(bed.commit(open));
  EXPECT_EQ(bed.files().list(bed.folder() + "/values")->size(), 4u);
  UpkeepSettings settings = at_once(bed);
  settings.keep = Duration::seconds(10 * 86'400);
  bed.store().start_upkeep(settings);
  bed.world().run_for(Duration::seconds(20));
  EXPECT_EQ(bed.files().list(bed.folder() + "/values")->size(), 3u);
  EXPECT_FALSE(*bed.store().load_run(run::RunId("01A")));
  for (const char* id : {"01C", "01D", "01E"}) {
    auto const stored = bed.store().load_run(run::RunId(id));
    ASSERT_TRUE(stored && *stored) << id;
    EXPECT_EQ((*stored)->tasks[0].value.size(), 300u << 10) << id;
  }
}

TEST(Upkeep, OldTaskLogsGoByDayUnlessARunOfThatTimeIsOpen) {
  SqliteBed bed;
  auto const recovered = bed.store().recover();
  ASSERT_TRUE(recovered);
  auto log_of = [&](const std::string& day) {
    std::string const folder = bed.folder() + "/tasklogs/" + day + "/01A";
    EXPECT_TRUE(bed.files().make_folders(folder));
    EXPECT_TRUE(bed.files().write(folder + "/a.1.log", "text"));
  };
  auto days = [&] { return bed.files().list(bed.folder() + "/tasklogs")->size(); };
  log_of("2020-01-01");
  log_of("2025-12-01");
  log_of("2025-12-30");
  run::Changes open =
      ended_run("01A", recovered->epoch, *parse_rfc3339("2025-11-30T12:00:00Z"), bed.now());
  open.new_runs[0].finished.reset();
  open.new_runs[0].state = run::RunState::kRunning;
  ASSERT_TRUE(bed.commit(open));
  UpkeepSettings settings = at_once(bed);
  settings.keep = Duration::seconds(10 * 86'400);
  bed.store().start_upkeep(settings);
  bed.world().run_for(Duration::seconds(20));
  EXPECT_EQ(days(), 2u);
  run::Changes end;
  end.runs.push_back(open.new_runs[0]);
  end.runs[0].state = run::RunState::kSucceeded;
  end.runs[0].finished = bed.now();
  ASSERT_TRUE(bed.commit(end));
  bed.world().run_for(Duration::seconds(2 * 3600));
  EXPECT_EQ(days(), 1u);
}

TEST(Upkeep, TellsThatTheStoreIsSound) {
  SqliteBed bed;
  ASSERT_TRUE(bed.store().recover());
  std::optional<std::string> found;
  UpkeepSettings settings = at_once(bed);
  settings.on_checked = [&](const std::string& text) { found = text; };
  bed.store().start_upkeep(settings);
  bed.world().run_for(Duration::seconds(2));
  EXPECT_EQ(found, "");
}

}  // namespace
}  // namespace tidemill::store
