#include "cli/probe_vectors.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "base/text.h"
#include "sql/probe.h"

namespace tidemill::cli {

int check_probes(const std::string& path, std::FILE* out, std::FILE* err) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    fmt::print(err, "error: cannot read {}\n", printable(path, 200));
    return 1;
  }
  const auto outcomes = sql::run_probes(text.str());
  if (!outcomes) {
    fmt::print(err, "error: {}: {}\n", printable(path, 200), outcomes.error().text());
    return 1;
  }
  size_t agree = 0;
  for (const sql::ProbeOutcome& outcome : *outcomes) {
    if (outcome.difference.empty()) {
      ++agree;
    } else {
      fmt::print(out, "{}: {}: {}\n", outcome.id, outcome.sql, outcome.difference);
    }
  }
  fmt::print(out, "agree={} of={}\n", agree, outcomes->size());
  std::fflush(out);
  return !outcomes->empty() && agree == outcomes->size() ? 0 : 1;
}

}  // namespace tidemill::cli
