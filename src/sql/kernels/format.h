// format('{}-{:.2f}', ...) in fmt's syntax, and printf('%05d|%s', ...).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "value/int128.h"

namespace tidemill::sql::kernels {

// Decimals come as double, dates and the rest as text. A NULL argument makes the result NULL
// before.
using FormatArgument = std::variant<bool, int64_t, uint64_t, value::int128, double, std::string>;

// Errors name the format and the argument: "Invalid Input Error: Argument index "2" out of range".
Result<std::string> format(std::string_view pattern, std::span<const FormatArgument> arguments);
Result<std::string> printf(std::string_view pattern, std::span<const FormatArgument> arguments);

}  // namespace tidemill::sql::kernels
