#include "clock/zone.h"

#include <absl/time/internal/cctz/include/cctz/time_zone.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/text.h"

namespace tidemill::clock {
namespace {

namespace cctz = absl::time_internal::cctz;

constexpr int64_t kCycle_s = 146'097LL * 86'400;  // 400 Gregorian years, a whole number of weeks
constexpr int64_t kBeforeAnyRule_s = -100'000'000'000;  // some 1,200 years before our era
constexpr int64_t kYear2300_s = 10'413'792'000;
constexpr int kBucketBits = 23;  // 97 days: rarely more than one change each

cctz::time_point<cctz::seconds> at(int64_t utc_s) {
  return cctz::time_point<cctz::seconds>(cctz::seconds(utc_s));
}

std::vector<Segment> segments_of(const cctz::time_zone& zone) {
  std::vector<Segment> segments;
  int64_t now_s = kBeforeAnyRule_s;
  Segment current{-Segment::kFar, Segment::kFar, zone.lookup(at(now_s)).offset};
  cctz::time_zone::civil_transition transition;
  while (zone.next_transition(at(now_s), &transition)) {
    // The civil time just before the change, read with the offset that held until then.
    now_s = (transition.from - cctz::civil_second(1970, 1, 1)) - zone.lookup(at(now_s)).offset;
    int64_t const offset_s = zone.lookup(at(now_s)).offset;
    if (offset_s == current.offset_s) continue;  // only the abbreviation or the DST flag changes
    current.end_s = now_s;
    segments.push_back(current);
    current = Segment{now_s, Segment::kFar, offset_s};
  }
  segments.push_back(current);
  return segments;
}

// Refuses what the loader would take beyond names of the database: paths, fixed offsets, copies of
// the database with and without leap seconds.
bool is_zone_name(std::string_view name) {
  if (name.empty() || name.size() > 100 || name.front() == '/' || name.back() == '/') return false;
  if (name.find("..") != std::string_view::npos || name.find("//") != std::string_view::npos) {
    return false;
  }
  for (std::string_view prefix : {"posix/", "right/", "Fixed/"}) {
    if (name.substr(0, prefix.size()) == prefix) return false;
  }
  if (name == "localtime" || name == "posixrules" || name == "UTC0") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  });
}

bool is_zone_file(const std::filesystem::path& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  char magic[4] = {};
  size_t const got = std::fread(magic, 1, sizeof magic, file);
  std::fclose(file);
  return got == sizeof magic && std::string_view(magic, sizeof magic) == "TZif";
}

// "Paris", "new york" and "NewYork" are near to a zone by its last part, though not by its name.
std::string nearest_zone(std::string_view wanted) {
  auto plain = [](std::string_view text) {
    std::string out;
    for (char c : to_lower_ascii(text)) {
      if (c != '_' && c != ' ' && c != '-') out += c;
    }
    return out;
  };
  std::vector<std::string> const names = Zone::names();
  std::string const word = plain(wanted.substr(0, 100));
  std::string const last = word.substr(word.rfind('/') + 1);
  for (const std::string& name : names) {
    if (plain(name) == word) return name;
  }
  for (const std::string& name : names) {
    if (!last.empty() && plain(name.substr(name.rfind('/') + 1)) == last) return name;
  }
  return nearest_word(wanted, names);
}

}  // namespace

struct Zone::Data {
  std::string name;
  std::vector<Segment> segments;
  int64_t repeat_from_s = Segment::kFar;  // from here on, all is as 400 years before
  int64_t bucket_base_s = 0;
  std::vector<uint16_t> buckets;  // index of the segment in which a bucket begins

  void index() {
    if (segments.back().begin_s > kYear2300_s) repeat_from_s = segments.back().begin_s;
    if (segments.size() == 1) return;
    bucket_base_s = segments[1].begin_s;
    int64_t const span = segments.back().begin_s - bucket_base_s;
    buckets.resize(static_cast<size_t>(span >> kBucketBits) + 1);
    size_t i = 1;
    for (size_t b = 0; b < buckets.size(); ++b) {
      int64_t const begin_s = bucket_base_s + (static_cast<int64_t>(b) << kBucketBits);
      while (begin_s >= segments[i].end_s) ++i;
      buckets[b] = static_cast<uint16_t>(i);
    }
  }

  const Segment& find(int64_t utc_s) const {
    if (buckets.empty() || utc_s < bucket_base_s) return segments.front();
    size_t const b = static_cast<size_t>((utc_s - bucket_base_s) >> kBucketBits);
    size_t i = buckets[std::min(b, buckets.size() - 1)];
    while (utc_s >= segments[i].end_s) ++i;
    return segments[i];
  }
};

Zone Zone::utc() {
  auto data = std::make_shared<Data>();
  data->name = "UTC";
  data->segments = {Segment{-Segment::kFar, Segment::kFar, 0}};
  return Zone(std::move(data));
}

Result<Zone> Zone::load(std::string_view name) {
  if (name == "UTC") return utc();
  cctz::time_zone zone;
  if (!is_zone_name(name) || !cctz::load_time_zone(std::string(name), &zone)) {
    std::string const near = nearest_zone(name);
    return fail(Code::kInvalid,
                fmt::format("'{}' is not a zone{}; expected a name of the IANA database, such as "
                            "UTC or Europe/Paris",
                            printable(name, 60),
                            near.empty() ? "" : fmt::format(", did you mean {}?", near)));
  }
  auto data = std::make_shared<Data>();
  data->name = std::string(name);
  data->segments = segments_of(zone);
  data->index();
  return Zone(std::move(data));
}

std::vector<std::string> Zone::names() {
  namespace fs = std::filesystem;
  fs::path const root = "/usr/share/zoneinfo";
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator walk(root, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    std::string const name = walk->path().lexically_relative(root).string();
    if (walk->is_directory(error)) {
      if (name == "posix" || name == "right") walk.disable_recursion_pending();
    } else if (is_zone_name(name) && is_zone_file(walk->path())) {
      names.push_back(name);
    }
  }
  if (names.empty()) names.emplace_back("UTC");
  std::sort(names.begin(), names.end());
  return names;
}

const std::string& Zone::name() const { return data_->name; }

Segment Zone::segment_at(int64_t utc_s) const {
  if (utc_s < data_->repeat_from_s) [[likely]]
    return data_->find(utc_s);
  int64_t const shift_s = ((utc_s - data_->repeat_from_s) / kCycle_s + 1) * kCycle_s;
  Segment segment = data_->find(utc_s - shift_s);
  segment.begin_s += shift_s;
  segment.end_s += shift_s;
  return segment;
}

std::string Zone::format_local(Time t) const {
  int64_t const offset_s = offset_at(t).us / 1'000'000;
  std::string out = format_rfc3339(t + Duration::seconds(offset_s));
  out.pop_back();
  int64_t const size_s = offset_s < 0 ? -offset_s : offset_s;
  out += fmt::format("{}{:02}:{:02}", offset_s < 0 ? '-' : '+', size_s / 3600, size_s / 60 % 60);
  if (size_s % 60 != 0) out += fmt::format(":{:02}", size_s % 60);
  return out;
}

Result<Zone> ZoneCache::load(std::string_view name) {
  for (const Zone& zone : zones_) {
    if (zone.name() == name) return zone;
  }
  Result<Zone> zone = Zone::load(name);
  if (zone) zones_.push_back(*zone);
  return zone;
}

}  // namespace tidemill::clock
