#include "base/metrics.h"

#include <fmt/format.h>

#include <cmath>

namespace tidemill {
namespace {

// Upper bounds in seconds: 0.0001, 0.0002, 0.0005, 0.001, ... 100.
double bound(size_t bucket) {
  static constexpr double kSteps[] = {1, 2, 5};
  return kSteps[bucket % 3] * std::pow(10.0, static_cast<double>(bucket / 3) - 4);
}

std::string braces(std::string_view labels) {
  return labels.empty() ? std::string() : fmt::format("{{{}}}", labels);
}

}  // namespace

void Histogram::observe(double seconds) {
  size_t bucket = 0;
  while (bucket < kBuckets && seconds > bound(bucket)) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(static_cast<int64_t>(seconds * 1e6), std::memory_order_relaxed);
}

void Histogram::write(std::string& out, std::string_view name, std::string_view labels) const {
  std::string_view const comma = labels.empty() ? "" : ",";
  int64_t total = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    total += counts_[i].load(std::memory_order_relaxed);
    out += fmt::format("{}_bucket{{{}{}le=\"{:.4g}\"}} {}\n", name, labels, comma, bound(i), total);
  }
  total += counts_[kBuckets].load(std::memory_order_relaxed);
  out += fmt::format("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, total);
  double const sum = static_cast<double>(sum_us_.load(std::memory_order_relaxed)) / 1e6;
  out += fmt::format("{}_sum{} {}\n", name, braces(labels), sum);
  out += fmt::format("{}_count{} {}\n", name, braces(labels), total);
}

Metrics::Family& Metrics::family(std::string_view name, std::string_view help) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.emplace(std::string(name), Family{}).first;
    found->second.help = std::string(help);
  }
  return found->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, std::string_view labels) {
  std::lock_guard lock(mutex_);
  auto& slot = family(name, help).counters[std::string(labels)];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, std::string_view labels) {
  std::lock_guard lock(mutex_);
  auto& slot = family(name, help).gauges[std::string(labels)];
  if (!slot) slot = std::make_unique<Gauge>();
  return *slot;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help,
                              std::string_view labels) {
  std::lock_guard lock(mutex_);
  auto& slot = family(name, help).histograms[std::string(labels)];
  if (!slot) slot = std::make_unique<Histogram>();
  return *slot;
}

std::string Metrics::prometheus_text() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    std::string_view const type = !family.counters.empty() ? "counter"
                                  : !family.gauges.empty() ? "gauge"
                                                           : "histogram";
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, type);
    for (const auto& [labels, counter] : family.counters) {
      out += fmt::format("{}{} {}\n", name, braces(labels), counter->value());
    }
    for (const auto& [labels, gauge] : family.gauges) {
      out += fmt::format("{}{} {}\n", name, braces(labels), gauge->value());
    }
    for (const auto& [labels, histogram] : family.histograms) histogram->write(out, name, labels);
  }
  return out;
}

}  // namespace tidemill
