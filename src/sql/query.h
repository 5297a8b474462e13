// A statement bound to tables: typed, checked and turned into column programs.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "sql/catalog.h"
#include "sql/statement.h"
#include "value/batch.h"

namespace tidemill::sql {

struct Plan;

// Immutable; run() may be called from several threads at once.
//
//   Statement::parse(text) -> Query::bind(statement, catalog) -> query.run(batches, params)
class Query {
 public:
  // An unknown name is an error with the nearest valid one. Nothing is evaluated but constants.
  static Result<Query> bind(const Statement& statement, const Catalog& catalog);

  const std::vector<ColumnDef>& columns() const;

  // `tables` are in the catalog's order, each with the catalog's columns by name (others are
  // ignored, a missing one or one of another type is an error; an untyped NULL column fits any
  // type). `params` are of the catalog's types or null.
  Result<value::Batch> run(std::span<const value::Batch* const> tables,
                           std::span<const value::Value> params = {}) const;

 private:
  std::shared_ptr<const Plan> plan_;
};

// DuckDB's class of an error that came from parse, bind or run ("ConversionException"), or "" if
// the error is none of DuckDB's. It stands in Error::context.
std::string_view error_class(const Error& error);

}  // namespace tidemill::sql
