// What a query is bound to: the tables and parameters that it may read.
#pragma once

#include <string>
#include <vector>

#include "value/type.h"

namespace tidemill::sql {

struct ColumnDef {
  std::string name;
  value::Type type;
};

// `open`: a column that is not listed reads as an untyped NULL. It stands for the missing answer of
// an optional task.
struct TableDef {
  std::string name;
  std::vector<ColumnDef> columns;
  bool open = false;
};

struct Catalog {
  std::vector<TableDef> tables;
  std::vector<value::Type> params;  // of $1, $2, ...
};

// Where a query or an expression names a column: `a.b` is {"a", "b"}, `b` is {"", "b"}.
struct NameRef {
  std::string qualifier;
  std::string name;
  int line = 0;
  int column = 0;
};

}  // namespace tidemill::sql
