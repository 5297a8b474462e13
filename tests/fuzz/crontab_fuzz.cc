// Any bytes as a crontab: every line is read, and each lint has a place in the file.
// Input: byte 0 chooses dialect and form; byte 1 a zone; the rest is the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "clock/crontab.h"

namespace {

using namespace tidemill;
using namespace tidemill::clock;

constexpr size_t kHeader = 2;
constexpr size_t kLargest = 16'384;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kHeader || size > kLargest) return 0;
  constexpr Dialect kDialects[] = {Dialect::kDebian, Dialect::kCronie, Dialect::kVixie4,
                                   Dialect::kBusybox};
  constexpr const char* kZones[] = {"UTC", "America/New_York", "Australia/Lord_Howe",
                                    "America/Havana"};
  LintOptions options;
  options.dialect = kDialects[data[0] % 4];
  options.form = (data[0] & 4) != 0 ? CrontabForm::kSystem : CrontabForm::kUser;
  options.zone = *Zone::load(kZones[data[1] % 4]);
  options.now = Time::from_seconds(1'700'000'000);
  options.facts.name = "job";
  options.facts.is_in_cron_d = (data[0] & 8) != 0;
  std::string_view const text(reinterpret_cast<const char*>(data) + kHeader, size - kHeader);
  auto const lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  TIDEMILL_CHECK(static_cast<int>(read_crontab(text, options.form).size()) <= lines);
  int last = 1;
  for (const Lint& lint : lint_crontab(text, options)) {
    TIDEMILL_CHECK(lint.line >= last && lint.line <= lines && lint.column >= 1);
    TIDEMILL_CHECK(!lint.code.empty() && !lint.found.empty() && !lint.advice.empty());
    last = lint.line;
  }
  return 0;
}
