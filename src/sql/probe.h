// Probes: constant expressions with DuckDB's answer, a line of JSON each, to compare with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::sql {

// One line: an object with id and sql, and type, value and text, or error and error_class.
struct ProbeOutcome {
  std::string sql;
  std::string id;
  std::string difference;  // "" if the answer agrees: value, type, text, or the class of the error
};

// Every probe of a file's text; lines without "sql" (the header) are passed over. An error if a
// line is not JSON or lacks what a probe needs.
Result<std::vector<ProbeOutcome>> run_probes(std::string_view lines);

}  // namespace tidemill::sql
