#include "store/history/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace tidemill::store {
namespace {

// "00000001-00000004.seg"
std::optional<std::pair<uint32_t, uint32_t>> numbers_of(std::string_view name) {
  if (name.size() != 21 || name[8] != '-' || !name.ends_with(".seg")) return std::nullopt;
  uint32_t first = 0;
  uint32_t last = 0;
  auto const a = std::from_chars(name.data(), name.data() + 8, first);
  auto const b = std::from_chars(name.data() + 9, name.data() + 17, last);
  if (a.ptr != name.data() + 8 || b.ptr != name.data() + 17 || first > last) return std::nullopt;
  return std::make_pair(first, last);
}

bool is_missing(const Error& error) { return error.code == Code::kNotFound; }

}  // namespace

std::string day_of(Time created) { return format_rfc3339(created).substr(0, 10); }

Result<std::unique_ptr<History>> History::open(const std::string& data_folder, io::Files& files,
                                               Mode mode) {
  std::unique_ptr<History> history(new History(data_folder + "/history", files, mode));
  if (mode == Mode::kGuest) return history;
  TIDEMILL_TRY(files.make_folders(history->folder_, 0700));
  TIDEMILL_TRY_LET(catalog, history->read_folder());
  TIDEMILL_TRY(history->remove_void(catalog));
  history->replace(std::move(catalog));
  return history;
}

Status History::read_day(const std::string& day, Catalog& catalog) {
  TIDEMILL_TRY_LET(entries, files_.list(folder_ + "/" + day));
  Catalog found;
  for (const io::FileInfo& entry : entries) {
    if (auto const numbers = numbers_of(entry.name)) {
      found.push_back({day, numbers->first, numbers->second, nullptr});
    }
  }
  std::sort(found.begin(), found.end(), [](const Placed& a, const Placed& b) {
    return std::make_pair(a.first, ~a.last) < std::make_pair(b.first, ~b.last);
  });
  uint32_t covered = 0;  // what lies within the range of another is void
  for (Placed& placed : found) {
    if (placed.last > covered) {
      std::string const path =
          fmt::format("{}/{}/{:08}-{:08}.seg", folder_, day, placed.first, placed.last);
      TIDEMILL_TRY_LET(segment, Segment::open(path, files_));
      placed.segment = std::move(segment);
      covered = placed.last;
    }
    catalog.push_back(std::move(placed));
  }
  return {};
}

// A guest may meet a file that its owner removes just then: it looks again.
Result<History::Catalog> History::read_folder() {
  constexpr int kLooks = 5;
  for (int look = 1;; ++look) {
    Catalog catalog;
    auto const days = files_.list(folder_);
    if (!days && is_missing(days.error())) return catalog;
    if (!days) return fail(days.error());
    Status done;
    for (const io::FileInfo& day : *days) {
      if (!day.is_folder || day.name.size() != 10) continue;
      done = read_day(day.name, catalog);
      if (!done) break;
    }
    if (done) return catalog;
    if (look == kLooks || !is_missing(done.error())) return fail(done.error());
  }
}

Status History::remove_void(Catalog& catalog) {
  for (const Placed& placed : catalog) {
    if (placed.segment) continue;
    TIDEMILL_TRY(files_.remove(
        fmt::format("{}/{}/{:08}-{:08}.seg", folder_, placed.day, placed.first, placed.last)));
  }
  std::erase_if(catalog, [](const Placed& placed) { return !placed.segment; });
  return {};
}

Result<std::shared_ptr<const History::Catalog>> History::catalog() {
  if (mode_ == Mode::kGuest) {
    TIDEMILL_TRY_LET(read, read_folder());
    std::erase_if(read, [](const Placed& placed) { return !placed.segment; });
    return std::make_shared<const Catalog>(std::move(read));
  }
  std::lock_guard lock(mutex_);
  return catalog_;
}

void History::replace(Catalog next) {
  auto shared = std::make_shared<const Catalog>(std::move(next));
  std::lock_guard lock(mutex_);
  catalog_ = std::move(shared);
}

