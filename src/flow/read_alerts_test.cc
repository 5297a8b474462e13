#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

class ReadAlerts : public FlowTest {
 protected:
  void read(const std::string& yaml) {
    source.files["tidemill.yaml"] = yaml;
    auto const loaded = load_project(source);
    ASSERT_TRUE(loaded) << text_of(loaded.error());
    project = *loaded;
  }
  std::string mistakes(const std::string& yaml) {
    source.files["tidemill.yaml"] = yaml;
    auto const loaded = load_project(source);
    return loaded ? "none" : text_of(loaded.error());
  }
};

constexpr const char* kProject =
    "team: risk\nmail: {relay: \"smtp://127.0.0.1:25\", from: tidemill@example.com}\n"
    "channels:\n  desk: {mail: [a@example.com, b@example.com]}\n"
    "  ops: {webhook: \"https://hooks.example/x\", secret: ops-hook}\n"
    "  chat: {slack: secret, secret: chat-url}\n"
    "alerts:\n  - {on: failed, to: ops}\n  - {on: [failed, late], to: desk, team: other}\n";

TEST_F(ReadAlerts, AFlowHasTheProjectsRulesForItsTeamAndItsOwn) {
  read(kProject);
  EXPECT_EQ(project.channels.at("chat").secret, "chat-url");
  EXPECT_EQ(project.channels.at("desk").mail.size(), 2u);
  auto const flow = AssertLoads("flow: f\nalerts: {to: [chat, desk]}\ntasks: {a: {shell: x}}\n");
  ASSERT_EQ(flow->alerts.size(), 2u);
  EXPECT_EQ(flow->alerts[0].to, std::vector<std::string>{"ops"});
  EXPECT_EQ(flow->alerts[1].on, (std::vector<std::string>{"failed", "recovered"}));
  auto const other = AssertLoads("flow: f\nteam: other\nalerts: []\ntasks: {a: {shell: x}}\n");
  EXPECT_EQ(other->alerts.size(), 2u);
}

TEST_F(ReadAlerts, MistakesHaveTheirPlace) {
  read(kProject);
  AssertErrors("flow: f\nalerts: {on: [failde], to: opps}\ntasks: {a: {shell: x}}\n",
               "2:15: 'on' of 'alerts' of the flow: found 'failde', expected one of: failed, late, "
               "too_long, did_not_run, recovered; did you mean 'failed'?\n"
               "2:28: 'to' of 'alerts' of the flow: tidemill.yaml has no channel 'opps'; did you "
               "mean 'ops'? it has: chat, desk, ops");
  EXPECT_EQ(mistakes("channels: {a: {mail: x@y}, b: {}, c: {webhook: \"ftp://x\"}}\n"),
            "tidemill.yaml:1:22: channel 'a': tidemill.yaml has no 'mail' that says how mail "
            "leaves; add mail: {relay: smtp://..., from: ...}\n"
            "tidemill.yaml:1:28: channel 'b' must have exactly one of 'mail', 'webhook' and "
            "'slack'\n"
            "tidemill.yaml:1:48: 'webhook' of channel 'c': found 'ftp://x', expected a URL that "
            "begins with https://\n");
  EXPECT_EQ(mistakes("mail: {relay: \"smtp://x\", from: \"a@b\\r\\nBcc: c\"}\n"),
            "tidemill.yaml:1:33: 'from' of 'mail' of the project: found 'a@b\\x0d\\nBcc: c', "
            "expected an address such as tidemill@example.com\n");
}

}  // namespace
}  // namespace tidemill::flow
