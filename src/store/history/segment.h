// One file of finished runs: docs/formats/history.md. Immutable once it is written.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/files.h"
#include "run/rows.h"
#include "store/store.h"

namespace tidemill::store {

// A run on its way into a segment.
struct PackedRun {
  std::string id;
  std::string flow;
  std::string key;
  run::RunState state = run::RunState::kSucceeded;
  Time finished;
  std::vector<std::string> values;  // digests of its files in values/
  std::string bytes;                // pack()
};

// The bytes of a segment. Of runs with one id the last given holds.
std::string build_segment(std::vector<PackedRun> runs);

// Thread-safe: nothing changes but the note that the index was checked.
class Segment {
 public:
  using Number = uint32_t;  // of a run within the segment, by id
  struct Entry {
    std::string_view id, key, flow;
    run::RunState state = run::RunState::kSucceeded;
    uint32_t block = 0, offset = 0, length = 0;
  };

  // Maps the file and checks its header.
  static Result<std::shared_ptr<Segment>> open(const std::string& path, io::Files& files);

  const std::string& path() const { return path_; }
  uint32_t runs() const { return runs_; }
  size_t bytes() const { return bytes_.size(); }
  Time newest_finished() const { return newest_finished_; }
  const std::string& smallest_id() const { return smallest_; }
  const std::string& largest_id() const { return largest_; }

  Result<std::optional<Number>> find(std::string_view id) const;
  Entry entry(Number number) const;  // after find() or matching() succeeded
  // Runs of the filter, newest first, at most filter.limit.
  Result<std::vector<Number>> matching(const RunFilter& filter) const;
  Result<std::vector<std::string>> values() const;

  // Reads runs; keeps the block of the last one. One thread.
  class Cursor {
   public:
    explicit Cursor(const Segment& segment) : segment_(segment) {}
    Result<std::string_view> read(Number number);  // until the next call

   private:
    const Segment& segment_;
    std::optional<uint32_t> block_;
    std::string raw_;
  };
  // Reads every byte.
  Status verify() const;

 private:
  Segment(std::string path, std::shared_ptr<io::MappedFile> file);
  Status read_header();
  Status check_index() const;
  Status lay_out_index() const;
  Result<std::string> block(uint32_t number) const;
  Status damaged(std::string_view what) const;
  uint32_t u32_at(size_t offset) const;
  // The first run whose id is not below `id`.
  Number lower_bound(std::string_view id) const;
  void walk_group(size_t group, Number end, const std::function<bool(Number)>& visit) const;
  std::optional<std::vector<Number>> by_key_prefix(const RunFilter& filter, Number end) const;

  std::string path_;
  std::shared_ptr<io::MappedFile> file_;
  std::string_view bytes_;
  uint32_t runs_ = 0, blocks_ = 0;
  size_t index_offset_ = 0, index_size_ = 0;
  uint64_t index_checksum_ = 0;
  Time newest_finished_;
  std::string smallest_, largest_;

  // Places within the index, known once it was checked. The lock guards the first check only; any
  // reading thread may be the first, and a message would make every look-up asynchronous.
  mutable std::mutex mutex_;
  mutable std::atomic<bool> is_checked_{false};
  mutable std::vector<std::string_view> flows_;
  mutable size_t entries_ = 0, groups_ = 0, group_count_ = 0, postings_ = 0, by_key_ = 0;
  mutable size_t values_ = 0, value_count_ = 0, texts_ = 0, text_size_ = 0;
};

}  // namespace tidemill::store
