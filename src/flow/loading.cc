#include "flow/loading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "flow/expressions.h"

namespace tidemill::flow {
namespace {

std::vector<std::string> param_names(const Flow& flow) {
  std::vector<std::string> names;
  for (const Param& param : flow.params) names.push_back(param.name);
  return names;
}

bool is_among(const std::vector<std::string>& names, std::string_view name) {
  std::string const wanted = to_lower_ascii(name);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& other) { return to_lower_ascii(other) == wanted; });
}

std::string choices(const std::vector<std::string>& names, std::string_view none) {
  return names.empty() ? std::string(none) : fmt::format("expected one of: {}", some_of(names));
}

}  // namespace

std::optional<TaskIndex> Loading::find_task(std::string_view name) const {
  std::string const wanted = to_lower_ascii(name);
  std::string prefix = to_lower_ascii(group_prefix);
  while (true) {
    auto const found = folded_names.find(prefix + wanted);
    if (found != folded_names.end()) return found->second;
    if (prefix.empty()) return std::nullopt;
    prefix.pop_back();
    prefix.erase(prefix.rfind('.') + 1);
  }
}

std::vector<TaskIndex> Loading::find_group(std::string_view name) const {
  std::string prefix = group_prefix;
  while (true) {
    for (const Group& group : flow.groups) {
      if (group.name == prefix + std::string(name)) return group.tasks;
    }
    if (prefix.empty()) return {};
    prefix.pop_back();
    prefix.erase(prefix.rfind('.') + 1);
  }
}

bool Loading::is_spelled(std::string_view name, TaskIndex index) const {
  const std::string& full = task_name(index);
  return full == name || (full.ends_with(name) && full.size() > name.size() &&
                          full[full.size() - name.size() - 1] == '.');
}

const std::vector<std::string>& Loading::list(const std::string& folder) {
  auto const found = folders.find(folder);
  if (found != folders.end()) return found->second;
  return folders.emplace(folder, source.list(folder)).first->second;
}

const std::string* Loading::add_file(const std::string& path, size_t limit_bytes, Mark anchor,
                                     std::string_view what) {
  if (auto const known = files.find(path); known != files.end()) return &known->second;
  if (files.size() >= kMaxBundleFiles) {
    problems.add(anchor,
                 fmt::format("{}: the flow names more than {} files", what, kMaxBundleFiles));
    return nullptr;
  }
  auto content = source.read(path, limit_bytes);
  if (!content && content.error().code == Code::kNotFound) {
    std::string const folder =
        path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    problems.add(anchor, fmt::format("{}: there is no file '{}'{}", what, printable(path, 200),
                                     problems.did_you_mean(path, list(folder))));
    return nullptr;
  }
  if (!content) {
    problems.add(anchor, fmt::format("{}: '{}' cannot be read: {}", what, printable(path, 200),
                                     content.error().text()));
    return nullptr;
  }
  if (content->size() > limit_bytes) {
    problems.add(anchor, fmt::format("{}: '{}' has {} bytes; at most {} are accepted", what,
                                     printable(path, 200), content->size(), limit_bytes));
    return nullptr;
  }
  bundle_bytes += content->size();
  if (bundle_bytes > kMaxBundleBytes) {
    problems.add(anchor, fmt::format("{}: with '{}' the files of the flow have more than {} bytes",
                                     what, printable(path, 200), kMaxBundleBytes));
    return nullptr;
  }
  return &files.emplace(path, std::move(*content)).first->second;
}

