#include "run/rule_question.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "flow/words.h"
#include "run/rules.h"

namespace tidemill::run {
namespace {

constexpr int64_t kMostUpstreams = 1'000'000'000;

constexpr std::array<std::string_view, 11> kKnown = {"id",
                                                     "rule",
                                                     "upstreams",
                                                     "counts",
                                                     "setup_counts",
                                                     "map_index",
                                                     "flag_upstream_failed",
                                                     "wait_for_past_depends_before_skipping",
                                                     "result",
                                                     "dep_met",
                                                     "note"};

struct Counts {
  int success = 0;
  int failed = 0;
  int upstream_failed = 0;
  int skipped = 0;
  int removed = 0;
  int unfinished = 0;
  int64_t total = 0;
};

struct Name {
  std::string_view text;
  int Counts::* count;
};
constexpr Name kNames[] = {
    {"success", &Counts::success}, {"failed", &Counts::failed},
    {"skipped", &Counts::skipped}, {"upstream_failed", &Counts::upstream_failed},
    {"removed", &Counts::removed}, {"unfinished", &Counts::unfinished},
};

Result<int> small_number(const Json& json, std::string_view what, int64_t least) {
  if (!json.is_int() || json.as_int() < least || json.as_int() > kMostUpstreams) {
    return fail(Code::kInvalid,
                fmt::format("'{}': found {}, expected a whole number from {} to {}", what,
                            printable(json.dump(), 60), least, kMostUpstreams));
  }
  return static_cast<int>(json.as_int());
}

Result<bool> truth(const Json& question, std::string_view name, bool otherwise) {
  const Json* found = question.find(name);
  if (found == nullptr) return otherwise;
  if (!found->is_bool()) {
    return fail(Code::kInvalid, fmt::format("'{}': found {}, expected true or false", name,
                                            printable(found->dump(), 60)));
  }
  return found->as_bool();
}

Result<Counts> read_counts(const Json& json, std::string_view what) {
  Counts counts;
  if (!json.is_object()) {
    return fail(Code::kInvalid,
                fmt::format("'{}': found {}, expected an object of counts", what, json.kind()));
  }
  for (const auto& [key, value] : json.as_object()) {
    const Name* known = nullptr;
    for (const Name& name : kNames) {
      if (name.text == key) known = &name;
    }
    if (known == nullptr) {
      return fail(Code::kInvalid, fmt::format("'{}': '{}' is no state; expected success, failed, "
                                              "upstream_failed, skipped, removed or unfinished",
                                              what, printable(key, 60)));
    }
    TIDEMILL_TRY_LET(count, small_number(value, key, 0));
    counts.*(known->count) = count;
    counts.total += count;
  }
  return counts;
}

Result<flow::Rule> read_rule(const Json& question) {
  const Json* found = question.find("rule");
  std::vector<std::string> words;
  for (const auto& word : flow::rule_words()) {
    if (found != nullptr && found->is_string() && found->as_string() == word.text) {
      return word.value;
    }
    words.emplace_back(word.text);
  }
  return fail(
      Code::kInvalid,
      fmt::format("'rule': found {}, expected one of: {}",
                  found == nullptr ? "nothing" : printable(found->dump(), 60), join(words, ", ")));
}

Result<Upstream> read_upstream(const Json& question) {
  Upstream up;
  const Json* total = question.find("upstreams");
  if (total == nullptr) return fail(Code::kInvalid, "'upstreams' is missing");
  TIDEMILL_TRY_LET(upstreams, small_number(*total, "upstreams", 0));
  up.total = upstreams;
  const Json* counts_json = question.find("counts");
  if (counts_json == nullptr) return fail(Code::kInvalid, "'counts' is missing");
  TIDEMILL_TRY_LET(counts, read_counts(*counts_json, "counts"));
  if (counts.total != up.total) {
    return fail(Code::kInvalid,
                fmt::format("the counts add up to {}, expected the {} of 'upstreams'", counts.total,
                            up.total));
  }
  up.succeeded = counts.success;
  up.failed = counts.failed;
  up.upstream_failed = counts.upstream_failed;
  up.skipped = counts.skipped;
  up.removed = counts.removed;
  if (const Json* setups = question.find("setup_counts")) {
    TIDEMILL_TRY_LET(of_setups, read_counts(*setups, "setup_counts"));
    for (const Name& name : kNames) {
      if (of_setups.*(name.count) <= counts.*(name.count)) continue;
      return fail(Code::kInvalid, fmt::format("'setup_counts' has more of {} than 'counts', which "
                                              "include the setups",
                                              name.text));
    }
    up.setups = static_cast<int>(of_setups.total);
    up.succeeded_setups = of_setups.success;
    up.skipped_setups = of_setups.skipped;
  }
  if (const Json* item = question.find("map_index")) {
    TIDEMILL_TRY_LET(index, small_number(*item, "map_index", -1));
    up.item = index;
  }
  return up;
}

std::string_view result_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kWait:
      return "wait";
    case Verdict::kRun:
      return "run";
    case Verdict::kSkip:
      return "set:skipped";
    case Verdict::kUpstreamFailed:
      return "set:upstream_failed";
    case Verdict::kRemoved:
      return "set:removed";
  }
  return "wait";
}

}  // namespace

Result<Json> answer_rule_question(const Json& question) {
  if (!question.is_object()) {
    return fail(Code::kInvalid, fmt::format("found {}, expected an object", question.kind()));
  }
  for (const auto& [key, value] : question.as_object()) {
    if (std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
    return fail(Code::kInvalid, fmt::format("unknown key '{}'; expected rule, upstreams, counts, "
                                            "setup_counts, map_index, flag_upstream_failed or "
                                            "wait_for_past_depends_before_skipping",
                                            printable(key, 60)));
  }
  TIDEMILL_TRY_LET(rule, read_rule(question));
  TIDEMILL_TRY_LET(upstream, read_upstream(question));
  TIDEMILL_TRY_LET(may_set, truth(question, "flag_upstream_failed", true));
  TIDEMILL_TRY_LET(waits, truth(question, "wait_for_past_depends_before_skipping", false));
  Judgement const answer = judge(rule, upstream, {.may_set = may_set, .waits_for_past = waits});
  Json json = Json::object();
  if (const Json* id = question.find("id")) json.set("id", *id);
  json.set("result", std::string(result_word(answer.verdict)));
  json.set("dep_met", answer.is_met);
  return json;
}

Json answer_rule_line(std::string_view line) {
  auto const question = parse_json(line);
  auto answer = question ? answer_rule_question(*question) : Result<Json>(fail(question.error()));
  if (answer) return std::move(*answer);
  Json json = Json::object();
  if (question && question->is_object()) {
    if (const Json* id = question->find("id")) json.set("id", *id);
  }
  json.set("error", answer.error().text());
  return json;
}

}  // namespace tidemill::run
