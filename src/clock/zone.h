// Zones of the IANA database: what a local clock shows at each instant, past and future.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::clock {

// A stretch of time in which a zone's offset does not change. Seconds since 1970 in UTC; `end_s` is
// the instant of the next change. A zone's first segment begins, and its last one ends, far outside
// the years 0 to 9999.
//
//      begin_s                    end_s = begin_s of the next segment
//         |--- offset_s (local = UTC + offset_s) ---|--- other offset ---
struct Segment {
  int64_t begin_s = 0;
  int64_t end_s = 0;
  int64_t offset_s = 0;

  bool is_first() const { return begin_s <= -kFar; }
  bool is_last() const { return end_s >= kFar; }
  static constexpr int64_t kFar = 1'000'000'000'000'000;
};

// A value: cheap to copy, immutable, safe to use from every thread. Loading reads the system's zone
// database once; lookups touch only memory and take a few nanoseconds. Rules that go on for ever
// repeat with the Gregorian cycle of 400 years.
class Zone {
 public:
  static Zone utc();
  // By its exact IANA name: "Europe/Paris", "UTC". The error names the nearest valid zone.
  static Result<Zone> load(std::string_view name);
  // Every name that can be loaded, sorted. Walks the database: slow, for messages and tests.
  static std::vector<std::string> names();

  const std::string& name() const;
  // The segment that contains the instant. Neighbours: segment_at(s.end_s), segment_at(s.begin_s -
  // 1).
  Segment segment_at(int64_t utc_s) const;
  Duration offset_at(Time t) const { return Duration::seconds(segment_at(t.seconds()).offset_s); }
  // "2024-03-10T03:00:00-04:00": the local time with its offset, for people.
  std::string format_local(Time t) const;

 private:
  struct Data;
  explicit Zone(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

  std::shared_ptr<const Data> data_;
};

// Zones already loaded, by name. Belongs to one thread.
class ZoneCache {
 public:
  Result<Zone> load(std::string_view name);

 private:
  std::vector<Zone> zones_;
};

}  // namespace tidemill::clock
