// Rows to columns and back. Columns are only ever added at the end of these lists, with a default
// in the schema: history keeps rows of former versions.
#pragma once

#include "io/sqlite.h"
#include "run/instance.h"

namespace tidemill::store {

inline constexpr const char* kRunColumns =
    "id,flow,bundle,key,state,epoch,cause,params,body_hash,created,scheduled_at,interval_start,"
    "interval_end,deadline,started,finished,error_code,error";
inline constexpr const char* kTaskColumns =
    "run,task,item,name,state,attempt,failures,width,started,ended,due,error_code,error,value";
inline constexpr const char* kAttemptColumns =
    "run,task,item,attempt,state,started,ended,error_code,error,detail";

inline constexpr const char* kChainColumns = "run,number,at,entries";
inline constexpr int kRunCreatedColumn = 9;
inline constexpr int kRunFinishedColumn = 15;
inline constexpr int kTaskValueColumn = 13;
inline constexpr int kChainEntriesColumn = 3;

// Texts made for a statement: they must live until it is reset.
struct RunTexts {
  explicit RunTexts(const run::RunRow& row);
  std::string cause;
  std::string params;
};
void bind_run(io::Statement& statement, const run::RunRow& row, const RunTexts& texts);
// `Columns` is io::Statement, at a row of meta.db, or Cells, a row of history.
template <class Columns>
Result<run::RunRow> read_run(const Columns& row);
template <class Columns>
Result<run::TaskRow> read_task(const Columns& row);  // its value may be "@<sha256>"
template <class Columns>
Result<run::AttemptRow> read_attempt(const Columns& row);

// The entries of a chain as one JSON text, with a version.
std::string dump_chain(const std::vector<run::ChainEntry>& entries);
Result<std::vector<run::ChainEntry>> parse_chain(std::string_view text);

}  // namespace tidemill::store
