#include "io/real/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace tidemill::io {
namespace {

using testing::HasSubstr;

Command shell(const std::string& text) {
  Command command;
  command.argv = {"/bin/sh", "-c", text};
  command.env = {{"PATH", "/usr/bin:/bin"}, {"WORD", "given"}};
  return command;
}

TEST(RealCommands, GivesOutputErrorAndCode) {
  RealCommands commands;
  auto const end = commands.run(shell("echo $WORD; echo oops >&2; exit 3"));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->output, "given\n");
  EXPECT_EQ(end->error, "oops\n");
  EXPECT_EQ(end->code, 3);
}

TEST(RealCommands, KillsTheWholeGroupAtItsTimeLimit) {
  RealCommands commands;
  Command command = shell("sleep 60 & sleep 60");
  command.timeout = Duration::millis(200);
  auto const end = commands.run(command);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::kTooLate);
}

TEST(RealCommands, AppendsToALogAndWaits) {
  std::string const path = ::testing::TempDir() + "tidemill_command_log";
  ::unlink(path.c_str());
  RealCommands commands;
  Command command = shell("echo one; sleep 0.1; echo two >&2");
  command.log_path = path;
  auto const end = commands.run(command);
  ASSERT_TRUE(end);
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), "one\ntwo\n");
  ::unlink(path.c_str());
  command.timeout = Duration::millis(100);
  command.argv = {"/bin/sh", "-c", "sleep 60"};
  EXPECT_EQ(commands.run(command).error().code, Code::kTooLate);
  ::unlink(path.c_str());
}

TEST(RealCommands, RefusesTooMuchOutputAndWhatIsNotThere) {
  RealCommands commands;
  Command command = shell("head -c 100000 /dev/zero");
  command.output_limit = 1000;
  EXPECT_EQ(commands.run(command).error().code, Code::kExhausted);
  command.argv = {"/nowhere/program"};
  EXPECT_THAT(commands.run(command).error().message, HasSubstr("is it installed?"));
  command.argv.clear();
  EXPECT_FALSE(commands.run(command));
}

}  // namespace
}  // namespace tidemill::io
