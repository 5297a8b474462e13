// The settings of python tasks, and the files of the project that a module imports.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "flow/settings.h"

namespace tidemill::flow {
namespace {

bool is_identifier(std::string_view text) {
  return is_name(text) && text.find('-') == std::string_view::npos;
}

bool is_dotted(std::string_view text) {
  std::vector<std::string_view> const parts = split(text, '.');
  return std::all_of(parts.begin(), parts.end(), is_identifier);
}

// The modules that a file imports, by their first part: "import a.b as c, d" gives a, d and
// "from a.b import c" gives a. Other forms of importing are not followed.
std::vector<std::string> imports_of(std::string_view content) {
  std::vector<std::string> modules;
  for (std::string_view line : split(content, '\n')) {
    std::string_view rest = trim(line);
    bool const is_from = rest.starts_with("from ");
    if (!is_from && !rest.starts_with("import ")) continue;
    rest = trim(rest.substr(is_from ? 5 : 7));
    for (std::string_view item : split(is_from ? rest.substr(0, rest.find(' ')) : rest, ',')) {
      std::string_view const module = trim(item);
      std::string_view const first = module.substr(0, module.find_first_of(". ;#"));
      if (is_identifier(first)) modules.emplace_back(first);
    }
  }
  return modules;
}

// The names that a module defines or imports at the start of a line.
std::vector<std::string> functions_of(std::string_view content) {
  std::vector<std::string> names;
  for (std::string_view line : split(content, '\n')) {
    for (std::string_view word : {"def ", "async def ", "class "}) {
      if (!line.starts_with(word)) continue;
      std::string_view const rest = trim(line.substr(word.size()));
      names.emplace_back(rest.substr(0, rest.find_first_of("(: ")));
    }
  }
  return names;
}

// Whether the word stands anywhere in the text: an assignment or an import can make it too.
bool mentions(std::string_view content, std::string_view word) {
  auto is_part = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  for (size_t at = content.find(word); at != std::string_view::npos;
       at = content.find(word, at + 1)) {
    bool const is_start = at == 0 || !is_part(content[at - 1]);
    size_t const end = at + word.size();
    if (is_start && (end >= content.size() || !is_part(content[end]))) return true;
  }
  return false;
}

// Puts modules of the project's python/ folder into the bundle, with what they import from there.
class PythonTree {
 public:
  explicit PythonTree(const SettingsPlace& at) : at_(at) {
    for (const std::string& path : at.loading.list("python")) {
      if (path.find("/__pycache__/") != std::string::npos || path.ends_with(".pyc")) continue;
      std::string_view const inside = std::string_view(path).substr(std::string("python/").size());
      size_t const slash = inside.find('/');
      if (slash != std::string_view::npos) {
        files_[std::string(inside.substr(0, slash))].push_back(path);
      } else if (inside.ends_with(".py")) {
        files_[std::string(inside.substr(0, inside.size() - 3))].push_back(path);
      }
    }
  }

  bool has(const std::string& module) const { return files_.count(module) != 0; }

  std::vector<std::string> modules() const {
    std::vector<std::string> names;
    for (const auto& [name, paths] : files_) names.push_back(name);
    return names;
  }

  void add(const std::string& first_module) {
    std::vector<std::string> open{first_module};
    while (!open.empty()) {
      std::string const module = std::move(open.back());
      open.pop_back();
      auto const found = files_.find(module);
      if (found == files_.end() || !done_.insert(module).second) continue;
      for (const std::string& path : found->second) {
        const std::string* content =
            at_.loading.add_file(path, kMaxFileBytes, at_.node.mark, at_.what);
        if (content == nullptr || !path.ends_with(".py")) continue;
        for (std::string& name : imports_of(*content)) open.push_back(std::move(name));
      }
    }
  }

 private:
  const SettingsPlace& at_;
  std::map<std::string, std::vector<std::string>> files_;  // by the first part of the module's name
  std::set<std::string> done_;
};

void check_function(const SettingsPlace& at, const std::string& path, const std::string& function) {
  auto const content = at.loading.files.find(path);
  if (content == at.loading.files.end() || mentions(content->second, function)) return;
  std::vector<std::string> const known = functions_of(content->second);
  std::string const near = at.loading.problems.did_you_mean(function, known);
  at.loading.problems.add(
      at.node.mark, fmt::format("{}: '{}' has no function '{}'{} {}", at.what, path, function,
                                near.empty() ? ";" : near,
                                known.empty() ? "it defines none" : "it has: " + some_of(known)));
}

}  // namespace

void read_python(const SettingsPlace& at) {
  auto const text = at.loading.reader.text(at.node, at.what);
  if (!text) return;
  size_t const colon = text->find(':');
  std::string const module = text->substr(0, colon);
  std::string const function = colon == std::string::npos ? "" : text->substr(colon + 1);
  if (!is_dotted(module) || !is_identifier(function)) {
    at.loading.reader.report(at.node, at.what, "module:function, such as features:main");
    return;
  }
  PythonTree tree(at);
  std::string const first = module.substr(0, module.find('.'));
  if (!tree.has(first)) {
    std::string const near = at.loading.problems.did_you_mean(first, tree.modules());
    at.loading.problems.add(
        at.node.mark, fmt::format("{}: there is no module python/{}.py{}", at.what, first, near));
    return;
  }
  tree.add(first);
  for (const std::string& name : at.loading.preload) tree.add(name.substr(0, name.find('.')));
  std::string path = "python/" + module;
  std::replace(path.begin(), path.end(), '.', '/');
  bool const is_package = at.loading.files.count(path + "/__init__.py") != 0;
  path += is_package ? "/__init__.py" : ".py";
  const std::vector<std::string>& all = at.loading.list("python");
  if (std::find(all.begin(), all.end(), path) == all.end()) {
    at.loading.problems.add(at.node.mark, fmt::format("{}: there is no file '{}'{}", at.what, path,
                                                      at.loading.problems.did_you_mean(path, all)));
    return;
  }
  check_function(at, path, function);
  at.task.settings = PythonSettings{*text, at.loading.interpreter, at.loading.preload};
}

}  // namespace tidemill::flow
