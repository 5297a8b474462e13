// Rows to columns and back.
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

// Texts made for a statement: they must live until it is reset.
struct RunTexts {
  explicit RunTexts(const run::RunRow& row);
  std::string cause;
  std::string params;
};
void bind_run(io::Statement& statement, const run::RunRow& row, const RunTexts& texts);
Result<run::RunRow> read_run(const io::Statement& statement);

Result<run::TaskRow> read_task(const io::Statement& statement);
Result<run::AttemptRow> read_attempt(const io::Statement& statement);

// The entries of a chain as one JSON text, with a version.
std::string dump_chain(const std::vector<run::ChainEntry>& entries);
Result<std::vector<run::ChainEntry>> parse_chain(std::string_view text);

}  // namespace tidemill::store
