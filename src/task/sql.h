// `sql`: one statement on a database of the project, recorded before and after.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "task/databases.h"
#include "task/work.h"

namespace tidemill::task {

// The rows of a statement as a list of objects. Blocking.
Result<Json> query_sqlite(const std::string& path, const std::string& sql,
                          const std::vector<value::Value>& params);

class SqlRunner final : public Runner {
 public:
  explicit SqlRunner(std::shared_ptr<Databases> databases) : databases_(std::move(databases)) {}
  // Without secrets.
  SqlRunner(std::string project_folder, io::Executor& executor, io::Loop& loop);
  void start(const Work& work, const flow::Scope& scope, Done done) override;
  // A statement of SQLite ends by itself.
  void stop(const Work& work) override;

 private:
  std::shared_ptr<Databases> databases_;
  std::map<std::string, Databases::Ticket> open_;  // by attempt id
};

}  // namespace tidemill::task
