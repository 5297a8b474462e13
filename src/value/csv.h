// Reading CSV (RFC 4180) into a batch.
#pragma once

#include <string_view>

#include "value/batch.h"

namespace tidemill::value {

struct CsvOptions {
  char delimiter = ',';
  bool header = true;
  // A cell of exactly this text, unquoted, is null; the empty cell always is.
  std::string_view null_text = "";
  // Off: every column is VARCHAR.
  bool sniff_types = true;
  size_t max_bytes = 1u << 30;
  size_t max_columns = 10'000;
};

// Types are sniffed over all rows, the first that fits: BOOLEAN, BIGINT, DOUBLE, DATE, TIMESTAMP,
// else VARCHAR; a column with no value is VARCHAR. A quoted empty cell is the empty text. An error
// names the line: malformed UTF-8, an open quote, a row with too many or too few cells.
Result<Batch> read_csv(std::string_view text, const CsvOptions& options = {});

// Writes a header and rows; quotes where needed, null as the empty cell.
std::string write_csv(const Batch& batch);

}  // namespace tidemill::value
