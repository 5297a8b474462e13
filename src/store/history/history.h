// All segments of a data directory: finished runs by id, and newest first by filter.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "io/files.h"
#include "store/history/run_record.h"
#include "store/history/segment.h"
#include "store/store.h"

namespace tidemill::store {

// The day of a run, as its folder is named: "2026-03-01".
std::string day_of(Time created);

// Reading: any thread. add(), merge() and remove_days(): one thread at a time, of the one process
// that holds the data directory.
class History {
 public:
  // kOwner: this process writes the folder. kGuest: another may; every look reads the folder anew.
  enum class Mode { kOwner, kGuest };
  static Result<std::unique_ptr<History>> open(const std::string& data_folder, io::Files& files,
                                               Mode mode);

  Result<std::optional<RunRecord>> find(const run::RunId& id);
  // Rows of `run`, newest first.
  Result<std::vector<Cells>> list(const RunFilter& filter);
  // Runs of one day; durable and found from now on when it answers.
  Status add(const std::string& day, std::vector<PackedRun> runs);
  // Makes one larger segment of small ones, if there are enough of them. True: it did.
  Result<bool> merge();
  // Removes days before `first_kept`, unless a run of theirs finished after `kept_since`. Answers
  // how many.
  Result<size_t> remove_days(const std::string& first_kept, Time kept_since);
  // The files in values/ that runs of any segment name.
  Result<std::set<std::string>> values();
  Result<std::vector<std::shared_ptr<const Segment>>> segments();
  uint64_t runs();

  static constexpr size_t kSmallSegments = 8;      // so many of them are merged
  static constexpr uint32_t kFullRuns = 50'000;    // a segment with more is not merged again
  static constexpr size_t kFullBytes = 32u << 20;  // nor a larger one

 private:
  struct Placed {
    std::string day;
    uint32_t first = 0, last = 0;  // the numbers that it carries
    std::shared_ptr<const Segment> segment;
  };
  using Catalog = std::vector<Placed>;  // by day, then number
  struct Hit {
    std::string_view id;
    size_t segment;  // within the catalog
    Segment::Number number;
  };

  History(std::string folder, io::Files& files, Mode mode)
      : folder_(std::move(folder)), files_(files), mode_(mode) {}
  Result<Catalog> read_folder();
  Status read_day(const std::string& day, Catalog& catalog);
  Status remove_void(Catalog& catalog);
  Result<std::shared_ptr<const Catalog>> catalog();
  void replace(Catalog next);
  Result<std::vector<Hit>> hits_in(const Catalog& all, size_t index, const RunFilter& filter) const;
  Status merge_run(const Catalog& from, size_t begin, size_t end);

  std::string folder_;
  io::Files& files_;
  Mode mode_;
  // Guards the pointer only. A reader keeps the list that it began with.
  std::mutex mutex_;
  std::shared_ptr<const Catalog> catalog_;
};

}  // namespace tidemill::store
