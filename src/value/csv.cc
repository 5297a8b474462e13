#include "value/csv.h"

#include <cctype>

#include "base/text.h"
#include "value/date.h"
#include "value/number_text.h"

namespace tidemill::value {
namespace {

struct Cell {
  std::string_view raw;  // within the text; of a quoted cell, without the outer quotes
  bool is_quoted = false;
  bool has_doubled = false;  // holds "" for "
};

struct Row {
  size_t line;
  std::vector<Cell> cells;
};

std::string cell_text(const Cell& cell) {
  std::string out;
  for (size_t i = 0; i < cell.raw.size(); ++i) {
    out += cell.raw[i];
    if (cell.has_doubled && cell.raw[i] == '"') ++i;
  }
  return out;
}

// Cuts the text into rows of cells without copying.
class Cutter {
 public:
  Cutter(std::string_view text, const CsvOptions& options) : text_(text), options_(options) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
  }

  bool at_end() const { return at_ >= text_.size(); }

  Result<Row> next() {
    Row row{line_, {}};
    while (true) {
      TIDEMILL_TRY_LET(cell, read_cell());
      row.cells.push_back(cell);
      if (row.cells.size() > options_.max_columns) {
        return fail(Code::kExhausted, fmt::format("CSV line {}: more than {} columns", row.line,
                                                  options_.max_columns));
      }
      if (!at_end() && text_[at_] == options_.delimiter) {
        ++at_;
        continue;
      }
      skip_line_end();
      return row;
    }
  }

 private:
  void skip_line_end() {
    if (!at_end() && text_[at_] == '\r') ++at_;
    if (!at_end() && text_[at_] == '\n') ++at_;
    ++line_;
  }

  Result<Cell> read_cell() {
    if (!at_end() && text_[at_] == '"') return read_quoted();
    const size_t start = at_;
    while (!at_end() && text_[at_] != options_.delimiter && text_[at_] != '\n' &&
           text_[at_] != '\r') {
      ++at_;
    }
    return Cell{text_.substr(start, at_ - start)};
  }

  Result<Cell> read_quoted() {
    const size_t first_line = line_;
    const size_t start = ++at_;
    bool has_doubled = false;
    while (!at_end()) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        ++at_;
        continue;
      }
      if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        has_doubled = true;
        at_ += 2;
        continue;
      }
      const Cell cell{text_.substr(start, at_ - start), true, has_doubled};
      ++at_;
      if (!at_end() && text_[at_] != options_.delimiter && text_[at_] != '\n' &&
          text_[at_] != '\r') {
        return fail(Code::kInvalid,
                    fmt::format("CSV line {}: found '{}' behind a closing quote, expected '{}' or "
                                "the end of the line",
                                line_, printable(text_.substr(at_, 1), 4), options_.delimiter));
      }
      return cell;
    }
    return fail(Code::kInvalid,
                fmt::format("CSV line {}: a quote opens here and is never closed", first_line));
  }

  std::string_view text_;
  const CsvOptions& options_;
  size_t at_ = 0;
  size_t line_ = 1;
};

bool is_bool(std::string_view text) {
  const std::string lower = to_lower_ascii(text);
  return lower == "true" || lower == "false" || lower == "t" || lower == "f";
}

