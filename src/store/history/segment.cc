// Reading of segments.
#include "store/history/segment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/bytes.h"
#include "store/history/compress.h"
#include "store/history/run_record.h"
#include "store/history/segment_format.h"

namespace tidemill::store {
namespace {

// A prefix that more keys have than this is filtered while walking from the newest run on.
constexpr size_t kKeysToSort = 4096;

}  // namespace

Segment::Segment(std::string path, std::shared_ptr<io::MappedFile> file)
    : path_(std::move(path)), file_(std::move(file)) {
  auto const bytes = file_->bytes();
  bytes_ = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<std::shared_ptr<Segment>> Segment::open(const std::string& path, io::Files& files) {
  TIDEMILL_TRY_LET(file, files.map(path));
  std::shared_ptr<Segment> opened(new Segment(path, std::move(file)));
  TIDEMILL_TRY(opened->read_header());
  return opened;
}

Status Segment::damaged(std::string_view what) const {
  return fail(Code::kInternal,
              fmt::format("{} is damaged: {}; put back the file from a backup", path_, what));
}

Status Segment::read_header() {
  ByteReader in(bytes_);
  if (in.raw(8) != segment::kMagic) return damaged("it does not begin as a segment of history");
  uint32_t const version = in.u32();
  if (in.ok() && version != segment::kVersion) {
    return fail(Code::kInvalid,
                fmt::format("{} has version {}, this program knows up to {}; start the newer "
                            "program that wrote it",
                            path_, version, segment::kVersion));
  }
  size_t const header_size = in.u32();
  uint64_t const size = in.u64();
  runs_ = in.u32();
  blocks_ = in.u32();
  index_offset_ = in.u64();
  index_size_ = in.u64();
  index_checksum_ = in.u64();
  newest_finished_ = {static_cast<int64_t>(in.u64())};
  smallest_ = std::string(in.text());
  largest_ = std::string(in.text());
  size_t const summed = bytes_.size() - in.left();
  uint64_t const checksum = in.u64();
  if (!in.ok() || header_size != summed + 8 || checksum != hash64(bytes_.substr(0, summed))) {
    return damaged("the checksum of its header does not agree");
  }
  bool const fits = size == bytes_.size() && index_offset_ <= size &&
                    index_size_ == size - index_offset_ && index_offset_ >= header_size;
  if (!fits) return damaged(fmt::format("it has {} bytes, expected {}", bytes_.size(), size));
  return {};
}

uint32_t Segment::u32_at(size_t offset) const { return ByteReader(bytes_.substr(offset, 4)).u32(); }

Status Segment::check_index() const {
  if (is_checked_.load(std::memory_order_acquire)) return {};
  std::lock_guard lock(mutex_);
  if (is_checked_.load(std::memory_order_relaxed)) return {};
  if (hash64(bytes_.substr(index_offset_, index_size_)) != index_checksum_) {
    return damaged("the checksum of its index does not agree");
  }
  TIDEMILL_TRY(lay_out_index());
  is_checked_.store(true, std::memory_order_release);
  return {};
}

// The checksum agreed, so these are the writer's bytes; they are measured all the same.
Status Segment::lay_out_index() const {
  ByteReader in(bytes_.substr(index_offset_, index_size_));
  auto here = [&] { return index_offset_ + index_size_ - in.left(); };
  in.raw(size_t{blocks_} * 8);
  uint32_t const flows = in.u32();
  flows_.clear();
  for (uint32_t i = 0; i < flows && in.ok(); ++i) flows_.push_back(in.text());
  entries_ = here();
  in.raw(size_t{runs_} * segment::kEntryBytes);
  group_count_ = in.u32();
  groups_ = here();
  in.raw(group_count_ * segment::kGroupBytes);
  postings_ = here();
  in.raw(size_t{runs_} * 4);
  by_key_ = here();
  in.raw(size_t{runs_} * 4);
  value_count_ = in.u32();
  values_ = here();
  in.raw(value_count_ * segment::kDigestBytes);
  text_size_ = in.u32();
  texts_ = here();
  in.raw(text_size_);
  if (!in.finished()) return damaged("its index is not laid out as its header says");
  for (Number number = 0; number < runs_; ++number) {
    ByteReader row(bytes_.substr(entries_ + number * segment::kEntryBytes, segment::kEntryBytes));
    size_t const offset = row.u32();
    size_t const length = size_t{row.u16()} + row.u16();
    uint32_t const flow = row.u32();
    bool const has_state = segment::state_of(row.u32()).has_value();
    if (offset + length > text_size_ || flow >= flows_.size() || !has_state ||
        row.u32() >= blocks_ || u32_at(postings_ + number * 4) >= runs_ ||
        u32_at(by_key_ + number * 4) >= runs_) {
      return damaged(fmt::format("run {} of its index points nowhere", number));
    }
  }
  return {};
}

Segment::Entry Segment::entry(Number number) const {
  ByteReader row(bytes_.substr(entries_ + number * segment::kEntryBytes, segment::kEntryBytes));
  size_t const offset = texts_ + row.u32();
  size_t const id_length = row.u16();
  size_t const key_length = row.u16();
  Entry entry;
  entry.id = bytes_.substr(offset, id_length);
  entry.key = bytes_.substr(offset + id_length, key_length);
  entry.flow = flows_[row.u32()];
  entry.state = segment::state_of(row.u32()).value_or(run::RunState::kSucceeded);
  entry.block = row.u32();
  entry.offset = row.u32();
  entry.length = row.u32();
  return entry;
}

Segment::Number Segment::lower_bound(std::string_view id) const {
  Number low = 0;
  Number high = runs_;
  while (low < high) {
    Number const middle = low + (high - low) / 2;
    if (entry(middle).id < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<std::optional<Segment::Number>> Segment::find(std::string_view id) const {
  if (runs_ == 0 || id < smallest_ || id > largest_) return std::optional<Number>();
  TIDEMILL_TRY(check_index());
  Number const number = lower_bound(id);
  if (number == runs_ || entry(number).id != id) return std::optional<Number>();
  return std::optional<Number>(number);
}

// The runs of one (flow, state) below `end`, newest first, until `visit` answers false.
void Segment::walk_group(size_t group, Number end, const std::function<bool(Number)>& visit) const {
  size_t const at = groups_ + group * segment::kGroupBytes;
  size_t const first = u32_at(at + 8);
  size_t low = 0;
  size_t high = std::min<size_t>(u32_at(at + 12), runs_);
  auto posting = [&](size_t i) { return u32_at(postings_ + (first + i) * 4); };
  while (low < high) {
    size_t const middle = low + (high - low) / 2;
    if (posting(middle) < end) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (size_t i = low; i > 0; --i) {
    if (!visit(posting(i - 1))) return;
  }
}

// Nothing if too many keys have the prefix.
std::optional<std::vector<Segment::Number>> Segment::by_key_prefix(const RunFilter& filter,
                                                                   Number end) const {
  std::string_view const prefix = filter.key_prefix;
  auto at = [&](size_t i) { return u32_at(by_key_ + i * 4); };
  size_t low = 0;
  size_t high = runs_;
  while (low < high) {
    size_t const middle = low + (high - low) / 2;
    if (entry(at(middle)).key < prefix) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  std::vector<Number> numbers;
  size_t seen = 0;
  for (; low < runs_; ++low) {
    Number const number = at(low);
    Entry const found = entry(number);
    if (!found.key.starts_with(prefix)) break;
    if (++seen > kKeysToSort) return std::nullopt;
    bool const fits = number < end && (filter.flow.empty() || found.flow == filter.flow) &&
                      (!filter.state || found.state == *filter.state);
    if (fits) numbers.push_back(number);
  }
  std::sort(numbers.rbegin(), numbers.rend());
  return numbers;
}

Result<std::vector<Segment::Number>> Segment::matching(const RunFilter& filter) const {
  std::vector<Number> numbers;
  if (runs_ == 0 || (filter.state && !run::is_final(*filter.state))) return numbers;
  TIDEMILL_TRY(check_index());
  Number const end = filter.after.empty() ? runs_ : lower_bound(filter.after);
  if (!filter.key_prefix.empty()) {
    if (auto few = by_key_prefix(filter, end)) {
      if (few->size() > filter.limit) few->resize(filter.limit);
      return *few;
    }
  }
  size_t wanted = filter.limit;
  auto visit = [&](Number number) {
    if (entry(number).key.starts_with(filter.key_prefix)) numbers.push_back(number);
    return numbers.size() < wanted;
  };
  if (filter.limit == 0) return numbers;
  if (filter.flow.empty() && !filter.state) {
    for (Number number = end; number > 0 && visit(number - 1);) --number;
    return numbers;
  }
  for (size_t group = 0; group < group_count_; ++group) {
    size_t const at = groups_ + group * segment::kGroupBytes;
    uint32_t const flow = u32_at(at);
    if (flow >= flows_.size()) return fail(damaged("a group names no flow").error());
    if (!filter.flow.empty() && flows_[flow] != filter.flow) continue;
    if (filter.state && u32_at(at + 4) != segment::state_number(*filter.state)) continue;
    wanted = numbers.size() + filter.limit;
    walk_group(group, end, visit);
  }
  std::sort(numbers.rbegin(), numbers.rend());
  if (numbers.size() > filter.limit) numbers.resize(filter.limit);
  return numbers;
}

Result<std::vector<std::string>> Segment::values() const {
  TIDEMILL_TRY(check_index());
  std::vector<std::string> values;
  for (size_t i = 0; i < value_count_; ++i) {
    values.emplace_back(bytes_.substr(values_ + i * segment::kDigestBytes, segment::kDigestBytes));
  }
  return values;
}

Result<std::string> Segment::block(uint32_t number) const {
  uint64_t const offset = ByteReader(bytes_.substr(index_offset_ + size_t{number} * 8, 8)).u64();
  if (offset >= index_offset_) return fail(damaged("a block stands nowhere").error());
  ByteReader in(bytes_.substr(offset, index_offset_ - offset));
  uint32_t const raw_size = in.u32();
  uint32_t const stored_size = in.u32();
  uint64_t const checksum = in.u64();
  std::string_view const stored = in.raw(stored_size);
  if (!in.ok() || hash64(stored) != checksum) {
    return fail(damaged(fmt::format("the checksum of block {} does not agree", number)).error());
  }
  auto raw = decompress(stored, raw_size);
  if (!raw) return fail(damaged(raw.error().message).error());
  return raw;
}

Result<std::string_view> Segment::Cursor::read(Number number) {
  Entry const entry = segment_.entry(number);
  if (block_ != entry.block) {
    block_.reset();
    TIDEMILL_TRY_LET(raw, segment_.block(entry.block));
    raw_ = std::move(raw);
    block_ = entry.block;
  }
  if (size_t{entry.offset} + entry.length > raw_.size()) {
    return fail(segment_.damaged("a run stands outside of its block").error());
  }
  return std::string_view(raw_).substr(entry.offset, entry.length);
}

Status Segment::verify() const {
  TIDEMILL_TRY(check_index());
  Cursor cursor(*this);
  for (Number number = 0; number < runs_; ++number) {
    TIDEMILL_TRY_LET(bytes, cursor.read(number));
    auto const record = unpack(bytes);
    if (!record || record->run.text(0) != entry(number).id) {
      return damaged(fmt::format("run {} is not the one that its index names", number));
    }
    if (number > 0 && !(entry(number - 1).id < entry(number).id)) {
      return damaged("its runs are not in order");
    }
  }
  return {};
}

}  // namespace tidemill::store
