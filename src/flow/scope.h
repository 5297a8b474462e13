// The names that an expression of a flow can read, as one-row tables:
//   applicant_id           a param            bureau.score   a column of a task's value
//   run.scheduled_at       of the run         item.id        the item of a mapped task
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "flow/task_value.h"
#include "sql/expression.h"
#include "value/batch.h"

namespace tidemill::flow {

struct RunFacts {
  std::string id;
  std::string flow;
  std::string key;
  Time created;
  Time scheduled_at;
  Time interval_start;
  Time interval_end;
};

// Built for one evaluation; keeps pointers to what it is given. Not thread-safe.
class Scope {
 public:
  Scope() = default;
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  void add_params(const Json& params);
  void add_run(const RunFacts& facts);
  void add_item(const Json& item);
  void add_task(std::string_view name, TaskValuePtr value);
  void add_table(std::string_view name, value::Batch table);

  Result<value::Value> evaluate(const sql::Expression& expression) const;
  // The same as JSON: numbers and booleans typed, dates and decimals as text, JSON as JSON.
  Result<Json> evaluate_json(const sql::Expression& expression) const;
  // NULL is false; a value that is not a boolean is an error.
  Result<bool> evaluate_bool(const sql::Expression& expression) const;

 private:
  std::vector<std::pair<std::string_view, const value::Batch*>> tables_;
  std::deque<value::Batch> owned_;
  std::deque<std::string> names_;
  std::vector<TaskValuePtr> values_;
};

}  // namespace tidemill::flow
