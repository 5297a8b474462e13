#include "store/history/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>

#include "io/real/files.h"
#include "io/real/loop.h"
#include "io/real/test_support.h"
#include "store/history/run_record.h"

namespace tidemill::store {
namespace {

RunRecord record(const std::string& id) {
  RunRecord made;
  made.run.cells = {id, std::string("f"), int64_t{-5}, std::monostate(), 2.5};
  Cells task;
  task.cells = {id, int64_t{0}, int64_t{-1}};
  made.tasks = {task, task};
  return made;
}

PackedRun packed(int number) {
  std::string const id = fmt::format("01K{:05}", number);
  run::RunState const states[] = {run::RunState::kSucceeded, run::RunState::kFailed,
                                  run::RunState::kCancelled};
  return {id,
          number % 2 == 0 ? "decide" : "sweep",
          fmt::format("cron:nightly/{:05}", 1000 - number),
          states[number % 3],
          Time{1'000'000 + number},
          number == 3 ? std::vector<std::string>{std::string(64, 'a')} : std::vector<std::string>{},
          pack(record(id))};
}

std::vector<PackedRun> packed_runs(int count) {
  std::vector<PackedRun> runs;
  for (int i = count - 1; i >= 0; --i) runs.push_back(packed(i));
  return runs;
}

class SegmentTest : public testing::Test {
 protected:
  std::string write(const std::string& bytes) {
    std::string const path = folder_ / "a.seg";
    std::FILE* const file = std::fopen(path.c_str(), "wb");  // without a sync: it is done often
    EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
    EXPECT_EQ(std::fclose(file), 0);
    return path;
  }
  std::shared_ptr<Segment> open(std::vector<PackedRun> runs) {
    auto segment = Segment::open(write(build_segment(std::move(runs))), files_);
    EXPECT_TRUE(segment) << segment.error().text();
    return *segment;
  }
  io::TestFolder folder_;
  io::RealLoop loop_;
  io::RealFiles files_{loop_};
};

TEST(RunRecord, ComesBackAsItWas) {
  auto const back = unpack(pack(record("01A")));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->run.cells, record("01A").run.cells);
  EXPECT_EQ(back->tasks.size(), 2u);
  EXPECT_EQ(back->run.integer(2), -5);
  EXPECT_TRUE(back->run.is_null(3));
  EXPECT_TRUE(back->run.is_null(17));  // a column of a later program
  EXPECT_EQ(back->run.text(17), "");
}

TEST(RunRecord, IsRefusedIfItIsCutOrNotOne) {
  std::string const bytes = pack(record("01A"));
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(unpack(bytes.substr(0, size)));
  EXPECT_FALSE(unpack(bytes + "x"));
  EXPECT_FALSE(unpack("\x02" + bytes.substr(1)));
}

TEST_F(SegmentTest, FindsEachRunAndNoOther) {
  auto const segment = open(packed_runs(3000));
  EXPECT_EQ(segment->runs(), 3000u);
  EXPECT_EQ(segment->newest_finished(), Time{1'002'999});
  Segment::Cursor cursor(*segment);
  for (int i = 0; i < 3000; i += 7) {
    std::string const id = fmt::format("01K{:05}", i);
    auto const number = segment->find(id);
    ASSERT_TRUE(number && *number) << id;
    auto const back = unpack(*cursor.read(**number));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->run.text(0), id);
  }
  for (const char* id : {"", "0", "01K", "01K00001x", "01K03000", "ZZ"}) {
    EXPECT_FALSE(*segment->find(id)) << id;
  }
  EXPECT_TRUE(segment->verify());
  EXPECT_THAT(*segment->values(), testing::ElementsAre(std::string(64, 'a')));
}

