#include "io/sim/files.h"

#include <gmock/gmock.h>

#include "io/sim/world.h"

namespace tidemill::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SimFilesTest : public testing::Test {
 protected:
  std::vector<std::string> names(const std::string& folder) {
    std::vector<std::string> names;
    const auto found = files_.list(folder).value();
    for (const auto& info : found) names.push_back(info.name);
    return names;
  }

  SimWorld world_{1};
  SimFiles& files_ = world_.files();
};

TEST_F(SimFilesTest, BehavesAsAFileSystem) {
  EXPECT_EQ(files_.write("a/b", "x").error().code, Code::kNotFound);
  ASSERT_TRUE(files_.make_folders("/data/flows"));
  ASSERT_TRUE(files_.write("/data/flows/b.yaml", "12"));
  ASSERT_TRUE(files_.write("/data//flows/./a.yaml", "1"));
  EXPECT_THAT(names("/data/flows/"), ElementsAre("a.yaml", "b.yaml"));
  EXPECT_THAT(names("/data"), ElementsAre("flows"));
  EXPECT_THAT(names("/"), ElementsAre("data"));
  EXPECT_EQ(files_.info("/data/flows/b.yaml").value().size, 2);
  EXPECT_TRUE(files_.info("/data/flows").value().is_folder);
  EXPECT_EQ(files_.read("/data/flows", 9).error().code, Code::kInvalid);
  EXPECT_EQ(files_.read("/data/flows/b.yaml", 1).error().code, Code::kExhausted);
  EXPECT_EQ(files_.read("/none", 1).error().message,
            "cannot read /none: No such file or directory");
  EXPECT_EQ(files_.make_folders("/data/flows/a.yaml/x").error().code, Code::kConflict);
  ASSERT_TRUE(files_.rename("/data/flows", "/data/old"));
  EXPECT_THAT(names("/data/old"), ElementsAre("a.yaml", "b.yaml"));
  EXPECT_EQ(files_.list("/data/flows").error().code, Code::kNotFound);
  EXPECT_EQ(files_.rename("/data", "/data/in").error().code, Code::kInvalid);
  EXPECT_EQ(files_.remove("/data/old").error().code, Code::kConflict);
  EXPECT_TRUE(files_.remove("/data/old/a.yaml"));
  EXPECT_TRUE(files_.remove("/data/old/a.yaml"));
  ASSERT_TRUE(files_.truncate("/data/old/b.yaml", 1));
  EXPECT_EQ(files_.read_tail("/data/old/b.yaml", 9).value(), "1");
  EXPECT_EQ(files_.map("/data/old/b.yaml").value()->bytes().size(), 1u);
}

TEST_F(SimFilesTest, AFullDiskRefusesWritesKeepsTheOldAndServesReads) {
  ASSERT_TRUE(files_.write("a", "old"));
  auto log = files_.open_append("log").value();
  files_.set_capacity(5);
  EXPECT_EQ(files_.write("a", "newer").error().code, Code::kExhausted);
  EXPECT_THAT(files_.write("a", "newer").error().message, HasSubstr("free some space"));
  EXPECT_EQ(log->append("123").error().code, Code::kExhausted);
  EXPECT_TRUE(log->append("12"));
  EXPECT_EQ(files_.read("a", 9).value(), "old");
  EXPECT_EQ(files_.read("log", 9).value(), "12");
  files_.set_capacity({});
  EXPECT_TRUE(files_.write("a", "newer"));
}

TEST_F(SimFilesTest, AFailedSyncIsUnknownForEverAndWriteKeepsTheOld) {
  ASSERT_TRUE(files_.write("a", "old"));
  auto log = files_.open_append("log").value();
  ASSERT_TRUE(log->append("1"));
  files_.set_syncs(SimFiles::Syncs::kFail);
  EXPECT_EQ(log->sync().error().code, Code::kUnknown);
  EXPECT_FALSE(files_.write("a", "new"));
  files_.set_syncs(SimFiles::Syncs::kWork);
  EXPECT_EQ(log->sync().error().code, Code::kUnknown);
  EXPECT_EQ(log->append("2").error().code, Code::kUnknown);
  EXPECT_EQ(files_.read("a", 9).value(), "old");
}

TEST_F(SimFilesTest, AWatchTellsOnceOfManyChangesAndOfAMissingFolder) {
  int told = 0;
  auto watch = files_.watch({"flows", "later"}, [&] { ++told; }).value();
  ASSERT_TRUE(files_.make_folders("flows/sub"));
  ASSERT_TRUE(files_.write("flows/a", "1"));
  world_.run_for(Duration::millis(50));
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(files_.write("flows/sub/x", "1"));
  ASSERT_TRUE(files_.write("beside", "1"));
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(files_.make_folders("later"));
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(told, 2);
  ASSERT_TRUE(files_.remove("flows/a"));
  watch.reset();
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace tidemill::io
