// One replacement field of format and printf: its options, and a value written by them. Internal to
// this folder.
#pragma once

#include <string>

#include "base/result.h"
#include "sql/kernels/format.h"

namespace tidemill::sql::kernels {

enum class Align { kDefault, kLeft, kRight, kCenter };

struct FieldOptions {
  std::string fill = " ";  // one character
  Align align = Align::kDefault;
  char sign = '-';         // '-', '+' or ' '
  bool alternate = false;  // '#'
  bool zero_padded = false;
  int64_t width = 0;
  int64_t precision = -1;     // -1: none
  char thousands = 0;         // 0: none
  char type = 0;              // 0: the value's own
  bool printf_rules = false;  // text at the right, negative numbers in base 16 as two's complement
};

// Longest field and most digits that may be asked for.
inline constexpr int64_t kMaxFieldWidth = 1'000'000;
inline constexpr int64_t kMaxPrecision = 1'000;

Result<std::string> write_field(const FormatArgument& argument, const FieldOptions& options);

// An argument that gives a width or precision ("{:>{}}", "%*d").
Result<int64_t> size_argument(std::span<const FormatArgument> arguments, size_t index);
Error argument_range_error(size_t index);

}  // namespace tidemill::sql::kernels
