#include "flow/reader.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"
#include "base/text.h"

namespace tidemill::flow {

std::string shown(const YamlNode& node) {
  if (node.is_scalar()) return fmt::format("'{}'", printable(node.scalar, 60));
  return std::string(node.kind_words());
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& valid) {
  constexpr size_t kSearched = 1000;
  std::string const near =
      valid.size() <= kSearched
          ? nearest_word(word, valid)
          : nearest_word(word, std::vector<std::string>(valid.begin(), valid.begin() + kSearched));
  return near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 40;
  if (names.size() <= kShown) return join(names, ", ");
  std::vector<std::string> const first(names.begin(), names.begin() + kShown);
  return fmt::format("{} and {} more", join(first, ", "), names.size() - kShown);
}

void Reader::report(const YamlNode& node, std::string_view what, std::string_view expected) {
  problems_.add(node.mark, fmt::format("{}: found {}, expected {}", what, shown(node), expected));
}

void Reader::report_word(const YamlNode& node, std::string_view what,
                         const std::vector<std::string>& valid) {
  std::string const near =
      node.is_scalar() ? problems_.did_you_mean(node.scalar, valid) : std::string();
  report(node, what,
         fmt::format("{}{}{}", valid.size() > 1 ? "one of: " : "", some_of(valid), near));
}

std::optional<std::string> Reader::text(const YamlNode& node, std::string_view what) {
  if (!node.is_scalar()) {
    report(node, what, "text");
    return std::nullopt;
  }
  if (trim(node.scalar).empty()) {
    problems_.add(node.mark, fmt::format("{}: found empty text", what));
    return std::nullopt;
  }
  if (node.scalar.size() > kMaxTextBytes) {
    problems_.add(node.mark, fmt::format("{}: a text of {} bytes; at most {} are accepted", what,
                                         node.scalar.size(), kMaxTextBytes));
    return std::nullopt;
  }
  return node.scalar;
}

std::optional<std::string> Reader::name(const YamlNode& node, std::string_view what) {
  if (node.is_scalar() && is_name(node.scalar)) return node.scalar;
  report(node, what,
         "a name: letters, digits, _ and -, beginning with a letter or _, at most 100 long");
  return std::nullopt;
}

std::optional<Duration> Reader::duration(const YamlNode& node, std::string_view what,
                                         DurationRange range) {
  constexpr std::string_view kExample = "a duration such as 50ms, 3s, 2m, 1h30m or 30d";
  auto const parsed =
      node.is_scalar() ? parse_duration(node.scalar) : Result<Duration>(fail(Code::kInvalid, ""));
  if (!parsed) {
    report(node, what, kExample);
    return std::nullopt;
  }
  if (*parsed < range.least || *parsed > range.most) {
    report(node, what,
           fmt::format("{} to {}", format_duration(range.least), format_duration(range.most)));
    return std::nullopt;
  }
  return *parsed;
}

std::optional<int64_t> Reader::integer(const YamlNode& node, std::string_view what, int64_t least,
                                       int64_t most) {
  if (node.is_scalar() && !node.quoted) {
    Json const json = scalar_to_json(node);
    if (json.is_int() && json.as_int() >= least && json.as_int() <= most) return json.as_int();
  }
  report(node, what, fmt::format("a whole number, {} to {}", least, most));
  return std::nullopt;
}

std::optional<bool> Reader::boolean(const YamlNode& node, std::string_view what) {
  constexpr std::array<Word<bool>, 2> kWords{{{"true", true}, {"false", false}}};
  return word<bool>(node, what, kWords);
}

std::optional<std::string> Reader::path(const YamlNode& node, std::string_view what) {
  std::optional<std::string> const found = text(node, what);
  if (!found) return std::nullopt;
  bool is_good = found->size() <= 500 && found->front() != '/';
  for (std::string_view part : split(*found, '/')) {
    if (part.empty() || part == "." || part == "..") is_good = false;
  }
  for (char c : *found) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7F) is_good = false;
  }
  if (is_good) return found;
  report(node, what,
         "a path within the project, relative to its folder, without '.' or '..' parts");
  return std::nullopt;
}

