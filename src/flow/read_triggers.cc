// `on`: what starts a run.
#include <fmt/format.h>

#include <charconv>

#include "base/hash.h"
#include "base/text.h"
#include "clock/schedule.h"
#include "flow/loading.h"
#include "flow/params.h"
#include "flow/words.h"

namespace tidemill::flow {
namespace {

constexpr int64_t kMaxMissed = 100'000;
constexpr size_t kMaxTriggers = 100;

class TriggerReader {
 public:
  TriggerReader(Loading& loading, std::optional<Overlap> overlap, std::optional<Missed> missed)
      : loading_(loading), overlap_(overlap), missed_(missed) {}

  void read(const YamlNode& node) {
    Trigger trigger;
    if (node.is_scalar() && node.scalar == "call") {
      trigger.text = "call";
      trigger.overlap = overlap_ && *overlap_ != Overlap::kSkip ? *overlap_ : Overlap::kQueue;
      add(std::move(trigger), node.mark, std::nullopt);
      return;
    }
    std::optional<Places> const place = find_place(node);
    if (!place) return;
    Fields const fields(loading_.reader, node, *place, places_text(*place) + " trigger");
    bool is_good = true;
    if (*place == kInCron) is_good = read_cron(fields, trigger);
    if (*place == kInEvery) is_good = read_every(fields, trigger);
    if (*place == kInAt) is_good = read_at(fields, trigger);
    if (*place == kInAfter) is_good = read_after(fields, trigger);
    if (*place == kInCall) is_good = read_call(fields, trigger);
    read_policies(fields, trigger, *place);
    if (*place != kInCall) read_with(fields, trigger, node.mark);
    std::optional<std::string> id;
    if (const YamlNode* given = *place == kInCall ? nullptr : fields.get("id")) {
      id = loading_.reader.name(*given, fields.what("id"));
    }
    if (is_good) add(std::move(trigger), node.mark, id);
  }

 private:
  // Which kind of trigger a map describes; reports if it is none or several.
  std::optional<Places> find_place(const YamlNode& node) {
    constexpr std::pair<std::string_view, Places> kKinds[] = {{"cron", kInCron},
                                                              {"every", kInEvery},
                                                              {"at", kInAt},
                                                              {"after", kInAfter},
                                                              {"call", kInCall}};
    constexpr std::string_view kExpected = "a trigger: cron, every, at, after or call";
    if (!node.is_map()) {
      std::vector<std::string> const words{"call", "cron", "every", "at", "after"};
      loading_.problems.add(
          node.mark,
          fmt::format("'on' of the flow: found {}, expected {}{}", shown(node), kExpected,
                      node.is_scalar() ? loading_.problems.did_you_mean(node.scalar, words)
                                       : std::string()));
      return std::nullopt;
    }
    std::vector<Places> found;
    for (const auto& [name, place] : kKinds) {
      if (node.find(name) != nullptr) found.push_back(place);
    }
    if (found.size() == 1) return found[0];
    if (found.size() > 1) {
      loading_.problems.add(node.mark,
                            "one trigger has several of cron, every, at, after and call; "
                            "write one list item for each");
      return std::nullopt;
    }
    for (const auto& entry : node.entries) {
      const NotBuilt* row = find_not_built(kAnyTrigger, entry.key);
      if (row == nullptr) continue;
      loading_.problems.add(entry.key_mark,
                            fmt::format("the trigger '{}' is not available in this version; {}",
                                        entry.key, row->instead));
      return std::nullopt;
    }
    std::vector<std::string> const words{"cron", "every", "at", "after", "call"};
    std::string near;
    for (const auto& entry : node.entries) {
      if (near.empty()) near = loading_.problems.did_you_mean(entry.key, words);
    }
    loading_.problems.add(node.mark,
                          fmt::format("'on' of the flow: expected {}{}", kExpected, near));
    return std::nullopt;
  }

