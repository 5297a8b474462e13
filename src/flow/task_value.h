// What a task left: a table (calc, model, sql) or a JSON document (all others). Immutable.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "value/batch.h"

namespace tidemill::flow {

class TaskValue {
 public:
  enum class Shape {
    kJson,     // a document: object, list, scalar, null
    kRow,      // a table of one row, shown as an object
    kRows,     // a table shown as a list of objects
    kMissing,  // an optional task that failed: every column of it reads as NULL
  };

  static std::shared_ptr<const TaskValue> of_json(Json document);
  // One row is kRow unless `many`.
  static std::shared_ptr<const TaskValue> of_table(value::Batch table, bool many);
  static std::shared_ptr<const TaskValue> missing();
  // The values of a mapped task, in the order of its items.
  static std::shared_ptr<const TaskValue> of_list(
      const std::vector<std::shared_ptr<const TaskValue>>& items);

  Shape shape() const { return shape_; }
  // As SQL sees it: an object is a row, a list of objects is rows, a scalar a column "value".
  const value::Batch& table() const { return table_; }
  // As the API, `output:` and Python see it.
  const Json& json() const { return json_; }

  // The form in the store, with a version; parse() reads it back exactly.
  std::string dump() const;
  static Result<std::shared_ptr<const TaskValue>> parse(std::string_view text);

 private:
  Shape shape_ = Shape::kJson;
  value::Batch table_;
  Json json_;
};

// A document as SQL sees it; one JSON column `value` where it has no other form.
value::Batch table_of_json(const Json& json);

using TaskValuePtr = std::shared_ptr<const TaskValue>;

}  // namespace tidemill::flow
