#pragma once

#include <string_view>

namespace tidemill::cli {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace tidemill::cli
