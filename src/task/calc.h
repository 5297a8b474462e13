// `calc`: SQL over the inputs. Pure.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "sql/query.h"
#include "task/work.h"

namespace tidemill::task {

// Keeps bound queries: a query is bound once for each set of input columns. Thread-safe: chains are
// evaluated on the loop and on the compute lane. The lock guards the map, not the evaluation; a
// message would make every calculation wait for another thread.
class CalcEvaluator {
 public:
  // The value of the task, with its inputs from `scope`.
  Result<flow::TaskValuePtr> evaluate(const flow::Flow& flow, const flow::Task& task,
                                      const flow::Scope& scope);
  // Forgets what was bound for a flow that is no longer used.
  void forget(const flow::Flow& flow);

 private:
  struct Bound {
    sql::Catalog catalog;
    sql::Query query;
  };
  std::shared_ptr<const Bound> find(const flow::Task& task, const sql::Catalog& catalog);

  std::mutex mutex_;
  std::map<const flow::Task*, std::vector<std::shared_ptr<const Bound>>> bound_;
};

}  // namespace tidemill::task
