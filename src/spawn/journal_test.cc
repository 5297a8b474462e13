#include "spawn/journal.h"

#include <unistd.h>

#include "spawn/test_support.h"

namespace tidemill::spawn {
namespace {

const std::string kToken = "0123456789abcdef";

io::ProcessExit exit_of(const std::string& id, int code) {
  io::ProcessExit exit;
  exit.id = io::ProcessId(id);
  exit.code = code;
  return exit;
}

Journal open(const TestFolder& folder) {
  Result<Journal> journal = Journal::open(folder.file("j"), kToken);
  if (!journal) ADD_FAILURE() << journal.error().text();
  return std::move(*journal);
}

TEST(SpawnJournal, RemembersStartsAndEndsUntilTheyAreForgotten) {
  TestFolder folder;
  {
    Journal journal = open(folder);
    for (const char* id : {"a", "b", "c"}) {
      ASSERT_TRUE(journal.begin(io::ProcessId(id), "boot", {7}));
    }
    journal.note_process(io::ProcessId("a"), 41, 1000);
    ASSERT_TRUE(journal.end(std::vector{exit_of("b", 3), exit_of("c", 4)}));
    journal.forget(io::ProcessId("c"));
  }
  const Journal journal = Journal::open(folder.file("j"), "another").value();
  EXPECT_EQ(journal.token(), kToken);
  EXPECT_EQ(journal.damage(), "");
  ASSERT_EQ(journal.entries().size(), 2u);
  const JournalEntry& a = journal.entries().at("a");
  EXPECT_EQ(a.pid, 41);
  EXPECT_EQ(a.start_ticks, 1000u);
  EXPECT_EQ(a.boot_id, "boot");
  EXPECT_EQ(a.started.us, 7);
  EXPECT_FALSE(a.exit);
  EXPECT_EQ(journal.entries().at("b").exit->code, 3);
}

TEST(SpawnJournal, AFileCutAnywhereGivesItsWholeRecordsAndGoesOn) {
  TestFolder folder;
  {
    Journal journal = open(folder);
    ASSERT_TRUE(journal.begin(io::ProcessId("a"), "boot", {7}));
    ASSERT_TRUE(journal.end(std::vector{exit_of("a", 3)}));
  }
  const std::string whole = folder.read("j");
  for (size_t size = 0; size < whole.size(); ++size) {
    folder.write("j", whole.substr(0, size));
    {
      Journal journal = open(folder);
      EXPECT_LE(journal.entries().size(), 1u);
      ASSERT_TRUE(journal.begin(io::ProcessId("later"), "boot", {8}));
      ASSERT_TRUE(journal.end(std::vector{exit_of("later", 5)}));
    }
    const Journal again = open(folder);
    EXPECT_EQ(again.damage(), "") << size;
    EXPECT_EQ(again.entries().at("later").exit->code, 5);
  }
}

TEST(SpawnJournal, EveryFlippedByteIsNoticedAndTheFoundFileIsKept) {
  TestFolder folder;
  {
    Journal journal = open(folder);
    ASSERT_TRUE(journal.begin(io::ProcessId("a"), "boot", {7}));
    ASSERT_TRUE(journal.end(std::vector{exit_of("a", 3)}));
  }
  const std::string whole = folder.read("j");
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    folder.write("j", bad);
    const Journal journal = open(folder);
    EXPECT_NE(journal.damage(), "") << at;
    EXPECT_EQ(folder.read("j.damaged"), bad);
    for (const auto& [id, entry] : journal.entries()) {
      EXPECT_EQ(id, "a");
      if (entry.exit) {
        EXPECT_EQ(entry.exit->code, 3);
      }
    }
  }
}

TEST(SpawnJournal, StaysSmallHoweverMuchIsForgotten) {
  TestFolder folder;
  Journal journal = open(folder);
  ASSERT_TRUE(journal.begin(io::ProcessId("kept"), "boot", {7}));
  for (int i = 0; i < 20'000; ++i) {
    const io::ProcessId id("run/task." + std::to_string(i));
    ASSERT_TRUE(journal.begin(id, "boot", {7}));
    journal.note_process(id, i, 1000);
    journal.forget(id);
  }
  EXPECT_LT(folder.read("j").size(), 1'100'000u);
  EXPECT_EQ(open(folder).entries().size(), 1u);
}

}  // namespace
}  // namespace tidemill::spawn
