// Plans: trees of relational operators, made by the binder and run by the executor. Private to this
// room.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sql/aggregate.h"
#include "sql/ast.h"
#include "sql/catalog.h"
#include "sql/program.h"
#include "value/batch.h"

namespace tidemill::sql {

using PlanPtr = std::shared_ptr<const PlanNode>;

enum class PlanKind {
  kOneRow,     // one row without columns: SELECT without FROM
  kScan,       // a table of the catalog
  kValues,     // `program` over one row: row by row, `width` values each
  kProject,    // `program` over the input
  kFilter,     // rows of which output 0 of `program` is true
  kJoin,       // two inputs
  kAggregate,  // `program`: group keys, then arguments of the aggregates
  kSort,       // by the outputs of `program`
  kLimit,      // `program` over one row: limit, offset
  kDistinct,   // on the outputs of `program`; the first row of each stays
  kSetOperation,
  kSubqueries,  // adds a column for each correlated subquery
  kWindow,      // adds a column for each window function
  kCte,         // the result of a common table expression
  kRange,       // `program` over one row: start, stop, step -> one BIGINT column
  kUnnest,      // `program` over one row: a list -> one column
};

struct SortKey {
  bool is_descending = false;
  bool nulls_first = false;
};

enum class SubqueryUse { kScalar, kExists, kMembers };

// A subquery of which the values that it takes from outside are computed row by row.
struct CorrelatedSubquery {
  PlanPtr plan;
  SubqueryUse use = SubqueryUse::kScalar;
  bool is_negated = false;
  Program captures;  // over the outer relation
  std::vector<value::Type> capture_types;
  Program member;    // of kMembers: the value that is looked for
  value::Type type;  // of the column it adds
  value::Type member_type;
};

struct WindowCall {
  std::string name;
  std::shared_ptr<const AggregateCall> aggregate;  // or null for row_number, lag, ...
  value::Type type;
  std::vector<BoundPtr> args;
  std::vector<BoundPtr> partition;
  std::vector<BoundPtr> order;
  std::vector<SortKey> sort;
  FrameUnit unit = FrameUnit::kRange;
  FrameEdge start = FrameEdge::kUnboundedPreceding;
  FrameEdge end = FrameEdge::kCurrentRow;
  BoundPtr start_offset;
  BoundPtr end_offset;
  bool ignores_nulls = false;
  bool is_distinct = false;
};

// Where a window call finds its inputs among the outputs of the node's program.
struct WindowStep {
  std::shared_ptr<const WindowCall> call;
  size_t first_arg = 0;
  size_t first_partition = 0;
  size_t first_order = 0;
  size_t start_offset = 0;
  size_t end_offset = 0;
};

struct PlanNode {
  PlanKind kind = PlanKind::kOneRow;
  std::vector<value::Type> types;  // of the columns
  std::vector<PlanPtr> inputs;
  Program program;
  std::vector<value::Type> program_types;  // of the program's outputs

  size_t table = 0;                                 // kScan: index in the catalog
  std::shared_ptr<std::vector<bool>> used_columns;  // kScan
  size_t width = 0;                                 // kValues
  JoinKind join = JoinKind::kInner;                 // kJoin
  Program left_keys;                                // kJoin: equal pairs
  Program right_keys;
  std::vector<value::Type> key_types;
  std::optional<Program> condition;  // kJoin: the rest, over both sides
  size_t group_keys = 0;             // kAggregate
  std::vector<std::shared_ptr<const AggregateCall>> aggregates;
  std::vector<SortKey> sort;                         // kSort
  SetOperation operation = SetOperation::kUnionAll;  // kSetOperation
  std::vector<CorrelatedSubquery> subqueries;        // kSubqueries
  std::vector<WindowStep> windows;                   // kWindow
  size_t cte = 0;                                    // kCte
  bool includes_stop = false;                        // kRange: generate_series
};

// An uncorrelated subquery: a constant of the run.
struct RunConstant {
  PlanPtr plan;
  SubqueryUse use = SubqueryUse::kScalar;
  value::Type type;  // of the single column
};

struct Plan {
  PlanPtr root;
  std::vector<ColumnDef> columns;
  std::shared_ptr<const value::Batch::Names> names;
  std::vector<TableDef> tables;
  std::vector<value::Type> params;
  std::vector<RunConstant> constants;
  std::vector<PlanPtr> ctes;
};

// The values of a subquery behind IN, for quick membership.
struct MemberSet;
// Kernel: args[0] is looked for in the MemberSet that args[1] points to; extra is the type.
void member_rows(const Call& call, size_t n);

}  // namespace tidemill::sql
