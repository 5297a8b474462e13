// Results as JSON text for `tidemill sql --json` and for comparison with DuckDB's answers.
#pragma once

#include <string>

#include "value/batch.h"

namespace tidemill::sql {

// Values as DuckDB's Python client shows them: integers of any size as numbers; decimals, dates and
// timestamps as text ("2024-01-05 03:04:05.678000"); intervals as a time span whose months count
// 30 days ("391 days, 0:00:00"); NaN and infinities as text; lists, structs and maps as such.
void append_value_json(std::string& out, const value::Value& value);

// {"columns":[{"name","type"}],"rows":[[...]]}
std::string result_json(const value::Batch& batch);

}  // namespace tidemill::sql
