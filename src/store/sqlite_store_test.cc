#include "store/sqlite_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include "io/sqlite.h"
#include "store/history_conformance.h"
#include "store/schema.h"
#include "store/test_support.h"

namespace tidemill::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance,
                         testing::Values(StoreKind{"sqlite",
                                                   [] { return std::make_unique<SqliteBed>(); }}),
                         [](const auto& info) { return info.param.name; });

int64_t number(io::Connection& connection, const char* sql) {
  auto statement = connection.prepare(sql);
  EXPECT_TRUE(statement);
  EXPECT_TRUE(statement->step());
  return statement->integer(0);
}

TEST(Schema, MigratesAFreshFileOnceAndLeavesACurrentOneAlone) {
  io::TestFolder folder;
  for (int round = 0; round < 3; ++round) {
    auto connection = io::Connection::open(folder / "meta.db", io::Connection::Mode::kWriter);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(migrate(*connection));
    EXPECT_EQ(number(*connection, "PRAGMA user_version"), 4);
    EXPECT_EQ(number(*connection, "SELECT value FROM meta WHERE name='epoch'"), 0);
  }
}

TEST(Schema, RefusesAFileOfANewerProgramAndLeavesItAsItIs) {
  io::TestFolder folder;
  auto connection = io::Connection::open(folder / "meta.db", io::Connection::Mode::kWriter);
  ASSERT_TRUE(connection);
  ASSERT_TRUE(migrate(*connection));
  ASSERT_TRUE(connection->execute("PRAGMA user_version=99"));
  auto const done = migrate(*connection);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, testing::HasSubstr("version 99"));
  EXPECT_EQ(number(*connection, "PRAGMA user_version"), 99);
}

// Killed in the middle of the migration: the next start does it from the beginning.
TEST(Schema, AnInterruptedMigrationIsDoneAgain) {
  io::TestFolder folder;
  pid_t const child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto connection = io::Connection::open(folder / "meta.db", io::Connection::Mode::kWriter);
    if (!connection) ::_exit(1);
    (void)connection->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
    auto const begun = connection->execute(
        "BEGIN IMMEDIATE; CREATE TABLE meta (name TEXT); CREATE TABLE run (id);");
    ::_exit(begun ? 0 : 1);  // no COMMIT
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  auto connection = io::Connection::open(folder / "meta.db", io::Connection::Mode::kWriter);
  ASSERT_TRUE(connection);
  auto const done = migrate(*connection);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(number(*connection, "SELECT count(*) FROM key"), 0);
}

TEST(Schema, AFailedStepLeavesTheFileAtItsVersion) {
  io::TestFolder folder;
  auto connection = io::Connection::open(folder / "meta.db", io::Connection::Mode::kWriter);
  ASSERT_TRUE(connection);
  ASSERT_TRUE(connection->execute("CREATE TABLE chain (a)"));  // somebody else's table
  auto const done = migrate(*connection);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text(), testing::HasSubstr("migration to version 1"));
  EXPECT_EQ(number(*connection, "PRAGMA user_version"), 0);
  EXPECT_EQ(number(*connection, "SELECT count(*) FROM sqlite_master WHERE name='run'"), 0);
  ASSERT_TRUE(connection->execute("DROP TABLE chain"));
  EXPECT_TRUE(migrate(*connection));
}

TEST(SqliteStore, IsDurableInWalModeWithFullSync) {
  SqliteBed bed;
  auto connection = io::Connection::open(bed.folder() + "/meta.db", io::Connection::Mode::kReader);
  ASSERT_TRUE(connection);
  auto statement = connection->prepare("PRAGMA journal_mode");
  ASSERT_TRUE(statement);
  ASSERT_TRUE(statement->step());
  EXPECT_EQ(statement->text(0), "wal");
}

TEST(SqliteStore, OfTwoServersOnOneFolderTheFormerIsToldThatItMustEnd) {
  SqliteBed former;
  auto const recovered = former.store().recover();
  ASSERT_TRUE(recovered);
  run::Changes changes;
  changes.tokens.push_back({"desk", "h", Time{1}, Time{2}});
  ASSERT_TRUE(former.commit(changes));
  io::SimWorld world(2);
  NoLog log;
  SqliteStoreOptions options;
  options.folder = former.folder();
  auto later = open_sqlite_store(options, world.loop(), world.executor(), former.files(), log);
  ASSERT_TRUE(later);
  ASSERT_TRUE((*later)->recover());
  changes.tokens[0].name = "other";
  auto const done = former.commit(changes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kTooLate);
  EXPECT_THAT(former.taken_over, testing::ElementsAre(testing::HasSubstr("another server")));
  EXPECT_EQ(former.store().list_tokens()->size(), 1u);
}