  bool read_cron(const Fields& fields, Trigger& trigger) {
    trigger.kind = Trigger::Kind::kCron;
    const YamlNode* node = fields.get("cron");
    auto const text = node == nullptr ? std::nullopt : loading_.reader.text(*node, "'cron'");
    auto dialect = clock::Dialect::kTidemill;
    clock::ScheduleOptions options;
    bool is_good = text.has_value();
    auto take = [&](std::string_view name, auto&& read) {
      const YamlNode* value = fields.get(name);
      auto const word =
          value == nullptr ? std::nullopt : loading_.reader.text(*value, fields.what(name));
      if (!word) return;
      auto const status = read(*word);
      if (status) {
        trigger.text += fmt::format(" {} {}", name, *word);
        return;
      }
      is_good = false;
      loading_.problems.add(value->mark,
                            fmt::format("{}: {}", fields.what(name), status.error().message));
    };
    auto const flow_zone = clock::Zone::load(loading_.flow.zone);
    if (flow_zone) options.zone = *flow_zone;
    take("dialect", [&](const std::string& word) -> Status {
      TIDEMILL_TRY_LET(value, clock::flow_dialect_from_name(word));
      dialect = value;
      return {};
    });
    take("zone", [&](const std::string& word) -> Status {
      TIDEMILL_TRY_LET(value, clock::Zone::load(word));
      options.zone = value;
      return {};
    });
    take("days", [&](const std::string& word) -> Status {
      TIDEMILL_TRY_LET(value, clock::days_from_name(word));
      options.days = value;
      return {};
    });
    take("dst", [&](const std::string& word) -> Status {
      TIDEMILL_TRY_LET(value, clock::dst_rule_from_name(word));
      options.dst = value;
      return {};
    });
    if (!is_good) return false;
    trigger.text = fmt::format("cron \"{}\"{}", *text, trigger.text);
    // The stable id from which H and ~ choose.
    const YamlNode* id = fields.get("id");
    std::string const stable =
        fmt::format("{}/{}", loading_.flow.name.value, id != nullptr ? id->scalar : trigger.text);
    options.id = stable;
    auto schedule = clock::Schedule::parse(*text, dialect, options);
    if (!schedule) {
      loading_.problems.add(node->mark, fmt::format("'cron': {}", schedule.error().message));
      return false;
    }
    if (schedule->is_reboot()) {
      loading_.problems.add(node->mark,
                            "'cron': '@reboot' has no ticks and starts nothing here; "
                            "expected a schedule");
      return false;
    }
    trigger.schedule = std::move(*schedule);
    return read_calendar(fields, trigger);
  }

  bool read_calendar(const Fields& fields, Trigger& trigger) {
    const YamlNode* node = fields.get("calendar");
    const YamlNode* on = fields.get("on");
    if (node == nullptr) {
      if (on == nullptr) return true;
      loading_.problems.add(on->mark,
                            "'on' of the trigger chooses days of a calendar; add "
                            "'calendar: NAME'");
      return false;
    }
    auto const name = loading_.reader.name(*node, fields.what("calendar"));
    auto const word = on == nullptr ? std::string("business_days")
                                    : loading_.reader.text(*on, fields.what("on")).value_or("");
    if (!name) return false;
    if (word != "business_days" && word != "holidays") {
      loading_.reader.report(*on, fields.what("on"), "business_days or holidays");
      return false;
    }
    if (trigger.schedule->every()) {
      loading_.problems.add(node->mark, "'calendar': a period knows no days; write fields");
      return false;
    }
    std::string const path = fmt::format("calendars/{}.yaml", *name);
    const std::string* text = loading_.add_file(path, kMaxFileBytes, node->mark, "the trigger");
    if (text == nullptr) return false;
    auto calendar = clock::Calendar::parse(*text);
    if (!calendar) {
      Mark const& at = calendar.error().mark;
      loading_.problems.add(node->mark, fmt::format("{}:{}:{}: {}", path, at.line, at.column,
                                                    calendar.error().message));
      return false;
    }
    using On = clock::CalendarDays::On;
    clock::CalendarDays const days{std::make_shared<const clock::Calendar>(std::move(*calendar)),
                                   word == "holidays" ? On::kHolidays : On::kBusinessDays};
    trigger.schedule = trigger.schedule->on_days(days);
    trigger.text += fmt::format(" on {} of {}", word, *name);
    return true;
  }

  // Local time is read in the trigger's zone, else in the flow's.
  bool read_at(const Fields& fields, Trigger& trigger) {
    trigger.kind = Trigger::Kind::kAt;
    const YamlNode* node = fields.get("at");
    const YamlNode* zone_node = fields.get("zone");
    auto const text = node == nullptr ? std::nullopt : loading_.reader.text(*node, "'at'");
    if (!text) return false;
    auto const name = zone_node == nullptr ? std::optional<std::string>(loading_.flow.zone)
                                           : loading_.reader.text(*zone_node, fields.what("zone"));
    if (!name) return false;
    auto const zone = clock::Zone::load(*name);
    if (!zone) {
      loading_.problems.add(zone_node != nullptr ? zone_node->mark : node->mark,
                            fmt::format("{}: {}", fields.what("zone"), zone.error().message));
      return false;
    }
    auto const instant = clock::parse_instant(*text, *zone);
    if (!instant) {
      loading_.problems.add(node->mark, fmt::format("'at': {}", instant.error().message));
      return false;
    }
    trigger.schedule = clock::Schedule::of_instant(*instant);
    trigger.text = fmt::format("at {}", format_rfc3339(*instant));
    return true;
  }

