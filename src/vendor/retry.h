// When to ask again: full jitter, a budget a vendor, and what a Retry-After says. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

// min(cap, base * 2^n) without overflow; n = 0 after the first try.
Duration backoff_bound(const RetryPolicy& policy, int64_t n);

// Evenly within [0, bound], from 64 random bits.
Duration jitter(Duration bound, uint64_t random_bits);

// Retries that are scheduled or in flight may be at most max(3, a fifth of the vendor's open
// calls). A limit a call cannot stop a storm: a thousand calls with three tries each are three
// thousand tries.
class RetryBudget {
 public:
  void call_began() { ++open_calls_; }
  void call_ended();
  // Takes a place for one retry, from its back-off to its end. False when there is none.
  bool take();
  void give_back();

 private:
  int64_t open_calls_ = 0;
  int64_t open_retries_ = 0;
};

// What a vendor asks us to wait: at least 0, at most an hour.
struct RetryAfter {
  Duration wait;
  bool capped = false;  // it asked for more than an hour
};

// The header's value: delta seconds, or an HTTP date in any of its three forms. `date_header` is
// the answer's own Date, which corrects for a clock that differs from ours ("" if there is none). A
// past date is 0; what is negative or unreadable is no answer.
std::optional<RetryAfter> parse_retry_after(std::string_view value, std::string_view date_header,
                                            Time now);

// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" or "Sun Nov  6 08:49:37 1994".
// A two-digit year is the one within 50 years of `now`.
std::optional<Time> parse_http_date(std::string_view text, Time now);

}  // namespace tidemill::vendor
