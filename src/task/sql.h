// `sql`: one statement on a SQLite file of the project, on the read lane.
#pragma once

#include <string>

#include "io/executor.h"
#include "io/loop.h"
#include "task/work.h"

namespace tidemill::task {

// The rows of a statement as a list of objects. Blocking.
Result<Json> query_sqlite(const std::string& path, const std::string& sql,
                          const std::vector<value::Value>& params);

class SqlRunner final : public Runner {
 public:
  SqlRunner(std::string project_folder, io::Executor& executor, io::Loop& loop);
  void start(const Work& work, const flow::Scope& scope, Done done) override;
  // The statement ends by itself; its time is bounded.
  void stop(const Work& work) override;

 private:
  std::string project_folder_;
  io::Executor& executor_;
  io::Loop& loop_;
};

}  // namespace tidemill::task
