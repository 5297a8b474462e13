// The parts of date and time texts that date.cc and date_format.cc share. Internal to this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "value/date.h"
#include "value/int128.h"

namespace tidemill::value {

inline constexpr int32_t kLastDate = INT32_MAX - 1;      // 5881580-07-10
inline constexpr int32_t kFirstDate = -(INT32_MAX - 1);  // 5877642-06-25 (BC)

// Nothing if month or day do not exist, or the date is out of range.
std::optional<Date> date_from_fields(int64_t year, int64_t month, int64_t day);
// Nothing if it is out of range.
std::optional<Timestamp> timestamp_from_micros(int128 us);

enum class TextFault { kNone, kFormat, kRange };

// An offset "+02", "-0530", "+02:30:15" at `at`, in seconds; moves `at` behind it.
std::optional<int64_t> read_offset(std::string_view text, size_t& at);

// "05.5" style fraction of a second: microseconds of the digits, further digits cut off.
int64_t read_micros(std::string_view text, size_t& at);

}  // namespace tidemill::value
