// Batches and values as JSON.
#pragma once

#include "base/json.h"
#include "value/batch.h"

namespace tidemill::value {

// A value as the typed form writes it: booleans, integers and finite doubles as such; NaN and
// infinities as "nan", "inf", "-inf"; integers beyond 64 bits, decimals, dates, times and intervals
// as text; lists as arrays; maps and structs as objects (a map's keys as text); JSON as itself;
// BLOB as DuckDB's text form (\xNN).
Json value_to_json(const Value& value);
// Reads back what value_to_json wrote; exact for every type but JSON, whose blanks are not kept.
Result<Value> value_from_json(const Json& json, const Type& type);

// {"columns":[{"name":...,"type":...}],"rows":[[...]]}. Exact round trip.
Json batch_to_json(const Batch& batch);
Result<Batch> batch_from_json(const Json& json);

// One object per row: {column: value}.
Json row_to_json(const Batch& batch, size_t row);
Json rows_to_json(const Batch& batch);

// What a JSON answer means as a table. An object is one row whose members are columns: integer
// BIGINT, other number DOUBLE, boolean BOOLEAN, string VARCHAR, array or object JSON, null untyped.
// An array of objects is one row each; a column's types are unified (BIGINT with DOUBLE is DOUBLE,
// any others that differ JSON), absent members are null. Anything else: one column `value` with
// one row, or a row per element of an array.
Result<Batch> infer_table(const Json& json);

}  // namespace tidemill::value
