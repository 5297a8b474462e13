#include "io/real/files.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/real/loop.h"
#include "io/real/test_support.h"

namespace tidemill::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RealFilesTest : public testing::Test {
 protected:
  std::vector<std::string> names(const std::string& folder) {
    std::vector<std::string> names;
    const auto found = files_.list(folder);
    EXPECT_TRUE(found) << found.error().text();
    for (const auto& info : *found) names.push_back(info.name);
    return names;
  }

  RealLoop loop_;
  RealFiles files_{loop_};
  TestFolder folder_;
};

TEST_F(RealFilesTest, WritesAndReadsBackAndLeavesNoTemporaryFile) {
  const std::string path = folder_ / "a.txt";
  ASSERT_TRUE(files_.write(path, "one", 0644));
  ASSERT_TRUE(files_.write(path, std::string("two\0three", 9), 0600));
  EXPECT_EQ(files_.read(path, 100).value(), std::string("two\0three", 9));
  EXPECT_THAT(names(folder_.path()), ElementsAre("a.txt"));
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(RealFilesTest, ReadsUpToTheLimitAndRefusesAByteMore) {
  const std::string path = folder_ / "a";
  const std::string bytes(10'000, 'x');
  ASSERT_TRUE(files_.write(path, bytes, 0644));
  EXPECT_EQ(files_.read(path, 10'000).value(), bytes);
  const auto refused = files_.read(path, 9'999);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_THAT(refused.error().message, HasSubstr("longer than the 9999 bytes"));
  ASSERT_TRUE(files_.write(path, "", 0644));
  EXPECT_EQ(files_.read(path, 0).value(), "");
}

TEST_F(RealFilesTest, ReadsFilesWhoseSizeTheSystemDoesNotKnow) {
  EXPECT_THAT(files_.read("/proc/self/status", 1 << 20).value(), HasSubstr("Pid:"));
}

TEST_F(RealFilesTest, ErrorsNameThePathTheReasonAndTheCode) {
  const auto missing = files_.read(folder_ / "none", 10);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_EQ(missing.error().message,
            "cannot read " + (folder_ / "none") + ": No such file or directory");
  EXPECT_EQ(files_.read(folder_.path(), 10).error().code, Code::kInvalid);
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(files_.read(folder_ / "pipe", 10).error().code, Code::kInvalid);
  EXPECT_EQ(files_.list(folder_ / "none").error().code, Code::kNotFound);
  EXPECT_EQ(files_.info(folder_ / "none").error().code, Code::kNotFound);
  EXPECT_EQ(files_.write(folder_ / "none/file", "x", 0644).error().code, Code::kNotFound);
  EXPECT_EQ(files_.read(std::string(5000, 'x'), 10).error().code, Code::kInvalid);
}

TEST_F(RealFilesTest, AFailedWriteLeavesTheOldContentAndNoRubbish) {
  const std::string path = folder_ / "a";
  ASSERT_TRUE(files_.write(path, "old", 0644));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status refused = files_.write(path, std::string(2000, 'x'), 0644);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_EQ(files_.read(path, 10).value(), "old");
  EXPECT_THAT(names(folder_.path()), ElementsAre("a"));
}

TEST_F(RealFilesTest, AppendsWholePiecesOnly) {
  const std::string path = folder_ / "log";
  auto file = files_.open_append(path, 0600).value();
  ASSERT_TRUE(file->append("one\n"));
  ASSERT_TRUE(file->append(""));
  ASSERT_TRUE(file->append("two\n"));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(files_.read(path, 100).value(), "one\ntwo\n");
  EXPECT_EQ(files_.read_tail(path, 4).value(), "two\n");
  EXPECT_EQ(files_.read_tail(path, 100).value(), "one\ntwo\n");

  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status refused = file->append(std::string(2000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  EXPECT_EQ(files_.read(path, 5000).value(), "one\ntwo\n");

  auto again = files_.open_append(path, 0600).value();
  ASSERT_TRUE(again->append("three\n"));
  EXPECT_EQ(files_.read(path, 100).value(), "one\ntwo\nthree\n");
}

TEST_F(RealFilesTest, AnAppendToAFullDiskIsExhausted) {
  auto full = files_.open_append("/dev/full", 0600);
  if (!full) GTEST_SKIP() << "no /dev/full here";
  const Status refused = (*full)->append("x");
  ASSERT_FALSE(refused);
  // The device cannot be cut back either, so the file must not be used again.
  EXPECT_THAT(refused.error().code, testing::AnyOf(Code::kExhausted, Code::kUnknown));
}

TEST_F(RealFilesTest, AFailedSyncIsUnknownAndStaysSo) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  // A pipe cannot be synced: the same answer as a broken disk gives.
  auto file = files_.open_append("/proc/self/fd/" + std::to_string(pipe_ends[1]), 0600).value();
  for (int i = 0; i < 2; ++i) {
    const Status failed = file->sync();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Code::kUnknown);
    EXPECT_THAT(failed.error().message, HasSubstr("nobody knows what is on the disk"));
  }
  EXPECT_EQ(file->append("x").error().code, Code::kUnknown);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST_F(RealFilesTest, ReadsTheTailOfAnEmptyFileAsNothing) {
  ASSERT_TRUE(files_.write(folder_ / "empty", "", 0644));
  EXPECT_EQ(files_.read_tail(folder_ / "empty", 100).value(), "");
  EXPECT_TRUE(files_.map(folder_ / "empty").value()->bytes().empty());
}

TEST_F(RealFilesTest, AMappingOutlivesTheRemovalOfItsFile) {
  ASSERT_TRUE(files_.write(folder_ / "m", "mapped", 0644));
  const auto mapped = files_.map(folder_ / "m").value();
  ASSERT_TRUE(files_.remove(folder_ / "m"));
  const auto bytes = mapped->bytes();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "mapped");
}

TEST_F(RealFilesTest, ListsByNameWithSizesAndFolders) {
  ASSERT_TRUE(files_.write(folder_ / "b", "12", 0644));
  ASSERT_TRUE(files_.make_folders(folder_ / "c/d/e", 0755));
  ASSERT_TRUE(files_.make_folders(folder_ / "c/d/e", 0755));
  ASSERT_EQ(symlink("nowhere", (folder_ / "a").c_str()), 0);
  const auto found = files_.list(folder_.path()).value();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].name, "a");
  EXPECT_EQ(found[1].name, "b");
  EXPECT_EQ(found[1].size, 2);
  EXPECT_GT(found[1].modified, Time::from_seconds(1'600'000'000));
  EXPECT_TRUE(found[2].is_folder);
  EXPECT_EQ(files_.info(folder_ / "b").value().name, "b");
  EXPECT_EQ(files_.make_folders(folder_ / "b", 0755).error().code, Code::kConflict);
}

TEST_F(RealFilesTest, RenamesAndRemoves) {
  ASSERT_TRUE(files_.write(folder_ / "a", "1", 0644));
  ASSERT_TRUE(files_.make_folders(folder_ / "sub", 0755));
  ASSERT_TRUE(files_.rename(folder_ / "a", folder_ / "sub/b"));
  EXPECT_THAT(names(folder_ / "sub"), ElementsAre("b"));
  EXPECT_FALSE(files_.rename(folder_ / "a", folder_ / "b"));
  EXPECT_EQ(files_.remove(folder_ / "sub").error().code, Code::kConflict);
  ASSERT_TRUE(files_.remove(folder_ / "sub/b"));
  ASSERT_TRUE(files_.remove(folder_ / "sub/b"));
  ASSERT_TRUE(files_.remove(folder_ / "sub"));
  EXPECT_TRUE(names(folder_.path()).empty());
}

TEST_F(RealFilesTest, CutsAFileToALength) {
  ASSERT_TRUE(files_.write(folder_ / "a", "whole|half", 0644));
  ASSERT_TRUE(files_.truncate(folder_ / "a", 6));
  EXPECT_EQ(files_.read(folder_ / "a", 100).value(), "whole|");
  EXPECT_EQ(files_.truncate(folder_ / "none", 0).error().code, Code::kNotFound);
  EXPECT_EQ(files_.truncate(folder_ / "a", -1).error().code, Code::kInvalid);
}

TEST_F(RealFilesTest, AWatchTellsOnceOfManyChanges) {
  int told = 0;
  auto watch = files_.watch({folder_.path()}, [&] {
    ++told;
    loop_.after(Duration::millis(120), [&] { loop_.stop(); });
  });
  ASSERT_TRUE(watch) << watch.error().text();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(files_.write(folder_ / "a", std::to_string(i), 0644));
  run_to_stop(loop_);
  EXPECT_EQ(told, 1);
}

TEST_F(RealFilesTest, AWatchTellsOfEveryKindOfChange) {
  ASSERT_TRUE(files_.write(folder_ / "a", "", 0644));
  auto file = files_.open_append(folder_ / "a", 0644).value();
  const std::vector<std::function<Status()>> changes = {
      [&] { return file->append("x"); },
      [&] { return files_.rename(folder_ / "a", folder_ / "b"); },
      [&] { return files_.remove(folder_ / "b"); },
      [&] { return files_.make_folders(folder_ / "sub", 0755); },
  };
  size_t next = 0;
  auto watch = files_.watch({folder_.path()}, [&] {
    if (++next == changes.size()) return loop_.stop();
    ASSERT_TRUE(changes[next]());
  });
  ASSERT_TRUE(watch) << watch.error().text();
  ASSERT_TRUE(changes[0]());
  run_to_stop(loop_);
  EXPECT_EQ(next, changes.size());
}

TEST_F(RealFilesTest, AWatchFollowsAMissingFolderThroughItsComingGoingAndComingBack) {
  const std::string deep = folder_ / "x/y/flows";
  const std::vector<std::function<Status()>> changes = {
      [&] { return files_.make_folders(deep, 0755); },
      [&] { return files_.write(deep + "/a.yaml", "1", 0644); },
      [&] { return files_.rename(deep, folder_ / "x/y/away"); },
      [&] { return files_.make_folders(deep, 0755); },
      [&] { return files_.write(deep + "/b.yaml", "1", 0644); },
  };
  size_t next = 0;
  auto watch = files_.watch({deep}, [&] {
    if (++next == changes.size()) return loop_.stop();
    ASSERT_TRUE(changes[next]());
  });
  ASSERT_TRUE(watch) << watch.error().text();
  ASSERT_TRUE(changes[0]());
  run_to_stop(loop_);
  EXPECT_EQ(next, changes.size());
}

TEST_F(RealFilesTest, AWatchIsSilentAboutSubFoldersNeighboursAndAfterItsEnd) {
  ASSERT_TRUE(files_.make_folders(folder_ / "watched/sub", 0755));
  int told = 0;
  auto watch = files_.watch({folder_ / "watched", folder_ / "missing"}, [&] { ++told; }).value();
  ASSERT_TRUE(files_.write(folder_ / "watched/sub/a", "1", 0644));
  ASSERT_TRUE(files_.write(folder_ / "beside", "1", 0644));
  loop_.after(Duration::millis(100), [&] {
    EXPECT_EQ(told, 0);
    ASSERT_TRUE(files_.write(folder_ / "watched/b", "1", 0644));
    loop_.after(Duration::millis(10), [&] { watch.reset(); });
    loop_.after(Duration::millis(100), [&] { loop_.stop(); });
  });
  run_to_stop(loop_);
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace tidemill::io
