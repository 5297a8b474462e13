// Reads values of YAML nodes and reports what is wrong with them. Every reader answers nothing
// after it has reported; callers go on, so that one look at a file finds many mistakes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "base/yaml.h"
#include "flow/fields.h"
#include "flow/problems.h"

namespace tidemill::flow {

inline constexpr size_t kMaxTextBytes = 64u << 10;  // of one text of a flow file

// A word of the file and what it means.
template <class T>
struct Word {
  std::string_view text;
  T value;
};

struct DurationRange {
  Duration least;
  Duration most;
};

class Reader {
 public:
  explicit Reader(Problems& problems) : problems_(problems) {}

  Problems& problems() { return problems_; }

  // `what` names the value in messages: "'timeout' of task 'bureau'".
  std::optional<std::string> text(const YamlNode& node, std::string_view what);
  std::optional<std::string> name(const YamlNode& node, std::string_view what);
  std::optional<Duration> duration(const YamlNode& node, std::string_view what,
                                   DurationRange range);
  std::optional<int64_t> integer(const YamlNode& node, std::string_view what, int64_t least,
                                 int64_t most);
  std::optional<bool> boolean(const YamlNode& node, std::string_view what);
  // A path within the project: relative, without "..".
  std::optional<std::string> path(const YamlNode& node, std::string_view what);
  bool is_map(const YamlNode& node, std::string_view what);
  // The items of a list, or the one value that stands in place of it.
  std::vector<const YamlNode*> one_or_many(const YamlNode& node);
  // One of the words.
  template <class T>
  std::optional<T> word(const YamlNode& node, std::string_view what,
                        std::span<const Word<T>> words) {
    std::vector<std::string> valid;
    for (const Word<T>& row : words) {
      if (node.is_scalar() && row.text == node.scalar) return row.value;
      valid.emplace_back(row.text);
    }
    report_word(node, what, valid);
    return std::nullopt;
  }
  // "what: found ..., expected ...".
  void report(const YamlNode& node, std::string_view what, std::string_view expected);

 private:
  void report_word(const YamlNode& node, std::string_view what,
                   const std::vector<std::string>& valid);

  Problems& problems_;
};

// The keys of a map, checked against the table of fields.
class Fields {
 public:
  // `owner` names the map in messages: "task 'bureau'".
  Fields(Reader& reader, const YamlNode& map, Places place, std::string owner);

  // The value of a key that the table has for this place; null if it is absent or without a value.
  const YamlNode* get(std::string_view name) const;
  // Whether the key stands there, with or without a value.
  bool has(std::string_view name) const;
  // "'timeout' of task 'bureau'"
  std::string what(std::string_view name) const;
  const std::string& owner() const { return owner_; }
  Mark mark() const { return map_.mark; }

 private:
  void report_unknown(Reader& reader, const YamlNode::Entry& entry) const;

  const YamlNode& map_;
  Places place_;
  std::string owner_;
};

// What a node looks like in a message: 'word', a list, a map, nothing.
std::string shown(const YamlNode& node);
// "; did you mean 'x'?" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& valid);
// The first names of a list, and how many more there are.
std::string some_of(const std::vector<std::string>& names);
// A plain scalar as JSON: numbers, true and false typed, all else text; quoted ones are text.
Json scalar_to_json(const YamlNode& scalar);
// Any node as JSON.
Json node_to_json(const YamlNode& node);

}  // namespace tidemill::flow
