#include "cli/flow_case.h"

#include <fmt/format.h>

#include <initializer_list>

#include "base/text.h"
#include "flow/reader.h"

namespace tidemill::cli {
namespace {

constexpr size_t kFileBytes = 1u << 20;
constexpr size_t kAnswerBytes = 4u << 20;
constexpr size_t kMaxCases = 1'000;
constexpr Duration kLongest = Duration::seconds(30LL * 86'400);

class CaseReader {
 public:
  CaseReader(const flow::Source& source, const std::string& path)
      : source_(source), path_(path), problems_(path), reader_(problems_) {}

  std::vector<FlowCase> read(const YamlNode& root) {
    std::vector<FlowCase> cases;
    if (!reader_.is_map(root, "the test")) return cases;
    const YamlNode* list = root.find("cases");
    if (list == nullptr) {
      FlowCase one;
      one.name = path_;
      read_case(root, "the test", {"flow", "at"}, one);
      cases.push_back(std::move(one));
      return cases;
    }
    check_keys(root, "the file", {"flow", "at", "cases"});
    FlowCase common;
    read_common(root, common);
    for (const YamlNode* node : reader_.one_or_many(*list)) {
      if (cases.size() == kMaxCases) {
        problems_.add(node->mark, fmt::format("more than {} cases; make two files", kMaxCases));
        break;
      }
      FlowCase one = common;
      one.name = fmt::format("case {}", cases.size() + 1);
      if (reader_.is_map(*node, one.name)) read_case(*node, one.name, {"flow", "at"}, one);
      cases.push_back(std::move(one));
    }
    if (cases.empty()) problems_.add(root.mark, "the file has no case; add one below 'cases'");
    return cases;
  }

  std::vector<flow::FileError> take_errors() { return problems_.take(); }

 private:
  void check_keys(const YamlNode& map, const std::string& what, std::vector<std::string> valid) {
    for (const YamlNode::Entry& entry : map.entries) {
      if (std::find(valid.begin(), valid.end(), entry.key) != valid.end()) continue;
      std::string const near = problems_.did_you_mean(entry.key, valid);
      problems_.add(entry.key_mark, fmt::format("unknown key '{}' in {}{} expected one of: {}",
                                                printable(entry.key, 60), what,
                                                near.empty() ? ";" : near, join(valid, ", ")));
    }
  }

  void read_common(const YamlNode& node, FlowCase& one) {
    one.mark = node.mark;
    if (const YamlNode* flow = node.find("flow")) {
      one.flow = reader_.name(*flow, "'flow'").value_or("");
    }
    if (const YamlNode* at = node.find("at")) {
      auto const text = reader_.text(*at, "'at'");
      auto const time = text ? parse_rfc3339(*text) : Result<Time>(Time{});
      if (text && !time) {
        reader_.report(*at, "'at'", "an instant such as 2026-03-01T02:00:00Z");
      } else if (text) {
        one.at = *time;
      }
    }
  }

  void read_case(const YamlNode& node, const std::string& what,
                 std::initializer_list<std::string> common, FlowCase& one) {
    std::vector<std::string> valid = common;
    for (const char* key :
         {"name", "params", "vendors", "http", "tasks", "approvals", "files", "expect"}) {
      valid.emplace_back(key);
    }
    check_keys(node, what, valid);
    read_common(node, one);
    if (const YamlNode* name = node.find("name")) {
      one.name = reader_.text(*name, "'name'").value_or(one.name);
    }
    if (one.flow.empty()) problems_.add(node.mark, what + " does not say which 'flow' it tests");
    if (const YamlNode* params = node.find("params"); params && is_map(*params, "'params'")) {
      one.params = flow::node_to_json(*params);
    }
    each(node.find("vendors"), "'vendors'", [&](const YamlNode::Entry& entry) {
      one.vendors[entry.key] = answers(entry.value, fmt::format("the answer of {}", entry.key));
    });
    each(node.find("http"), "'http'", [&](const YamlNode::Entry& entry) {
      one.http[entry.key] = answers(entry.value, fmt::format("the answer of {}", entry.key));
    });
    each(node.find("tasks"), "'tasks'", [&](const YamlNode::Entry& entry) {
      one.tasks[entry.key] = results(entry.value, fmt::format("the result of {}", entry.key));
    });
    each(node.find("approvals"), "'approvals'", [&](const YamlNode::Entry& entry) {
      if (!is_map(entry.value, "the approval of " + entry.key)) return;
      check_keys(entry.value, "the approval of " + entry.key,
                 {"decision", "by", "comment", "fields"});
      one.approvals[entry.key] = flow::node_to_json(entry.value);
    });
    each(node.find("files"), "'files'",
         [&](const YamlNode::Entry& entry) { one.files[entry.key] = entry.value.scalar; });
    const YamlNode* expect = node.find("expect");
    if (expect == nullptr || !is_map(*expect, "'expect'")) {
      if (expect == nullptr) problems_.add(node.mark, what + " has no 'expect'");
      return;
    }
    check_keys(*expect, "'expect'", {"state", "error", "tasks", "output", "decision", "published"});
    one.expect = flow::node_to_json(*expect);
  }

  bool is_map(const YamlNode& node, const std::string& what) { return reader_.is_map(node, what); }

  template <class Read>
  void each(const YamlNode* node, const std::string& what, Read&& read) {
    if (node == nullptr || !is_map(*node, what)) return;
    for (const YamlNode::Entry& entry : node->entries) read(entry);
  }

  Duration takes(const YamlNode& node, const std::string& what) {
    const YamlNode* value = node.find("takes");
    if (value == nullptr) return Duration::millis(1);
    return reader_.duration(*value, "'takes' of " + what, {Duration{}, kLongest})
        .value_or(Duration{});
  }

  std::vector<RecordedAnswer> answers(const YamlNode& node, const std::string& what) {
    std::vector<RecordedAnswer> list;
    for (const YamlNode* item : reader_.one_or_many(node)) {
      if (!is_map(*item, what)) continue;
      check_keys(*item, what, {"status", "body", "file", "fails", "takes"});
      RecordedAnswer answer;
      answer.takes = takes(*item, what);
      if (const YamlNode* status = item->find("status")) {
        answer.status =
            static_cast<int>(reader_.integer(*status, "'status' of " + what, 100, 599).value_or(0));
      }
      if (const YamlNode* body = item->find("body")) answer.body = flow::node_to_json(*body).dump();
      if (const YamlNode* file = item->find("file")) {
        auto const path = reader_.path(*file, "'file' of " + what);
        auto const text = path ? source_.read(*path, kAnswerBytes) : Result<std::string>("");
        if (text) {
          answer.body = *text;
        } else {
          problems_.add(file->mark, fmt::format("{}: {}", *path, text.error().message));
        }
      }
      if (const YamlNode* fails = item->find("fails")) {
        constexpr flow::Word<std::string_view> kFails[] = {
            {"timeout", "timeout"}, {"reset", "reset"}, {"unreachable", "unreachable"}};
        answer.fails = std::string(
            reader_.word<std::string_view>(*fails, "'fails' of " + what, kFails).value_or(""));
      }
      list.push_back(std::move(answer));
    }
    if (list.empty()) problems_.add(node.mark, what + " is empty");
    return list;
  }

  std::vector<RecordedResult> results(const YamlNode& node, const std::string& what) {
    std::vector<RecordedResult> list;
    for (const YamlNode* item : reader_.one_or_many(node)) {
      if (!is_map(*item, what)) continue;
      check_keys(*item, what, {"output", "rows", "exit_code", "error", "takes"});
      RecordedResult result;
      result.takes = takes(*item, what);
      for (const char* key : {"output", "rows"}) {
        if (const YamlNode* value = item->find(key)) result.value = flow::node_to_json(*value);
      }
      if (const YamlNode* code = item->find("exit_code")) {
        result.exit_code =
            static_cast<int>(reader_.integer(*code, "'exit_code' of " + what, 0, 255).value_or(0));
      }
      if (const YamlNode* error = item->find("error")) {
        result.error = reader_.text(*error, "'error' of " + what).value_or("");
      }
      list.push_back(std::move(result));
    }
    if (list.empty()) problems_.add(node.mark, what + " is empty");
    return list;
  }

  const flow::Source& source_;
  std::string path_;
  flow::Problems problems_;
  flow::Reader reader_;
};

}  // namespace

tl::expected<std::vector<FlowCase>, std::vector<flow::FileError>> read_flow_cases(
    const flow::Source& source, const std::string& path) {
  auto const text = source.read(path, kFileBytes);
  if (!text) {
    return tl::unexpected(std::vector<flow::FileError>{{path, {1, 1}, text.error().text()}});
  }
  auto const root = parse_yaml(*text);
  if (!root) {
    return tl::unexpected(
        std::vector<flow::FileError>{{path, root.error().mark, root.error().message}});
  }
  CaseReader reader(source, path);
  auto cases = reader.read(*root);
  auto errors = reader.take_errors();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return cases;
}

}  // namespace tidemill::cli
