// The databases that sql tasks and waits use: SQLite files and PostgreSQL servers, each statement
// on a thread that may block. Connections to PostgreSQL are kept while idle.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/flow.h"
#include "flow/task_value.h"
#include "io/executor.h"
#include "io/loop.h"
#include "io/postgres.h"
#include "task/secrets.h"

namespace tidemill::task {

// Loop thread only.
class Databases {
 public:
  // Without `secrets`, connections that need a password are refused.
  Databases(std::string project_folder, io::Executor& executor, io::Loop& loop,
            std::shared_ptr<Secrets> secrets);
  ~Databases();

  struct Job;
  using Ticket = std::weak_ptr<Job>;
  using Answer = std::function<void(Result<flow::TaskValuePtr>)>;
  // Runs the statement with its parameters. `unknown`: nobody knows whether it had its effect.
  Ticket run(const flow::SqlSettings& settings, std::vector<value::Value> params, Duration timeout,
             Answer answer);
  // Ends it early where the database can; the answer comes as ever.
  void cancel(const Ticket& ticket);

  static constexpr size_t kMaxIdle = 8;  // of one connection's settings
  static constexpr Duration kLongest = Duration::seconds(3600);

 private:
  void run_sqlite(const std::shared_ptr<Job>& job);
  void run_postgres(const std::shared_ptr<Job>& job);
  void finish(const std::shared_ptr<Job>& job, Result<flow::TaskValuePtr> value);

  std::string project_folder_;
  io::Executor& executor_;
  io::Loop& loop_;
  std::shared_ptr<Secrets> secrets_;
  std::map<std::string, std::vector<std::shared_ptr<io::PostgresConnection>>> idle_;
};

// The parameters of a statement, evaluated.
Result<std::vector<value::Value>> sql_params(const flow::SqlSettings& settings,
                                             const flow::Scope& scope);

}  // namespace tidemill::task
