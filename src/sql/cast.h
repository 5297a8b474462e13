// Casts between types, and the type that two have in common. Private to this room.
#pragma once

#include "sql/bound.h"

namespace tidemill::sql {

// The expression as a value of type `to`. Constants are cast at once; a failure is left to the rows
// that need it, or is null with is_try. An error if no such cast exists.
Result<BoundPtr> bind_cast(BoundPtr expr, const value::Type& to, bool is_try, Position at);

// One value by the same rules.
Result<value::Value> cast_value(const value::Value& value, const value::Type& to);

// The type that CASE, COALESCE, UNION, IN and comparisons bring both sides to, or nothing if an
// explicit cast is required. Literals give way to the other side.
struct TypedSide {
  value::Type type;
  LiteralKind literal = LiteralKind::kNone;
  value::int128 number = 0;  // of an integer literal
};
TypedSide side_of(const BoundPtr& expr);
std::optional<TypedSide> common_side(const TypedSide& a, const TypedSide& b);
// The type in which two sides are compared. For equality (=, <>, IN, CASE x WHEN) text that is no
// literal gives way to the other side too; for an order it does not.
enum class Comparison { kEquality, kOrder };
std::optional<value::Type> comparison_type(const BoundPtr& a, const BoundPtr& b,
                                           Comparison comparison);
// The DECIMAL that holds every value of an integer type.
value::Type decimal_of_integer(value::Kind kind);

// "VARCHAR", or "STRING_LITERAL" and "INTEGER_LITERAL" as messages name literals.
std::string shown_type(const BoundPtr& expr);

}  // namespace tidemill::sql
