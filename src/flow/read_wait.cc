// The settings of wait tasks.
#include <fmt/format.h>

#include <array>

#include "flow/settings.h"

namespace tidemill::flow {
namespace {

using For = WaitSettings::For;

constexpr Duration kShortestInterval = Duration::millis(100);
constexpr Duration kDay = Duration::seconds(86'400);
constexpr Duration kLongest = kDay * 30;
constexpr Duration kUsualTimeout = kDay * 7;

constexpr auto kSources = std::to_array<Word<For>>({{"file", For::kFile},
                                                    {"url", For::kUrl},
                                                    {"query", For::kQuery},
                                                    {"dataset", For::kDataset},
                                                    {"until", For::kUntil},
                                                    {"for", For::kDuration}});

class WaitReader {
 public:
  explicit WaitReader(const SettingsPlace& at) : at_(at), reader_(at.loading.reader) {}

  void read() {
    if (!at_.node.is_map()) {
      auto const duration = reader_.duration(at_.node, at_.what, {Duration::millis(1), kLongest});
      if (!duration) return;
      wait_.duration = *duration;
      finish(std::nullopt);
      return;
    }
    Fields const fields(reader_, at_.node, kInWait, at_.what);
    auto const source = find_source(fields);
    if (!source) return;
    wait_.what = source->value;
    read_source(*fields.get(source->text), fields.what(source->text));
    read_answer(fields);
    read_pace(fields);
  }

 private:
  std::optional<Word<For>> find_source(const Fields& fields) {
    std::vector<Word<For>> found;
    std::string all;
    for (const Word<For>& row : kSources) {
      all += (all.empty() ? "" : ", ") + std::string(row.text);
      if (fields.get(row.text) != nullptr) found.push_back(row);
    }
    if (found.size() == 1) return found[0];
    at_.loading.problems.add(
        at_.node.mark,
        found.empty()
            ? fmt::format("{} does not say for what; expected one of: {}", at_.what, all)
            : fmt::format("{} has '{}' and '{}'; expected one of them: make two tasks of it",
                          at_.what, found[0].text, found[1].text));
    return std::nullopt;
  }

  void read_source(const YamlNode& node, const std::string& what) {
    Values values(at_.loading, at_.readable);
    SettingsPlace const inner{at_.loading, at_.task, node, at_.readable, at_.map, what};
    switch (wait_.what) {
      case For::kFile:
      case For::kUntil:
        if (auto text = values.text(node, what)) wait_.text = std::move(*text);
        break;
      case For::kUrl:
        wait_.url = read_http_settings(inner);
        if (wait_.url.effect == HttpSettings::Effect::kWrite) {
          at_.loading.problems.add(
              node.mark, fmt::format("{}: the request is sent again and again, so it must change "
                                     "nothing; use GET, or say effect: read",
                                     what));
        }
        break;
      case For::kQuery:
        if (auto query = read_sql_settings(inner)) wait_.query = std::move(*query);
        break;
      case For::kDataset:
        wait_.dataset = reader_.name(node, what).value_or("");
        wait_.every = Duration::seconds(1);
        break;
      case For::kDuration:
        wait_.duration = reader_.duration(node, what, {Duration::millis(1), kLongest})
                             .value_or(Duration::millis(1));
        break;
    }
  }

  void read_answer(const Fields& fields) {
    for (std::string_view name : {"status", "expect"}) {
      if (wait_.what == For::kUrl || fields.get(name) == nullptr) continue;
      at_.loading.problems.add(
          fields.get(name)->mark,
          fmt::format("{} is for a url; this task waits for something else", fields.what(name)));
    }
    if (const YamlNode* node = fields.get("status")) {
      wait_.status =
          static_cast<int>(reader_.integer(*node, fields.what("status"), 100, 599).value_or(0));
    }
    if (const YamlNode* node = fields.get("expect")) {
      wait_.expect = Values(at_.loading, at_.readable).typed(*node, fields.what("expect"));
    }
  }

  void read_pace(const Fields& fields) {
    if (const YamlNode* node = fields.get("every")) {
      auto const every = reader_.duration(*node, fields.what("every"), {kShortestInterval, kDay});
      if (every) wait_.every = *every;
    }
    if (const YamlNode* node = fields.get("soft")) {
      wait_.soft = reader_.boolean(*node, fields.what("soft")).value_or(false);
    }
    std::optional<Duration> timeout;
    if (const YamlNode* node = fields.get("timeout")) {
      timeout = reader_.duration(*node, fields.what("timeout"), {Duration::millis(1), kLongest});
      if (at_.task.timeout) {
        at_.loading.problems.add(node->mark,
                                 fmt::format("{} and the task's own timeout; state one of them",
                                             fields.what("timeout")));
      }
    }
    finish(timeout);
  }

  // The time limit is the task's: the engine keeps it, also over a restart.
  void finish(std::optional<Duration> timeout) {
    if (timeout) at_.task.timeout = timeout;
    bool const ends_by_itself = wait_.what == For::kDuration || wait_.what == For::kUntil;
    if (!at_.task.timeout && !ends_by_itself) at_.task.timeout = kUsualTimeout;
    at_.task.settings = std::move(wait_);
  }

  const SettingsPlace& at_;
  Reader& reader_;
  WaitSettings wait_;
};

}  // namespace

void read_wait(const SettingsPlace& at) { WaitReader(at).read(); }

}  // namespace tidemill::flow
