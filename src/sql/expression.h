// One scalar expression over one-row tables: templates, `when`, `no_hit`.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sql/catalog.h"
#include "value/batch.h"

namespace tidemill::sql {

struct ExprNode;

// Immutable, cheap to copy, thread-safe. No subqueries and no aggregates.
class Expression {
 public:
  static Result<Expression> parse(std::string_view text);

  // Every column reference in it, in order of appearance.
  std::vector<NameRef> references() const;

  // Checks names and types against tables, without values, and tells the type of the result.
  Result<value::Type> check(std::span<const TableDef> tables) const;

  // The value over the first row of each table in scope. An unqualified name is searched in all
  // tables; one that stands in two is an error. A table without rows reads as nulls.
  Result<value::Value> evaluate(
      std::span<const std::pair<std::string_view, const value::Batch*>> scope) const;

  const std::string& text() const { return *text_; }

 private:
  struct Prepared;
  struct Cache;
  Result<std::shared_ptr<const Prepared>> prepared(
      std::span<const std::pair<std::string_view, const value::Batch*>> scope) const;

  std::shared_ptr<const ExprNode> root_;
  std::shared_ptr<const std::string> text_;
  std::shared_ptr<Cache> cache_;  // how it was bound last
};

}  // namespace tidemill::sql
