// A real PostgreSQL, started by the test in a folder of its own.
#include "task/postgres.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <optional>

#include "io/real/clock.h"
#include "io/real/commands.h"
#include "io/real/executor.h"
#include "io/real/files.h"
#include "io/real/http_client.h"
#include "io/real/loop.h"
#include "task/databases.h"

namespace tidemill::task {
namespace {

using testing::HasSubstr;

constexpr const char* kPassword = "correct horse";

int shell(const std::string& command) { return ::system((command + " >/dev/null 2>&1").c_str()); }

// The server refuses root: it runs as nobody then.
class PostgresServer {
 public:
  PostgresServer() {
    std::string pattern = "/tmp/tidemill_pg_XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) return;
    folder_ = pattern;
    as_ = ::geteuid() == 0 ? "runuser -u nobody -- " : "";
    if (shell("ls /usr/lib/postgresql/*/bin/initdb") != 0) return;
    has_programs_ = true;
    std::string const find = "$(ls -d /usr/lib/postgresql/*/bin | tail -1)";
    (void)shell(
        fmt::format("printf '%s' '{}' > {}/pw && chmod 644 {}/pw", kPassword, folder_, folder_));
    if (::geteuid() == 0) (void)shell("chown nobody " + folder_);
    (void)shell(fmt::format("{}{}/initdb -D {}/db -U tidemill -A scram-sha-256 --pwfile={}/pw -N",
                            as_, find, folder_, folder_));
    is_running_ =
        shell(fmt::format("{}{}/pg_ctl -D {}/db -w -t 60 -l {}/log -o \"-k {} -c "
                          "listen_addresses='' -c fsync=off -c shared_buffers=16MB\" start",
                          as_, find, folder_, folder_, folder_)) == 0;
  }
  ~PostgresServer() {
    if (is_running_) {
      (void)shell(
          fmt::format("{}$(ls -d /usr/lib/postgresql/*/bin | tail -1)/pg_ctl -D {}/db -m "
                      "immediate stop",
                      as_, folder_));
    }
    if (!folder_.empty()) (void)shell("rm -rf " + folder_);
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  bool has_programs() const { return has_programs_; }
  bool is_running() const { return is_running_; }
  std::string settings() const {
    return fmt::format("host={} dbname=postgres user=tidemill", folder_);
  }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  std::string as_;
  bool has_programs_ = false;
  bool is_running_ = false;
};

class PostgresTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<PostgresServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (!server_->has_programs()) {
      FAIL() << "there is no initdb; install the package postgresql, as ./dev test does";
    }
    ASSERT_TRUE(server_->is_running()) << "the server in " << server_->folder() << " did not start";
    secrets_folder_ = server_->folder();
    databases_ =
        std::make_unique<Databases>("/tmp", executor_, loop_,
                                    std::make_shared<Secrets>(SecretParts{clock_,
                                                                          loop_,
                                                                          executor_,
                                                                          files_,
                                                                          http_,
                                                                          commands_,
                                                                          {secrets_folder_},
                                                                          {},
                                                                          "/usr/bin:/bin",
                                                                          "/tmp"}));
  }
  void TearDown() override { executor_.stop(); }

  flow::SqlSettings statement(const std::string& text) const {
    flow::SqlSettings settings;
    settings.connection = "app";
    settings.postgres = server_->settings();
    settings.password_secret = "pw";
    settings.text = text;
    return settings;
  }
  Result<flow::TaskValuePtr> ask(const std::string& text, std::vector<value::Value> params = {},
                                 Duration timeout = Duration::seconds(30)) {
    std::optional<Result<flow::TaskValuePtr>> answer;
    databases_->run(statement(text), std::move(params), timeout,
                    [&](Result<flow::TaskValuePtr> value) {
                      answer = std::move(value);
                      loop_.stop();
                    });
    if (!answer) loop_.run();
    return *answer;
  }
  std::string json(const std::string& text, std::vector<value::Value> params = {}) {
    auto const answer = ask(text, std::move(params));
    return answer ? (*answer)->json().dump() : answer.error().text();
  }

