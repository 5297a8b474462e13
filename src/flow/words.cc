#include "flow/words.h"

#include <limits>

#include "base/check.h"

namespace tidemill::flow {
namespace {

constexpr Word<Kind> kKinds[] = {
    {"shell", Kind::kShell},   {"python", Kind::kPython},   {"http", Kind::kHttp},
    {"vendor", Kind::kVendor}, {"sql", Kind::kSql},         {"calc", Kind::kCalc},
    {"model", Kind::kModel},   {"publish", Kind::kPublish}, {"flow", Kind::kFlow},
    {"wait", Kind::kWait},     {"approve", Kind::kApprove},
};
constexpr Word<Rule> kRules[] = {
    {"all_success", Rule::kAllSuccess},
    {"all_failed", Rule::kAllFailed},
    {"all_done", Rule::kAllDone},
    {"all_done_min_one_success", Rule::kAllDoneMinOneSuccess},
    {"all_done_setup_success", Rule::kAllDoneSetupSuccess},
    {"one_success", Rule::kOneSuccess},
    {"one_failed", Rule::kOneFailed},
    {"one_done", Rule::kOneDone},
    {"none_failed", Rule::kNoneFailed},
    {"none_failed_min_one_success", Rule::kNoneFailedMinOneSuccess},
    {"none_skipped", Rule::kNoneSkipped},
    {"all_skipped", Rule::kAllSkipped},
    {"always", Rule::kAlways},
};
constexpr Word<Overlap> kOverlaps[] = {
    {"allow", Overlap::kAllow}, {"skip", Overlap::kSkip}, {"queue", Overlap::kQueue}};
constexpr Word<ParamType> kParamTypes[] = {
    {"string", ParamType::kString}, {"integer", ParamType::kInteger},
    {"number", ParamType::kNumber}, {"boolean", ParamType::kBoolean},
    {"date", ParamType::kDate},     {"timestamp", ParamType::kTimestamp},
    {"json", ParamType::kJson},
};
constexpr Word<OnUnknown> kOnUnknown[] = {{"rerun", OnUnknown::kRerun}, {"fail", OnUnknown::kFail}};
constexpr Word<Trigger::After> kAfter[] = {{"succeeded", Trigger::After::kSucceeded},
                                           {"failed", Trigger::After::kFailed},
                                           {"done", Trigger::After::kDone}};
constexpr Word<HttpSettings::Effect> kEffects[] = {{"read", HttpSettings::Effect::kRead},
                                                   {"write", HttpSettings::Effect::kWrite}};
constexpr Word<Trigger::Kind> kTriggers[] = {
    {"cron", Trigger::Kind::kCron},       {"every", Trigger::Kind::kEvery},
    {"after", Trigger::Kind::kAfterFlow}, {"dataset", Trigger::Kind::kAfterDataset},
    {"call", Trigger::Kind::kCall},       {"at", Trigger::Kind::kAt},
};

template <class T, size_t N>
std::string_view word_in(const Word<T> (&words)[N], T value) {
  for (const Word<T>& row : words) {
    if (row.value == value) return row.text;
  }
  return "";
}

}  // namespace

std::span<const Word<Kind>> kind_words() { return kKinds; }
std::span<const Word<Rule>> rule_words() { return kRules; }
std::span<const Word<Overlap>> overlap_words() { return kOverlaps; }
std::span<const Word<ParamType>> param_type_words() { return kParamTypes; }
std::span<const Word<OnUnknown>> on_unknown_words() { return kOnUnknown; }
std::span<const Word<Trigger::After>> after_words() { return kAfter; }
std::span<const Word<HttpSettings::Effect>> effect_words() { return kEffects; }

std::string_view word(Kind kind) { return word_in(kKinds, kind); }
std::string_view word(Rule rule) { return word_in(kRules, rule); }
std::string_view word(Overlap overlap) { return word_in(kOverlaps, overlap); }
std::string_view word(ParamType type) { return word_in(kParamTypes, type); }
std::string_view word(Trigger::Kind kind) { return word_in(kTriggers, kind); }

Places place_of(Kind kind) {
  switch (kind) {
    case Kind::kShell:
      return kShellTask;
    case Kind::kPython:
      return kPythonTask;
    case Kind::kHttp:
      return kHttpTask;
    case Kind::kVendor:
      return kVendorTask;
    case Kind::kSql:
      return kSqlTask;
    case Kind::kCalc:
      return kCalcTask;
    case Kind::kModel:
      return kModelTask;
    case Kind::kPublish:
      return kPublishTask;
    case Kind::kFlow:
      return kFlowTask;
    case Kind::kWait:
      return kWaitTask;
    case Kind::kApprove:
      return kApproveTask;
  }
  return 0;
}

Duration Retry::wait_after(int attempt) const {
  TIDEMILL_CHECK(attempt >= 1);
  int64_t wait_us = std::min(base.us, cap.us);
  for (int i = 1; i < attempt && wait_us < cap.us; ++i) {
    wait_us = wait_us > cap.us / 2 ? cap.us : wait_us * 2;
  }
  return Duration::micros(wait_us);
}

const Trigger* Flow::trigger(Trigger::Kind kind) const {
  for (const Trigger& trigger : triggers) {
    if (trigger.kind == kind) return &trigger;
  }
  return nullptr;
}

}  // namespace tidemill::flow