std::optional<std::string> Loading::complaint(const sql::NameRef& ref,
                                              const Readable& readable) const {
  std::string const name = printable(ref.name, 60);
  std::string const table = to_lower_ascii(ref.qualifier);
  bool const is_bare_item = table.empty() && to_lower_ascii(ref.name) == "item";
  if (table == "item" || is_bare_item) {
    if (readable.item) return std::nullopt;
    return readable.why_no_item;
  }
  if (table.empty() || table == "params") {
    if (!readable.params) return fmt::format("'{}': params cannot be read here", name);
    if (folded_params.count(to_lower_ascii(ref.name)) != 0) return std::nullopt;
    if (table.empty() && find_task(ref.name)) {
      return fmt::format("'{}' is a task; name a column of its value: {}.column", name, name);
    }
    std::vector<std::string> const params = param_names(flow);
    std::string const near = problems.did_you_mean(ref.name, params);
    return fmt::format("'{}' is not a param of this flow{} {}", name, near.empty() ? ";" : near,
                       choices(params, "it has none"));
  }
  if (table == "run") {
    if (!readable.run) return "'run' cannot be read here";
    if (is_among(run_columns(), ref.name)) return std::nullopt;
    std::string const near = problems.did_you_mean(ref.name, run_columns());
    return fmt::format("'run' has no '{}'{} {}", name, near.empty() ? ";" : near,
                       choices(run_columns(), ""));
  }
  std::optional<TaskIndex> const task = find_task(ref.qualifier);
  if (task &&
      std::find(readable.needs.begin(), readable.needs.end(), *task) != readable.needs.end()) {
    return std::nullopt;
  }
  std::string const qualifier = printable(ref.qualifier, 60);
  if (task) return fmt::format("'{}' is a task that is not in needs; add it to needs", qualifier);
  if (folded_params.count(table) != 0) {
    return fmt::format(
        "'{}' is a param, it has no columns; read a member of a json param with "
        "params.{}->>'{}'",
        qualifier, qualifier, name);
  }
  std::vector<std::string> needs;
  for (TaskIndex need : readable.needs) needs.push_back(task_name(need));
  std::string const near = problems.did_you_mean(ref.qualifier, needs);
  return fmt::format("'{}' is no task in needs{} {}", qualifier, near.empty() ? ";" : near,
                     choices(needs, "no task can be read here"));
}

bool Values::is_short_enough(const YamlNode& node, std::string_view what) {
  if (node.scalar.size() <= kMaxTextBytes) return true;
  loading_.problems.add(node.mark, fmt::format("{}: a text of {} bytes; at most {} are accepted",
                                               what, node.scalar.size(), kMaxTextBytes));
  return false;
}

void Values::check(const YamlNode& node, const std::vector<sql::NameRef>& references,
                   std::string_view expression, size_t offset) {
  for (const sql::NameRef& ref : references) {
    auto wrong = loading_.complaint(ref, readable_);
    if (!wrong) continue;
    size_t const at = offset + offset_of(expression, ref.line, ref.column);
    loading_.problems.add(loading_.text.place(node, at), std::move(*wrong));
  }
}

std::optional<sql::Expression> Values::expression(const YamlNode& node, std::string_view what) {
  std::optional<std::string> const text = loading_.reader.text(node, what);
  if (!text) return std::nullopt;
  if (text->find("{{") != std::string::npos) {
    loading_.problems.add(node.mark,
                          fmt::format("{}: it is SQL already; write it without {{{{ }}}}", what));
    return std::nullopt;
  }
  auto compiled = compile_expression(*text);
  if (!compiled) {
    std::string message = compiled.error().message;
    Mark const within = take_place(message);
    size_t const at = offset_of(*text, within.line, within.column);
    loading_.problems.add(loading_.text.place(node, at), fmt::format("{}: {}", what, message));
    return std::nullopt;
  }
  check(node, compiled->references, *text, 0);
  return std::move(compiled->expression);
}

std::optional<Rendered> Values::text(const YamlNode& node, std::string_view what) {
  if (!node.is_scalar()) {
    loading_.reader.report(node, what, "text");
    return std::nullopt;
  }
  if (!is_short_enough(node, what)) return std::nullopt;
  if (node.scalar.find('\0') != std::string::npos) {
    loading_.problems.add(node.mark, fmt::format("{}: a zero byte in the text", what));
    return std::nullopt;
  }
  auto rendered = Rendered::parse(node.scalar);
  if (!rendered) {
    std::string message = rendered.error().message;
    Mark const within = take_place(message);
    loading_.problems.add(loading_.text.place(node, within), fmt::format("{}: {}", what, message));
    return std::nullopt;
  }
  for (const sql::NameRef& ref : rendered->references()) {
    auto wrong = loading_.complaint(ref, readable_);
    if (!wrong) continue;
    loading_.problems.add(loading_.text.place(node, Mark{ref.line, ref.column}), std::move(*wrong));
  }
  return std::move(*rendered);
}

