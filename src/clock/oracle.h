// Compares schedules with vectors taken from Debian's own cron, systemd and others. A row may name
// its `dialect`, else it is debian; the forms are described in tests/vectors/cron/README.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace tidemill::clock {

enum class VectorKind { kSyntax, kYear, kDst };

enum class Verdict {
  kAgrees,
  // Debian starts caught-up jobs ten seconds apart, so some spill into later minutes. The launches
  // are equal in number, every minute of ours is among Debian's, and the others lie within the time
  // that the catch-up takes.
  kAgreesButForPacing,
  kDisagrees,
};

struct Comparison {
  Verdict verdict = Verdict::kDisagrees;
  std::string words;  // what differs; empty where all agrees
};

// "cron-syntax", "cron-year", "cron-dst".
Result<VectorKind> vector_kind_from_name(std::string_view name);
// An error if the row has not the form of its kind.
Result<Comparison> compare_with_vector(VectorKind kind, const Json& row);

}  // namespace tidemill::clock
