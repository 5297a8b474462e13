// Operators: what + - * / // % ** and comparisons do for which types. Private to this room.
#pragma once

#include "sql/cast.h"

namespace tidemill::sql {

// a + b and so on, by DuckDB's rules for types. The sign is one of + - * / // % ** & | << >> xor.
Result<BoundPtr> bind_arithmetic(std::string_view sign, BoundPtr a, BoundPtr b, Position at);
// -a, ~a.
Result<BoundPtr> bind_negate(BoundPtr a, Position at);
Result<BoundPtr> bind_bit_not(BoundPtr a, Position at);

// = <> < <= > >=, and "is distinct from", "is not distinct from", which never give null.
Result<BoundPtr> bind_comparison(std::string_view sign, BoundPtr a, BoundPtr b, Position at);

// Three-valued logic; arguments are cast to BOOLEAN. A row that is decided by one argument is not
// spoiled by a failure of another.
Result<BoundPtr> bind_and(std::vector<BoundPtr> args, Position at);
Result<BoundPtr> bind_or(std::vector<BoundPtr> args, Position at);
Result<BoundPtr> bind_not(BoundPtr arg, Position at);
Result<BoundPtr> bind_is_null(BoundPtr arg, bool is_negated, Position at);

// when, then, when, then, ..., else: conditions BOOLEAN, results of one type. Only the chosen
// branch can fail.
BoundPtr bind_case(std::vector<BoundPtr> args, value::Type type, Position at);
BoundPtr bind_coalesce(std::vector<BoundPtr> args, value::Type type, Position at);
// A failure is null.
BoundPtr bind_try(BoundPtr arg, Position at);

// Error "No function matches the given name and argument types '+(DATE, DATE)'".
Error no_match(std::string_view name, const std::vector<BoundPtr>& args, Position at,
               std::string_view hint = "");

// Order of two rows of one type: NaN is greatest, text by bytes; both must have values.
using RowOrder = int (*)(const Vec& a, size_t row_a, const Vec& b, size_t row_b);
RowOrder row_order(value::Kind kind);

// Bytes that are equal exactly if two rows of one type are equal in SQL (null equals null).
void append_row_key(std::string& out, const value::Type& type, const Vec& vec, size_t row);

}  // namespace tidemill::sql