// Compared with a plain scan.
TEST_F(SegmentTest, AnswersFiltersAsAScanWould) {
  int const kRuns = 6000;  // more than are sorted by key
  auto const segment = open(packed_runs(kRuns));
  std::vector<PackedRun> runs;
  for (int i = 0; i < kRuns; ++i) runs.push_back(packed(i));
  for (const char* flow : {"", "decide", "none"}) {
    for (int state = -1; state < 4; ++state) {
      for (const char* prefix : {"", "cron:", "cron:nightly/00990", "d"}) {
        for (const char* after : {"", "01K02500", "01K02500x"}) {
          for (size_t limit : {size_t{0}, size_t{50}, size_t{10'000}}) {
            RunFilter filter;
            filter.flow = flow;
            if (state >= 0) filter.state = static_cast<run::RunState>(state);
            filter.key_prefix = prefix;
            filter.after = after;
            filter.limit = limit;
            std::vector<std::string> expected;
            for (int i = kRuns - 1; i >= 0 && expected.size() < limit; --i) {
              const PackedRun& run = runs[static_cast<size_t>(i)];
              bool const fits = (filter.flow.empty() || run.flow == filter.flow) &&
                                (!filter.state || run.state == *filter.state) &&
                                run.key.starts_with(prefix) &&
                                (filter.after.empty() || run.id < filter.after);
              if (fits) expected.push_back(run.id);
            }
            auto const numbers = segment->matching(filter);
            ASSERT_TRUE(numbers);
            std::vector<std::string> found;
            for (auto number : *numbers) found.emplace_back(segment->entry(number).id);
            ASSERT_EQ(found, expected) << flow << state << prefix << after << limit;
          }
        }
      }
    }
  }
}

TEST_F(SegmentTest, OfTwoCopiesOfARunTheLaterHolds) {
  PackedRun first = packed(1);
  PackedRun second = packed(1);
  second.state = run::RunState::kCancelled;
  auto const segment = open({packed(0), first, packed(2), second});
  ASSERT_EQ(segment->runs(), 3u);
  EXPECT_EQ(segment->entry(**segment->find("01K00001")).state, run::RunState::kCancelled);
}

// Every byte matters: whatever bit flips, wherever the file is cut, it is told.
TEST_F(SegmentTest, AFlippedBitOrACutIsFound) {
  std::string const bytes = build_segment(packed_runs(5));
  auto is_found = [&](const std::string& changed) {
    auto const segment = Segment::open(write(changed), files_);
    if (!segment) return segment.error().text().find("a.seg") != std::string::npos;
    auto const sound = (*segment)->verify();
    return !sound && sound.error().text().find("a.seg") != std::string::npos;
  };
  EXPECT_FALSE(is_found(bytes));
  std::string changed = bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    // The raw size of a block may be told by its decompression, all else by checksums.
    EXPECT_TRUE(is_found(changed)) << i;
    changed[i] = bytes[i];
  }
  for (size_t size = 0; size < bytes.size(); size += 13)
    EXPECT_TRUE(is_found(bytes.substr(0, size)));
  EXPECT_TRUE(is_found(bytes + "x"));
}

TEST_F(SegmentTest, AFileOfANewerProgramIsRefused) {
  std::string bytes = build_segment(packed_runs(1));
  bytes[8] = 9;
  auto const segment = Segment::open(write(bytes), files_);
  ASSERT_FALSE(segment);
  EXPECT_THAT(segment.error().message, testing::HasSubstr("version 9"));
}

// TIDEMILL_BLESS=1 writes the sample of the current version.
TEST_F(SegmentTest, TheStoredSampleStillOpens) {
  std::string const path = std::string(TIDEMILL_SOURCE_DIR) + "/tests/vectors/history/version1.seg";
  if (::getenv("TIDEMILL_BLESS") != nullptr) {
    ASSERT_TRUE(files_.write(path, build_segment(packed_runs(100)), 0644));
  }
  auto const segment = Segment::open(path, files_);
  ASSERT_TRUE(segment) << segment.error().text();
  EXPECT_TRUE((*segment)->verify());
  EXPECT_EQ((*segment)->runs(), 100u);
  Segment::Cursor cursor(**segment);
  auto const number = (*segment)->find("01K00042");
  ASSERT_TRUE(number && *number);
  EXPECT_EQ(unpack(*cursor.read(**number))->run.cells, record("01K00042").run.cells);
  RunFilter filter;
  filter.flow = "sweep";
  filter.state = run::RunState::kFailed;
  EXPECT_EQ((*segment)->matching(filter)->size(), 17u);
  EXPECT_EQ((*segment)->values()->size(), 1u);
}

}  // namespace
}  // namespace tidemill::store