  bool read_every(const Fields& fields, Trigger& trigger) {
    trigger.kind = Trigger::Kind::kEvery;
    const YamlNode* node = fields.get("every");
    if (node == nullptr) return false;
    auto const period = loading_.reader.duration(*node, "'every'",
                                                 {clock::Every::kShortest, clock::Every::kLongest});
    if (!period) return false;
    auto const every = clock::Every::of(*period);
    if (!every) {
      loading_.problems.add(node->mark, fmt::format("'every': {}", every.error().message));
      return false;
    }
    trigger.text = fmt::format("every {}", format_duration(*period));
    trigger.schedule = clock::Schedule::of_every(*every);
    return true;
  }

  bool read_after(const Fields& fields, Trigger& trigger) {
    trigger.kind = Trigger::Kind::kAfterFlow;
    const YamlNode* node = fields.get("after");
    if (node == nullptr) return false;
    if (!node->is_map()) {
      auto const name = loading_.reader.name(*node, "'after'");
      return name && set_upstream(*name, *node, trigger);
    }
    Fields const inner(loading_.reader, *node, kInAfterSource, "'after'");
    const YamlNode* flow = inner.get("flow");
    const YamlNode* dataset = inner.get("dataset");
    const YamlNode* state = inner.get("state");
    if ((flow != nullptr) == (dataset != nullptr)) {
      loading_.problems.add(node->mark,
                            "'after': expected one of 'flow: NAME' and 'dataset: NAME'");
      return false;
    }
    if (dataset != nullptr) {
      if (state != nullptr) {
        loading_.problems.add(state->mark, "'state' of 'after' is for a flow; a dataset has none");
      }
      auto const name = loading_.reader.name(*dataset, inner.what("dataset"));
      if (!name) return false;
      trigger.kind = Trigger::Kind::kAfterDataset;
      trigger.source = *name;
      trigger.text = fmt::format("after dataset {}", *name);
      return true;
    }
    if (state != nullptr) {
      auto const found = loading_.reader.word(*state, inner.what("state"), after_words());
      if (!found) return false;
      trigger.after = *found;
    }
    auto const name = loading_.reader.name(*flow, inner.what("flow"));
    return name && set_upstream(*name, *flow, trigger);
  }

  bool set_upstream(const std::string& name, const YamlNode& node, Trigger& trigger) {
    if (name == loading_.flow.name.value) {
      loading_.problems.add(node.mark,
                            fmt::format("'after': flow '{}' comes after itself and would "
                                        "run without end; name another flow",
                                        name));
      return false;
    }
    trigger.source = name;
    trigger.text = fmt::format("after {}", name);
    if (trigger.after == Trigger::After::kFailed) trigger.text += " failed";
    if (trigger.after == Trigger::After::kDone) trigger.text += " done";
    return true;
  }

  bool read_call(const Fields& fields, Trigger& trigger) {
    trigger.text = "call";
    const YamlNode* node = fields.get("call");
    if (node == nullptr || (node->is_map() && node->entries.empty())) return true;
    loading_.reader.report(*node, "'call'", "nothing: the params of a run come with the call");
    return false;
  }

