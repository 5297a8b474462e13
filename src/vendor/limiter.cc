#include "vendor/limiter.h"

#include <algorithm>

#include "base/check.h"

namespace tidemill::vendor {
namespace {

constexpr int64_t kNanosPerMicro = 1000;

int64_t period_ns(Rate rate) {
  TIDEMILL_CHECK(rate.count > 0 && rate.per.us > 0);
  return std::max<int64_t>(1, rate.per.us * kNanosPerMicro / rate.count);
}

}  // namespace

Gcra::Gcra(Rate rate, int64_t burst) { set(rate, burst); }

void Gcra::set(Rate rate, int64_t burst) {
  TIDEMILL_CHECK(burst >= 1);
  period_ns_ = period_ns(rate);
  tolerance_ns_ = (burst - 1) * period_ns_;
}

int64_t Gcra::earliest_ns(int64_t now_ns) const {
  return tat_ns_ ? std::max(now_ns, *tat_ns_ - tolerance_ns_) : now_ns;
}

void Gcra::take(int64_t at_ns) { tat_ns_ = std::max(at_ns, tat_ns_.value_or(at_ns)) + period_ns_; }

void Gcra::pause(int64_t until_ns) {
  int64_t const empty = until_ns + tolerance_ns_;
  tat_ns_ = std::max(empty, tat_ns_.value_or(empty));
}

Permit reserve(const std::vector<Gcra*>& limits, Elapsed paused_until, Elapsed now,
               Elapsed deadline) {
  int64_t at_ns = std::max(now, paused_until).us * kNanosPerMicro;
  for (const Gcra* limit : limits) {
    at_ns = std::max(at_ns, limit->earliest_ns(now.us * kNanosPerMicro));
  }
  Elapsed const at{(at_ns + kNanosPerMicro - 1) / kNanosPerMicro};
  if (at > deadline) return {false, at};
  for (Gcra* limit : limits) limit->take(at_ns);
  return {true, at};
}

}  // namespace tidemill::vendor
