#include "store/history/run_record.h"

#include <algorithm>
#include <bit>

#include "io/sqlite.h"
#include "base/bytes.h"
#include "store/row_codec.h"

namespace tidemill::store {
namespace {

constexpr uint8_t kVersion = 1;
enum Tag : uint8_t { kNull, kInteger, kText, kDouble };

void put_cell(ByteWriter& out, const Cells::Cell& cell) {
  if (const auto* number = std::get_if<int64_t>(&cell)) {
    out.u8(kInteger);
    auto const bits = static_cast<uint64_t>(*number);
    out.varint((bits << 1) ^ (*number < 0 ? ~uint64_t{0} : 0));
  } else if (const auto* text = std::get_if<std::string>(&cell)) {
    out.u8(kText);
    out.varint(text->size());
    out.raw(*text);
  } else if (const auto* real = std::get_if<double>(&cell)) {
    out.u8(kDouble);
    out.u64(std::bit_cast<uint64_t>(*real));
  } else {
    out.u8(kNull);
  }
}

void put_rows(ByteWriter& out, const std::vector<Cells>& rows) {
  out.varint(rows.size());
  for (const Cells& row : rows) {
    out.varint(row.cells.size());
    for (const Cells::Cell& cell : row.cells) put_cell(out, cell);
  }
}

bool get_cell(ByteReader& in, Cells::Cell& cell) {
  switch (in.u8()) {
    case kNull:
      cell = std::monostate();
      return true;
    case kInteger: {
      uint64_t const bits = in.varint();
      cell = static_cast<int64_t>((bits >> 1) ^ ((bits & 1) != 0 ? ~uint64_t{0} : 0));
      return true;
    }
    case kText:
      cell = std::string(in.raw(in.varint()));
      return true;
    case kDouble:
      cell = std::bit_cast<double>(in.u64());
      return true;
    default:
      return false;
  }
}

bool get_rows(ByteReader& in, std::vector<Cells>& rows) {
  uint64_t const count = in.varint();
  if (count > in.left()) return false;
  rows.resize(count);
  for (Cells& row : rows) {
    uint64_t const columns = in.varint();
    if (columns > in.left()) return false;
    row.cells.resize(columns);
    for (Cells::Cell& cell : row.cells) {
      if (!get_cell(in, cell)) return false;
    }
  }
  return in.ok();
}

}  // namespace

Cells::Cells(const io::Statement& row) {
  int const columns = row.columns();
  cells.reserve(static_cast<size_t>(columns));
  for (int column = 0; column < columns; ++column) {
    switch (row.type(column)) {
      case io::Statement::Type::kInteger:
        cells.emplace_back(row.integer(column));
        break;
      case io::Statement::Type::kFloat:
        cells.emplace_back(row.real(column));
        break;
      case io::Statement::Type::kNull:
        cells.emplace_back();
        break;
      default:
        cells.emplace_back(row.text(column));
    }
  }
}

std::string Cells::text(int column) const {
  size_t const index = static_cast<size_t>(column);
  const auto* text = index < cells.size() ? std::get_if<std::string>(&cells[index]) : nullptr;
  return text != nullptr ? *text : std::string();
}
int64_t Cells::integer(int column) const {
  size_t const index = static_cast<size_t>(column);
  const auto* number = index < cells.size() ? std::get_if<int64_t>(&cells[index]) : nullptr;
  return number != nullptr ? *number : 0;
}
bool Cells::is_null(int column) const {
  size_t const index = static_cast<size_t>(column);
  return index >= cells.size() || std::holds_alternative<std::monostate>(cells[index]);
}
std::optional<Time> Cells::optional_time(int column) const {
  if (is_null(column)) return std::nullopt;
  return Time{integer(column)};
}

std::string pack(const RunRecord& record) {
  ByteWriter out;
  out.u8(kVersion);
  put_rows(out, {record.run});
  put_rows(out, record.tasks);
  put_rows(out, record.attempts);
  put_rows(out, record.chains);
  return out.take();
}

Result<RunRecord> unpack(std::string_view bytes) {
  ByteReader in(bytes);
  RunRecord record;
  std::vector<Cells> run;
  bool const is_known = in.u8() == kVersion;
  if (!is_known || !get_rows(in, run) || run.size() != 1 || !get_rows(in, record.tasks) ||
      !get_rows(in, record.attempts) || !get_rows(in, record.chains) || !in.finished()) {
    return fail(Code::kInternal, "a run of history that this program cannot read");
  }
  record.run = std::move(run[0]);
  return record;
}

std::vector<std::string> values_of(const RunRecord& record) {
  std::vector<std::string> values;
  auto note = [&](const Cells& row, int column) {
    std::string const text = row.text(column);
    if (text.size() == 65 && text[0] == '@') values.push_back(text.substr(1));
  };
  for (const Cells& row : record.tasks) note(row, kTaskValueColumn);
  for (const Cells& row : record.chains) note(row, kChainEntriesColumn);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

void bind_cells(io::Statement& statement, const Cells& row) {
  for (const Cells::Cell& cell : row.cells) {
    if (const auto* number = std::get_if<int64_t>(&cell)) {
      statement.add(*number);
    } else if (const auto* text = std::get_if<std::string>(&cell)) {
      statement.add(*text);
    } else if (const auto* real = std::get_if<double>(&cell)) {
      statement.add(*real);
    } else {
      statement.add_null();
    }
  }
}

}  // namespace tidemill::store
