// The metrics of one product, made once.
#pragma once

#include <array>
#include <string>

#include "base/metrics.h"
#include "vendor/classify.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

class CallMetrics {
 public:
  CallMetrics(Metrics& metrics, const Spec& spec, const Product& product);

  Counter& calls(Class outcome);  // of calls, by how they ended
  Counter& tries(Class id);       // of tries on the wire

  Counter& retries;
  Histogram& try_seconds;
  Histogram& wait_for_slot;
  Histogram& wait_for_permit;
  Gauge& in_flight;
  Gauge& queue;

 private:
  Metrics& metrics_;
  std::string labels_;
};

}  // namespace tidemill::vendor
