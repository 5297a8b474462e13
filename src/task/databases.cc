#include "task/databases.h"

#include <fmt/format.h>

#include "task/postgres.h"
#include "task/sql.h"

namespace tidemill::task {
namespace {

constexpr Duration kConnect = Duration::seconds(10);

}  // namespace

struct Databases::Job {
  std::string name;      // of the connection
  std::string path;      // of a SQLite file
  std::string settings;  // of PostgreSQL
  std::string password_secret;
  std::string password;
  std::string text;
  std::vector<value::Value> params;
  Duration timeout;
  Answer answer;
  std::shared_ptr<io::PostgresConnection> connection;  // the lane's while the statement runs
  std::optional<io::PostgresCancel> canceller;
  bool is_cancelled = false;
};

Databases::Databases(std::string project_folder, io::Executor& executor, io::Loop& loop,
                     std::shared_ptr<Secrets> secrets)
    : project_folder_(std::move(project_folder)),
      executor_(executor),
      loop_(loop),
      secrets_(std::move(secrets)) {}
Databases::~Databases() = default;

Databases::Ticket Databases::run(const flow::SqlSettings& settings,
                                 std::vector<value::Value> params, Duration timeout,
                                 Answer answer) {
  auto job = std::make_shared<Job>();
  job->name = settings.connection;
  job->text = settings.text;
  job->params = std::move(params);
  job->timeout = timeout;
  job->answer = std::move(answer);
  if (settings.postgres.empty()) {
    job->path = settings.database.starts_with('/') ? settings.database
                                                   : project_folder_ + "/" + settings.database;
    run_sqlite(job);
    return job;
  }
  job->settings = settings.postgres;
  job->password_secret = settings.password_secret;
  if (job->password_secret.empty()) {
    run_postgres(job);
    return job;
  }
  if (secrets_ == nullptr) {
    finish(job, fail(Code::kInternal, "passwords of databases are not available here"));
    return job;
  }
  secrets_->find(job->password_secret, [this, job](Result<std::string> password) {
    if (!password) {
      finish(job, fail(password.error()));
    } else if (job->is_cancelled) {
      finish(job, fail(Code::kTooLate, "stopped before it began"));
    } else {
      job->password = std::move(*password);
      run_postgres(job);
    }
  });
  return job;
}

void Databases::finish(const std::shared_ptr<Job>& job, Result<flow::TaskValuePtr> value) {
  // The request to end a statement may still be on its way: it must not meet another statement.
  if (job->connection && !job->is_cancelled && job->connection->is_usable()) {
    auto& idle = idle_[job->settings];
    if (idle.size() < kMaxIdle) idle.push_back(job->connection);
  }
  job->connection.reset();
  job->canceller.reset();
  Answer const answer = std::move(job->answer);
  if (!value) value = fail(value.error().in("connection " + job->name));
  if (answer) answer(std::move(value));
}

void Databases::run_sqlite(const std::shared_ptr<Job>& job) {
  Status const queued = executor_.run(io::Lane::kRead, [this, job] {
    auto rows = query_sqlite(job->path, job->text, job->params);
    Result<flow::TaskValuePtr> value = fail(Code::kInternal, "");
    if (rows) {
      value = flow::TaskValue::of_json(std::move(*rows));
    } else {
      value = fail(rows.error().in(job->path));
    }
    loop_.post([this, job, value = std::move(value)] { finish(job, value); });
  });
  if (!queued) finish(job, fail(queued.error()));
}

void Databases::run_postgres(const std::shared_ptr<Job>& job) {
  auto& idle = idle_[job->settings];
  if (!idle.empty()) {
    job->connection = std::move(idle.back());
    idle.pop_back();
  }
  Status const queued = executor_.run(io::Lane::kDatabase, [this, job] {
    auto value = [&]() -> Result<flow::TaskValuePtr> {
      std::shared_ptr<io::PostgresConnection> connection = job->connection;
      if (!connection || !connection->is_usable()) {
        TIDEMILL_TRY_LET(opened,
                         io::PostgresConnection::open(job->settings, job->password, kConnect));
        connection = std::make_shared<io::PostgresConnection>(std::move(opened));
        loop_.post([job, connection] { job->connection = connection; });
      }
      // The loop learns how to end the statement before it can have ended.
      loop_.post([this, job, canceller = connection->canceller()] {
        if (!job->answer) return;
        job->canceller = canceller;
        if (job->is_cancelled) cancel(job);
      });
      std::vector<io::PostgresParam> params;
      for (const value::Value& param : job->params) params.push_back(postgres_param(param));
      io::PostgresLimits limits;
      limits.timeout = job->timeout;
      TIDEMILL_TRY_LET(answer, connection->run(job->text, params, limits));
      TIDEMILL_TRY_LET(table, postgres_table(answer));
      return flow::TaskValue::of_table(std::move(table), /*many=*/true);
    }();
    loop_.post([this, job, value = std::move(value)] { finish(job, value); });
  });
  if (!queued) finish(job, fail(queued.error()));
}

void Databases::cancel(const Ticket& ticket) {
  auto const job = ticket.lock();
  if (!job || !job->answer) return;
  job->is_cancelled = true;
  if (!job->canceller) return;
  // A full lane: the statement's own time limit ends it.
  (void)executor_.run(io::Lane::kRead, [canceller = *job->canceller] { canceller.cancel(); });
}

Result<std::vector<value::Value>> sql_params(const flow::SqlSettings& settings,
                                             const flow::Scope& scope) {
  std::vector<value::Value> params;
  for (const sql::Expression& expression : settings.params) {
    TIDEMILL_TRY_LET(value, scope.evaluate(expression));
    params.push_back(std::move(value));
  }
  return params;
}

}  // namespace tidemill::task
