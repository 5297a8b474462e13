#include "vendor/client_metrics.h"

#include <fmt/format.h>

namespace tidemill::vendor {
namespace {

std::string labels_of(const Spec& spec, const Product& product) {
  return fmt::format("vendor=\"{}\",product=\"{}\",team=\"{}\"", spec.name, product.name,
                     spec.team);
}

Histogram& wait(Metrics& metrics, const std::string& labels, std::string_view gate) {
  return metrics.histogram("vendor_wait_seconds", "Time that calls of vendors waited at a gate",
                           fmt::format("{},gate=\"{}\"", labels, gate));
}

}  // namespace

CallMetrics::CallMetrics(Metrics& metrics, const Spec& spec, const Product& product)
    : retries(metrics.counter("vendor_retries_total", "Tries of vendors that repeat an earlier one",
                              labels_of(spec, product))),
      try_seconds(metrics.histogram("vendor_try_seconds", "Time of one try on the wire",
                                    labels_of(spec, product))),
      wait_for_slot(wait(metrics, labels_of(spec, product), "slot")),
      wait_for_permit(wait(metrics, labels_of(spec, product), "rate")),
      in_flight(
          metrics.gauge("vendor_inflight", "Tries on the wire now", labels_of(spec, product))),
      queue(metrics.gauge("vendor_queue", "Calls that wait for a slot", labels_of(spec, product))),
      metrics_(metrics),
      labels_(labels_of(spec, product)) {}

Counter& CallMetrics::calls(Class outcome) {
  return metrics_.counter("vendor_calls_total", "Calls of vendors by how they ended",
                          fmt::format("{},outcome=\"{}\"", labels_, row(outcome).name));
}

Counter& CallMetrics::tries(Class id) {
  return metrics_.counter("vendor_tries_total", "Tries on the wire by what they came to",
                          fmt::format("{},class=\"{}\"", labels_, row(id).name));
}

}  // namespace tidemill::vendor
