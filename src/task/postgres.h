// Between PostgreSQL's text and the value types of calculations.
#pragma once

#include "io/postgres.h"
#include "value/batch.h"

namespace tidemill::task {

// A bound parameter; small integers as the smallest type, so that functions of int4 take them.
io::PostgresParam postgres_param(const value::Value& value);

// The type that a column has in calculations. A numeric without precision is DOUBLE; types without
// a counterpart (uuid, inet, enumerations, arrays...) are VARCHAR.
value::Type postgres_type(const io::PostgresColumn& column);

// The answer's rows, typed. Refused: two columns of one name; a value that the type cannot hold,
// such as a date before Christ.
Result<value::Batch> postgres_table(const io::PostgresAnswer& answer);

}  // namespace tidemill::task
