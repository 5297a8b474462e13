#include "cli/cron_vectors.h"

#include <fmt/format.h>

#include <fstream>

#include "base/json.h"
#include "base/text.h"
#include "clock/oracle.h"

namespace tidemill::cli {
namespace {

std::string name_of(const Json& row) {
  std::string name = row.text_or("entry", "?");
  std::string const zone = row.text_or("zone", "");
  return zone.empty() ? name : fmt::format("{} {} {}", zone, row.int_or("after", 0), name);
}

// True if the row agrees; `words` is what there is to say about it.
bool compare_line(clock::VectorKind kind, const std::string& line, std::string& words) {
  auto const row = parse_json(line);
  if (!row) {
    words = "cannot be read: " + row.error().text();
    return false;
  }
  auto const comparison = clock::compare_with_vector(kind, *row);
  if (!comparison) {
    words = fmt::format("{}: cannot be compared: {}", name_of(*row), comparison.error().text());
    return false;
  }
  if (comparison->verdict == clock::Verdict::kAgrees) return true;
  bool const is_paced = comparison->verdict == clock::Verdict::kAgreesButForPacing;
  words = fmt::format("{}: {}: {}", name_of(*row), is_paced ? "agrees but for pacing" : "disagrees",
                      comparison->words);
  return is_paced;
}

}  // namespace

int check_cron_vectors(const std::string& kind_name, const std::string& path, std::FILE* out,
                       std::FILE* err) {
  auto const kind = clock::vector_kind_from_name(kind_name);
  if (!kind) {
    fmt::print(err, "error: {}\n", kind.error().text());
    return 2;
  }
  std::ifstream file(path);
  if (!file) fmt::print(err, "error: cannot read {}\n", printable(path, 200));
  size_t agree = 0;
  size_t rows = 0;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (trim(line).empty()) continue;
    ++rows;
    std::string words;
    if (compare_line(*kind, line, words)) ++agree;
    if (!words.empty()) fmt::print(out, "line {}: {}\n", number, words);
  }
  fmt::print(out, "agree={} of={}\n", agree, rows);
  std::fflush(out);
  return rows > 0 && agree == rows ? 0 : 1;
}

}  // namespace tidemill::cli