Result<std::optional<RunRecord>> History::find(const run::RunId& id) {
  TIDEMILL_TRY_LET(all, catalog());
  // From the newest on: of a run that finished twice the later stands in a higher number.
  for (auto placed = all->rbegin(); placed != all->rend(); ++placed) {
    TIDEMILL_TRY_LET(number, placed->segment->find(id.value));
    if (!number) continue;
    Segment::Cursor cursor(*placed->segment);
    TIDEMILL_TRY_LET(bytes, cursor.read(*number));
    TIDEMILL_TRY_LET(record, unpack(bytes));
    return std::optional<RunRecord>(std::move(record));
  }
  return std::optional<RunRecord>();
}

// The runs of one segment that match, without those of which a newer copy stands in a later one.
Result<std::vector<History::Hit>> History::hits_in(const Catalog& all, size_t index,
                                                   const RunFilter& filter) const {
  const Segment& segment = *all[index].segment;
  RunFilter wider = filter;
  while (true) {
    std::vector<Hit> hits;
    TIDEMILL_TRY_LET(numbers, segment.matching(wider));
    for (Segment::Number number : numbers) {
      Hit const hit{segment.entry(number).id, index, number};
      bool is_newest = true;
      for (size_t later = index + 1; is_newest && later < all.size(); ++later) {
        if (all[later].day != all[index].day) break;
        TIDEMILL_TRY_LET(again, all[later].segment->find(hit.id));
        is_newest = !again;
      }
      if (is_newest) hits.push_back(hit);
    }
    if (hits.size() >= filter.limit || numbers.size() < wider.limit) return hits;
    wider.limit *= 2;
  }
}

Result<std::vector<Cells>> History::list(const RunFilter& filter) {
  if (filter.limit == 0) return std::vector<Cells>();
  TIDEMILL_TRY_LET(all, catalog());
  std::vector<size_t> order(all->size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return (*all)[a].segment->largest_id() > (*all)[b].segment->largest_id();
  });
  std::vector<Hit> hits;
  for (size_t i : order) {
    const Segment& segment = *(*all)[i].segment;
    if (hits.size() == filter.limit && segment.largest_id() < hits.back().id) break;
    if (!filter.after.empty() && segment.smallest_id() >= filter.after) continue;
    TIDEMILL_TRY_LET(more, hits_in(*all, i, filter));
    hits.insert(hits.end(), more.begin(), more.end());
    std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.id > b.id; });
    if (hits.size() > filter.limit) hits.resize(filter.limit);
  }
  std::unordered_map<size_t, std::unique_ptr<Segment::Cursor>> cursors;
  std::vector<Cells> rows;
  for (const Hit& hit : hits) {
    auto& cursor = cursors[hit.segment];
    if (!cursor) cursor = std::make_unique<Segment::Cursor>(*(*all)[hit.segment].segment);
    TIDEMILL_TRY_LET(bytes, cursor->read(hit.number));
    TIDEMILL_TRY_LET(record, unpack(bytes));
    rows.push_back(std::move(record.run));
  }
  return rows;
}

Status History::add(const std::string& day, std::vector<PackedRun> runs) {
  TIDEMILL_TRY_LET(all, catalog());
  uint32_t last = 0;
  size_t place = 0;
  for (size_t i = 0; i < all->size(); ++i) {
    if ((*all)[i].day == day) last = std::max(last, (*all)[i].last);
    if ((*all)[i].day <= day) place = i + 1;
  }
  TIDEMILL_TRY(files_.make_folders(folder_ + "/" + day, 0700));
  Placed placed{day, last + 1, last + 1, nullptr};
  std::string const path =
      fmt::format("{}/{}/{:08}-{:08}.seg", folder_, day, placed.first, placed.last);
  TIDEMILL_TRY(files_.write(path, build_segment(std::move(runs)), 0600));
  TIDEMILL_TRY_LET(segment, Segment::open(path, files_));
  placed.segment = std::move(segment);
  Catalog next = *all;
  next.insert(next.begin() + static_cast<std::ptrdiff_t>(place), std::move(placed));
  replace(std::move(next));
  return {};
}

