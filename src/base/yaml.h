// A YAML document as a tree whose every node knows its place. Caps keep hostile files small.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tidemill {

struct Mark {
  int line = 0;    // from 1
  int column = 0;  // from 1
};

class YamlNode {
 public:
  enum class Kind { kNull, kScalar, kSequence, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  Mark mark;
  std::string scalar;           // text of a scalar, as written
  bool quoted = false;          // a quoted scalar is text, whatever it looks like
  std::vector<YamlNode> items;  // of a sequence
  std::vector<Entry> entries;   // of a map, in file order; keys are unique

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_map() const { return kind == Kind::kMap; }
  // "nothing", "text", "a list", "a map": for messages
  std::string_view kind_words() const;
  const YamlNode* find(std::string_view key) const;
};

struct YamlNode::Entry {
  std::string key;
  Mark key_mark;
  YamlNode value;
};

struct YamlLimits {
  size_t bytes = 1u << 20;
  size_t depth = 32;
  size_t nodes = 50'000;  // counted after aliases are expanded
};

// A mistake in a file, with its place.
struct YamlError {
  Mark mark;
  std::string message;
};

// One document. Refused: more than one document, duplicate keys, keys that are not scalars, tags,
// merge keys (<<), unknown or recursive aliases, malformed UTF-8, and what is over a limit.
tl::expected<YamlNode, YamlError> parse_yaml(std::string_view text, YamlLimits limits = {});

}  // namespace tidemill
