#include "task/secrets.h"

#include <gmock/gmock.h>

#include "task/test_support.h"

namespace tidemill::task {
namespace {

using testing::HasSubstr;

class FakeCommands final : public io::Commands {
 public:
  Result<io::CommandEnd> run(const io::Command& command) override {
    asked.push_back(command.argv);
    return end;
  }
  std::vector<std::vector<std::string>> asked;
  io::CommandEnd end;
};

class SecretsTest : public ::testing::Test {
 protected:
  Secrets make(flow::SecretSources sources) {
    return Secrets(SecretParts{world.clock(),
                               world.loop(),
                               world.executor(),
                               world.files(),
                               world.http(),
                               commands,
                               {"/data/secrets", "/project/secrets"},
                               std::move(sources),
                               "/bin",
                               "/project"});
  }
  Result<std::string> find(Secrets& secrets, const std::string& name) {
    std::optional<Result<std::string>> found;
    secrets.find(name, [&](Result<std::string> value) { found = std::move(value); });
    world.run_for(Duration::seconds(1));
    EXPECT_TRUE(found);
    return found.value_or(fail(Code::kInternal, "no answer"));
  }
  flow::SecretSources vault() {
    flow::SecretSources sources;
    sources.vault_address = "https://vault.example";
    sources.vault_token_file = "/run/token";
    EXPECT_TRUE(world.files().make_folders("/run"));
    EXPECT_TRUE(world.files().write("/run/token", "hvs.abc\n"));
    return sources;
  }
  io::SimWorld world{1};
  FakeCommands commands;
};

TEST_F(SecretsTest, AFileWinsAndIsTrimmed) {
  ASSERT_TRUE(world.files().make_folders("/project/secrets"));
  ASSERT_TRUE(world.files().write("/project/secrets/app", "s3cret\n"));
  flow::SecretSources sources;
  sources.command = {"pass", "show", "x/{name}"};
  Secrets secrets = make(sources);
  EXPECT_EQ(*find(secrets, "app"), "s3cret");
  EXPECT_TRUE(commands.asked.empty());
  EXPECT_EQ(find(secrets, "../app").error().code, Code::kInvalid);
}

TEST_F(SecretsTest, WithoutAnySourceSaysWhereToWriteIt) {
  Secrets secrets = make({});
  EXPECT_THAT(find(secrets, "app").error().text(), HasSubstr("write it into /data/secrets/app"));
}

TEST_F(SecretsTest, ACommandIsAskedOnceAMinute) {
  flow::SecretSources sources;
  sources.command = {"pass", "show", "x/{name}"};
  Secrets secrets = make(sources);
  commands.end.output = "abc\n";
  EXPECT_EQ(*find(secrets, "app"), "abc");
  EXPECT_EQ(*find(secrets, "app"), "abc");
  EXPECT_EQ(commands.asked, (std::vector<std::vector<std::string>>{{"pass", "show", "x/app"}}));
  world.run_for(Duration::seconds(61));
  commands.end = {1, "", "locked"};
  EXPECT_THAT(find(secrets, "app").error().text(), HasSubstr("exited with 1: locked"));
}

TEST_F(SecretsTest, VaultAnswersAFieldOfItsPath) {
  world.http().set_handler([](const io::HttpRequest& request) {
    bool const is_good = request.url == "https://vault.example/v1/secret/data/tidemill" &&
                         request.headers[0].second == "hvs.abc";
    return io::SimHttpAnswer{
        io::HttpResponse{is_good ? 200 : 403,
                         {},
                         R"({"data":{"data":{"app":"from vault"},"metadata":{"version":3}}})",
                         {}},
        {}};
  });
  Secrets secrets = make(vault());
  EXPECT_EQ(*find(secrets, "app"), "from vault");
  EXPECT_THAT(find(secrets, "other").error().text(), HasSubstr("has no text 'other'"));
}

TEST_F(SecretsTest, VaultThatRefusesIsTold) {
  world.http().set_handler([](const io::HttpRequest&) {
    return io::SimHttpAnswer{io::HttpResponse{403, {}, "{}", {}}, {}};
  });
  Secrets secrets = make(vault());
  EXPECT_EQ(find(secrets, "app").error().code, Code::kDenied);
}

}  // namespace
}  // namespace tidemill::task