  void read_policies(const Fields& fields, Trigger& trigger, Places place) {
    bool const is_clock = place == kInCron || place == kInEvery || place == kInAt;
    trigger.overlap = is_clock ? Overlap::kSkip : Overlap::kQueue;
    if (overlap_ && (is_clock || *overlap_ != Overlap::kSkip)) trigger.overlap = *overlap_;
    if (const YamlNode* node = fields.get("overlap")) {
      auto const found = loading_.reader.word(*node, fields.what("overlap"), overlap_words());
      if (found) trigger.overlap = *found;
      if (found && *found == Overlap::kSkip && place == kInAfter) {
        loading_.problems.add(node->mark,
                              "'overlap' of an after trigger: found 'skip', expected "
                              "queue or allow: what comes after a run is owed");
      }
    }
    if (missed_) trigger.missed = *missed_;
    if (!is_clock) return;
    if (const YamlNode* node = fields.get("jitter")) {
      auto const jitter = loading_.reader.duration(*node, fields.what("jitter"),
                                                   {Duration{}, Duration::seconds(86'400)});
      if (jitter) trigger.jitter = *jitter;
      auto const every = trigger.schedule ? trigger.schedule->every() : std::nullopt;
      if (jitter && every && *jitter > every->period()) {
        loading_.problems.add(
            node->mark, fmt::format("'jitter' of every: found {}, expected at most the period",
                                    format_duration(*jitter)));
      }
    }
    if (const YamlNode* node = fields.get("missed")) {
      auto const found = read_missed(loading_, *node, fields.what("missed"));
      if (found) trigger.missed = *found;
    }
  }

  void read_with(const Fields& fields, Trigger& trigger, Mark mark) {
    Readable const readable{.params = false,
                            .run = true,
                            .item = false,
                            .why_no_item = "'item' cannot be read here",
                            .needs = {}};
    const YamlNode* node = fields.get("with");
    if (node != nullptr)
      trigger.with = Values(loading_, readable).typed_map(*node, fields.what("with"));
    std::vector<std::string> names;
    for (const Param& param : loading_.flow.params) {
      names.push_back(param.name);
      const YamlNode* given = node != nullptr && node->is_map() ? node->find(param.name) : nullptr;
      if (given == nullptr && !param.otherwise) {
        loading_.problems.add(mark,
                              fmt::format("the {} gives no value for the param '{}', which has "
                                          "no default; add with: {{{}: ...}}",
                                          fields.owner(), param.name, param.name));
      }
    }
    if (node == nullptr || !node->is_map()) return;
    for (const auto& entry : node->entries) {
      check_given(entry, trigger, names);
    }
  }

  void check_given(const YamlNode::Entry& entry, const Trigger& trigger,
                   const std::vector<std::string>& names) {
    auto const param = std::find_if(loading_.flow.params.begin(), loading_.flow.params.end(),
                                    [&](const Param& p) { return p.name == entry.key; });
    if (param == loading_.flow.params.end()) {
      std::string const near = loading_.problems.did_you_mean(entry.key, names);
      loading_.problems.add(
          entry.key_mark, fmt::format("the flow has no param '{}'{} {}", printable(entry.key, 60),
                                      near.empty() ? ";" : near,
                                      names.empty() ? "it has none" : "it has: " + some_of(names)));
      return;
    }
    for (const auto& [name, rendered] : trigger.with) {
      if (name != entry.key || !rendered.is_constant()) continue;
      auto const checked = check_param(*param, rendered.constant_value());
      if (!checked) loading_.problems.add(entry.value.mark, checked.error().message);
    }
  }

  void add(Trigger trigger, Mark mark, std::optional<std::string> id) {
    trigger.id = id ? *id : sha256_hex(trigger.text).substr(0, 12);
    trigger.jitter_seed = hash64(fmt::format("{}/{}", loading_.flow.name.value, trigger.id));
    for (const Trigger& other : loading_.flow.triggers) {
      if (other.id != trigger.id) continue;
      loading_.problems.add(mark, id ? fmt::format("two triggers have the id '{}'", *id)
                                     : fmt::format("the trigger {} stands twice; take one away, or "
                                                   "give each an id",
                                                   trigger.text));
      return;
    }
    loading_.flow.triggers.push_back(std::move(trigger));
  }

  Loading& loading_;
  std::optional<Overlap> overlap_;
  std::optional<Missed> missed_;
};

// The text between `name(` and `)`, or nothing.
std::optional<std::string_view> argument(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || !text.ends_with(')')) return std::nullopt;
  text.remove_prefix(name.size());
  if (!text.starts_with('(')) return std::nullopt;
  return trim(text.substr(1, text.size() - 2));
}

}  // namespace

std::optional<Missed> read_missed(Loading& loading, const YamlNode& node, std::string_view what) {
  std::string_view const text = node.is_scalar() ? trim(node.scalar) : std::string_view();
  if (text == "lost") return Missed{.policy = Missed::Policy::kLost, .count = 0, .within = {}};
  if (text == "latest") return Missed{};
  if (auto const inside = argument(text, "all")) {
    int64_t count = 0;
    auto const [end, error] = std::from_chars(inside->begin(), inside->end(), count);
    if (error == std::errc() && end == inside->end() && count >= 1 && count <= kMaxMissed) {
      return Missed{.policy = Missed::Policy::kAll, .count = count, .within = {}};
    }
    loading.reader.report(node, what, fmt::format("all(n) with n from 1 to {}", kMaxMissed));
    return std::nullopt;
  }
  if (auto const inside = argument(text, "within")) {
    auto const within = parse_duration(*inside);
    if (within && within->us > 0 && *within <= Duration::seconds(3660LL * 86'400)) {
      return Missed{.policy = Missed::Policy::kWithin, .count = 0, .within = *within};
    }
    loading.reader.report(node, what, "within(duration), such as within(1h), at most 3660d");
    return std::nullopt;
  }
  loading.reader.report(node, what, "one of: lost, latest, all(n), within(duration)");
  return std::nullopt;
}

void read_triggers(Loading& loading, const YamlNode* on, std::optional<Overlap> overlap,
                   std::optional<Missed> missed) {
  if (on == nullptr) return;
  TriggerReader triggers(loading, overlap, missed);
  std::vector<const YamlNode*> const items = loading.reader.one_or_many(*on);
  if (items.size() > kMaxTriggers) {
    loading.problems.add(on->mark,
                         fmt::format("'on' of the flow: {} triggers; at most {} are accepted",
                                     items.size(), kMaxTriggers));
    return;
  }
  for (const YamlNode* item : items) triggers.read(*item);
}

}  // namespace tidemill::flow