Result<bool> History::merge() {
  TIDEMILL_TRY_LET(all, catalog());
  auto is_small = [](const Placed& placed) {
    return placed.segment->runs() < kFullRuns && placed.segment->bytes() < kFullBytes;
  };
  for (size_t end = all->size(); end > 0;) {
    size_t begin = end;
    const std::string& day = (*all)[end - 1].day;
    while (begin > 0 && (*all)[begin - 1].day == day && is_small((*all)[begin - 1])) --begin;
    if (end - begin >= kSmallSegments) {
      TIDEMILL_TRY(merge_run(*all, begin, end));
      return true;
    }
    end = begin == end ? end - 1 : begin;
  }
  return false;
}

// The merged file is whole before the ones that it replaces go: a crash leaves both, and the range
// of numbers says which is void.
Status History::merge_run(const Catalog& from, size_t begin, size_t end) {
  std::vector<PackedRun> runs;
  std::vector<std::string> all_values;
  for (size_t i = begin; i < end; ++i) {
    const Segment& segment = *from[i].segment;
    TIDEMILL_TRY(segment.verify());
    TIDEMILL_TRY_LET(values, segment.values());
    all_values.insert(all_values.end(), values.begin(), values.end());
    Segment::Cursor cursor(segment);
    for (Segment::Number number = 0; number < segment.runs(); ++number) {
      Segment::Entry const entry = segment.entry(number);
      TIDEMILL_TRY_LET(bytes, cursor.read(number));
      PackedRun run{std::string(entry.id), std::string(entry.flow),   std::string(entry.key),
                    entry.state,           segment.newest_finished(), {},
                    std::string(bytes)};
      runs.push_back(std::move(run));
    }
  }
  runs.back().values = std::move(all_values);  // which run names which does not matter here
  Placed merged{from[begin].day, from[begin].first, from[end - 1].last, nullptr};
  std::string const path =
      fmt::format("{}/{}/{:08}-{:08}.seg", folder_, merged.day, merged.first, merged.last);
  TIDEMILL_TRY(files_.write(path, build_segment(std::move(runs)), 0600));
  TIDEMILL_TRY_LET(segment, Segment::open(path, files_));
  merged.segment = std::move(segment);
  Catalog next(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(begin));
  next.push_back(std::move(merged));
  next.insert(next.end(), from.begin() + static_cast<std::ptrdiff_t>(end), from.end());
  replace(std::move(next));
  for (size_t i = begin; i < end; ++i) TIDEMILL_TRY(files_.remove(from[i].segment->path()));
  return {};
}

Result<size_t> History::remove_days(const std::string& first_kept, Time kept_since) {
  TIDEMILL_TRY_LET(all, catalog());
  std::set<std::string> old;
  for (const Placed& placed : *all) {
    if (placed.day < first_kept) old.insert(placed.day);
  }
  for (const Placed& placed : *all) {
    if (placed.segment->newest_finished() >= kept_since) old.erase(placed.day);
  }
  if (old.empty()) return 0;
  Catalog next;
  for (const Placed& placed : *all) {
    if (!old.contains(placed.day)) next.push_back(placed);
  }
  replace(std::move(next));
  for (const Placed& placed : *all) {
    if (old.contains(placed.day)) TIDEMILL_TRY(files_.remove(placed.segment->path()));
  }
  for (const std::string& day : old) TIDEMILL_TRY(files_.remove(folder_ + "/" + day));
  return old.size();
}

Result<std::set<std::string>> History::values() {
  TIDEMILL_TRY_LET(all, catalog());
  std::set<std::string> found;
  for (const Placed& placed : *all) {
    TIDEMILL_TRY_LET(values, placed.segment->values());
    found.insert(values.begin(), values.end());
  }
  return found;
}

Result<std::vector<std::shared_ptr<const Segment>>> History::segments() {
  TIDEMILL_TRY_LET(all, catalog());
  std::vector<std::shared_ptr<const Segment>> list;
  for (const Placed& placed : *all) list.push_back(placed.segment);
  return list;
}

uint64_t History::runs() {
  auto const all = catalog();
  uint64_t count = 0;
  for (const Placed& placed : all ? **all : Catalog()) count += placed.segment->runs();
  return count;
}

}  // namespace tidemill::store
