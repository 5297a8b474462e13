// Numbers and booleans as text, and conversions between numbers, with the rules and messages of
// DuckDB's CAST. All functions are pure and may be called from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "value/int128.h"

namespace tidemill::value {

// Reads an integer of any width. Blanks at both ends are allowed, also '+', a fraction and an
// exponent (the value is rounded half away from zero: "2.5" is 3), '_' between two digits, "0x1F",
// "0b101" and "0o17" forms. Error: "Conversion Error: Could not convert string '12a' to INT32".
template <Integer T>
Result<T> parse_integer(std::string_view text);

// Reads a number such as "1e3", ".5", "5.", "inf", "-Infinity", "nan" (any case, blanks at both
// ends).
Result<double> parse_double(std::string_view text);
Result<float> parse_float(std::string_view text);

// "true", "t", "yes", "y", "1" and "false", "f", "no", "n", "0" in any case; blanks at both ends.
Result<bool> parse_bool(std::string_view text);

// The shortest text that reads back as the same number: "1.0", "0.1", "1e+20", "1e-07", "inf",
// "nan".
std::string format_double(double x);
std::string format_float(float x);
inline std::string_view format_bool(bool b) { return b ? "true" : "false"; }

// Rounds half to even. NaN, infinity and what does not fit are errors.
template <Integer T>
Result<T> integer_from_double(double x);
template <Integer T>
Result<T> integer_from_float(float x);

// Narrowing of integers: "Conversion Error: Type INT32 with value 300 can't be cast because the
// value is out of range for the destination type INT8".
template <Integer To, Integer From>
Result<To> integer_cast(From n);

// A double too large for a float is an error, NaN and infinity pass.
Result<float> float_from_double(double x);
double double_from_int128(int128 n);

}  // namespace tidemill::value

#include "value/number_text_inline.h"
