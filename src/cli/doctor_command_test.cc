#include "cli/doctor_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "base/json.h"

namespace tidemill::cli {
namespace {

using State = Finding::State;
using testing::HasSubstr;

constexpr const char* kMounts =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "30 22 8:2 / /data rw,relatime - ext4 /dev/sdb1 rw,barrier=0\n"
    "31 22 0:9 / /mnt/share rw - nfs4 host:/x rw\n"
    "32 22 0:10 / /dev/shm rw - tmpfs tmpfs rw\n";

TEST(Doctor, JudgesTheMountThatHoldsTheFolder) {
  EXPECT_EQ(judge_mount(kMounts, "/srv/tidemill").state, State::kGood);
  EXPECT_EQ(judge_mount(kMounts, "/srv/tidemill").found, "ext4 at /");
  EXPECT_EQ(judge_mount(kMounts, "/data/tidemill").state, State::kBad);
  EXPECT_THAT(judge_mount(kMounts, "/data").found, HasSubstr("barrier=0"));
  EXPECT_EQ(judge_mount(kMounts, "/database").state, State::kGood);
  EXPECT_EQ(judge_mount(kMounts, "/mnt/share/x").state, State::kBad);
  EXPECT_EQ(judge_mount(kMounts, "/dev/shm/x").state, State::kBad);
  EXPECT_EQ(judge_mount("", "/x").state, State::kWarning);
}

TEST(Doctor, JudgesFsync) {
  EXPECT_EQ(judge_fsync({Duration::millis(1), Duration::millis(2), Duration::millis(90)}).state,
            State::kGood);
  EXPECT_EQ(judge_fsync({Duration::millis(40)}).state, State::kWarning);
  EXPECT_EQ(judge_fsync({Duration::micros(1)}).state, State::kWarning);
  EXPECT_EQ(judge_fsync({}).state, State::kWarning);
}

TEST(Doctor, ASecretThatOthersCanReadIsUnsafe) {
  std::string folder = ::testing::TempDir() + "tidemill_doctor_XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/token") << "x";
  ASSERT_EQ(::chmod((folder + "/token").c_str(), 0600), 0);
  EXPECT_EQ(judge_secrets({folder, "/nowhere"}).state, State::kGood);
  ASSERT_EQ(::chmod((folder + "/token").c_str(), 0644), 0);
  Finding const finding = judge_secrets({folder});
  EXPECT_EQ(finding.state, State::kBad);
  EXPECT_THAT(finding.advice, HasSubstr("chmod 600"));
  ASSERT_EQ(::system(("rm -rf '" + folder + "'").c_str()), 0);
}

TEST(Doctor, ToldInJsonAndInWords) {
  Common common;
  common.project = ::testing::TempDir();
  common.json = true;
  char* text = nullptr;
  size_t size = 0;
  std::FILE* const stream = ::open_memstream(&text, &size);
  (void)doctor(common, stream);
  std::fclose(stream);
  auto const json = parse_json(std::string(text, size));
  ::free(text);
  ASSERT_TRUE(json);
  EXPECT_GE(json->find("findings")->as_array().size(), 10u);
}

}  // namespace
}  // namespace tidemill::cli
