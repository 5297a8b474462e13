// Writing of segments.
#include <algorithm>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/bytes.h"
#include "store/history/compress.h"
#include "store/history/segment.h"
#include "store/history/segment_format.h"

namespace tidemill::store {
namespace {

constexpr size_t kBlockBytes = 64u << 10;

struct Place {
  uint32_t block = 0;
  uint32_t offset = 0;
};

// Sorted by id; of equal ids the last stays.
void sort_runs(std::vector<PackedRun>& runs) {
  std::stable_sort(runs.begin(), runs.end(),
                   [](const PackedRun& a, const PackedRun& b) { return a.id < b.id; });
  auto const newer =
      std::unique(runs.rbegin(), runs.rend(),
                  [](const PackedRun& a, const PackedRun& b) { return a.id == b.id; });
  runs.erase(runs.begin(), newer.base());
}

class Blocks {
 public:
  explicit Blocks(size_t start) : start_(start) {}
  Place add(const std::string& run) {
    if (!raw_.empty() && raw_.size() + run.size() > kBlockBytes) flush();
    Place const place{static_cast<uint32_t>(offsets_.size()), static_cast<uint32_t>(raw_.size())};
    raw_ += run;
    return place;
  }
  void flush() {
    if (raw_.empty()) return;
    std::string const stored = compress(raw_);
    offsets_.push_back(start_ + out_.size());
    out_.u32(static_cast<uint32_t>(raw_.size()));
    out_.u32(static_cast<uint32_t>(stored.size()));
    out_.u64(hash64(stored));
    out_.raw(stored);
    raw_.clear();
  }
  const std::vector<uint64_t>& offsets() const { return offsets_; }
  std::string take() { return out_.take(); }

 private:
  size_t start_;
  std::string raw_;
  ByteWriter out_;
  std::vector<uint64_t> offsets_;
};

std::vector<std::string> flows_of(const std::vector<PackedRun>& runs) {
  std::set<std::string> names;
  for (const PackedRun& run : runs) names.insert(run.flow);
  return {names.begin(), names.end()};
}

void put_groups(ByteWriter& index, const std::vector<PackedRun>& runs,
                const std::vector<uint32_t>& flow_of) {
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> groups;
  for (uint32_t number = 0; number < runs.size(); ++number) {
    groups[{flow_of[number], segment::state_number(runs[number].state)}].push_back(number);
  }
  index.u32(static_cast<uint32_t>(groups.size()));
  uint32_t first = 0;
  for (const auto& [group, numbers] : groups) {
    index.u32(group.first);
    index.u32(group.second);
    index.u32(first);
    index.u32(static_cast<uint32_t>(numbers.size()));
    first += static_cast<uint32_t>(numbers.size());
  }
  for (const auto& [group, numbers] : groups) {
    for (uint32_t number : numbers) index.u32(number);
  }
}

void put_keys(ByteWriter& index, const std::vector<PackedRun>& runs) {
  std::vector<uint32_t> order(runs.size());
  for (uint32_t number = 0; number < runs.size(); ++number) order[number] = number;
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return runs[a].key < runs[b].key; });
  for (uint32_t number : order) index.u32(number);
}

void put_values(ByteWriter& index, const std::vector<PackedRun>& runs) {
  std::set<std::string> values;
  for (const PackedRun& run : runs) values.insert(run.values.begin(), run.values.end());
  index.u32(static_cast<uint32_t>(values.size()));
  for (const std::string& value : values) index.raw(value);
}

std::string build_index(const std::vector<PackedRun>& runs, const std::vector<Place>& places,
                        const std::vector<uint64_t>& offsets) {
  ByteWriter index;
  for (uint64_t offset : offsets) index.u64(offset);
  std::vector<std::string> const flows = flows_of(runs);
  index.u32(static_cast<uint32_t>(flows.size()));
  for (const std::string& flow : flows) index.text(flow);
  std::vector<uint32_t> flow_of;
  std::string texts;
  for (size_t i = 0; i < runs.size(); ++i) {
    auto const found = std::lower_bound(flows.begin(), flows.end(), runs[i].flow);
    flow_of.push_back(static_cast<uint32_t>(found - flows.begin()));
    index.u32(static_cast<uint32_t>(texts.size()));
    index.u16(static_cast<uint16_t>(runs[i].id.size()));
    index.u16(static_cast<uint16_t>(runs[i].key.size()));
    index.u32(flow_of[i]);
    index.u32(segment::state_number(runs[i].state));
    index.u32(places[i].block);
    index.u32(places[i].offset);
    index.u32(static_cast<uint32_t>(runs[i].bytes.size()));
    index.u32(0);
    texts += runs[i].id;
    texts += runs[i].key;
  }
  put_groups(index, runs, flow_of);
  put_keys(index, runs);
  put_values(index, runs);
  index.text(texts);
  return index.take();
}

}  // namespace

std::string build_segment(std::vector<PackedRun> runs) {
  sort_runs(runs);
  const std::string smallest = runs.empty() ? "" : runs.front().id;
  const std::string largest = runs.empty() ? "" : runs.back().id;
  size_t const header_size = segment::kFixedHeader + 8 + smallest.size() + largest.size() + 8;
  Blocks blocks(header_size);
  std::vector<Place> places;
  Time newest;
  for (const PackedRun& run : runs) {
    places.push_back(blocks.add(run.bytes));
    newest = places.size() == 1 ? run.finished : std::max(newest, run.finished);
  }
  blocks.flush();
  std::string const index = build_index(runs, places, blocks.offsets());
  uint32_t const block_count = static_cast<uint32_t>(blocks.offsets().size());
  std::string const body = blocks.take();

  ByteWriter out;
  out.raw(segment::kMagic);
  out.u32(segment::kVersion);
  out.u32(static_cast<uint32_t>(header_size));
  out.u64(header_size + body.size() + index.size());
  out.u32(static_cast<uint32_t>(runs.size()));
  out.u32(block_count);
  out.u64(header_size + body.size());
  out.u64(index.size());
  out.u64(hash64(index));
  out.u64(static_cast<uint64_t>(newest.us));
  out.text(smallest);
  out.text(largest);
  out.u64(hash64(out.bytes()));
  out.raw(body);
  out.raw(index);
  return out.take();
}

}  // namespace tidemill::store
