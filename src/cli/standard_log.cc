#include "cli/standard_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "io/real/clock.h"

namespace tidemill::cli {

void StandardLog::write(LogLevel level, std::string_view line) {
  static constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
  std::string const text = fmt::format("{} {:5} {}\n", format_rfc3339(io::RealClock().wall()),
                                       kLevels[static_cast<size_t>(level)], printable(line, 4000));
  // A full or closed standard error must not stop the server.
  [[maybe_unused]] ssize_t const written = ::write(2, text.data(), text.size());
}

}  // namespace tidemill::cli