bool is_plain_number(std::string_view text) {
  return !text.empty() && text.find_first_of("0123456789") != std::string_view::npos &&
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

bool is_bigint(std::string_view text) {
  if (!is_plain_number(text) || text.find_first_of(".eE") != std::string_view::npos) return false;
  return parse_integer<int64_t>(text).has_value();
}

bool is_double(std::string_view text) {
  const std::string lower = to_lower_ascii(text);
  if (lower == "nan" || lower == "inf" || lower == "-inf") return true;
  return is_plain_number(text) && parse_double(text).has_value();
}

bool is_date(std::string_view text) {
  if (text.size() < 8 || text.find_first_not_of("0123456789-/") != std::string_view::npos) {
    return false;
  }
  return parse_date(text).has_value();
}

bool is_timestamp(std::string_view text) {
  if (text.size() < 8 || !isdigit(static_cast<unsigned char>(text.front()))) return false;
  return parse_timestamp(text).has_value();
}

struct Candidate {
  Kind kind;
  bool (*fits)(std::string_view);
};
// In the order in which they are tried.
constexpr Candidate kCandidates[] = {
    {Kind::kBool, is_bool}, {Kind::kInt64, is_bigint},        {Kind::kDouble, is_double},
    {Kind::kDate, is_date}, {Kind::kTimestamp, is_timestamp},
};

bool is_null_cell(const Cell& cell, const CsvOptions& options) {
  return !cell.is_quoted && (cell.raw.empty() || cell.raw == options.null_text);
}

Kind sniff(const std::vector<Row>& rows, size_t column, const CsvOptions& options) {
  if (!options.sniff_types) return Kind::kVarchar;
  bool has_value = false;
  size_t candidate = 0;
  for (size_t i = 0; i < rows.size() && candidate < std::size(kCandidates); ++i) {
    const Cell& cell = rows[i].cells[column];
    if (is_null_cell(cell, options)) continue;
    has_value = true;
    if (cell.is_quoted && cell.raw.empty()) return Kind::kVarchar;
    if (kCandidates[candidate].fits(cell.raw)) continue;
    ++candidate;
    i = static_cast<size_t>(-1);  // the next candidate must fit all rows from the first
  }
  if (!has_value || candidate == std::size(kCandidates)) return Kind::kVarchar;
  return kCandidates[candidate].kind;
}

// The cell fits the kind: the sniffer has tried it.
Value cell_value(const Cell& cell, Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return Value::boolean(cell.raw[0] == 't' || cell.raw[0] == 'T');
    case Kind::kInt64:
      return Value::bigint(*parse_integer<int64_t>(cell.raw));
    case Kind::kDouble:
      return Value::real(*parse_double(cell.raw));
    case Kind::kDate:
      return Value::of_int(kind, parse_date(cell.raw)->days);
    case Kind::kTimestamp:
      return Value::of_int(kind, parse_timestamp(cell.raw)->us);
    default:
      return Value::text(cell_text(cell));
  }
}

Result<std::vector<Row>> cut(std::string_view text, const CsvOptions& options) {
  Cutter cutter(text, options);
  std::vector<Row> rows;
  while (!cutter.at_end()) {
    TIDEMILL_TRY_LET(row, cutter.next());
    const size_t width = rows.empty() ? row.cells.size() : rows.front().cells.size();
    const bool is_blank = row.cells.size() == 1 && row.cells[0].raw.empty();
    if (is_blank && !row.cells[0].is_quoted && (rows.empty() || width > 1)) continue;
    if (row.cells.size() != width) {
      return fail(Code::kInvalid,
                  fmt::format("CSV line {}: found {} cells, expected {} as in line "
                              "{}",
                              row.line, row.cells.size(), width, rows.front().line));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

size_t line_of_bad_utf8(std::string_view text) {
  size_t line = 1;
  for (const std::string_view part : split(text, '\n')) {
    if (!is_utf8(part)) return line;
    ++line;
  }
  return line;
}

void append_csv_cell(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace

Result<Batch> read_csv(std::string_view text, const CsvOptions& options) {
  if (text.size() > options.max_bytes) {
    return fail(Code::kExhausted, fmt::format("CSV text of {} bytes is over the limit of {}",
                                              text.size(), options.max_bytes));
  }
  if (!is_utf8(text)) {
    return fail(Code::kInvalid, fmt::format("CSV line {}: the text is not UTF-8; convert the file",
                                            line_of_bad_utf8(text)));
  }
  TIDEMILL_TRY_LET(rows, cut(text, options));
  if (rows.empty()) {
    return fail(Code::kInvalid, "the CSV text is empty; expected a header line with column names");
  }
  const size_t width = rows.front().cells.size();
  auto names = std::make_shared<Batch::Names>();
  for (size_t i = 0; i < width; ++i) {
    std::string name = options.header ? cell_text(rows.front().cells[i]) : "";
    names->push_back(name.empty() ? fmt::format("column{}", i) : std::move(name));
  }
  if (options.header) rows.erase(rows.begin());
  std::vector<Column> columns;
  for (size_t i = 0; i < width; ++i) {
    const Kind kind = sniff(rows, i, options);
    Column column{Type(kind)};
    column.reserve(rows.size());
    for (const Row& row : rows) {
      if (is_null_cell(row.cells[i], options)) {
        column.append_null();
      } else {
        column.append(cell_value(row.cells[i], kind));
      }
    }
    columns.push_back(std::move(column));
  }
  return Batch(std::move(names), std::move(columns), rows.size());
}

std::string write_csv(const Batch& batch) {
  std::string out;
  for (size_t i = 0; i < batch.width(); ++i) {
    if (i > 0) out += ',';
    append_csv_cell(out, batch.name(i));
  }
  out += '\n';
  for (size_t row = 0; row < batch.rows(); ++row) {
    for (size_t i = 0; i < batch.width(); ++i) {
      if (i > 0) out += ',';
      if (batch.column(i).is_valid(row)) append_csv_cell(out, batch.at(row, i).to_text());
    }
    out += '\n';
  }
  return out;
}

}  // namespace tidemill::value
