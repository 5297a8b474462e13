#include "engine/clockwork.h"

#include <gtest/gtest.h>

namespace tidemill::engine {
namespace {

flow::Trigger every(Duration period) {
  flow::Trigger trigger;
  trigger.kind = flow::Trigger::Kind::kEvery;
  trigger.id = "t";
  trigger.schedule = clock::Schedule::of_every(*clock::Every::of(period));
  return trigger;
}

TEST(DueTicks, OfAPeriodAreEachListedOrCountedHoweverLongItWas) {
  Time const base = Time::from_seconds(1'767'225'600);
  for (int64_t const period_s : {1, 7, 20}) {
    flow::Trigger const trigger = every(Duration::seconds(period_s));
    for (int64_t offset_ms = 0; offset_ms < 60'000; offset_ms += 1'777) {
      Time const low_water = base + Duration::millis(offset_ms);
      Time const now = low_water + Duration::millis(86'400'123 + offset_ms * 7);
      DueTicks const due = due_ticks(trigger, low_water, now);
      int64_t const all = now.us / (period_s * 1'000'000) - low_water.us / (period_s * 1'000'000);
      EXPECT_EQ(due.passed_over + static_cast<int64_t>(due.ticks.size()), all)
          << period_s << " s, " << offset_ms << " ms";
    }
  }
}

}  // namespace
}  // namespace tidemill::engine
