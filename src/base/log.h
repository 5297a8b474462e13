// The server's own log: one line an event, to standard error.
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace tidemill {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// Where lines go. Made by main and passed down; thread-safe.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view line) = 0;

  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kWarn, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
  }
};

// Drops every line.
class NoLog final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
};

}  // namespace tidemill