std::optional<Rendered> Values::typed(const YamlNode& node, std::string_view what) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return Rendered::constant(nullptr);
    case YamlNode::Kind::kScalar: {
      if (node.scalar.find("{{") != std::string::npos) return text(node, what);
      if (!is_short_enough(node, what)) return std::nullopt;
      return Rendered::constant(scalar_to_json(node));
    }
    case YamlNode::Kind::kSequence: {
      std::vector<Rendered> items;
      for (const YamlNode& item : node.items) {
        if (auto rendered = typed(item, what)) items.push_back(std::move(*rendered));
      }
      return Rendered::list(std::move(items));
    }
    case YamlNode::Kind::kMap: {
      std::vector<std::pair<std::string, Rendered>> entries;
      for (const auto& entry : node.entries) {
        if (auto rendered = typed(entry.value, what)) {
          entries.emplace_back(entry.key, std::move(*rendered));
        }
      }
      return Rendered::map(std::move(entries));
    }
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, Rendered>> Values::typed_map(const YamlNode& node,
                                                                std::string_view what) {
  std::vector<std::pair<std::string, Rendered>> entries;
  if (!loading_.reader.is_map(node, what)) return entries;
  if (node.entries.size() > kMaxEntries) {
    loading_.problems.add(node.mark, fmt::format("{}: {} entries; at most {} are accepted", what,
                                                 node.entries.size(), kMaxEntries));
    return entries;
  }
  for (const auto& entry : node.entries) {
    if (!is_name(entry.key)) {
      loading_.problems.add(entry.key_mark, fmt::format("{}: found '{}', expected a name", what,
                                                        printable(entry.key, 60)));
      continue;
    }
    if (auto rendered = typed(entry.value, fmt::format("'{}' in {}", entry.key, what))) {
      entries.emplace_back(entry.key, std::move(*rendered));
    }
  }
  return entries;
}

bool is_header_name(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::vector<std::pair<std::string, Rendered>> Values::text_map(const YamlNode& node,
                                                               std::string_view what,
                                                               Naming naming) {
  std::vector<std::pair<std::string, Rendered>> entries;
  if (!loading_.reader.is_map(node, what)) return entries;
  if (node.entries.size() > kMaxEntries) {
    loading_.problems.add(node.mark, fmt::format("{}: {} entries; at most {} are accepted", what,
                                                 node.entries.size(), kMaxEntries));
    return entries;
  }
  for (const auto& entry : node.entries) {
    std::string const shown_key = printable(entry.key, 60);
    bool const is_good = naming == Naming::kHeader
                             ? is_header_name(entry.key)
                             : is_name(entry.key) && entry.key.find('-') == std::string::npos;
    if (!is_good) {
      loading_.problems.add(entry.key_mark,
                            fmt::format("{}: '{}' is no name for {}", what, shown_key,
                                        naming == Naming::kHeader ? "a header" : "a variable"));
      continue;
    }
    if (naming == Naming::kEnvironment && entry.key.starts_with("TIDEMILL_")) {
      loading_.problems.add(entry.key_mark,
                            fmt::format("{}: '{}': names that begin with TIDEMILL_ are set by the "
                                        "server; choose another",
                                        what, shown_key));
      continue;
    }
    if (auto rendered = text(entry.value, fmt::format("'{}' in {}", shown_key, what))) {
      entries.emplace_back(entry.key, std::move(*rendered));
    }
  }
  return entries;
}

}  // namespace tidemill::flow
