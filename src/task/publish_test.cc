#include "task/publish.h"

#include "task/test_support.h"

namespace tidemill::task {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr const char* kPath = "/d/lines.jsonl";

class PublishTest : public TaskTest {
 protected:
  static PublishRunner::Job job(const std::string& run, int lines, bool is_recovery = false) {
    PublishRunner::Job job;
    job.run = run;
    job.task = "t";
    job.is_recovery = is_recovery;
    for (int i = 0; i < lines; ++i) {
      Json line = Json::object().set("run", run).set("task", "t").set("index", i);
      job.lines.push_back({i, line.dump() + "\n"});
    }
    return job;
  }
  std::string content() {
    auto const text = world.files().read(kPath, 64u << 20);
    return text ? *text : "";
  }
  std::vector<std::string> lines() {
    std::vector<std::string> list;
    std::string const text = content();
    for (size_t at = 0; at < text.size();) {
      size_t const end = text.find('\n', at);
      EXPECT_NE(end, std::string::npos) << "a torn line";
      if (end == std::string::npos) break;
      auto const json = parse_json(text.substr(at, end - at));
      EXPECT_TRUE(json) << text.substr(at, end - at);
      if (json)
        list.push_back(json->text_or("run", "") + std::to_string(json->int_or("index", -1)));
      at = end + 1;
    }
    return list;
  }
  Status append(std::vector<PublishRunner::Job> jobs) {
    return append_jobs(world.files(), kPath, jobs);
  }
};

TEST_F(PublishTest, WritesTheLinesOfAllJobsInOrder) {
  ASSERT_TRUE(append({job("a", 2), job("b", 1)}));
  ASSERT_TRUE(append({job("c", 1)}));
  EXPECT_THAT(lines(), ElementsAre("a0", "a1", "b0", "c0"));
  ASSERT_TRUE(append({job("d", 0)}));
  EXPECT_THAT(lines(), SizeIs(4));
}

// A crash may cut the file anywhere within what was being written.
TEST_F(PublishTest, RecoversFromACutAtEveryByte) {
  ASSERT_TRUE(append({job("a", 2)}));
  size_t const before = content().size();
  ASSERT_TRUE(append({job("b", 3)}));
  std::string const whole = content();
  for (size_t size = before; size <= whole.size(); ++size) {
    ASSERT_TRUE(world.files().write(kPath, whole.substr(0, size)));
    ASSERT_TRUE(append({job("b", 3, true)}));
    EXPECT_THAT(lines(), ElementsAre("a0", "a1", "b0", "b1", "b2")) << size;
  }
}

TEST_F(PublishTest, AFreshJobToo) {
  ASSERT_TRUE(append({job("a", 2)}));
  std::string const whole = content();
  for (size_t cut = 1; cut < 12; ++cut) {
    ASSERT_TRUE(world.files().write(kPath, whole.substr(0, whole.size() - cut)));
    ASSERT_TRUE(append({job("b", 1)}));
    EXPECT_THAT(lines(), ElementsAre("a0", "b0")) << cut;
  }
}

TEST_F(PublishTest, AFileOfATornLineOnlyIsBegunAnew) {
  ASSERT_TRUE(append({job("a", 1)}));
  ASSERT_TRUE(world.files().write(kPath, "{\"run\":\"x"));
  ASSERT_TRUE(append({job("b", 1)}));
  EXPECT_THAT(lines(), ElementsAre("b0"));
}

TEST_F(PublishTest, RecoveryLeavesTheLinesOfOthersAlone) {
  ASSERT_TRUE(append({job("a", 2), job("b", 2)}));
  ASSERT_TRUE(append({job("b", 2, true), job("c", 1), job("a", 3, true)}));
  EXPECT_THAT(lines(), ElementsAre("a0", "a1", "b0", "b1", "c0", "a2"));
}

TEST_F(PublishTest, AFullDiskWritesNothingTwice) {
  ASSERT_TRUE(append({job("a", 1)}));
  world.files().set_capacity(world.files().used_bytes() + 20);
  auto const full = append({job("b", 3)});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kExhausted);
  world.files().set_capacity(std::nullopt);
  ASSERT_TRUE(append({job("b", 3, true)}));
  EXPECT_THAT(lines(), ElementsAre("a0", "b0", "b1", "b2"));
}

class PublishRunnerTest : public PublishTest {
 protected:
  PublishRunner runner{[](const std::string&) { return std::string(kPath); }, world.executor(),
                       world.loop(), world.files(), world.clock()};
  static constexpr const char* kTask = "  a: {shell: x}\n  t: {publish: {dataset: d}, needs: a}\n";
};

TEST_F(PublishRunnerTest, ALineNamesItsRunTaskIndexAndAttempt) {
  auto const end = start(runner, work(kTask, "t", 1), Json(), Json::object().set("v", 5));
  world.run_now();
  ASSERT_TRUE(end->outcome);
  EXPECT_EQ(end->outcome->kind, run::Outcome::Kind::kSucceeded);
  EXPECT_EQ(end->outcome->value->json().dump(), R"({"lines":1})");
  auto const line = parse_json(content());
  ASSERT_TRUE(line);
  EXPECT_EQ(line->text_or("run", ""), "01RUN");
  EXPECT_EQ(line->text_or("task", ""), "t");
  EXPECT_EQ(line->int_or("index", -1), 0);
  EXPECT_EQ(line->int_or("attempt", -1), 1);
  EXPECT_EQ(line->find("value")->dump(), R"({"v":5})");
}

TEST_F(PublishRunnerTest, AListIsALineForEachElementAndNothingIsNone) {
  auto const list = start(runner, work(kTask), Json(), Json::array().push(1).push(2));
  auto const nothing = start(runner, work(kTask, "t", 2), Json(), Json::array());
  world.run_now();
  ASSERT_TRUE(list->outcome && nothing->outcome);
  EXPECT_THAT(lines(), SizeIs(2));
  EXPECT_EQ(nothing->outcome->value->json().dump(), R"({"lines":0})");
}

TEST_F(PublishRunnerTest, ALaterAttemptAndARecoveredOneWriteOnlyWhatIsMissing) {
  start(runner, work(kTask), Json(), Json(1));
  world.run_now();
  start(runner, work(kTask, "t", 2), Json(), Json(1));
  auto const end = recover(runner, work(kTask), Json(1));
  world.run_now();
  EXPECT_EQ(end->outcome->kind, run::Outcome::Kind::kSucceeded);
  EXPECT_THAT(lines(), SizeIs(1));
}

TEST_F(PublishRunnerTest, JobsThatComeMeanwhileAreWrittenTogether) {
  std::vector<std::shared_ptr<End>> ends;
  for (int i = 0; i < 50; ++i) {
    ends.push_back(start(runner, work(kTask, "t", 1, i), Json(), Json(i)));
  }
  world.run_now();
  for (const auto& end : ends) EXPECT_EQ(end->times, 1);
  EXPECT_THAT(lines(), SizeIs(50));
}

TEST_F(PublishRunnerTest, AFailedFsyncIsAnUnknownEnd) {
  start(runner, work(kTask), Json(), Json(1));
  world.run_now();
  world.files().set_syncs(io::SimFiles::Syncs::kFail);
  auto const end = start(runner, work(kTask, "t", 1, 1), Json(), Json(1));
  world.run_now();
  ASSERT_TRUE(end->outcome);
  EXPECT_EQ(end->outcome->kind, run::Outcome::Kind::kUnknown);
}

}  // namespace
}  // namespace tidemill::task