  static std::unique_ptr<PostgresServer> server_;
  std::string secrets_folder_;
  io::RealLoop loop_;
  io::RealClock clock_;
  io::RealExecutor executor_;
  io::RealFiles files_{loop_};
  io::RealHttpClient http_{loop_};
  io::RealCommands commands_;
  std::unique_ptr<Databases> databases_;
};
std::unique_ptr<PostgresServer> PostgresTest::server_;

TEST_F(PostgresTest, RowsHaveTheTypesOfCalculations) {
  auto const answer =
      ask("select 1::int4 i, 2::int8 b, 3::int2 s, true t, 1.5::float8 d, 12.30::numeric(6,2) n, "
          "sum(x) u, 'a'::text v, date '2026-03-01' dt, timestamp '2026-03-01 02:03:04.5' ts, "
          "timestamptz '2026-03-01 02:03:04+01' tz, '{\"a\": [1]}'::jsonb j, null::int4 z, "
          "'\\x00ff'::bytea y, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid id "
          "from (values (1.25)) as t(x)");
  ASSERT_TRUE(answer) << answer.error().text();
  const value::Batch& table = (*answer)->table();
  std::string types;
  for (size_t c = 0; c < table.width(); ++c) types += table.column(c).type().name() + " ";
  EXPECT_EQ(types,
            "INTEGER BIGINT SMALLINT BOOLEAN DOUBLE DECIMAL(6,2) DOUBLE VARCHAR DATE TIMESTAMP "
            "TIMESTAMP WITH TIME ZONE JSON INTEGER BLOB VARCHAR ");
  EXPECT_THAT((*answer)->json().dump(),
              HasSubstr(R"("n":"12.30","u":1.25,"v":"a","dt":"2026-03-01","ts":"2026-03-01 )"));
  EXPECT_THAT((*answer)->json().dump(), HasSubstr(R"("j":{"a":[1]},"z":null)"));
  EXPECT_TRUE(flow::TaskValue::parse((*answer)->dump()));
}

TEST_F(PostgresTest, ParametersAreBoundNeverText) {
  EXPECT_EQ(json("select $1::text as a, $2 + 1 as b, $3::boolean as c, $4::int4 as d",
                 {value::Value::text("'; drop table x; --"), value::Value::bigint(41),
                  value::Value::boolean(true), value::Value()}),
            R"([{"a":"'; drop table x; --","b":42,"c":true,"d":null}])");
  EXPECT_EQ(json("select $1 * 2 as a, $2 > date '2026-01-01' as b",
                 {value::Value::of_int(value::Type::decimal(5, 2), 1250),
                  value::Value::of_int(value::Kind::kDate, 20'600)}),
            R"([{"a":25.0,"b":true}])");
  EXPECT_THAT(json("select 1; select 2"), HasSubstr("cannot insert multiple commands"));
}

TEST_F(PostgresTest, WritesAreSeenAndBrokenRulesAreConflicts) {
  EXPECT_EQ(json("create table w (id int primary key, name text)"), "[]");
  EXPECT_EQ(json("insert into w values ($1, $2) returning id",
                 {value::Value::integer(1), value::Value::text("x")}),
            R"([{"id":1}])");
  auto const twice = ask("insert into w values (1, 'y')");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Code::kConflict);
  EXPECT_EQ(json("select * from w where name = $1", {value::Value::text("x")}),
            R"([{"id":1,"name":"x"}])");
}

TEST_F(PostgresTest, MistakesSayWhere) {
  auto const answer = ask("selct 1");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kInvalid);
  EXPECT_THAT(answer.error().text(), HasSubstr("connection app"));
  EXPECT_THAT(answer.error().text(), HasSubstr("SQLSTATE 42601"));
  EXPECT_THAT(json("select 1 as a, 2 as a"), HasSubstr("two columns are named 'a'"));
  EXPECT_THAT(json("select date '0044-03-15 BC' as d"), HasSubstr("cast it to text"));
}

TEST_F(PostgresTest, TooManyRowsAreRefusedAndTheConnectionGoesOn) {
  EXPECT_THAT(json("select generate_series(1, 200000) as n"), HasSubstr("add a LIMIT"));
  EXPECT_EQ(json("select count(*) as n from generate_series(1, 1000)"), R"([{"n":1000}])");
}

TEST_F(PostgresTest, AStatementEndsAtItsTimeLimit) {
  auto const answer = ask("select pg_sleep(30)", {}, Duration::millis(200));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kTooLate);
}

TEST_F(PostgresTest, AStatementCanBeCancelledAndAnotherIsNotMet) {
  std::optional<Result<flow::TaskValuePtr>> answer;
  auto const ticket = databases_->run(statement("select pg_sleep(30)"), {}, Duration::seconds(60),
                                      [&](Result<flow::TaskValuePtr> value) {
                                        answer = std::move(value);
                                        loop_.stop();
                                      });
  loop_.after(Duration::millis(300), [&] { databases_->cancel(ticket); });
  loop_.run();
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().code, Code::kTooLate);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(json("select 1 as a"), R"([{"a":1}])");
}

TEST_F(PostgresTest, ABrokenConnectionIsUnknownAndTheNextOneIsNew) {
  EXPECT_EQ(json("select 1 as a"), R"([{"a":1}])");
  auto const answer = ask("select pg_terminate_backend(pg_backend_pid())");
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().code == Code::kUnknown || answer.error().code == Code::kUnavailable)
      << answer.error().text();
  EXPECT_EQ(json("select 1 as a"), R"([{"a":1}])");
}

TEST_F(PostgresTest, AWrongPasswordAndAMissingServerAreTold) {
  flow::SqlSettings settings = statement("select 1");
  std::optional<Result<flow::TaskValuePtr>> answer;
  auto take = [&](Result<flow::TaskValuePtr> value) {
    answer = std::move(value);
    loop_.stop();
  };
  settings.password_secret.clear();
  databases_->run(settings, {}, Duration::seconds(5), take);
  loop_.run();
  EXPECT_EQ(answer->error().code, Code::kDenied) << answer->error().text();
  settings.postgres = "host=/nowhere dbname=x";
  databases_->run(settings, {}, Duration::seconds(5), take);
  loop_.run();
  EXPECT_EQ(answer->error().code, Code::kUnavailable);
  settings.password_secret = "not-there";
  answer.reset();
  databases_->run(settings, {}, Duration::seconds(5), take);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, Code::kNotFound);
}

}  // namespace
}  // namespace tidemill::task
