#include "engine/alerts.h"

#include "engine/test_support.h"

namespace tidemill::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class NoCommands final : public io::Commands {
 public:
  Result<io::CommandEnd> run(const io::Command&) override { return fail(Code::kInternal, "none"); }
};
class NoMailer final : public io::Mailer {
 public:
  Status send(const io::MailRelay&, const io::Mail&) override { return {}; }
};

// A flow that fails as the test says, and a webhook that hears of it.
class AlertsTest : public ::testing::Test {
 protected:
  AlertsTest() {
    bed.file("tidemill.yaml",
             "channels: {ops: {webhook: \"https://hooks.example/x\"}}\n"
             "alerts: {on: [failed, recovered], to: ops}\n");
    bed.flow("f", "on: [call]\ntasks: {work: {shell: x}}\n");
    bed.behave = [this](const io::ProcessSpec&) {
      return io::SimProcessResult{.exit_code = is_broken ? 1 : 0};
    };
    bed.world.http().set_handler([this](const io::HttpRequest& request) {
      heard.push_back(*parse_json(request.body));
      return io::SimHttpAnswer{io::HttpResponse{hook_status, {}, "", {}}, {}};
    });
    start();
  }
  ~AlertsTest() override { kill(); }

  void start() {
    auto secrets = std::make_shared<task::Secrets>(task::SecretParts{bed.world.clock(),
                                                                     bed.world.loop(),
                                                                     bed.world.executor(),
                                                                     bed.world.files(),
                                                                     bed.world.http(),
                                                                     commands,
                                                                     {},
                                                                     {},
                                                                     "",
                                                                     "/project"});
    auto const project = flow::load_project(FolderSource("/project", bed.world.files()));
    ASSERT_TRUE(project);
    sender = std::make_unique<notify::Sender>(notify::SenderParts{
        bed.world.clock(), bed.world.loop(), bed.world.executor(), bed.world.http(), mailer});
    alerts = std::make_unique<Alerts>(AlertParts{
        bed.world.clock(), bed.world.loop(), bed.world.random(), bed.log, *sender, secrets,
        *project, [this](run::Changes changes, std::function<void(Status)> done) {
          bed.engine->write(std::move(changes), std::move(done));
        }});
    bed.notices = alerts.get();
    bed.start();
  }
  void kill() {
    bed.kill();
    alerts.reset();
    sender.reset();
  }
  // What was heard: "failed 1", "failed 7".
  std::vector<std::string> told() {
    std::vector<std::string> list;
    for (const Json& body : heard) {
      const Json* data = body.find("data");
      list.push_back(data->text_or("reason", "") + " " + std::to_string(data->int_or("count", 0)));
    }
    return list;
  }

  EngineBed bed;
  NoCommands commands;
  NoMailer mailer;
  std::unique_ptr<notify::Sender> sender;
  std::unique_ptr<Alerts> alerts;
  bool is_broken = true;
  int hook_status = 204;
  std::vector<Json> heard;
};

TEST_F(AlertsTest, TheFirstGoesOutAtOnceAndTheNextTogether) {
  for (int i = 0; i < 8; ++i) {
    bed.call("f");
    bed.world.run_for(Duration::seconds(10));
  }
  EXPECT_THAT(told(), ElementsAre("failed 1"));
  EXPECT_THAT(heard[0].find("data")->text_or("text", ""), HasSubstr("exited with code 1"));
  bed.world.run_for(Duration::seconds(300));
  EXPECT_THAT(told(), ElementsAre("failed 1", "failed 7"));
  EXPECT_EQ(alerts->waiting(), 0u);
  bed.world.run_for(Duration::seconds(600));
  bed.call("f");
  bed.world.run_for(Duration::seconds(1));
  EXPECT_THAT(told(), ElementsAre("failed 1", "failed 7", "failed 1"));
}

TEST_F(AlertsTest, RecoveredIsToldOnceAlsoAfterARestart) {
  bed.call("f");
  bed.world.run_for(Duration::seconds(1));
  kill();
  start();
  is_broken = false;
  bed.call("f");
  bed.call("f");
  bed.world.run_for(Duration::seconds(1));
  EXPECT_THAT(told(), ElementsAre("failed 1", "recovered 1"));
}

TEST_F(AlertsTest, AReceiverThatIsAwayIsAskedAgainWithTheSameIdOverACrash) {
  hook_status = 503;
  bed.call("f");
  bed.world.run_for(Duration::seconds(1));
  EXPECT_THAT(heard, SizeIs(1));
  kill();
  bed.world.run_for(Duration::seconds(60));
  hook_status = 204;
  start();
  bed.world.run_for(Duration::seconds(60));
  EXPECT_THAT(told(), ElementsAre("failed 1", "failed 1"));
  std::set<std::string> ids;
  for (const io::HttpRequest& request : bed.world.http().sent()) {
    for (const auto& [name, value] : request.headers) {
      if (name == "webhook-id") ids.insert(value);
    }
  }
  EXPECT_THAT(ids, SizeIs(1));
  EXPECT_THAT(bed.store->recover()->alerts, IsEmpty());
}

TEST_F(AlertsTest, ATurnThatIsNotCommittedTellsNothing) {
  bed.ask("f");
  bed.world.run_now();
  bed.commit_fails = [](const run::Changes& changes) -> std::optional<Code> {
    return changes.alerts.empty() ? std::nullopt : std::optional<Code>(Code::kExhausted);
  };
  bed.world.run_for(Duration::seconds(5));
  EXPECT_THAT(heard, IsEmpty());
  bed.commit_fails = nullptr;
  bed.world.run_for(Duration::seconds(5));
  EXPECT_THAT(told(), ElementsAre("failed 1"));
}

TEST_F(AlertsTest, WhatTheReceiverRefusesForGoodIsGivenUp) {
  hook_status = 404;
  bed.call("f");
  bed.world.run_for(Duration::seconds(7200));
  EXPECT_THAT(heard, SizeIs(1));
  EXPECT_EQ(alerts->waiting(), 0u);
  EXPECT_THAT(bed.log.lines.back(), HasSubstr("given up"));
}

}  // namespace
}  // namespace tidemill::engine