TEST(SqliteStore, AFileThatIsNoDatabaseIsRefused) {
  io::TestFolder folder;
  io::RealLoop loop;
  io::RealFiles files(loop);
  io::SimWorld world(1);
  NoLog log;
  ASSERT_TRUE(files.write(folder / "meta.db", std::string(8192, 'x'), 0600));
  SqliteStoreOptions options;
  options.folder = folder.path();
  auto const store = open_sqlite_store(options, world.loop(), world.executor(), files, log);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().text(), testing::HasSubstr("not a database"));
}

TEST(SqliteStore, AReaderSeesWhatIsCommittedAndWritesNothing) {
  SqliteBed bed;
  ASSERT_TRUE(bed.store().recover());
  auto reader = open_sqlite_reader(bed.folder(), bed.files());
  ASSERT_TRUE(reader) << reader.error().text();
  run::Changes changes;
  changes.tokens.push_back({"desk", "h", Time{1}, Time{2}});
  ASSERT_TRUE(bed.commit(changes));
  EXPECT_EQ((*reader)->list_tokens()->size(), 1u);
  std::optional<Status> answer;
  (*reader)->commit(changes, [&](Status done) { answer = std::move(done); });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, Code::kDenied);
  EXPECT_EQ((*reader)->put_bundle({}).error().code, Code::kDenied);
  EXPECT_FALSE((*reader)->recover());
}

TEST(SqliteStore, AReaderOfAFolderWithoutAStoreSaysSo) {
  io::TestFolder folder;
  io::RealLoop loop;
  io::RealFiles files(loop);
  EXPECT_FALSE(open_sqlite_reader(folder.path(), files));
}

TEST(SqliteStore, ABundleThatACrashLeftHalfWrittenIsWrittenAnew) {
  SqliteBed bed;
  flow::Bundle bundle;
  bundle.id = flow::BundleId("abc");
  bundle.files["a.yaml"] = "new";
  std::string const draft = bed.store().bundle_folder(bundle.id) + ".draft";
  ASSERT_TRUE(bed.files().make_folders(draft));
  ASSERT_TRUE(bed.files().write(draft + "/a.yaml", "half"));
  ASSERT_TRUE(bed.store().put_bundle(bundle));
  EXPECT_EQ(bed.store().get_bundle(bundle.id)->files, bundle.files);
}

TEST(SqliteStore, TheWalIsMovedIntoTheFileWhileServing) {
  SqliteBed bed;
  ASSERT_TRUE(bed.store().recover());
  std::string const value(200u << 10, 'v');
  for (int i = 0; i < 120; ++i) {
    run::Changes changes;
    run::TaskRow row;
    row.run = run::RunId("01A");
    row.task = flow::TaskIndex(i);
    row.value = value;
    changes.tasks.push_back(row);
    ASSERT_TRUE(bed.commit(changes));
  }
  auto const wal = bed.files().info(bed.folder() + "/meta.db-wal");
  ASSERT_TRUE(wal);
  EXPECT_LT(wal->size, 20 << 20);
}

TEST(FolderLock, IsHeldByOneProcessAndNamesIt) {
  io::TestFolder folder;
  auto first = FolderLock::take(folder.path());
  ASSERT_TRUE(first);
  auto const second = FolderLock::take(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_THAT(second.error().message, testing::AllOf(testing::HasSubstr(std::to_string(::getpid())),
                                                     testing::HasSubstr("stop that server"),
                                                     testing::HasSubstr(folder.path())));
  {
    FolderLock const moved = std::move(*first);
    EXPECT_FALSE(FolderLock::take(folder.path()));
  }
  EXPECT_TRUE(FolderLock::take(folder.path()));
}

TEST(FolderLock, IsGivenUpWhenItsProcessIsKilled) {
  io::TestFolder folder;
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  pid_t const child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto lock = FolderLock::take(folder.path());
    char const answer = lock ? 'y' : 'n';
    if (::write(pipe_ends[1], &answer, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(pipe_ends[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_FALSE(FolderLock::take(folder.path()));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(FolderLock::take(folder.path()));
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

TEST(FolderLock, OfAFolderThatDoesNotExistSaysSo) {
  auto const lock = FolderLock::take("/nonexistent/folder");
  ASSERT_FALSE(lock);
  EXPECT_THAT(lock.error().message, testing::HasSubstr("/nonexistent/folder"));
}

}  // namespace
}  // namespace tidemill::store