bool Reader::is_map(const YamlNode& node, std::string_view what) {
  if (node.is_map()) return true;
  report(node, what, "a map");
  return false;
}

std::vector<const YamlNode*> Reader::one_or_many(const YamlNode& node) {
  if (!node.is_sequence()) return {&node};
  std::vector<const YamlNode*> items;
  for (const YamlNode& item : node.items) items.push_back(&item);
  return items;
}

Fields::Fields(Reader& reader, const YamlNode& map, Places place, std::string owner)
    : map_(map), place_(place), owner_(std::move(owner)) {
  for (const YamlNode::Entry& entry : map.entries) {
    const Field* field = find_field(place, entry.key);
    if (field == nullptr) {
      report_unknown(reader, entry);
    } else if (entry.value.is_null() && entry.key != "call" && entry.key != "default") {
      reader.problems().add(
          entry.key_mark, fmt::format("'{}' of {} has no value; expected {}, or leave the key out",
                                      entry.key, owner_, field->form));
    }
  }
}

void Fields::report_unknown(Reader& reader, const YamlNode::Entry& entry) const {
  std::string const key = printable(entry.key, 60);
  if (const NotBuilt* row = find_not_built(place_, entry.key)) {
    reader.problems().add(
        entry.key_mark, fmt::format("'{}' in {} is not available in this version{}{}", key, owner_,
                                    row->instead.empty() ? "" : "; ", row->instead));
    return;
  }
  Places const family = (place_ & kAnyTask) != 0      ? kAnyTask
                        : (place_ & kAnyTrigger) != 0 ? kAnyTrigger
                                                      : 0;
  Places elsewhere = 0;
  for (const Field& field : fields()) {
    if (field.name == entry.key) elsewhere |= field.places & family;
  }
  if (entry.key == "retry" && place_ == kVendorTask) {
    reader.problems().add(entry.key_mark,
                          fmt::format("'retry' in {}: a vendor's retry stands in its file; move it "
                                      "to the product there",
                                      owner_));
    return;
  }
  if (elsewhere != 0) {
    reader.problems().add(
        entry.key_mark, fmt::format("'{}' does not apply to {}, which is of kind {}; it is for {}",
                                    key, owner_, places_text(place_), places_text(elsewhere)));
    return;
  }
  std::vector<std::string> const valid = field_names(place_);
  std::string const near = reader.problems().did_you_mean(entry.key, valid);
  reader.problems().add(entry.key_mark,
                        fmt::format("unknown key '{}' in {}{} expected one of: {}", key, owner_,
                                    near.empty() ? ";" : near, join(valid, ", ")));
}

const YamlNode* Fields::get(std::string_view name) const {
  TIDEMILL_CHECK(find_field(place_, name) != nullptr);
  const YamlNode* node = map_.find(name);
  return node == nullptr || node->is_null() ? nullptr : node;
}

bool Fields::has(std::string_view name) const { return map_.find(name) != nullptr; }

std::string Fields::what(std::string_view name) const {
  return fmt::format("'{}' of {}", name, owner_);
}

Json scalar_to_json(const YamlNode& scalar) {
  if (scalar.quoted) return scalar.scalar;
  if (scalar.scalar == "true") return true;
  if (scalar.scalar == "false") return false;
  char const first = scalar.scalar.empty() ? 'x' : scalar.scalar[0];
  if (first == '-' || (first >= '0' && first <= '9')) {
    auto number = parse_json(scalar.scalar);
    if (number && number->is_number()) return *number;
  }
  return scalar.scalar;
}

Json node_to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kScalar:
      return scalar_to_json(node);
    case YamlNode::Kind::kSequence: {
      Json::Array list;
      for (const YamlNode& item : node.items) list.push_back(node_to_json(item));
      return list;
    }
    case YamlNode::Kind::kMap: {
      Json::Object map;
      for (const auto& entry : node.entries) map.emplace_back(entry.key, node_to_json(entry.value));
      return map;
    }
  }
  return nullptr;
}

}  // namespace tidemill::flow
