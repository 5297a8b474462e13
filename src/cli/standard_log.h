// Log lines to standard error, with the time in UTC.
#pragma once

#include "base/log.h"

namespace tidemill::cli {

// Thread-safe: each line is one write.
class StandardLog final : public Log {
 public:
  void write(LogLevel level, std::string_view line) override;
};

}  // namespace tidemill::cli
