#include "vendor/retry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/text.h"

namespace tidemill::vendor {
namespace {

constexpr Duration kLongestRetryAfter = Duration::seconds(3600);
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int64_t> digits(std::string_view text, size_t longest) {
  if (text.empty() || text.size() > longest) return std::nullopt;
  int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  if (text[0] == '-' || text[0] == '+') return std::nullopt;
  return value;
}

std::optional<int> month_number(std::string_view name) {
  auto const at = std::find(kMonths.begin(), kMonths.end(), name);
  if (at == kMonths.end()) return std::nullopt;
  return static_cast<int>(at - kMonths.begin()) + 1;
}

struct DateWords {
  std::string_view day, month, year, time;
};

std::optional<DateWords> date_words(const std::vector<std::string_view>& words) {
  if (words.size() == 6 && words[5] == "GMT") {  // Sun, 06 Nov 1994 08:49:37 GMT
    return DateWords{words[1], words[2], words[3], words[4]};
  }
  if (words.size() == 5) {  // Sun Nov 6 08:49:37 1994
    return DateWords{words[2], words[1], words[4], words[3]};
  }
  if (words.size() != 4 || words[3] != "GMT") return std::nullopt;
  auto const parts = split(words[1], '-');  // Sunday, 06-Nov-94 08:49:37 GMT
  if (parts.size() != 3) return std::nullopt;
  return DateWords{parts[0], parts[1], parts[2], words[2]};
}

int64_t full_year(int64_t two_digits, Time now) {
  int64_t const this_year = civil_from_days(now.seconds() / 86'400).year;
  int64_t year = this_year - this_year % 100 + two_digits;
  if (year > this_year + 50) year -= 100;
  if (year <= this_year - 50) year += 100;
  return year;
}

}  // namespace

Duration backoff_bound(const RetryPolicy& policy, int64_t n) {
  Duration bound = policy.base;
  for (int64_t i = 0; i < n && bound < policy.cap; ++i) {
    if (bound.us > policy.cap.us / 2) return policy.cap;
    bound = bound * 2;
  }
  return std::min(bound, policy.cap);
}

Duration jitter(Duration bound, uint64_t random_bits) {
  if (bound.us <= 0) return {};
  return Duration::micros(
      static_cast<int64_t>(random_bits % (static_cast<uint64_t>(bound.us) + 1)));
}

void RetryBudget::call_ended() {
  TIDEMILL_CHECK(open_calls_ > 0);
  --open_calls_;
}

bool RetryBudget::take() {
  if (open_retries_ >= std::max<int64_t>(3, open_calls_ / 5)) return false;
  ++open_retries_;
  return true;
}

void RetryBudget::give_back() {
  TIDEMILL_CHECK(open_retries_ > 0);
  --open_retries_;
}

std::optional<Time> parse_http_date(std::string_view text, Time now) {
  std::vector<std::string_view> words;
  for (std::string_view word : split(trim(text), ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  auto const parts = date_words(words);
  if (!parts) return std::nullopt;
  auto const clock = split(parts->time, ':');
  if (clock.size() != 3) return std::nullopt;
  auto const month = month_number(parts->month);
  auto year = digits(parts->year, 4);
  auto const day = digits(parts->day, 2);
  auto const hour = digits(clock[0], 2), minute = digits(clock[1], 2), second = digits(clock[2], 2);
  if (!month || !year || !day || !hour || !minute || !second) return std::nullopt;
  if (parts->year.size() == 2) year = full_year(*year, now);
  if (*day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  int64_t const days = days_from_civil({*year, *month, static_cast<int>(*day)});
  return Time::from_seconds(days * 86'400 + *hour * 3600 + *minute * 60 + *second);
}

std::optional<RetryAfter> parse_retry_after(std::string_view value, std::string_view date_header,
                                            Time now) {
  value = trim(value);
  Duration wait;
  if (!value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos) {
    // More digits than any wait that is trusted: the cap says it as well.
    wait = Duration::seconds(digits(value, 9).value_or(kLongestRetryAfter.us));
  } else {
    auto const date = parse_http_date(value, now);
    if (!date) return std::nullopt;
    wait = *date - parse_http_date(date_header, now).value_or(now);
  }
  if (wait > kLongestRetryAfter) return RetryAfter{kLongestRetryAfter, true};
  return RetryAfter{std::max(wait, Duration{}), false};
}

}  // namespace tidemill::vendor
