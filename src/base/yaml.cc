// Wraps yaml-cpp's event parser; no type of it leaves this file.
#include "base/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <unordered_map>

#include "base/text.h"

namespace tidemill {
namespace {

struct Refused {
  YamlError error;
};

Mark to_mark(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

size_t count_nodes(const YamlNode& node) {
  size_t count = 1;
  for (const YamlNode& item : node.items) count += count_nodes(item);
  for (const auto& entry : node.entries) count += 1 + count_nodes(entry.value);
  return count;
}

bool reads_as_null(const std::string& text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(YamlLimits limits) : limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.mark = to_mark(mark);
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto const found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      refuse(to_mark(mark), "an alias inside the node that it names; write the value out");
    }
    YamlNode copy = found->second;
    copy.mark = to_mark(mark);
    nodes_ += count_nodes(copy);
    add(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    YamlNode node;
    node.mark = to_mark(mark);
    node.scalar = value;
    node.quoted = tag == "!";
    node.kind =
        !node.quoted && reads_as_null(value) ? YamlNode::Kind::kNull : YamlNode::Kind::kScalar;
    add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(YamlNode::Kind::kSequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { close(); }

  YamlNode take_root() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
    bool key_pending = false;                         // of a map: a key was read, its value is next
    std::unordered_map<std::string, int> lines = {};  // of a map: where each key stands
  };

  [[noreturn]] static void refuse(Mark mark, std::string message) {
    throw Refused{{mark, std::move(message)}};
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    refuse(to_mark(mark),
           fmt::format("the tag '{}' is not accepted; write the plain value", printable(tag, 60)));
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= limits_.depth) {
      refuse(to_mark(mark), fmt::format("nested more than {} levels deep", limits_.depth));
    }
    Open fresh;
    fresh.node.kind = kind;
    fresh.node.mark = to_mark(mark);
    fresh.anchor = anchor;
    open_.push_back(std::move(fresh));
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    if (++nodes_ > limits_.nodes) {
      refuse(node.mark, fmt::format("more than {} values, aliases written out", limits_.nodes));
    }
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_sequence()) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.key_pending) {
      parent.node.entries.back().value = std::move(node);
      parent.key_pending = false;
    } else {
      add_key(parent, std::move(node));
    }
  }

  static void add_key(Open& parent, YamlNode node) {
    if (node.is_sequence() || node.is_map()) {
      refuse(node.mark, fmt::format("{} as a key; expected a word", node.kind_words()));
    }
    if (node.scalar == "<<" && !node.quoted) {
      refuse(node.mark, "the merge key '<<' is not accepted; write the fields out");
    }
    auto const [first, is_new] = parent.lines.emplace(node.scalar, node.mark.line);
    if (!is_new) {
      refuse(node.mark, fmt::format("'{}' is given twice; it stands first in line {}",
                                    printable(node.scalar, 60), first->second));
    }
    parent.node.entries.push_back({std::move(node.scalar), node.mark, {}});
    parent.key_pending = true;
  }

  YamlLimits limits_;
  YamlNode root_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, YamlNode> anchors_;
  size_t nodes_ = 0;
};

// Every malformed text has a first byte at which no sequence of up to four bytes is well-formed.
Mark place_of_bad_utf8(std::string_view text) {
  Mark mark{1, 1};
  for (size_t at = 0; at < text.size();) {
    size_t length = 1;
    while (length <= 4 && !is_utf8(text.substr(at, length))) ++length;
    if (length > 4) return mark;
    mark = text[at] == '\n' ? Mark{mark.line + 1, 1}
                            : Mark{mark.line, mark.column + static_cast<int>(length)};
    at += length;
  }
  return mark;
}

}  // namespace

std::string_view YamlNode::kind_words() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "text";
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

tl::expected<YamlNode, YamlError> parse_yaml(std::string_view text, YamlLimits limits) {
  auto refused = [](Mark mark, std::string message) {
    return tl::unexpected<YamlError>({mark, std::move(message)});
  };
  if (text.size() > limits.bytes) {
    return refused({1, 1}, fmt::format("the file has {} bytes; at most {} are accepted",
                                       text.size(), limits.bytes));
  }
  if (!is_utf8(text)) {
    return refused(place_of_bad_utf8(text), "a byte that is not UTF-8; save the file as UTF-8");
  }
  if (size_t const at = text.find('\0'); at != std::string_view::npos) {
    return refused(
        {1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n')),
         1},
        "a zero byte; this is not a text file");
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(limits);
    if (!parser.HandleNextDocument(builder)) return refused({1, 1}, "the file is empty");
    YamlNode root = builder.take_root();
    Builder second(limits);
    if (parser.HandleNextDocument(second)) {
      return refused(second.take_root().mark, "a second document; expected one document a file");
    }
    return root;
  } catch (const Refused& refusal) {
    return tl::unexpected<YamlError>(refusal.error);
  } catch (const YAML::Exception& problem) {
    return refused(to_mark(problem.mark), "not valid YAML: " + problem.msg);
  }
}

}  // namespace tidemill
