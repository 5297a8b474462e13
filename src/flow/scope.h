// The names that an expression of a flow can read, as one-row tables:
//   applicant_id           a param            bureau.score   a column of a task's value
//   run.scheduled_at       of the run         item.id        the item of a mapped task
#pragma once

#include <deque>
#include <optional>
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

struct Param;

struct RunFacts {
  std::string id;
  std::string flow;
  std::string key;
  Time created;
  Time scheduled_at;
  Time interval_start;
  Time interval_end;
};

// The one-row table `run`; instants are TIMESTAMPs in UTC.
value::Batch run_table(const RunFacts& facts);
// Its columns.
const std::vector<std::string>& run_columns();
// The one-row table `item`: an object's members, or one column `value`.
value::Batch item_table(const Json& item);

// Expressions of a loaded flow say `params.x` for a bare `x`, so that a bare name never means a
// column of a task. Built for one evaluation; keeps pointers to what it is given. Not thread-safe.
class Scope {
 public:
  Scope() = default;
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Types as JSON shows them; the other form gives each param its declared type.
  void add_params(const Json& params);
  void add_params(const std::vector<Param>& declared, const Json& params);
  void add_run(const RunFacts& facts);
  void add_item(const Json& item);
  void add_task(std::string_view name, TaskValuePtr value);
  void add_table(std::string_view name, value::Batch table);

  // A table by its name. A missing one has no columns: every column of it reads as NULL.
  struct Input {
    const value::Batch* table = nullptr;
    bool is_missing = false;
  };
  std::optional<Input> find_table(std::string_view name) const;
  // The tasks' values, in the order in which they were added; a missing one too.
  const std::vector<std::pair<std::string_view, TaskValuePtr>>& task_values() const {
    return values_;
  }

  Result<value::Value> evaluate(const sql::Expression& expression) const;
  // The same as JSON: numbers and booleans typed, dates and decimals as text, JSON as JSON.
  Result<Json> evaluate_json(const sql::Expression& expression) const;
  // NULL is false; a value that is not a boolean is an error.
  Result<bool> evaluate_bool(const sql::Expression& expression) const;

 private:
  using Tables = std::vector<std::pair<std::string_view, const value::Batch*>>;
  Result<value::Value> evaluate_with_missing(const sql::Expression& expression) const;
  void own_table(std::string_view name, value::Batch table);

  Tables tables_;
  std::deque<value::Batch> owned_;
  std::deque<std::string> names_;
  std::vector<std::pair<std::string_view, TaskValuePtr>> values_;
  std::vector<std::string_view> missing_;  // tasks whose every column reads as NULL
};

}  // namespace tidemill::flow
